"""The published JSON Schemas, read from the package; they are generated from the typed model by
`flowengine schema`.
"""

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from flowengine.model.flow import Flow
from flowengine.model.project import Project, Table
from flowengine.states.fields import Name
from flowengine.states.prompt import Localised

INSTALLED = Path(__file__).parents[1] / "schemas"
CHECKED_OUT = Path(__file__).parents[2] / "schemas"
DIALECT = "https://json-schema.org/draft/2020-12/schema"
MODELS: Mapping[str, tuple[str, Any]] = {
    "flow": ("A call flow", Flow),
    "project": ("What flows share", Project),
    "table": ("Data to look up", Table),
    "messages": ("Texts that several prompts share", dict[Name, Localised]),
    "calendar": ("Opening hours", dict[str, Any]),
}


@cache
def schema(name: str) -> dict[str, Any]:
    """The published schema of this name."""
    folder = INSTALLED if INSTALLED.is_dir() else CHECKED_OUT
    return json.loads((folder / f"{name}.schema.json").read_bytes())  # type: ignore[no-any-return]


def generated(name: str) -> dict[str, Any]:
    """The schema as the typed model has it. A test keeps the published file equal to it."""
    return described(*MODELS[name])


def described(title: str, model: Any) -> dict[str, Any]:
    """The schema of one kind of file."""
    (top,), components = msgspec.json.schema_components([model], ref_template="#/$defs/{name}")
    for part in components.values():
        if "description" in part:  # a docstring, with the line breaks of its source
            part["description"] = " ".join(part["description"].split())
    return {"$schema": DIALECT, "title": title, **top, "$defs": components}


def write(folder: Path, models: Mapping[str, tuple[str, Any]] = MODELS) -> None:
    """Write the generated schemas; run after a change of the language."""
    for name, (title, model) in models.items():
        (folder / f"{name}.schema.json").write_text(
            json.dumps(described(title, model), indent=1, ensure_ascii=False) + "\n"
        )
