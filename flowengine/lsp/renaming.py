"""Giving a name of a project another one: every place where it stands, and the reasons not to."""

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Final

import msgspec

from flowengine.lsp.name_index import (
    KINDS_OF_FILE_NAME,
    NameUse,
    Symbol,
    list_compared_states,
    list_names_as_in_flow,
)
from flowengine.lsp.project_session import ProjectSession, ReadFile
from flowengine.problems import suggest_name
from flowengine.source import Document
from flowengine.sources.project_folder import PROJECT_FILE

RENAMED_KINDS: Final = (
    *("state", "variable", "flow", "outcome", "message", "service"),
    *KINDS_OF_FILE_NAME,
)
_MESSAGES: Final = "messages"
_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,39}")
_STATE_NAME: Final = re.compile(r"(?!(?:repeat|back)$)[a-z][a-z0-9_]{0,39}")
_FLOW_NAME: Final = re.compile(r"[a-z][a-z0-9-]{0,39}")


class RenameError(Exception):
    """A name that cannot be changed, in words for its author."""


class RenamePlan(msgspec.Struct, frozen=True):
    """The places of a name, by file, with the documents that they are in. `moves` are the files
    that have the name themselves, with what they will be called.
    """

    symbol: Symbol
    new_name: str
    documents: dict[str, Document] = msgspec.field(default_factory=dict)
    uses: dict[str, list[NameUse]] = msgspec.field(default_factory=dict)
    moves: dict[str, str] = msgspec.field(default_factory=dict)

    def rewrite(self) -> dict[str, bytes]:
        """The files with the new name."""
        return {name: self._rewrite_file(name).encode() for name in self.uses}

    def apply(self, files: Mapping[str, bytes]) -> dict[str, bytes]:
        """All files of the project as they will be."""
        rewritten = self.rewrite()
        return {
            self.moves.get(name, name): rewritten.get(name, content)
            for name, content in files.items()
        }

    def _rewrite_file(self, name: str) -> str:
        text, parts, end = self.documents[name].text, [], 0
        for use in self.uses[name]:
            parts += [text[end : use.start], self.new_name]
            end = use.end
        return "".join([*parts, text[end:]])


def plan_rename(session: ProjectSession, symbol: Symbol, new_name: str) -> RenamePlan:
    """All places of a name, over flows, scenarios, the project and its messages. Raises
    RenameError where the name cannot be changed.
    """
    check_new_name(symbol, new_name)
    plan = RenamePlan(symbol, new_name)
    is_defined = False
    for file, read in read_current_files(session, symbol).items():
        found = {(use.start, use.end): use for use in read.names if use.symbol == symbol}
        if symbol.kind == "variable":
            found |= {(use.start, use.end): use for use in list_shared_uses(session, read, symbol)}
        elif symbol.kind == "state":
            found |= {(use.start, use.end): use for use in list_linked_uses(session, read, symbol)}
        is_defined = is_defined or any(use.is_definition for use in found.values())
        if any(use.is_file_name for use in found.values()):
            plan.moves[file] = PurePosixPath(file).with_stem(new_name).as_posix()
        if places := sorted(place for place in found if not found[place].is_file_name):
            plan.documents[file] = read.document
            plan.uses[file] = [found[place] for place in places]
    if not is_defined:
        refuse_unknown(session, symbol)
    refuse_known(session, Symbol(symbol.kind, new_name, symbol.flow))
    for target in plan.moves.values():
        if os.path.lexists(session.folder / target):
            raise RenameError(f"there is a {target} already, and it cannot be read: mend it first")
    return plan


def check_new_name(symbol: Symbol, new_name: str) -> None:
    """Raise RenameError for what cannot be the name of such a thing."""
    if symbol.kind not in RENAMED_KINDS:
        raise RenameError(
            f"a {symbol.kind} cannot be renamed: only {', '.join(RENAMED_KINDS[:-1])} "
            f"and {RENAMED_KINDS[-1]} can"
        )
    if symbol.kind == "flow" and not _FLOW_NAME.fullmatch(new_name):
        raise RenameError("names of flows are small letters, digits and -, such as support-line")
    pattern = {"flow": _FLOW_NAME, "state": _STATE_NAME}.get(symbol.kind, _NAME)
    if not pattern.fullmatch(new_name):
        raise RenameError("names are small letters, digits and _, such as ask_account")


