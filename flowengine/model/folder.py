"""A project folder, as file contents, to its typed model with every problem of form."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path as FilePath
from typing import Any

import msgspec

from flowengine.limits import MAX_PROJECT_FILES
from flowengine.model.flow import Flow
from flowengine.model.project import Project
from flowengine.model.schema import schema
from flowengine.problems import Problem, Span
from flowengine.source import Document, Path, check, read

PROJECT_FILE = "project.yaml"
PARTS = ("calendars", "tables", "messages")


@dataclass(frozen=True, slots=True)
class Authored:
    """A project that is well formed. `places` tells where a calendar, table or message was written."""

    project: Project
    project_document: Document | None
    flows: Mapping[str, tuple[Flow, Document]]
    places: Mapping[tuple[str, str], tuple[Document, Path]]


@dataclass(slots=True)
class Gathered:
    """A project being read."""

    problems: list[Problem] = field(default_factory=list)
    project: dict[str, Any] = field(default_factory=lambda: {"project": "unnamed"})
    document: Document | None = None
    flows: dict[str, tuple[Flow, Document]] = field(default_factory=dict)
    places: dict[tuple[str, str], tuple[Document, Path]] = field(default_factory=dict)


def read_folder(folder: FilePath) -> dict[str, bytes]:
    """The YAML files of a project by their path in it. A single file is a project of one flow, unless a project file lies beside it.

    Raises OSError where the folder cannot be read.
    """
    if folder.is_file():
        beside = (folder.parent / PROJECT_FILE).is_file()
        return read_folder(folder.parent) if beside else {folder.name: folder.read_bytes()}
    if not folder.is_dir():
        raise FileNotFoundError(f"there is no folder or file {folder}")
    files = sorted(path for pattern in ("*.yaml", "*.yml", *(f"{part}/*.y*ml" for part in PARTS)) for path in folder.glob(pattern))
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files[:MAX_PROJECT_FILES]}


def load(files: Mapping[str, bytes]) -> tuple[Authored, list[Problem]]:
    """The typed model of these files. Files with problems of form are left out of it."""
    gathered = Gathered()
    names = sorted(files, key=lambda name: (name != PROJECT_FILE, name))
    for name in names:
        take(gathered, name, files[name])
    if not any("/" not in name and name != PROJECT_FILE for name in names):
        gathered.problems.append(
            Problem("FE501", Span(PROJECT_FILE, 1, 1, 1, 1), "this project has no flow", "write one, such as main.yaml")
        )
    project = msgspec.convert(gathered.project, Project)
    return Authored(project, gathered.document, gathered.flows, gathered.places), gathered.problems


def take(gathered: Gathered, name: str, content: bytes) -> None:
    document, problems = read(content, name)
    gathered.problems += problems
    if document is None:
        return
    folder, _, file = name.rpartition("/")
    if name == PROJECT_FILE:
        take_project(gathered, document)
    elif folder in PARTS:
        take_part(gathered, folder, file.rsplit(".", 1)[0], document)
    else:
        take_flow(gathered, document)


def take_project(gathered: Gathered, document: Document) -> None:
    if formed(gathered, document, "project"):
        gathered.project = dict(document.data)
        gathered.document = document
        for part in PARTS:
            for name in document.data.get(part) or {}:
                gathered.places[part, name] = (document, (part, name))


def take_part(gathered: Gathered, part: str, name: str, document: Document) -> None:
    """A file of calendars/, tables/ or messages/. A file of messages holds many; the others are one, named like the file."""
    if not formed(gathered, document, {"calendars": "calendar", "tables": "table", "messages": "messages"}[part]):
        return
    found = document.data if part == "messages" else {name: document.data}
    merged = dict(gathered.project.get(part) or {})
    for key, value in found.items():
        path: Path = (key,) if part == "messages" else ()
        if key in merged:
            gathered.problems.append(
                Problem("FE502", document.span(path), f"there is another entry {key} in {part}", "give one of them another name")
            )
        merged[key] = value
        gathered.places[part, key] = (document, path)
    gathered.project = {**gathered.project, part: merged}


def take_flow(gathered: Gathered, document: Document) -> None:
    usable = document if formed(gathered, document, "flow") else mended(document, gathered.problems)
    if usable is None:
        return
    flow = msgspec.convert(usable.data, Flow)
    if flow.flow in gathered.flows:
        other = gathered.flows[flow.flow][1].file
        gathered.problems.append(
            Problem("FE502", document.span(("flow",)), f"{other} is also called {flow.flow}", "give one of them another name")
        )
    gathered.flows.setdefault(flow.flow, (flow, usable))


def mended(document: Document, problems: list[Problem]) -> Document | None:
    """The flow with a stand-in for each state that is not well formed, so that names, types and ways of all others are still looked at.

    None where something else than a state is not well formed: too much would be guessed.
    """
    states = document.data.get("states") if isinstance(document.data, dict) else None
    errors = [problem.span for problem in problems if problem.span.file == document.file and problem.severity == "error"]
    if not isinstance(states, dict):
        return None
    broken = {name for name in states if any(inside(document, name, span) for span in errors)}
    if any(not any(inside(document, name, span) for name in broken) for span in errors):
        return None
    sound = {name: {"hangup": None} if name in broken else state for name, state in states.items()}
    return replace(document, data={**document.data, "states": sound})


def inside(document: Document, state: str, span: Span) -> bool:
    """Whether a place lies in what a state says; a mistake in its name lies outside."""
    value = document.span(("states", state))
    return (value.line, value.column) <= (span.line, span.column) <= (value.end_line, value.end_column)


def formed(gathered: Gathered, document: Document, name: str) -> bool:
    problems = check(document, schema(name))
    gathered.problems += problems
    return not any(problem.severity == "error" for problem in problems)
