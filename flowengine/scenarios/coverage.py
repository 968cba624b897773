"""Which states and exits of the flows the scenarios have taken.

What counts is every state, and of a state every exit that its author can see: the keys of a menu
and those that work everywhere (`repeat` and `back` too), asking again after silence or an input
that will not do, `otherwise`, conditions, shares, statuses, verdicts, outcomes, `next`. An error
exit counts where the state itself names one; one that a state has from its flow or project is for
failures inside. A state that only such failures lead to counts as spare: it is listed, and not asked
for.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from flowengine.compile import CompiledState, Program
from flowengine.problems import Span
from flowengine.runtime.step_outcome import TraceEntry
from flowengine.states import Verb
from flowengine.states.field_types import SPECIAL_TARGETS

AGAIN_PREFIX = "again: "


class CoverageItem(msgspec.Struct, frozen=True, order=True):
    """A state (then `exit` is empty), or an exit of one."""

    state: str
    exit: str = ""

    def __str__(self) -> str:
        return f"{self.state}: {self.exit}" if self.exit else self.state


class FlowCoverage(msgspec.Struct, frozen=True):
    """What of one flow was taken. `missing` and `spare` come in the order of the file."""

    flow: str
    items: tuple[CoverageItem, ...]
    missing: tuple[CoverageItem, ...]
    spare: tuple[str, ...]
    places: Mapping[CoverageItem, Span]

    def count_taken(self, *, exits: bool) -> tuple[int, int]:
        """How many states, or exits, were taken, and how many there are."""
        total = [item for item in self.items if bool(item.exit) is exits]
        return len(total) - sum(bool(item.exit) is exits for item in self.missing), len(total)

    @property
    def percent(self) -> float:
        return to_percent(len(self.items) - len(self.missing), len(self.items))


def to_percent(taken: int, total: int) -> float:
    return 100.0 * taken / total if total else 100.0


def compute_total_percent(flows: Iterable[FlowCoverage]) -> float:
    """The share of all flows together."""
    found = list(flows)
    wanted = sum(len(flow.items) for flow in found)
    return to_percent(wanted - sum(len(flow.missing) for flow in found), wanted)


def compute_coverage(
    programs: Mapping[str, Program], trace: Iterable[TraceEntry]
) -> list[FlowCoverage]:
    """The coverage of all flows by all that happened."""
    taken: dict[str, set[CoverageItem]] = {}
    for entry in trace:
        taken.setdefault(entry.flow, set()).update(
            (CoverageItem(entry.state), CoverageItem(entry.state, entry.what))
        )
    return [
        compute_flow_coverage(program, taken.get(name, set())) for name, program in programs.items()
    ]


def compute_flow_coverage(program: Program, taken: set[CoverageItem]) -> FlowCoverage:
    reached = find_reachable_states(program)
    wanted = tuple(
        item
        for name in program.states
        if name in reached
        for item in list_items(program, program.states[name])
    )
    places = {item: find_item_span(program, item) for item in wanted}
    spare = tuple(name for name in program.states if name not in reached)
    return FlowCoverage(
        program.flow, wanted, tuple(item for item in wanted if item not in taken), spare, places
    )


def list_items(program: Program, state: CompiledState) -> Iterator[CoverageItem]:
    yield CoverageItem(state.name)
    yield from (CoverageItem(state.name, name) for name in list_exits(program, state))


def list_exits(program: Program, state: CompiledState) -> dict[str, None]:
    """The exits of a state that count, in the order of the file."""
    found = dict.fromkeys(state.exits)
    found |= dict.fromkeys(list_special_keys(state.verb))
    found |= dict.fromkeys(f"{AGAIN_PREFIX}{why}" for why in state.verb.list_repeat_reasons())
    if state.error and "error" in get_authored_state(program, state.name):
        found["error"] = None
    return found


def list_special_keys(verb: Verb) -> list[str]:
    """What keys do besides leading to a state."""
    keys = [*verb.key_targets.values(), *verb.read_back_key_targets.values()]
    return [key for key in SPECIAL_TARGETS if key in keys]


def get_authored_state(program: Program, state: str) -> Mapping[str, Any]:
    found = program.document.data["states"].get(state)
    return found if isinstance(found, dict) else {}


def find_reachable_states(program: Program) -> set[str]:
    """The states that a call comes to without a failure inside, or by an error exit that a state
    names itself.
    """
    waiting, found = [*program.list_entries().values()], set[str]()
    while waiting:
        name = waiting.pop()
        if name in found or name not in program.states:
            continue
        found.add(name)
        state = program.states[name]
        waiting += [target.state for target in state.exits.values()]
        waiting += [state.error] if "error" in get_authored_state(program, name) else []
    return found


def find_item_span(program: Program, item: CoverageItem) -> Span:
    """Where the author wrote it: the line of the exit, else of the state."""
    state = program.states[item.state]
    target = state.exits.get(item.exit)
    return program.document.find_key_span(
        target.path if target and target.path else ("states", item.state)
    )
