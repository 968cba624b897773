"""`flowengine schema`."""

from pathlib import Path

import click

from flowengine.model.json_schemas import SCHEMA_MODELS, write_schemas
from flowengine.scenarios.scenario_model import SCENARIO_MODEL
from flowengine.switch.config.configuration_schema import write_schema as write_switch


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False))
def schema(folder: Path) -> None:
    """Write the JSON Schemas of the language.

    FOLDER gets one schema per kind of file, as the typed model has them; editors complete and check
    with these.
    """
    write_schemas(folder, {**SCHEMA_MODELS, **SCENARIO_MODEL})
    write_switch(folder)
    click.echo(f"wrote {', '.join(sorted(path.name for path in folder.glob('*.schema.json')))}")
