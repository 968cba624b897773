"""The files of a project to its typed model with every problem of form."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import msgspec

from flowengine.model.flow import Flow
from flowengine.model.folder import PARTS, PROJECT_FILE
from flowengine.model.memory import Memory
from flowengine.model.project import Project
from flowengine.model.schema import MODELS, schema
from flowengine.problems import Problem, Span
from flowengine.source import (
    Document,
    Path,
    check,
    internal_errors_reported,
    read,
)

KINDS = {"calendars": "calendar", "tables": "table", "messages": "messages"}


@dataclass(frozen=True, slots=True)
class Authored:
    """A project that is well formed. `places` tells where a calendar, table or message was written;
    `common` are the files that all flows share.
    """

    project: Project
    project_document: Document | None
    flows: Mapping[str, tuple[Flow, Document]]
    places: Mapping[tuple[str, str], tuple[Document, Path]]
    common: tuple[Document, ...]


@dataclass(frozen=True, slots=True)
class File:
    """One file by itself. `flow` is there where it holds a flow that can be looked at, if need be
    with stand-ins.
    """

    document: Document | None
    formed: bool
    problems: tuple[Problem, ...]
    flow: tuple[Flow, Document] | None = None


@dataclass(slots=True)
class Gathered:
    """A project being read."""

    problems: list[Problem] = field(default_factory=list)
    project: dict[str, Any] = field(default_factory=lambda: {"project": "unnamed"})
    document: Document | None = None
    flows: dict[str, tuple[Flow, Document]] = field(default_factory=dict)
    places: dict[tuple[str, str], tuple[Document, Path]] = field(default_factory=dict)
    common: list[Document] = field(default_factory=list)


def load(
    files: Mapping[str, bytes], memory: Memory | None = None
) -> tuple[Authored, list[Problem]]:
    """The typed model of these files. Files with problems of form are left out of it; files that
    `memory` knows are not read again.
    """
    memory = memory or Memory()
    gathered = Gathered()
    names = sorted(files, key=lambda name: (name != PROJECT_FILE, name))
    for name in names:
        with internal_errors_reported(gathered.problems, Span(name, 1, 1, 1, 1)):
            take(
                gathered,
                name,
                memory.recall(("file", name), files[name], partial(file, name, files[name])),
            )
    if not any("/" not in name and name != PROJECT_FILE for name in names):
        gathered.problems.append(
            Problem(
                "FE501",
                place_of_project(files),
                "this project has no flow",
                "write one, such as main.yaml",
            )
        )
    common = tuple(gathered.common)
    project = memory.recall(
        ("project",), common, lambda: msgspec.convert(gathered.project, Project)
    )
    return Authored(
        project, gathered.document, gathered.flows, gathered.places, common
    ), gathered.problems


def place_of_project(files: Collection[str]) -> Span:
    """Where to tell of what concerns a project as a whole: at its file, else at its folder."""
    return Span(PROJECT_FILE, 1, 1, 1, 1) if PROJECT_FILE in files else Span.unread(".")


def file(name: str, content: bytes) -> File:
    """What one file says, whatever the others say."""
    document, problems = read(content, name)
    if document is None:
        return File(None, formed=False, problems=tuple(problems))
    folder = name.rpartition("/")[0]
    kind = "project" if name == PROJECT_FILE else KINDS.get(folder, "flow")
    wrong = [] if fits(document.data, kind) else check(document, schema(kind))
    problems += wrong
    formed = not any(problem.severity == "error" for problem in wrong) and is_whole(document, kind)
    usable = document if formed else mended(document, problems) if kind == "flow" else None
    flow = (msgspec.convert(usable.data, Flow), usable) if kind == "flow" and usable else None
    return File(document, formed, tuple(problems), flow)


def is_whole(document: Document, kind: str) -> bool:
    """Whether the model takes the file without the values that could not be read, which the
    schema does not judge.
    """
    return not document.broken or is_typed(document.data, kind)


def is_typed(data: Any, kind: str) -> bool:
    try:
        msgspec.convert(data, MODELS[kind][1])
    except msgspec.ValidationError:
        return False
    return True


def fits(data: Any, kind: str) -> bool:
    """Whether the typed model takes it. The model is of one mind with its schema, and far quicker;
    only the schema can say what is wrong.

    To patterns of the model a line break at the end is nothing; so what has one is left to the
    schema.
    """
    return is_typed(data, kind) and not broken_off(data)


def broken_off(data: Any) -> bool:
    """Whether any text in it ends in a line break."""
    if isinstance(data, str):
        return data.endswith("\n")
    if isinstance(data, dict):
        return any(key.endswith("\n") for key in data) or any(map(broken_off, data.values()))
    return isinstance(data, list) and any(map(broken_off, data))


def take(gathered: Gathered, name: str, read: File) -> None:
    gathered.problems += read.problems
    folder, _, own = name.rpartition("/")
    if name == PROJECT_FILE or folder in PARTS:
        if read.formed and read.document:
            gathered.common.append(read.document)
            take_common(gathered, folder, own.rsplit(".", 1)[0], read.document)
    elif read.flow:
        take_flow(gathered, *read.flow)


def take_common(gathered: Gathered, part: str, name: str, document: Document) -> None:
    if part:
        take_part(gathered, part, name, document)
    else:
        take_project(gathered, document)


def take_project(gathered: Gathered, document: Document) -> None:
    gathered.project = dict(document.data)
    gathered.document = document
    for part in PARTS:
        for name in document.data.get(part) or {}:
            gathered.places[part, name] = (document, (part, name))


def take_part(gathered: Gathered, part: str, name: str, document: Document) -> None:
    """A file of calendars/, tables/ or messages/. A file of messages holds many; the others are
    one, named like the file.
    """
    found = document.data if part == "messages" else {name: document.data}
    merged = dict(gathered.project.get(part) or {})
    for key, value in found.items():
        path: Path = (key,) if part == "messages" else ()
        if key in merged:
            gathered.problems.append(
                Problem(
                    "FE502",
                    document.span(path),
                    f"there is another entry {key} in {part}",
                    "give one of them another name",
                )
            )
        merged[key] = value
        gathered.places[part, key] = (document, path)
    gathered.project = {**gathered.project, part: merged}


def take_flow(gathered: Gathered, flow: Flow, document: Document) -> None:
    if flow.flow in gathered.flows:
        other = gathered.flows[flow.flow][1].file
        gathered.problems.append(
            Problem(
                "FE502",
                document.span(("flow",)),
                f"{other} is also called {flow.flow}",
                "give one of them another name",
            )
        )
    gathered.flows.setdefault(flow.flow, (flow, document))


def mended(document: Document, problems: list[Problem]) -> Document | None:
    """The flow with a stand-in for each state that is not well formed, so that names, types and
    ways of all others are still looked at.

    None where something else than a state is not well formed: too much would be guessed.
    """
    states = document.data.get("states") if isinstance(document.data, dict) else None
    errors = [problem.span for problem in problems if problem.severity == "error"]
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
    return (
        (value.line, value.column) <= (span.line, span.column) <= (value.end_line, value.end_column)
    )
