"""`flowengine serve`."""

from pathlib import Path

import click

from flowengine.cli.project import Loaded, loaded
from flowengine.server.run import prepare
from flowengine.server.run import serve as run
from flowengine.server.settings import DEFAULT_STORE, KEY, SECRET, Settings, SettingsError


@click.command()
@click.argument("flows", type=click.Path(path_type=Path))
@click.option("--host", default=Settings.host, show_default=True, help="The address to listen on.")
@click.option("--port", default=Settings.port, show_default=True, type=click.IntRange(0, 65535), help="The port to listen on.")
@click.option("--workers", default=Settings.workers, show_default=True, type=click.IntRange(1, 64), help="Processes that answer.")
@click.option("--store", default=DEFAULT_STORE, show_default=True, help="sqlite:PATH, or none where the platform returns cookies.")
@click.option("--callback-path", default=Settings.callback_path, show_default=True, help="Where the platform posts callbacks.")
@click.option("--drain", default=0.0, show_default=True, type=click.FloatRange(0, 300), help="Seconds to go on after SIGTERM, not ready.")
def serve(flows: Path, **options: object) -> None:
    """Answer the callbacks of the platform.

    FLOWS is a folder, or a single file. Credentials come from SINCH_APPLICATION_KEY and SINCH_APPLICATION_SECRET, or from
    applications: in project.yaml. Without any, callbacks are taken unsigned, on loopback only.

    Beside callbacks it answers /healthz, /readyz and /metrics, which are for your own network alone.
    """
    settings = Settings(str(flows.resolve()), **options)  # type: ignore[arg-type]  # click has checked them
    project = loaded(flows, cookies_only=settings.cookies_only)
    if project.compiled.release is None:
        click.echo(project.listing(project.errors), err=True)
        raise SystemExit(1)
    try:
        signed = prepare(settings, project.compiled.release)
    except SettingsError as error:
        raise click.UsageError(str(error)) from error
    announce(settings, project, signed=signed)
    run(settings)


def announce(settings: Settings, project: Loaded, *, signed: bool) -> None:
    if project.problems:
        click.echo(project.listing(project.problems), err=True)
    click.echo(f"{project.summary()}; serving http://{settings.host}:{settings.port}{settings.callback_path}", err=True)
    if not signed:
        click.echo(
            f"NO CREDENTIALS: callbacks are taken unsigned, and on {settings.host} only. Set {KEY} and {SECRET} to serve others.", err=True
        )
