"""Two versions of the states of a flow."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

from flowengine.releases.diff.difference import Item, Part, Place, StateDifference
from flowengine.releases.diff.facts import Fact, FlowFacts, StateFacts
from flowengine.releases.diff.renames import SETTINGS
from flowengine.releases.diff.ways import Listing, same_key, same_lead

Affected = dict[str, dict[str, None]]
Names = Mapping[str, str]
TELLING: frozenset[Part] = frozenset(
    {"words", "exit", "option", "condition", "value"}
)  # what a new state is introduced by


def states(
    old: FlowFacts, new: FlowFacts, names: Names, flows: Names, affected: Affected
) -> Iterator[StateDifference]:
    """States that are not what they were; `affected` takes in those that only draw on something
    else now.
    """
    was = {names.get(name, name): state for name, state in old.states.items()}
    for name, state in new.states.items():
        place, before = new.place(state.path), was.get(name)
        if before is None:
            yield StateDifference(
                name, "", "added", state.kind, place, tuple(introduced(state, new))
            )
            continue
        items = tuple(Comparing(old, new, names, flows, place).items(before, state))
        if before.name != name or items:
            renamed = before.name if before.name != name else ""
            yield StateDifference(
                name, renamed, "renamed" if renamed else "changed", state.kind, place, items
            )
        for topic in drawn(before, state, names, flows):
            affected.setdefault(topic, {})[name] = None
    for name, state in was.items():
        if name not in new.states:
            yield StateDifference(name, "", "removed", state.kind, None)


def introduced(state: StateFacts, flow: FlowFacts) -> Iterator[Item]:
    for fact in state.facts.values():
        if (fact.part in TELLING or fact.label in SETTINGS) and not fact.derived:
            yield Item("added", fact.part, fact.label, "", fact.words, flow.place(fact.path))
    for way in state.ways:
        part, word = called(state.kind)
        yield Item("added", part, f"{word} {way.shown}", "", way.leads, flow.place(way.path))


def called(kind: str) -> tuple[Part, str]:
    return ("number", "share") if kind == "split" else ("condition", "choice")


@dataclass(frozen=True, slots=True)
class Comparing:
    """A state against what it was. What is gone is shown at `top`, the state itself."""

    old_flow: FlowFacts
    flow: FlowFacts
    names: Names
    flows: Names
    top: Place

    def items(self, old: StateFacts, new: StateFacts) -> Iterator[Item]:
        found = differing(
            old.facts,
            new.facts,
            self.names,
            self.flows,
            lambda fact: self.flow.place(fact.path) if fact.path else self.top,
        )
        yield from (replace(item, place=item.place or self.top) for item, _ in found)
        if old.ways or new.ways:
            part, word = called(new.kind)
            by = (same_lead, same_key) if new.kind == "split" else (same_key, same_lead)
            yield from Listing(
                part, word, by, self.names, lambda way: self.flow.place(way.path), self.top
            ).compare(old.ways, new.ways)
        if new.kind == old.kind == "split" and (old.name, self.old_flow.name) != (
            new.name,
            self.flow.name,
        ):
            yield Item(
                "changed",
                "order",
                "who goes which way",
                "",
                "dealt out anew, as the name of the state decides it",
                self.top,
            )


def differing(
    old: Mapping[str, Fact],
    new: Mapping[str, Fact],
    states: Names,
    flows: Names,
    place: Callable[[Fact], Place | None],
) -> Iterator[tuple[Item, Fact]]:
    """Facts that are not what they were, where they were written; new ones in the order of the
    file, then those that are gone.
    """
    for label, fact in new.items():
        before = old.get(label)
        if before is None and not fact.derived:
            yield Item("added", fact.part, label, "", fact.words, place(fact)), fact
        elif before and all(
            one != other
            for one, other in zip(before.meant(states, flows), fact.meant({}, {}), strict=True)
        ):
            yield Item("changed", fact.part, label, before.words, fact.words, place(fact)), fact
    for label, fact in old.items():
        if label not in new and not fact.derived:
            yield Item("removed", fact.part, label, fact.words, ""), fact


def drawn(old: StateFacts, new: StateFacts, names: Names, flows: Names) -> Iterator[str]:
    """The topics by which a state means something else although nothing in it has changed."""
    for label in {**old.facts, **new.facts}:
        before, after = old.facts.get(label), new.facts.get(label)
        if before and after:
            (was, own), (now, still) = before.meant(names, flows), after.meant({}, {})
            if was != now and own == still:
                yield from before.uses | after.uses
        else:
            fact = before or after
            if fact and fact.derived:
                yield from fact.uses
