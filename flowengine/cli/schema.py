"""`flowengine schema`."""

from pathlib import Path

import click

from flowengine.model.schema import MODELS, write
from flowengine.scenarios.model import MODEL
from flowengine.switch.config.schema import write as write_switch


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False))
def schema(folder: Path) -> None:
    """Write the JSON Schemas of the language.

    FOLDER gets one schema per kind of file, as the typed model has them; editors complete and check
    with these.
    """
    write(folder, {**MODELS, **MODEL})
    write_switch(folder)
    click.echo(f"wrote {', '.join(sorted(path.name for path in folder.glob('*.schema.json')))}")
