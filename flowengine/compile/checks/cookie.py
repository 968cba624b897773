"""The worst case of what travels with a call while it waits, against what a cookie holds."""

from collections.abc import Iterator, Mapping
from functools import partial
from typing import NamedTuple

from flowengine.compile.checks.graph import QUESTIONS, callee, calls, components
from flowengine.compile.program import Program
from flowengine.expr import Type
from flowengine.limits import MAX_COOKIE_BYTES, MAX_FACT_BYTES, MAX_HISTORY_BYTES
from flowengine.model import Memory
from flowengine.pace import paced
from flowengine.problems import Problem

# the encoded call (runtime/call.py) without names and values: format, release, counters, locale,
# and the marks in front of each
HEAD = 48
FRAME = 9  # the marks around flow, state, values and questions of one level
NAME = 2  # the mark in front of a name
VALUE = 3  # the mark in front of a value
FACTS = {
    "call.from": 17,
    "call.redirected_from": 17,
    "call.origin": 6,
    **dict.fromkeys(("call.to", "call.user", "call.sip"), MAX_FACT_BYTES),
}
NUMBER = 9  # whole numbers and decimals travel as 8 bytes and a mark
ONE_BYTE = frozenset({"digits", "date", "time"})  # kinds that hold ASCII only
SEAL = 17  # version and authentication tag of the cookie (runtime/cookie.py)
KEY = 9  # the name of the cookie, and the count of steps in front of the seal


class Sizes(NamedTuple):
    """Bytes by state: of a call that waits in it, and of a call that waits in a subflow that it
    uses.
    """

    waiting: Mapping[str, int]
    calling: Mapping[str, int]


def check(
    programs: Mapping[str, Program], memory: Memory, *, cookies_only: bool
) -> Iterator[Problem]:
    """One problem per flow, at its largest state. A flow that is too large only for its callers is
    left out when one of them is told.
    """
    measured = {
        name: memory.recall(("cookie", name), program, partial(sizes, program))
        for name, program in programs.items()
    }
    below = below_each(programs, measured)
    over = {
        name: place
        for name, own in paced(measured.items())
        if (place := largest(own, below[name]))[0] > MAX_COOKIE_BYTES
    }
    alone = [name for name in over if largest(measured[name], 0)[0] > MAX_COOKIE_BYTES]
    for name in alone or over:
        size, state = over[name]
        yield outgrown(programs[name], state, size, cookies_only=cookies_only)


def largest(own: Sizes, below: int) -> tuple[int, str]:
    return max(
        ((cookie_bytes(size + below), state) for state, size in own.waiting.items()),
        default=(0, ""),
    )


def sizes(program: Program) -> Sizes:
    return Sizes(
        {state: payload(program, state) for state in waiting(program)},
        {state.name: frame(program, state.name) for state in program.calls},
    )


def worst_case(programs: Mapping[str, Program]) -> Mapping[tuple[str, str], int]:
    """By flow and state in which a call waits: the most bytes that its cookie can have."""
    measured = {name: sizes(program) for name, program in programs.items()}
    below = below_each(programs, measured)
    return {
        (name, state): cookie_bytes(size + below[name])
        for name, own in measured.items()
        for state, size in own.waiting.items()
    }


def waiting(program: Program) -> list[str]:
    return [name for name, state in program.states.items() if state.verb.waits]


def cookie_bytes(length: int) -> int:
    """The bytes that a payload of this length takes as a sealed cookie, with its key."""
    return KEY + -(-(SEAL + length) * 4 // 3)


def payload(program: Program, state: str) -> int:
    return HEAD + history(program) + frame(program, state)


def below_each(programs: Mapping[str, Program], measured: Mapping[str, Sizes]) -> dict[str, int]:
    """By flow: the bytes of the largest stack of callers that may wait for it. Recursion is a
    problem of its own, and left out.
    """
    below = dict.fromkeys(programs, 0)
    calling = calls(programs)
    for circle in reversed(
        components({name: [callee(state) for state in states] for name, states in calling.items()})
    ):
        for name in circle:
            for state in calling[name]:
                if callee(state) not in circle:
                    below[callee(state)] = max(
                        below[callee(state)], below[name] + measured[name].calling[state.name]
                    )
    return below


def frame(program: Program, state: str) -> int:
    names = program.live.get(state, frozenset())
    return FRAME + len(program.flow) + len(state) + sum(entry(program, name) for name in names)


def entry(program: Program, name: str) -> int:
    """The bytes of one name with its largest value."""
    return NAME + len(name) + value(program, name)


def value(program: Program, name: str) -> int:
    if name in FACTS:
        return VALUE + FACTS[name]
    if name == "call.withheld":
        return 1
    variable = program.variables[name.removeprefix("vars.")]
    if variable.type is Type.BOOLEAN:
        return 1
    if variable.type is not Type.TEXT:
        return NUMBER
    if variable.choices:
        return VALUE + max(len(choice.encode()) for choice in variable.choices)
    return VALUE + variable.size * (1 if variable.kind in ONE_BYTE else 4)


def history(program: Program) -> int:
    """The questions that `back` can return to travel by name; a lone question is but one."""
    if not program.goes_back:
        return 0
    names = [name for name, state in program.states.items() if state.kind in QUESTIONS]
    alone = (
        len(names) < 2 and not program.calls and program.start and not program.signature.outcomes
    )
    return len("".join(names)) + 1 if alone else MAX_HISTORY_BYTES


def outgrown(program: Program, state: str, size: int, *, cookies_only: bool) -> Problem:
    largest = sorted(program.live[state], key=lambda name: (-entry(program, name), name))[:3]
    named = ", ".join(
        f"{name.partition('.')[2]} ({entry(program, name)} bytes)" for name in largest
    )
    message = f"while a call waits in {state} it may carry {size} bytes; a cookie holds {MAX_COOKIE_BYTES}"
    hint = (
        f"give the largest a smaller max: {named}"
        if named
        else "shorten the names, or nest fewer subflows"
    )
    code = "FE403" if cookies_only else "FE908"
    return Problem(code, program.document.key_span(program.states[state].path), message, hint)
