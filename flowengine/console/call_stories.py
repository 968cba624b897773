"""The calls of a list, each caller with the legs of their rings: one story in place of many calls."""

from collections.abc import Sequence
from typing import NamedTuple

from flowengine.journal.call_index import CallIndex
from flowengine.journal.call_search import ListedCall

MAX_SHOWN_LEGS = 5


class ListedStory(NamedTuple):
    """A call, and the legs of its rings to show below it; `more` says how many others there are at
    least. `found` has the ids of the legs that were searched for.
    """

    call: ListedCall
    legs: Sequence[ListedCall]
    more: int
    found: frozenset[str]


def group_stories(index: CallIndex, calls: Sequence[ListedCall]) -> list[ListedStory]:
    """The stories that these calls belong to, in the order of the calls. A leg whose caller is not
    recorded is a story of its own.
    """
    callers: dict[str, ListedCall] = {}
    found: dict[str, list[str]] = {}
    for call in calls:
        caller = find_caller(index, call)
        callers.setdefault(caller.call, caller)
        found.setdefault(caller.call, []).append(call.call)
    legs: dict[str, list[ListedCall]] = {}
    for leg in index.list_legs([*callers]):
        if leg.leg is not None:
            legs.setdefault(leg.leg.caller, []).append(leg)
    return [
        build_story(caller, legs.get(name, []), frozenset(found[name]) - {name})
        for name, caller in callers.items()
    ]


def find_caller(index: CallIndex, call: ListedCall) -> ListedCall:
    """Whose story a call belongs to: of a leg its caller, of any other call itself."""
    if call.leg is None or call.leg.is_placed:
        return call
    return index.find_call(call.leg.caller) or call


def build_story(call: ListedCall, legs: Sequence[ListedCall], found: frozenset[str]) -> ListedStory:
    """The first legs, and those that were searched for wherever they stand."""
    shown = [leg for number, leg in enumerate(legs) if number < MAX_SHOWN_LEGS or leg.call in found]
    return ListedStory(call, shown, len(legs) - len(shown), found)
