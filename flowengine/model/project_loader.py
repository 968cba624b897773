"""The files of a project to its typed model with every problem of form."""

from collections.abc import Collection, Iterable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec

from flowengine.model.bare_locales import expand_bare_locales
from flowengine.model.compile_cache import CompileCache
from flowengine.model.file_recovery import (
    list_unread_flows,
    list_unread_names,
    recover_shared_file,
    replace_broken_states,
)
from flowengine.model.flow import Flow
from flowengine.model.json_schemas import SCHEMA_MODELS, load_schema
from flowengine.model.outside_flows import NO_OUTSIDE_FLOWS, OutsideFlows
from flowengine.model.project_file import Project
from flowengine.problems import Problem, Span, sort_problems
from flowengine.source import (
    Document,
    KeyPath,
    read_document,
    report_internal_errors,
)
from flowengine.sources.project_folder import PROJECT_FILE, PROJECT_PARTS
from flowengine.states.flow_context import UnreadNames

if TYPE_CHECKING:
    from flowengine.source.schema_validation import LocatedProblem

KINDS_BY_FOLDER = {
    "calendars": "calendar",
    "tables": "table",
    "messages": "messages",
    "groups": "group",
}


class AuthoredProject(msgspec.Struct, frozen=True):
    """The well-formed parts of a project. `locations` are the places of calendars, tables, messages
    and groups; `shared_documents` are the files that all flows share; `unread` are the names of what
    is not well formed; `outside` are flows that stand beside these files.
    """

    project: Project
    project_document: Document | None
    flows: Mapping[str, tuple[Flow, Document]]
    locations: Mapping[tuple[str, str], tuple[Document, KeyPath]]
    shared_documents: tuple[Document, ...]
    unread: UnreadNames
    outside: OutsideFlows = NO_OUTSIDE_FLOWS


class AuthoredFile(msgspec.Struct, frozen=True):
    """One file by itself: the well-formed part of its document, and the names that it would have
    defined without its mistakes. `flow` is there where it holds a flow that can be looked at, if
    need be with stand-ins.
    """

    document: Document | None
    problems: tuple[Problem, ...]
    unread: tuple[tuple[str, str], ...] = ()
    flow: tuple[Flow, Document] | None = None


class PartialProject(msgspec.Struct):
    """A project being read."""

    problems: list[Problem] = msgspec.field(default_factory=list)
    project: dict[str, Any] = msgspec.field(default_factory=lambda: {"project": "unnamed"})
    document: Document | None = None
    flows: dict[str, tuple[Flow, Document]] = msgspec.field(default_factory=dict)
    locations: dict[tuple[str, str], tuple[Document, KeyPath]] = msgspec.field(default_factory=dict)
    shared_documents: list[Document] = msgspec.field(default_factory=list)
    unread: set[tuple[str, str]] = msgspec.field(default_factory=set)


