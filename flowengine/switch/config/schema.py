"""The published JSON Schema of the configuration file, generated from the typed model by
`flowengine schema`.
"""

import ast
import inspect
import json
from dataclasses import fields
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from flowengine.switch.config.model import Configuration
from flowengine.switch.settings import Settings

FILE = "switch.schema.json"
INSTALLED = Path(__file__).parents[2] / "schemas"
CHECKED_OUT = Path(__file__).parents[3] / "schemas"
DIALECT = "https://json-schema.org/draft/2020-12/schema"
NEVER_ZERO = {"characters_per_second"}


@cache
def schema() -> dict[str, Any]:
    """The published schema."""
    folder = INSTALLED if INSTALLED.is_dir() else CHECKED_OUT
    return json.loads((folder / FILE).read_bytes())  # type: ignore[no-any-return]


def generated() -> dict[str, Any]:
    """The schema as the typed model has it. A test keeps the published file equal to it."""
    (top,), components = msgspec.json.schema_components(
        [Configuration], ref_template="#/$defs/{name}"
    )
    components[Settings.__name__] = {
        **components[Settings.__name__],
        "properties": settings_properties(),
        "additionalProperties": False,
    }
    return {
        "$schema": DIALECT,
        "title": "The configuration of the switch",
        **top,
        "$defs": components,
    }


def settings_properties() -> dict[str, Any]:
    """Each setting with what its docstring says of it, so that nothing has to be said twice."""
    plain = msgspec.json.schema(Settings)["$defs"][Settings.__name__]["properties"]
    said = docstrings()
    return {
        name: {
            **about,
            **bounds(name, about),
            "description": said.get(name, ""),
            "examples": [example(name)],
        }
        for name, about in plain.items()
    }


def bounds(name: str, plain: dict[str, Any]) -> dict[str, Any]:
    if plain.get("type") not in ("number", "integer"):
        return {}
    return {"exclusiveMinimum" if name in NEVER_ZERO else "minimum": 0}


def example(name: str) -> object:
    return next(field.default for field in fields(Settings) if field.name == name)


def docstrings() -> dict[str, str]:
    """What is written below each setting."""
    (made,) = ast.parse(inspect.getsource(Settings)).body
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


def write(folder: Path) -> None:
    """Write the generated schema; run after a change of the model or of the settings."""
    (folder / FILE).write_text(json.dumps(generated(), indent=1, ensure_ascii=False) + "\n")
