"""The story of one call: its callbacks with those of its legs, and of the calls that it has had placed."""

import re
from collections.abc import Callable, Iterable, Sequence

from flowengine.journal.journal_entries import CallbackEntry
from flowengine.journal.journal_protocol import JournalReader
from flowengine.limits import CALL_KEPT_SECONDS, MAX_PLACEMENT_SECONDS, MAX_RING_SECONDS
from flowengine.states.place_plan import PLACEMENT_ID_PREFIX

PLACEMENT_PATTERN = re.compile(rf"places a call into [^:]+: ({PLACEMENT_ID_PREFIX}[a-z]+)")
FindLegs = Callable[[str, float, float], Iterable[CallbackEntry]]
"""The callbacks of the legs of a caller, or of a placement, in some time"""


def add_legs(reader: JournalReader, call: str, steps: list[CallbackEntry]) -> list[CallbackEntry]:
    """The callbacks of a call with those of its legs, found by their time."""
    return merge_legs(call, steps, reader.list_leg_callbacks)


def merge_legs(call: str, steps: list[CallbackEntry], find_legs: FindLegs) -> list[CallbackEntry]:
    """The callbacks of a call with those of its legs, and of the calls that it has had placed. A caller
    who has never waited in a room has no legs, and nobody has to look for them.
    """
    if steps[0].leg:
        return steps
    began, last = steps[0].at, steps[-1]
    placed = [
        found
        for placement in find_placements(steps)
        for found in find_legs(placement, began, began + 2 * MAX_PLACEMENT_SECONDS)
    ]
    if not has_waited_in_room(steps):
        return sorted((*steps, *placed), key=lambda step: step.at)
    until = last.at + MAX_RING_SECONDS if last.event == "dice" else began + CALL_KEPT_SECONDS
    legs = find_legs(call, began, until)
    return sorted((*steps, *placed, *legs), key=lambda step: step.at)


def has_waited_in_room(steps: Sequence[CallbackEntry]) -> bool:
    """Whether a call has been in a conference."""
    actions = [step.shown["answer"].get("action") or {} for step in steps]
    return any(action.get("name") == "connectConf" for action in actions)


def find_placements(steps: Sequence[CallbackEntry]) -> list[str]:
    """The placements that this call has asked for, by its trace."""
    lines = (line for step in steps for line in step.shown["trace"])
    return list(dict.fromkeys(one for line in lines for one in PLACEMENT_PATTERN.findall(line)))