def load_project(
    files: Mapping[str, bytes],
    memory: CompileCache | None = None,
    outside: OutsideFlows = NO_OUTSIDE_FLOWS,
) -> tuple[AuthoredProject, list[Problem]]:
    """The typed model of these files. What has problems of form is left out of it; files that
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
                "write one beside it, such as main.yaml; a flow in a folder below it is not read",
            )
        )
    common = tuple(gathered.shared_documents)
    project = memory.get_or_compute(
        ("project",), common, lambda: msgspec.convert(gathered.project, Project)
    )
    return AuthoredProject(
        project,
        gathered.document,
        gathered.flows,
        gathered.locations,
        common,
        UnreadNames(frozenset(gathered.unread)),
        outside,
    ), gathered.problems


def place_of_project(files: Collection[str]) -> Span:
    """Where to tell of what concerns a project as a whole: at its file, else at its folder."""
    return Span(PROJECT_FILE, 1, 1, 1, 1) if PROJECT_FILE in files else Span.for_file(".")


def load_file(name: str, content: bytes) -> AuthoredFile:
    """Load one file, without regard to the others."""
    document, problems = read_project_document(name, content)
    kind = find_file_kind(name)
    if kind == "flow":
        return load_flow_file(name, document, problems, content)
    return load_shared_file(name, kind, document, problems)


def read_project_document(name: str, content: bytes) -> tuple[Document | None, list[Problem]]:
    """A file of a project as data, each prompt in one of its long forms."""
    document, problems = read_document(content, name)
    if document is not None:
        document = expand_bare_locales(document, partial(load_schema, find_file_kind(name)))
    return document, problems


def find_file_kind(name: str) -> str:
    """Which schema a file of a project follows, by its path in it."""
    return (
        "project" if name == PROJECT_FILE else KINDS_BY_FOLDER.get(name.rpartition("/")[0], "flow")
    )


def load_flow_file(
    name: str, document: Document | None, problems: list[Problem], content: bytes
) -> AuthoredFile:
    """The flow in a file, with a stand-in for each state that is not well formed."""
    # most files; what is well formed is converted once
    if document is not None and document.is_plain and not document.broken:
        flow = try_convert(document.data, "flow")
        if isinstance(flow, Flow):
            return AuthoredFile(document, tuple(problems), (), (flow, document))
    usable = None
    if document is not None:
        wrong = [each.problem for each in find_violations(document, "flow")]
        problems += sort_problems(wrong)
        formed = not has_errors(wrong) and is_whole(document, "flow")
        usable = document if formed else replace_broken_states(document, problems)
    read = (msgspec.convert(usable.data, Flow), usable) if usable else None
    unread = () if read else list_unread_flows(name, document, content.decode(errors="replace"))
    return AuthoredFile(document, tuple(problems), tuple(("flows", each) for each in unread), read)


def load_shared_file(
    name: str, kind: str, document: Document | None, problems: list[Problem]
) -> AuthoredFile:
    """What all flows share, without the entries that are not well formed."""
    wrong: list[tuple[KeyPath, str]] = []
    recovered = document
    if document is not None:
        found = find_violations(document, kind)
        problems += sort_problems(each.problem for each in found)
        wrong = [(each.path, each.meant) for each in found if each.problem.severity == "error"]
        if not is_whole(document, kind):
            wrong += [(path, "") for path in document.broken]
        if wrong:
            paths = [path for path, _ in wrong]
            recovered = recover_shared_file(document, kind, paths, partial(is_typed, kind=kind))
    unread = list_unread_names(name, kind, wrong, recovered)
    return AuthoredFile(recovered, tuple(problems), tuple(unread))


def find_violations(document: Document, kind: str) -> "list[LocatedProblem]":
    """What is not well formed, by the schema; nothing where the model takes the file."""
    if is_well_formed(document, kind):
        return []
    # jsonschema takes a sixth of the imports of a command, and hardly any project needs it
    from flowengine.source.schema_validation import locate_violations  # noqa: PLC0415

    return locate_violations(document, load_schema(kind))


def has_errors(problems: Iterable[Problem]) -> bool:
    """Whether one of these is more than a warning."""
    return any(problem.severity == "error" for problem in problems)


def is_whole(document: Document, kind: str) -> bool:
    """Whether the model takes the file without the values that could not be read, which the
    schema does not judge.
    """
    return not document.broken or is_typed(document.data, kind)


def is_typed(data: Any, kind: str) -> bool:
    return try_convert(data, kind) is not None


def try_convert(data: Any, kind: str) -> Any:
    """The typed model of a file, None where it does not take the data."""
    try:
        return msgspec.convert(data, SCHEMA_MODELS[kind][1])
    except msgspec.ValidationError:
        return None


def is_well_formed(document: Document, kind: str) -> bool:
    """Whether the typed model takes it. The model is of one mind with its schema, and far quicker;
    only the schema can say what is wrong.

    To patterns of the model a line break at the end is nothing; so what has one is left to the
    schema.
    """
    return is_typed(document.data, kind) and (
        document.is_plain or not has_trailing_newline(document.data)
    )


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
    gathered.unread.update(read.unread)
    folder, _, own = name.rpartition("/")
    if name == PROJECT_FILE or folder in PROJECT_PARTS:
        if read.document:
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
    """A file of calendars/, tables/, messages/ or groups/. A file of messages holds many; the others are
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
