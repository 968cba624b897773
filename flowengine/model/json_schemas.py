"""The published JSON Schemas, read from the package; they are generated from the typed model by
`flowengine schema`.
"""

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, Any

import msgspec

from flowengine.model.bare_locales import add_bare_locales, drop_bare_locales
from flowengine.model.flow import Flow
from flowengine.model.group_file import GroupFile
from flowengine.model.project_file import Project, TableFile
from flowengine.states.field_types import LOCALE_PATTERN, Name, mark_name
from flowengine.states.prompt import LocalisedText

INSTALLED_SCHEMAS = Path(__file__).parents[1] / "schemas"
REPOSITORY_SCHEMAS = Path(__file__).parents[2] / "schemas"
OTHER_NAMES = "x-other-names"
"""Marks a field whose entries stand beside the other fields, under names that a file gives"""
SCHEMA_DIALECT = "https://json-schema.org/draft/2020-12/schema"
SCHEMA_MODELS: Mapping[str, tuple[str, Any]] = {
    "flow": ("A call flow", Flow),
    "project": ("What flows share", Project),
    "table": ("Data to look up", TableFile),
    "messages": (
        "Texts that several prompts share",
        dict[Annotated[Name, mark_name("message", defined=True)], LocalisedText],
    ),
    "calendar": ("Opening hours", dict[str, Any]),
    "group": ("People who take calls together", GroupFile),
}


@cache
def load_schema(name: str) -> dict[str, Any]:
    """The schema of this name for what flowengine reads: prompts are in one of their long forms."""
    schema = read_published_schema(name)
    drop_bare_locales(schema)
    return schema


def read_published_schema(name: str) -> dict[str, Any]:
    """The published schema of this name."""
    folder = INSTALLED_SCHEMAS if INSTALLED_SCHEMAS.is_dir() else REPOSITORY_SCHEMAS
    return json.loads((folder / f"{name}.schema.json").read_bytes())  # type: ignore[no-any-return]


def generate_schema(name: str) -> dict[str, Any]:
    """The schema as the typed model has it. A test keeps the published file equal to it."""
    return describe_model(*SCHEMA_MODELS[name])


def describe_model(title: str, model: Any) -> dict[str, Any]:
    """The schema of one kind of file."""
    (top,), components = msgspec.json.schema_components([model], ref_template="#/$defs/{name}")
    for part in components.values():
        if "description" in part:  # a docstring, with the line breaks of its source
            part["description"] = " ".join(part["description"].split())
        _move_other_names(part)
        for field in part.get("properties", {}).values():
            if "$ref" in field and "x-hint" in field:  # beside the keywords that fail
                components[field["$ref"].rpartition("/")[2]]["x-hint"] = field.pop("x-hint")
    schema = {"$schema": SCHEMA_DIALECT, "title": title, **top, "$defs": components}
    add_bare_locales(schema, LOCALE_PATTERN)
    return schema


def _move_other_names(part: dict[str, Any]) -> None:
    """Entries of a field with this mark stand beside the other fields."""
    fields = part.get("properties", {})
    for name in [name for name, value in fields.items() if OTHER_NAMES in value]:
        part["additionalProperties"] = fields.pop(name)["additionalProperties"]


def write_schemas(folder: Path, models: Mapping[str, tuple[str, Any]] = SCHEMA_MODELS) -> None:
    """Write the generated schemas; run after a change of the language."""
    for name, (title, model) in models.items():
        (folder / f"{name}.schema.json").write_text(
            json.dumps(describe_model(title, model), indent=1, ensure_ascii=False) + "\n"
        )