def read_current_files(session: ProjectSession, symbol: Symbol) -> Mapping[str, ReadFile]:
    """The files in which a name may stand. Raises RenameError where one cannot be read just now."""
    sought = symbol.name.encode()
    found: dict[str, ReadFile] = {}
    for name, content in session.list_files().items():
        if sought not in content and PurePosixPath(name).stem != symbol.name:
            continue
        read = session.read_file(name)
        if read is None or not read.is_current:
            raise RenameError(f"{name} cannot be read just now: mend it first")
        found[name] = read
    return found


def list_shared_uses(session: ProjectSession, read: ReadFile, symbol: Symbol) -> Iterator[NameUse]:
    """Where a message says a variable of the only flow that says the message. What several flows
    share belongs to none of them.
    """
    file = read.document.file
    is_project, reads = file == PROJECT_FILE, f"reads vars.{symbol.name}"
    if not is_project and not file.startswith(f"{_MESSAGES}/"):
        return
    for use in list_names_as_in_flow(read.document, symbol.flow):
        if use.symbol != symbol:
            continue
        if is_project and use.path[0] != _MESSAGES:
            refuse_shared(read.document, use, reads, "which all flows share")
        message = str(use.path[1] if is_project else use.path[0])
        flows = find_flows_with(session, Symbol("message", message))
        if flows == {symbol.flow}:
            yield use
        elif symbol.flow in flows:
            said = f"and {', '.join(sorted(flows))} say this message"
            refuse_shared(read.document, use, reads, said)


def list_linked_uses(session: ProjectSession, read: ReadFile, symbol: Symbol) -> Iterator[NameUse]:
    """Where another flow compares the name of the failed state with the name of this one, and has no
    such state itself.
    """
    known = {(use.start, use.end) for use in read.names}
    is_flow = isinstance(read.document.data, dict) and "states" in read.document.data
    for use in list_compared_states(read.document) if is_flow else ():
        if use.symbol.name != symbol.name or (use.start, use.end) in known:
            continue
        owners = {
            one.symbol.flow
            for _, one in list_definitions(session)
            if (one.symbol.kind, one.symbol.name) == ("state", symbol.name)
        }
        if owners == {symbol.flow}:
            yield use
        elif symbol.flow in owners:
            refuse_shared(
                read.document,
                use,
                f"compares call.failed_state with {symbol.name}",
                f"and {', '.join(sorted(owners))} have such a state",
            )


def find_flows_with(session: ProjectSession, symbol: Symbol) -> set[str]:
    """The flows that use a name; an empty one stands for the project itself."""
    return {
        str(read.document.data.get("flow", ""))
        for read in session.read_files_with(symbol).values()
        if any(use.symbol == symbol and not use.is_definition for use in read.names)
    }


def refuse_shared(document: Document, use: NameUse, what: str, why: str) -> None:
    line, column = document.source.get_position(use.start)
    where = f"{document.file}:{line}:{column}"
    raise RenameError(f"{where} {what}, {why}: change it by hand")


def list_definitions(session: ProjectSession) -> Iterator[tuple[Document, NameUse]]:
    for name in session.list_files():
        if read := session.read_file(name):
            yield from ((read.document, use) for use in read.names if use.is_definition)


def list_uses(session: ProjectSession, symbol: Symbol) -> Iterator[tuple[str, Document, NameUse]]:
    """All uses of a name, over all files. A calendar or table may be a file of this name."""
    for file, read in session.read_files_with(symbol).items():
        for use in read.names:
            if use.symbol == symbol and not use.is_file_name:
                yield file, read.document, use
    for name in session.list_files():
        is_named = PurePosixPath(name).stem == symbol.name
        if is_named and (read_own := session.read_file(name)):
            for use in read_own.names:
                if use.symbol == symbol and use.is_file_name:
                    yield name, read_own.document, use


def refuse_known(session: ProjectSession, symbol: Symbol) -> None:
    """Raise RenameError where there is such a name already."""
    for file, document, use in list_uses(session, symbol):
        if use.is_definition:
            line, column = document.source.get_position(use.start)
            where = file if use.is_file_name else f"{file}:{line}:{column}"
            raise RenameError(f"there is a {symbol.kind} {symbol.name} already: {where}")


def refuse_unknown(session: ProjectSession, symbol: Symbol) -> None:
    names = [
        use.symbol.name
        for _, use in list_definitions(session)
        if (use.symbol.kind, use.symbol.flow) == (symbol.kind, symbol.flow)
    ]
    place = f" in {symbol.flow}" if symbol.flow else ""
    hint = suggest_name(symbol.name, names)
    raise RenameError(
        f"there is no {symbol.kind} {symbol.name}{place}{f': {hint}' if hint else ''}"
    )
