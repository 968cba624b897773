"""What every importer keeps of a flow and of a construct on their way into states."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from flowengine.importers.import_report import Conversion, ReportEntry
from flowengine.importers.project_draft import FlowDraft, ProjectDraft, StateDraft
from flowengine.importers.unique_names import UniqueNames

TEXT_LENGTH: Final = 64
# callers may key in more, but seldom do where the source says nothing
INPUT_LENGTH: Final = 20
# the platform gives no more time for an answer
ANSWER_SECONDS: Final = 4
_MAX_TEXT_LENGTH: Final = 500
END_STATE: Final = "end_of_flow"
DONE: Final = "done"


class ImportResult(NamedTuple):
    """The project, and why a file is not in it."""

    draft: ProjectDraft
    problems: dict[str, str]


@dataclass(kw_only=True)
class FlowParts:
    """A flow with the names of its states and variables."""

    draft: FlowDraft
    state_names: UniqueNames = field(default_factory=lambda: UniqueNames(taken=[END_STATE]))
    variable_names: UniqueNames = field(default_factory=UniqueNames)

    def get_end_state(self) -> str:
        """The state that ends the call where the source leads nowhere."""
        if END_STATE not in self.draft.states:
            self.draft.states[END_STATE] = StateDraft({"hangup": None})
        return END_STATE

    def declare_text(self, key: str, wanted: str, length: int = TEXT_LENGTH) -> str:
        """The variable for a text, with room for so many characters."""
        name = self.variable_names.get_name(key, wanted, "value")
        declared = self.draft.variables.setdefault(name, {"type": "text", "max": TEXT_LENGTH})
        declared["max"] = min(max(declared["max"], length), _MAX_TEXT_LENGTH)
        return name

    def declare_number(self, wanted: str, default: int = 0) -> str:
        """A variable for a whole number."""
        name = self.variable_names.get_name(f"#{wanted}", wanted)
        self.draft.variables.setdefault(name, {"type": "integer", "default": default})
        return name


@dataclass(kw_only=True)
class ReportedImport:
    """Something on its way that has an entry in the report."""

    entry: ReportEntry

    def add_remark(self, remark: str) -> None:
        """Tell the author what to know or to fill in; callers notice nothing."""
        self.entry.add_remark(remark)

    def note_change(self, remark: str) -> None:
        """Tell the author what callers notice."""
        self.entry.add_remark(remark, Conversion.CHANGED)

    def note_loss(self, remark: str) -> None:
        """Tell the author what nothing stands for."""
        self.entry.add_remark(remark, Conversion.LOST)


@dataclass(kw_only=True)
class ConstructImport(ReportedImport):
    """One construct with its states; `state` is the one in which it begins."""

    key: str
    state: str
    flow: FlowParts
    states: dict[str, StateDraft] = field(default_factory=dict)

    def add_state(self, body: dict[str, Any], part: str = "") -> str:
        """Add the state of this construct, or a further one, and give its name."""
        name = self.state
        if part:
            names = self.flow.state_names
            name = names.get_name(f"{self.key}\n{part}", f"{self.state}_{part}")
        self.states[name] = StateDraft(body, None if part else self.entry)
        return name


def build_stub_flow(name: str, description: str, *, is_subflow: bool) -> FlowDraft:
    """A flow that was not among the files, for the author to fill in."""
    head = {"outcomes": [DONE]} if is_subflow else {}
    body: dict[str, Any] = {"return": DONE} if is_subflow else {"hangup": None}
    states = {"fill_in": StateDraft(body, comment=f"fill in: {description}")}
    return FlowDraft(name, "", "fill_in", head, states=states)


def is_reaching(used: Mapping[str, set[str]], start: str, end: str) -> bool:
    """Whether a flow uses another one, directly or by way of further flows."""
    seen: set[str] = set()
    waiting = [start]
    while waiting:
        name = waiting.pop()
        if name == end:
            return True
        if name not in seen:
            seen.add(name)
            waiting += used.get(name, ())
    return False
