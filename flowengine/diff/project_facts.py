"""A project as facts: one for each thing that can change, so that versions are compared fact by
fact.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import msgspec

from flowengine.diff.difference import DiffLocation, DiffPart
from flowengine.source import Document, KeyPath


class Fact(msgspec.Struct, frozen=True):
    """One thing. `value` is what it means; `own` is what stands in this place, so that a change of
    `value` alone is one of a topic in `uses`. An `own` with `=` says that nothing stands here, and
    which topic steps in. With `refers_to` the value is the name of a state or flow. `shown` is for
    people.
    """

    part: DiffPart
    label: str
    value: str
    path: KeyPath
    shown: str = ""
    own: str = ""
    refers_to: str = ""
    topic: str = ""
    uses: frozenset[str] = frozenset()

    @property
    def is_derived(self) -> bool:
        return self.own.startswith("=")

    @property
    def effective_topic(self) -> str:
        """The topic under which others draw on this."""
        return self.topic or self.label

    @property
    def display_text(self) -> str:
        return self.shown or self.value

    def apply_renames(self, states: Mapping[str, str], flows: Mapping[str, str]) -> tuple[str, str]:
        """Value and own text, with the names that states and flows have now."""
        renamed = {"state": states, "flow": flows}.get(self.refers_to, {})
        value = renamed.get(self.value, self.value)
        return value, self.own or value


class ExitFact(msgspec.Struct, frozen=True):
    """One entry of a list that is looked at from the top: a condition, a share, what a route asks
    for; and where it leads.
    """

    key: str
    shown: str
    target: str
    path: KeyPath


@dataclass(frozen=True, slots=True)
class FlowEdge:
    """A way from state to state. `label` tells edges apart; `shown` is what a caller does, or what
    must hold.
    """

    source: str
    label: str
    target: str
    shown: str = field(default="", compare=False)


class StateFacts(msgspec.Struct, frozen=True):
    """A state. `uses` is everything that it draws on."""

    name: str
    kind: str
    path: KeyPath
    facts: Mapping[str, Fact]
    exits: tuple[ExitFact, ...]
    uses: frozenset[str]

    def list_edges(self) -> Iterator[FlowEdge]:
        for fact in self.facts.values():
            if fact.refers_to == "state" and fact.value not in ("repeat", "back"):
                yield FlowEdge(
                    self.name, fact.label, fact.value, "" if fact.label == "next" else fact.label
                )
        for way in self.exits:
            yield FlowEdge(self.name, self.kind, way.target, way.shown)


class FlowFacts(msgspec.Struct, frozen=True):
    """A flow."""

    name: str
    document: Document
    facts: Mapping[str, Fact]
    states: Mapping[str, StateFacts]

    def locate(self, path: KeyPath) -> DiffLocation:
        span = (
            self.document.find_span(path) if len(path) != 2 else self.document.find_key_span(path)
        )
        return DiffLocation(span.file, span.line, span.column)

    def find_entries(self) -> dict[str, str]:
        return {fact.label: fact.value for fact in self.facts.values() if fact.part == "entry"}


class ProjectFacts(msgspec.Struct, frozen=True):
    """What flows share, with the place of each fact; the flows that are looked at; the names of all;
    and the files that gave no flow, such as one with mistakes.
    """

    facts: Mapping[str, Fact]
    places: Mapping[str, DiffLocation]
    routes: tuple[ExitFact, ...]
    route_places: tuple[DiffLocation | None, ...]
    flows: Mapping[str, FlowFacts]
    names: tuple[str, ...]
    files_without_flow: frozenset[str]
