"""`flowengine serve`."""

from functools import partial
from pathlib import Path
from typing import Any

import click

from flowengine.cli.console_address import check_console, open_console
from flowengine.cli.serve_options import CONFIG_FILE, CONFIG_OPTION, SERVE_OPTIONS
from flowengine.cli.serve_settings import build_settings
from flowengine.server.server_run import run_server
from flowengine.server.server_settings import ServerSettings, SettingsError


def load_config_file(ctx: click.Context, _param: click.Parameter, path: Path | None) -> None:
    """Have the file say the defaults of the options that no flag and no variable says."""
    if path is None and not Path(CONFIG_FILE).is_file():
        return
    # a server without a file need not import what reads it
    from flowengine.cli.config_file import read_config_file  # noqa: PLC0415

    ctx.obj = file = read_config_file(path or Path(CONFIG_FILE))
    names = {option.key: option.name for option in SERVE_OPTIONS}
    ctx.default_map = {str(names[key]): value for key, value in file.values.items()}


CONFIG_OPTION.callback = load_config_file


@click.command(params=[*SERVE_OPTIONS, CONFIG_OPTION])
@click.option(
    "--check", is_flag=True, help="Say what is in force and what is wrong, and do not serve."
)
@click.pass_context
def serve(ctx: click.Context, /, *, check: bool, **options: Any) -> None:
    """Answer the callbacks of the platform.

    FLOWS is a folder, or a single file; with --git it is a branch of a repository instead. What
    changes there is live a moment later, unless it has errors; calls under way stay on what they
    began on.

    Each option is also a variable (--calls-at-once is FLOWENGINE_CALLS_AT_ONCE) and a key of
    flowengine.toml (calls-at-once). A flag counts first, then the variable, then the file.

    Credentials come from SINCH_APPLICATION_KEY and SINCH_APPLICATION_SECRET, or from applications:
    in project.yaml. Without any, callbacks are taken unsigned, on loopback only.

    Its console, pages that show and call the flows, is for browsers on this machine, unless
    FLOWENGINE_ADMIN_TOKEN is set: then everybody signs in.

    Beside callbacks it answers /healthz and /readyz, and with the token of
    FLOWENGINE_STATUS_TOKEN /metrics and /status. SIGHUP replaces the workers and loses no
    callback; SIGTERM ends the server.
    """
    if check:
        # a server need not import what checks it
        from flowengine.cli.serve_check import check_configuration  # noqa: PLC0415

        raise SystemExit(check_configuration(ctx, options))
    if ctx.obj and ctx.obj.problems:
        raise click.UsageError("\n".join(ctx.obj.problems))
    settings = build_settings(ctx, options)
    load = partial(prepare, settings, Path(settings.git or settings.flows))
    console = options["console"]
    launch = None if options["no_console"] else partial(open_console, settings, console)
    try:
        if launch:
            check_console(console)
        raise SystemExit(run_server(settings, load, launch))
    except SettingsError as error:
        raise click.UsageError(str(error)) from error


def prepare(settings: ServerSettings, folder: Path) -> object:
    """Prepare the server and say so; what its workers begin with. Runs in the process that forks
    them, and imports there what the others need not have in memory.
    """
    from flowengine.cli.server_announcement import prepare_and_announce  # noqa: PLC0415

    return prepare_and_announce(settings, folder)
