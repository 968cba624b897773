"""The files of a project to its typed model with every problem of form."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import msgspec

from flowengine.model.compile_cache import CompileCache
from flowengine.model.flow import Flow
from flowengine.model.json_schemas import SCHEMA_MODELS, load_schema
from flowengine.model.project_file import Project
from flowengine.problems import Problem, Span
from flowengine.source import (
    Document,
    KeyPath,
    read_document,
    report_internal_errors,
)
from flowengine.sources.project_folder import PROJECT_FILE, PROJECT_PARTS
from flowengine.states import STAND_IN_STATE

KINDS_BY_FOLDER = {"calendars": "calendar", "tables": "table", "messages": "messages"}


@dataclass(frozen=True, slots=True)
class AuthoredProject:
    """A well-formed project. `locations` are the places of calendars, tables and messages;
    `shared_documents` are the files that all flows share.
    """

    project: Project
    project_document: Document | None
    flows: Mapping[str, tuple[Flow, Document]]
    locations: Mapping[tuple[str, str], tuple[Document, KeyPath]]
    shared_documents: tuple[Document, ...]


@dataclass(frozen=True, slots=True)
class AuthoredFile:
    """One file by itself. `flow` is there where it holds a flow that can be looked at, if need be
    with stand-ins.
    """

    document: Document | None
    is_well_formed: bool
    problems: tuple[Problem, ...]
    flow: tuple[Flow, Document] | None = None


@dataclass(slots=True)
class PartialProject:
    """A project being read."""

    problems: list[Problem] = field(default_factory=list)
    project: dict[str, Any] = field(default_factory=lambda: {"project": "unnamed"})
    document: Document | None = None
    flows: dict[str, tuple[Flow, Document]] = field(default_factory=dict)
    locations: dict[tuple[str, str], tuple[Document, KeyPath]] = field(default_factory=dict)
    shared_documents: list[Document] = field(default_factory=list)


def load_project(
    files: Mapping[str, bytes], memory: CompileCache | None = None
) -> tuple[AuthoredProject, list[Problem]]:
    """The typed model of these files. Files with problems of form are left out of it; files that
    `memory` knows are not read again.
    """
    memory = memory or CompileCache()
    gathered = PartialProject()
    names = sorted(files, key=lambda name: (name != PROJECT_FILE, name))
    for name in names:
        with report_internal_errors(gathered.problems, partial(Span, name, 1, 1, 1, 1)):
            add_file(
                gathered,
                name,
                memory.get_or_compute(
                    ("file", name), files[name], partial(load_file, name, files[name])
                ),
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
    common = tuple(gathered.shared_documents)
    project = memory.get_or_compute(
        ("project",), common, lambda: msgspec.convert(gathered.project, Project)
    )
    return AuthoredProject(
        project, gathered.document, gathered.flows, gathered.locations, common
    ), gathered.problems


def place_of_project(files: Collection[str]) -> Span:
    """Where to tell of what concerns a project as a whole: at its file, else at its folder."""
    return Span(PROJECT_FILE, 1, 1, 1, 1) if PROJECT_FILE in files else Span.for_file(".")


def load_file(name: str, content: bytes) -> AuthoredFile:
    """Load one file, without regard to the others."""
    document, problems = read_document(content, name)
    if document is None:
        return AuthoredFile(None, is_well_formed=False, problems=tuple(problems))
    folder = name.rpartition("/")[0]
    kind = "project" if name == PROJECT_FILE else KINDS_BY_FOLDER.get(folder, "flow")
    wrong = [] if is_well_formed(document.data, kind) else find_violations(document, kind)
    problems += wrong
    formed = not any(problem.severity == "error" for problem in wrong) and is_whole(document, kind)
    usable = (
        document
        if formed
        else replace_broken_states(document, problems)
        if kind == "flow"
        else None
    )
    flow = (msgspec.convert(usable.data, Flow), usable) if kind == "flow" and usable else None
    return AuthoredFile(document, formed, tuple(problems), flow)


def find_violations(document: Document, kind: str) -> list[Problem]:
    """What is not well formed, by the schema."""
    # jsonschema takes a sixth of the imports of a command, and hardly any project needs it
    from flowengine.source.schema_validation import validate_document  # noqa: PLC0415

    return validate_document(document, load_schema(kind))


def is_whole(document: Document, kind: str) -> bool:
    """Whether the model takes the file without the values that could not be read, which the
    schema does not judge.
    """
    return not document.broken or is_typed(document.data, kind)


def is_typed(data: Any, kind: str) -> bool:
    try:
        msgspec.convert(data, SCHEMA_MODELS[kind][1])
    except msgspec.ValidationError:
        return False
    return True


def is_well_formed(data: Any, kind: str) -> bool:
    """Whether the typed model takes it. The model is of one mind with its schema, and far quicker;
    only the schema can say what is wrong.

    To patterns of the model a line break at the end is nothing; so what has one is left to the
    schema.
    """
    return is_typed(data, kind) and not has_trailing_newline(data)


def has_trailing_newline(data: Any) -> bool:
    """Whether any text in it ends in a line break."""
    if isinstance(data, str):
        return data.endswith("\n")
    if isinstance(data, dict):
        return any(key.endswith("\n") for key in data) or any(
            map(has_trailing_newline, data.values())
        )
    return isinstance(data, list) and any(map(has_trailing_newline, data))


def add_file(gathered: PartialProject, name: str, read: AuthoredFile) -> None:
    gathered.problems += read.problems
    folder, _, own = name.rpartition("/")
    if name == PROJECT_FILE or folder in PROJECT_PARTS:
        if read.is_well_formed and read.document:
            gathered.shared_documents.append(read.document)
            add_common_file(gathered, folder, own.rsplit(".", 1)[0], read.document)
    elif read.flow:
        add_flow(gathered, *read.flow)


def add_common_file(gathered: PartialProject, part: str, name: str, document: Document) -> None:
    if part:
        add_part_file(gathered, part, name, document)
    else:
        add_project_file(gathered, document)


def add_project_file(gathered: PartialProject, document: Document) -> None:
    gathered.project = dict(document.data)
    gathered.document = document
    for part in PROJECT_PARTS:
        for name in document.data.get(part) or {}:
            gathered.locations[part, name] = (document, (part, name))


def add_part_file(gathered: PartialProject, part: str, name: str, document: Document) -> None:
    """A file of calendars/, tables/ or messages/. A file of messages holds many; the others are
    one, named like the file.
    """
    found = document.data if part == "messages" else {name: document.data}
    merged = dict(gathered.project.get(part) or {})
    for key, value in found.items():
        path: KeyPath = (key,) if part == "messages" else ()
        if key in merged:
            gathered.problems.append(
                Problem(
                    "FE502",
                    document.find_span(path),
                    f"there is another entry {key} in {part}",
                    "give one of them another name",
                )
            )
        merged[key] = value
        gathered.locations[part, key] = (document, path)
    gathered.project = {**gathered.project, part: merged}


def add_flow(gathered: PartialProject, flow: Flow, document: Document) -> None:
    if flow.flow in gathered.flows:
        other = gathered.flows[flow.flow][1].file
        gathered.problems.append(
            Problem(
                "FE502",
                document.find_span(("flow",)),
                f"{other} is also called {flow.flow}",
                "give one of them another name",
            )
        )
    gathered.flows.setdefault(flow.flow, (flow, document))


def replace_broken_states(document: Document, problems: list[Problem]) -> Document | None:
    """The flow with a stand-in for each state that is not well formed, so that names, types and
    ways of all others are still looked at.

    None where something else than a state is not well formed: too much would be guessed.
    """
    states = document.data.get("states") if isinstance(document.data, dict) else None
    errors = [problem.span for problem in problems if problem.severity == "error"]
    if not isinstance(states, dict):
        return None
    names_by_error = [
        {name for name in states if is_inside_state(document, name, span)} for span in errors
    ]
    if not all(names_by_error):
        return None
    broken = set[str]().union(*names_by_error)
    sound = {name: STAND_IN_STATE if name in broken else state for name, state in states.items()}
    return replace(document, data={**document.data, "states": sound})


def is_inside_state(document: Document, state: str, span: Span) -> bool:
    """Whether a place lies in what a state says; a mistake in its name lies outside."""
    value = document.find_span(("states", state))
    return (
        (value.line, value.column) <= (span.line, span.column) <= (value.end_line, value.end_column)
    )
