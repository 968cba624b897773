"""Others who call before a tried call: they fill a queue, sign out of it, or are parked."""

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

from flowengine.compile import Program, Release
from flowengine.states import Verb

MAX_OTHERS = 9
OTHER_CALLERS = "+1404555016"  # and one digit


class OtherCaller(NamedTuple):
    """Somebody at this address who calls first, and the number, "" for that of the tried call."""

    address: str
    dials: str = ""


def list_other_callers(release: Release, program: Program) -> Iterator[tuple[OtherCaller, ...]]:
    """Callers who may make a difference to a flow: to its queues, as many as may wait, and all
    members, who may sign out by a number of the project; and to its codes, one who is parked.
    """
    verbs = [state.verb for state in program.states.values() if state.verb.waits_in_queue]
    for most in dict.fromkeys(verb.most_waiting for verb in verbs):
        if 0 < most <= MAX_OTHERS:
            yield tuple(OtherCaller(f"{OTHER_CALLERS}{digit}") for digit in range(1, most + 1))
    for members in dict.fromkeys(verb.queue_members for verb in verbs):
        for number in list_signing_numbers(release) if len(members) <= MAX_OTHERS else ():
            yield tuple(OtherCaller(member, number) for member in members)
    coded = [state.verb for state in program.states.values() if state.verb.parking_code]
    if any(verb.is_brought_back for verb in coded):
        yield (OtherCaller(f"{OTHER_CALLERS}1"),)
    if not all(verb.is_brought_back for verb in coded):
        for number in list_parking_numbers(release):
            yield (OtherCaller(f"{OTHER_CALLERS}1", number),)


def list_signing_numbers(release: Release) -> dict[str, None]:
    """The numbers of flows in which agents sign in or out."""
    return list_numbers(release, lambda verb: verb.signs_agents)


def list_parking_numbers(release: Release) -> dict[str, None]:
    """The numbers of flows that park calls under a code."""
    return list_numbers(release, lambda verb: verb.uses_parking and verb.is_brought_back)


def list_numbers(release: Release, is_wanted: Callable[[Verb], bool]) -> dict[str, None]:
    """The numbers of the flows that have such a state."""
    wanted = {
        name
        for name, program in release.programs.items()
        if any(is_wanted(state.verb) for state in program.states.values())
    }
    routed = [
        f"+{route.prefix}" if route.prefix.isdecimal() else route.prefix
        for route in release.routes
        if route.flow in wanted and route.has_number and not route.has_wildcard
    ]
    compared = [
        number
        for name in wanted
        for number in re.findall(
            r'call\.to\s*==\s*"(\+[^"]+)"', release.programs[name].document.text
        )
    ]
    return dict.fromkeys([*routed, *compared])
