"""`flowengine new`."""

import shlex
from pathlib import Path

import click

from flowengine.cli.file_set import write_file_set
from flowengine.templates import list_templates, read_template

TEMPLATE_SUMMARIES = list_templates()


class TemplateCommand(click.Command):
    """A command whose help lists the templates with what they do."""

    # click's signature
    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Write the list below the options."""
        with formatter.section("Templates"):
            formatter.write_dl(list(TEMPLATE_SUMMARIES.items()))


@click.command(cls=TemplateCommand)
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option(
    "--template",
    type=click.Choice(list(TEMPLATE_SUMMARIES)),
    default="menu",
    show_default=True,
    metavar="NAME",
    help="The template, one of the list below.",
)
def new(folder: Path, template: str) -> None:
    """Begin a project that works, with scenarios.

    FOLDER is made; where it exists, it must be empty. The files are yours to change: numbers and
    words in them are examples.
    """
    files = read_template(template, folder.absolute().name)
    try:
        if folder.is_dir() and any(folder.iterdir()):
            raise click.UsageError(f"{folder} is not empty: name a folder that is")
        write_file_set({folder / name: text.encode() for name, text in files.items()})
    except OSError as error:
        raise click.ClickException(f"{folder}: {error.strerror}") from error
    flow = next(name for name in files if "/" not in name and name != "project.yaml")
    click.echo(f"{folder}: {', '.join(files)}")
    quoted = shlex.quote(str(folder))
    for command in ("check", "test", "console", "serve"):
        click.echo(f"  flowengine {command} {quoted}")
    click.echo(f"  flowengine call {quoted} --flow {Path(flow).stem}")
