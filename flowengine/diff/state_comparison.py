"""Two versions of the states of a flow."""

from collections.abc import Callable, Iterator, Mapping

import msgspec
from msgspec.structs import replace

from flowengine.diff.difference import DiffItem, DiffLocation, DiffPart, StateDifference
from flowengine.diff.list_comparison import ListComparison, has_same_key, has_same_target
from flowengine.diff.project_facts import Fact, FlowFacts, StateFacts
from flowengine.diff.renames import IDENTIFYING_SETTINGS
from flowengine.states import STATE_KINDS

AffectedStates = dict[str, dict[str, None]]
NewNames = Mapping[str, str]
INTRODUCING_PARTS: frozenset[DiffPart] = frozenset(
    {"words", "exit", "option", "condition", "value"}
)  # what a new state is introduced by


def compare_states(
    old: FlowFacts, new: FlowFacts, names: NewNames, flows: NewNames, affected: AffectedStates
) -> Iterator[StateDifference]:
    """States that are not what they were; `affected` takes in those that only draw on something
    else now.
    """
    was = {names.get(name, name): state for name, state in old.states.items()}
    for name, state in new.states.items():
        place, before = new.locate(state.path), was.get(name)
        if before is None:
            yield StateDifference(
                name, "", "added", state.kind, place, tuple(list_added_items(state, new))
            )
            continue
        items = tuple(StateComparison(old, new, names, flows, place).compare(before, state))
        if before.name != name or items:
            renamed = before.name if before.name != name else ""
            yield StateDifference(
                name, renamed, "renamed" if renamed else "changed", state.kind, place, items
            )
        for topic in find_changed_topics(before, state, names, flows):
            affected.setdefault(topic, {})[name] = None
    for name, state in was.items():
        if name not in new.states:
            yield StateDifference(name, "", "removed", state.kind, None)


def list_added_items(state: StateFacts, flow: FlowFacts) -> Iterator[DiffItem]:
    for fact in state.facts.values():
        if (
            fact.part in INTRODUCING_PARTS or fact.label in IDENTIFYING_SETTINGS
        ) and not fact.is_derived:
            yield DiffItem(
                "added", fact.part, fact.label, "", fact.display_text, flow.locate(fact.path)
            )
    for way in state.exits:
        part, word = choose_entry_name(state.kind)
        yield DiffItem("added", part, f"{word} {way.shown}", "", way.target, flow.locate(way.path))


def choose_entry_name(kind: str) -> tuple[DiffPart, str]:
    return ("number", "share") if is_splitting_callers(kind) else ("condition", "choice")


def is_splitting_callers(kind: str) -> bool:
    return kind in STATE_KINDS and STATE_KINDS[kind].splits_callers


class StateComparison(msgspec.Struct, frozen=True):
    """A state against what it was. What is gone is shown at `top`, the state itself."""

    old_flow: FlowFacts
    flow: FlowFacts
    names: NewNames
    flows: NewNames
    top: DiffLocation

    def compare(self, old: StateFacts, new: StateFacts) -> Iterator[DiffItem]:
        found = compare_facts(
            old.facts,
            new.facts,
            self.names,
            self.flows,
            lambda fact: self.flow.locate(fact.path) if fact.path else self.top,
        )
        yield from (replace(item, place=item.place or self.top) for item, _ in found)
        if old.exits or new.exits:
            part, word = choose_entry_name(new.kind)
            by = (
                (has_same_target, has_same_key)
                if is_splitting_callers(new.kind)
                else (has_same_key, has_same_target)
            )
            yield from ListComparison(
                part, word, by, self.names, lambda way: self.flow.locate(way.path), self.top
            ).compare(old.exits, new.exits)
        moved = (old.name, self.old_flow.name) != (new.name, self.flow.name)
        if new.kind == old.kind and is_splitting_callers(new.kind) and moved:
            yield DiffItem(
                "changed",
                "order",
                "who goes which way",
                "",
                "dealt out anew, as the name of the state decides it",
                self.top,
            )


def compare_facts(
    old: Mapping[str, Fact],
    new: Mapping[str, Fact],
    states: NewNames,
    flows: NewNames,
    place: Callable[[Fact], DiffLocation | None],
) -> Iterator[tuple[DiffItem, Fact]]:
    """Facts that are not what they were, where they were written; new ones in the order of the
    file, then those that are gone.
    """
    for label, fact in new.items():
        before = old.get(label)
        if before is None and not fact.is_derived:
            yield DiffItem("added", fact.part, label, "", fact.display_text, place(fact)), fact
        elif before and all(
            one != other
            for one, other in zip(
                before.apply_renames(states, flows), fact.apply_renames({}, {}), strict=True
            )
        ):
            yield (
                DiffItem(
                    "changed", fact.part, label, before.display_text, fact.display_text, place(fact)
                ),
                fact,
            )
    for label, fact in old.items():
        if label not in new and not fact.is_derived:
            yield DiffItem("removed", fact.part, label, fact.display_text, ""), fact


def find_changed_topics(
    old: StateFacts, new: StateFacts, names: NewNames, flows: NewNames
) -> Iterator[str]:
    """The topics by which a state means something else although nothing in it has changed."""
    for label in {**old.facts, **new.facts}:
        before, after = old.facts.get(label), new.facts.get(label)
        if before and after:
            (was, own), (now, still) = (
                before.apply_renames(names, flows),
                after.apply_renames({}, {}),
            )
            if was != now and own == still:
                yield from before.uses | after.uses
        else:
            fact = before or after
            if fact and fact.is_derived:
                yield from fact.uses
