"""What one file of a project may refer to: states and variables of flows, and what all flows share."""

from collections.abc import Mapping
from typing import Any

import msgspec

from flowengine.lsp.cursor import list_keys_below
from flowengine.lsp.file_model import find_kind
from flowengine.lsp.name_index import Symbol
from flowengine.lsp.project_checker import ProjectChecker
from flowengine.lsp.project_session import ProjectSession
from flowengine.sources.project_folder import PROJECT_FILE

# where the project file, or a folder, has what all flows share
PARTS = {
    "calendar": "calendars",
    "table": "tables",
    "group": "groups",
    "message": "messages",
    "service": "services",
    "secret": "secrets",
}
# where a flow has what belongs to it
_PARTS_OF_FLOW = {"state": "states", "variable": "vars", "outcome": "outcomes"}


class ProjectView(msgspec.Struct, frozen=True):
    """A project as it is seen from one of its files."""

    checker: ProjectChecker
    file: str

    @property
    def session(self) -> ProjectSession:
        return self.checker.session

    @property
    def kind(self) -> str:
        return find_kind(self.file)

    def get_own_data(self) -> Mapping[str, Any]:
        """The file as data, as far as it can be, or could be, read."""
        read = self.session.read_file(self.file)
        return read.document.data if read and isinstance(read.document.data, dict) else {}

    def get_own_flow(self) -> str:
        """The flow of this file; of scenarios, that which they call."""
        flow = self.get_own_data().get("flow")
        return flow if isinstance(flow, str) else ""

    def list_flows(self) -> list[str]:
        latest = self.checker.latest
        return sorted(latest.compiled.programs) if latest else []

    def get_flow_data(self, flow: str) -> Mapping[str, Any]:
        """A flow as its author wrote it."""
        if self.kind == "flow" and flow == self.get_own_flow():
            return self.get_own_data()
        latest = self.checker.latest
        program = latest.compiled.programs.get(flow) if latest else None
        data = program.document.data if program else {}
        return data if isinstance(data, dict) else {}

    def list_names(self, kind: str, flow: str) -> dict[str, Any]:
        """The names of one kind, with what is written of each."""
        if kind == "flow":
            return {name: self.get_flow_data(name) for name in self.list_flows()}
        if kind not in _PARTS_OF_FLOW:
            return self._list_shared(PARTS.get(kind, ""))
        part = _PARTS_OF_FLOW[kind]
        found = self.get_flow_data(flow).get(part)
        known = found if isinstance(found, dict) else dict.fromkeys(found or ())
        if self.kind == "flow" and flow == self.get_own_flow() and kind != "outcome":
            # what is being typed, in a file that cannot be read just now
            lines = self.session.get_text(self.file).splitlines()
            known = {**dict.fromkeys(list_keys_below(lines, part)), **known}
        return known

    def get_value(self, symbol: Symbol) -> Any:
        """What is written of a name; None where there is no such name."""
        return self.list_names(symbol.kind, symbol.flow).get(symbol.name)

    def _list_shared(self, part: str) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name in self.session.list_files():
            folder, _, own = name.rpartition("/")
            if name != PROJECT_FILE and (not part or folder != part):
                continue
            read = self.session.read_file(name)
            data = read.document.data if read else None
            if not isinstance(data, dict):
                continue
            if name == PROJECT_FILE:
                entries = data.get(part)
                found |= entries if isinstance(entries, dict) else {}
            elif part == "messages":
                found |= data
            else:
                found[own.rsplit(".", 1)[0]] = data
        return found
