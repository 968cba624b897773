"""How many flows of a project name each thing: what all of them name together is known without a look
at each, also when some of them change.
"""

from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from typing import Any, Final

from flowengine.compile.flow_summaries import FlowSummary
from flowengine.cooperative import iterate_with_pauses
from flowengine.model import OutsideFlows
from flowengine.model.outside_flows import Column

# the fields of a summary that are sets of names
NAMED_FIELDS: Final = (
    *("locales", "spoken_locales", "secrets", "groups", "rooms", "led_rooms", "parked"),
    *("dialled", "rung", "spoken", "far_codes"),
)
TAKEN_KINDS: Final = ("taken to dial", "taken to ring", "taken to speak")


class NameCounts:
    """How many flows name each thing, by what they do with it. Of `call_locales`, None is one that
    only a call tells.
    """

    def __init__(self, flows: Iterable[FlowSummary] = ()) -> None:
        self._counts: dict[str, dict[Any, int]] = {}
        for flow in iterate_with_pauses(flows):
            self.add(flow)

    def add(self, flow: FlowSummary, by: int = 1) -> None:
        """Count a flow, or with -1 count it no more."""
        for kind, names in list_names(flow):
            counts = self._counts.setdefault(kind, {})
            for name in names:
                if count := counts.get(name, 0) + by:
                    counts[name] = count
                else:
                    del counts[name]

    def replace_flows(
        self, removed: Iterable[FlowSummary], added: Iterable[FlowSummary] = ()
    ) -> "NameCounts":
        """The counts with other flows in place of some."""
        changed = NameCounts()
        changed._counts = {kind: dict(counts) for kind, counts in self._counts.items()}
        for flow in removed:
            changed.add(flow, -1)
        for flow in added:
            changed.add(flow)
        return changed

    def get_names(self, kind: str) -> frozenset[Any]:
        """What any flow names."""
        return frozenset(self._counts.get(kind, ()))

    @property
    def leads_back(self) -> bool:
        return True in self.get_names("leads_back")

    @property
    def reads_call_locale(self) -> bool:
        return True in self.get_names("reads_call_locale")

    @property
    def call_locales(self) -> frozenset[str] | None:
        """None where only a call tells."""
        found = self.get_names("call_locales")
        return None if None in found else found

    def list_taken_variables(self) -> list[frozenset[Column]]:
        """The variables of other flows that are dialled, rung and spoken."""
        return list(map(self.get_names, TAKEN_KINDS))

    def to_outside_flows(self, files: Mapping[str, str]) -> OutsideFlows:
        """What the flows are to others that are compiled without them; `files` are theirs by name."""
        names = self.get_names
        return OutsideFlows(
            files,
            self.leads_back,
            self.call_locales,
            names("locales"),
            names("spoken_locales"),
            names("secrets"),
            names("groups"),
            names("rooms"),
            names("led_rooms"),
            names("parked"),
            names("dialled"),
            names("rung"),
            names("spoken"),
            names("targets"),
        )


def list_names(flow: FlowSummary) -> Iterator[tuple[str, Iterable[Any]]]:
    """What a flow names, by what it does with it."""
    for field in NAMED_FIELDS:
        if names := getattr(flow, field):
            yield field, names
    for kind, taken in zip(TAKEN_KINDS, flow.taken, strict=True):
        if taken:
            yield kind, taken
    if flow.transfers:
        yield "targets", chain.from_iterable(flow.transfers.values())
    yield "call_locales", (None,) if flow.call_locales is None else flow.call_locales
    yield "leads_back", (flow.leads_back,)
    yield "reads_call_locale", (flow.reads_call_locale,)
