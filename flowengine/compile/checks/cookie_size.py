"""The largest cookie that a waiting call may need, against what a cookie holds."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from flowengine.compile.checks.needed_store import needs_store
from flowengine.compile.checks.program_graph import (
    find_components,
    list_subflow_calls,
)
from flowengine.compile.program import Program
from flowengine.cooperative import iterate_with_pauses
from flowengine.expr import Type
from flowengine.limits import (
    MAX_CONFERENCE_ID,
    MAX_COOKIE_BYTES,
    MAX_FACT_BYTES,
    MAX_HISTORY_BYTES,
    MAX_HOST_BYTES,
    MAX_KEPT_CUSTOM_BYTES,
    MAX_PARKING_CODE,
)
from flowengine.problems import Problem
from flowengine.states.field_types import MAX_STATE_NAME
from flowengine.states.flow_context import FILE_NAME_KIND
from flowengine.states.option_conditions import HIDDEN_FACT, MAX_HIDDEN_BYTES
from flowengine.states.parking_plan import CODE_FACT
from flowengine.states.queue_plan import MAX_TURN_BYTES, TURN_FACT
from flowengine.states.ring_plan import HOST_FACT
from flowengine.states.room_plan import ROOM_FACT
from flowengine.states.state_results import FAILED_STATE_FACT, FAILURE_FACT, MAX_FAILURE

# the encoded call (runtime/call.py) without names and values: format, release, counters, locale,
# and the marks in front of each
CALL_HEADER_BYTES = 48
FRAME_BYTES = 9  # the marks around flow, state, values and questions of one level
NAME_MARK_BYTES = 2  # the mark in front of a name
VALUE_MARK_BYTES = 3  # the mark in front of a value
FACT_BYTES = {
    "call.from": 17,
    "call.redirected_from": 17,
    "call.origin": 6,
    "call.custom": MAX_KEPT_CUSTOM_BYTES,
    FAILED_STATE_FACT: MAX_STATE_NAME,
    FAILURE_FACT: MAX_FAILURE,
    HOST_FACT: MAX_HOST_BYTES,
    ROOM_FACT: 4 * MAX_CONFERENCE_ID,
    CODE_FACT: 4 * MAX_PARKING_CODE,
    TURN_FACT: MAX_TURN_BYTES,
    HIDDEN_FACT: MAX_HIDDEN_BYTES,
    **dict.fromkeys(("call.to", "call.user", "call.sip"), MAX_FACT_BYTES),
}
NUMBER_BYTES = 9  # whole numbers and decimals travel as 8 bytes and a mark
ASCII_KINDS = frozenset({"digits", "date", "time", FILE_NAME_KIND})  # kinds that hold ASCII only
ENCRYPTION_BYTES = 17  # version and authentication tag of the cookie (runtime/cookie.py)
COOKIE_KEY_BYTES = 9  # the name of the cookie, and the count of steps in front of the seal


class StateSizes(NamedTuple):
    """Bytes by state: of a call that waits in it, and of a call that waits in a subflow that it
    uses.
    """

    waiting: Mapping[str, int]
    calling: Mapping[str, int]


def check(programs: Mapping[str, Program], *, cookies_only: bool) -> Iterator[Problem]:
    """One problem for each flow, at its largest state. A flow that is too large only because of its
    callers is left out where one of them is, and a flow that cannot do without a session store is left
    out where there is one.
    """
    measured = {name: program.compute_once(measure_program) for name, program in programs.items()}
    below = measure_callers(programs, measured)
    over = {
        name: place
        for name, own in iterate_with_pauses(measured.items())
        if (place := find_largest(own, below[name]))[0] > MAX_COOKIE_BYTES
    }
    alone = [name for name in over if find_largest(measured[name], 0)[0] > MAX_COOKIE_BYTES]
    # a flow that is too large by itself makes its subflows too large, too: mending it may be enough
    for name in alone or over:
        size, state = over[name]
        if not cookies_only and needs_store(programs[name]):
            continue
        yield build_cookie_problem(programs[name], state, size, cookies_only=cookies_only)


def find_largest(own: StateSizes, below: int) -> tuple[int, str]:
    return max(
        ((compute_cookie_bytes(size + below), state) for state, size in own.waiting.items()),
        default=(0, ""),
    )


def measure_program(program: Program) -> StateSizes:
    return StateSizes(
        {state: measure_payload(program, state) for state in list_waiting_states(program)},
        {state.name: measure_frame(program, state.name) for state in program.subflow_states},
    )


def compute_worst_case(programs: Mapping[str, Program]) -> Mapping[tuple[str, str], int]:
    """By flow and state in which a call waits: the most bytes that its cookie can have."""
    measured = {name: measure_program(program) for name, program in programs.items()}
    below = measure_callers(programs, measured)
    return {
        (name, state): compute_cookie_bytes(size + below[name])
        for name, own in measured.items()
        for state, size in own.waiting.items()
    }


def list_waiting_states(program: Program) -> list[str]:
    return [name for name, state in program.states.items() if state.verb.waits]


def compute_cookie_bytes(length: int) -> int:
    """The bytes that a payload of this length takes as a sealed cookie, with its key."""
    # base64 needs four characters for three bytes, rounded up
    return COOKIE_KEY_BYTES + -(-(ENCRYPTION_BYTES + length) * 4 // 3)


def measure_payload(program: Program, state: str) -> int:
    return CALL_HEADER_BYTES + measure_history(program) + measure_frame(program, state)


def measure_callers(
    programs: Mapping[str, Program], measured: Mapping[str, StateSizes]
) -> dict[str, int]:
    """By flow: the bytes of the largest stack of callers that may wait for it. Recursion is left
    out, as it has a problem of its own.
    """
    below = dict.fromkeys(programs, 0)
    calling = list_subflow_calls(programs)
    for cycle in reversed(
        find_components(
            {name: [state.verb.callee for state in states] for name, states in calling.items()}
        )
    ):
        for name in cycle:
            for state in calling[name]:
                if state.verb.callee not in cycle:
                    below[state.verb.callee] = max(
                        below[state.verb.callee], below[name] + measured[name].calling[state.name]
                    )
    return below


def measure_frame(program: Program, state: str) -> int:
    names = program.live.get(state, frozenset())
    return (
        FRAME_BYTES
        + len(program.flow)
        + len(state)
        + sum(measure_entry(program, name) for name in names)
    )


def measure_entry(program: Program, name: str) -> int:
    """The bytes of one name with its largest value."""
    return NAME_MARK_BYTES + len(name) + measure_value(program, name)


def measure_value(program: Program, name: str) -> int:
    if name in FACT_BYTES:
        return VALUE_MARK_BYTES + FACT_BYTES[name]
    if name == "call.withheld":
        return 1
    variable = program.variables[name.removeprefix("vars.")]
    if variable.type is Type.BOOLEAN:
        return 1
    if variable.type is not Type.TEXT:
        return NUMBER_BYTES
    if variable.choices:
        return VALUE_MARK_BYTES + max(len(choice.encode()) for choice in variable.choices)
    is_ascii = variable.kind in ASCII_KINDS or name in program.compute_once(find_addresses)
    return VALUE_MARK_BYTES + variable.size * (1 if is_ascii else 4)


def find_addresses(program: Program) -> frozenset[str]:
    """The variables that hold nothing but addresses of files, which are ASCII."""
    written = {name for state in program.states.values() for name in state.verb.written_addresses}
    others = {
        name
        for state in program.states.values()
        for name in state.writes - state.verb.written_addresses
    }
    inputs = {f"vars.{variable.name}" for variable in program.signature.inputs}
    return frozenset(written - others - inputs)


def measure_history(program: Program) -> int:
    """The questions that `back` can return to travel by name; a lone question is but one."""
    if not program.goes_back:
        return 0
    names = [name for name, state in program.states.items() if state.verb.is_question]
    alone = (
        len(names) < 2
        and not program.subflow_states
        and program.start
        and not program.signature.outcomes
    )
    return len("".join(names)) + 1 if alone else MAX_HISTORY_BYTES


def has_max(program: Program, name: str) -> bool:
    """Whether an author says how long this value may be: what the platform tells of a call, and
    what a state keeps for itself, have no `max:`.
    """
    if not name.startswith("vars.") or "~" in name:  # a shadow has no place
        return False
    return program.variables[name.removeprefix("vars.")].kind in ("text", "digits")


def build_cookie_problem(program: Program, state: str, size: int, *, cookies_only: bool) -> Problem:
    variables = [name for name in program.live[state] if has_max(program, name)]
    largest = sorted(variables, key=lambda name: (-measure_entry(program, name), name))[:3]
    named = ", ".join(
        f"{name.removeprefix('vars.')} ({measure_entry(program, name)} bytes)" for name in largest
    )
    message = f"while a call waits in {state} it may carry {size} bytes; a cookie holds {MAX_COOKIE_BYTES}"
    hint = (
        f"give the largest a smaller max: {named}"
        if named
        else "read less of call.* in the states after it, shorten the names, or nest fewer subflows"
    )
    code = "FE403" if cookies_only else "FE908"
    return Problem(code, program.document.find_key_span(program.states[state].path), message, hint)
