"""The published JSON Schema of the configuration file, generated from the typed model by
`flowengine schema`.
"""

import ast
import inspect
import json
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
from msgspec.structs import fields

from flowengine.switch.config.configuration_model import Configuration
from flowengine.switch.switch_settings import SwitchSettings

SWITCH_SCHEMA_FILE = "switch.schema.json"
INSTALLED_SWITCH_SCHEMAS = Path(__file__).parents[2] / "schemas"
CHECKOUT_SWITCH_SCHEMAS = Path(__file__).parents[3] / "schemas"
SWITCH_SCHEMA_DIALECT = "https://json-schema.org/draft/2020-12/schema"
POSITIVE_SETTINGS = {"characters_per_second"}


@cache
def load_schema() -> dict[str, Any]:
    """The published schema."""
    folder = (
        INSTALLED_SWITCH_SCHEMAS if INSTALLED_SWITCH_SCHEMAS.is_dir() else CHECKOUT_SWITCH_SCHEMAS
    )
    return json.loads((folder / SWITCH_SCHEMA_FILE).read_bytes())  # type: ignore[no-any-return]


def generate_schema() -> dict[str, Any]:
    """The schema as the typed model has it. A test keeps the published file equal to it."""
    (top,), components = msgspec.json.schema_components(
        [Configuration], ref_template="#/$defs/{name}"
    )
    components[SwitchSettings.__name__] = {
        **components[SwitchSettings.__name__],
        "properties": build_settings_properties(),
        "additionalProperties": False,
    }
    return {
        "$schema": SWITCH_SCHEMA_DIALECT,
        "title": "The configuration of the switch",
        **top,
        "$defs": components,
    }


def build_settings_properties() -> dict[str, Any]:
    """Each setting with what its docstring says of it, so that nothing has to be said twice."""
    plain = msgspec.json.schema(SwitchSettings)["$defs"][SwitchSettings.__name__]["properties"]
    said = read_docstrings()
    return {
        name: {
            **about,
            **get_bounds(name, about),
            "description": said.get(name, ""),
            "examples": [get_example(name)],
        }
        for name, about in plain.items()
    }


def get_bounds(name: str, plain: dict[str, Any]) -> dict[str, Any]:
    if plain.get("type") not in ("number", "integer"):
        return {}
    return {"exclusiveMinimum" if name in POSITIVE_SETTINGS else "minimum": 0}


def get_example(name: str) -> object:
    return next(field.default for field in fields(SwitchSettings) if field.name == name)


def read_docstrings() -> dict[str, str]:
    """What is written below each setting."""
    (made,) = ast.parse(inspect.getsource(SwitchSettings)).body
    assert isinstance(made, ast.ClassDef)  # noqa: S101
    pairs = zip(made.body, made.body[1:], strict=False)
    return {
        field.target.id: " ".join(text.value.value.split())
        for field, text in pairs
        if isinstance(field, ast.AnnAssign)
        and isinstance(field.target, ast.Name)
        and isinstance(text, ast.Expr)
        and isinstance(text.value, ast.Constant)
        and isinstance(text.value.value, str)
    }


def write_schema(folder: Path) -> None:
    """Write the generated schema; run after a change of the model or of the settings."""
    (folder / SWITCH_SCHEMA_FILE).write_text(
        json.dumps(generate_schema(), indent=1, ensure_ascii=False) + "\n"
    )
