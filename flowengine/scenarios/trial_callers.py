"""Others who call before a tried call: they fill a queue, or sign out of it."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from flowengine.compile import Program, Release

MAX_OTHERS = 9
OTHER_CALLERS = "+1404555016"  # and one digit


class OtherCaller(NamedTuple):
    """Somebody at this address who calls first, and the number, "" for that of the tried call."""

    address: str
    dials: str = ""


def list_other_callers(release: Release, program: Program) -> Iterator[tuple[OtherCaller, ...]]:
    """Callers who may make a difference to the queues of a flow: as many as may wait, and all
    members, who may sign out by a number of the project.
    """
    verbs = [state.verb for state in program.states.values() if state.verb.waits_in_queue]
    for most in dict.fromkeys(verb.most_waiting for verb in verbs):
        if 0 < most <= MAX_OTHERS:
            yield tuple(OtherCaller(f"{OTHER_CALLERS}{digit}") for digit in range(1, most + 1))
    for members in dict.fromkeys(verb.queue_members for verb in verbs):
        for number in list_signing_numbers(release) if len(members) <= MAX_OTHERS else ():
            yield tuple(OtherCaller(member, number) for member in members)


def list_signing_numbers(release: Release) -> dict[str, None]:
    """The numbers of flows in which agents sign in or out."""
    signing = {
        name
        for name, program in release.programs.items()
        if any(state.verb.signs_agents for state in program.states.values())
    }
    routed = [
        f"+{route.prefix}" if route.prefix.isdecimal() else route.prefix
        for route in release.routes
        if route.flow in signing and route.has_number and not route.has_wildcard
    ]
    compared = [
        number
        for name in signing
        for number in re.findall(
            r'call\.to\s*==\s*"(\+[^"]+)"', release.programs[name].document.text
        )
    ]
    return dict.fromkeys([*routed, *compared])
