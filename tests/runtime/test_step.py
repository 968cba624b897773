"""Whatever is said to whatever flow: the step never fails, and what it answers is what the platform
takes.
"""

import json
from datetime import UTC, datetime
from typing import Any

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from flowengine.compile import Release, compile_project
from flowengine.runtime.call_state import Call, Frame, can_continue_on, decode_call, encode_call
from flowengine.runtime.step import resume, step
from flowengine.runtime.step_outcome import Outcome
from flowengine.runtime.step_start import find_start
from flowengine.runtime.step_walk import create_walk
from flowengine.sinch import Dice, Notify, Pie, decode
from flowengine.states import (
    LookupResult,
    OrchestrationResult,
    OwnEvent,
    QueueAnnouncement,
    StepEvent,
)
from flowengine.svaml import encode_svaml, find_violations
from tests.runtime.flow_strategies import callbacks, fetched, flows, incoming, jsons, results
from tests.thoroughness import examples

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
patient = settings(
    max_examples=examples(50),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


def compiled(files: dict[str, bytes]) -> Release:
    made = compile_project(files, {})
    errors = [
        f"{problem.code} {problem.message}"
        for problem in made.problems
        if problem.severity == "error"
    ]
    assume(
        not errors or any(not error.startswith("FE404 ") for error in errors)
    )  # prompts that add up to too many words
    assert made.release, (errors, files["line.yaml"].decode())
    return made.release


def taken(
    release: Release, call: Call | None, event: StepEvent, answers: list[tuple[int, Any, str]]
) -> Outcome:
    """A step with its lookups; the answers come again from the first when they are used up."""
    outcome, asked = step(release, call, event, NOW), 0
    start = find_start(release, call, event)
    if start is not None and start.is_complete and start.keeps_place:
        walk = create_walk(release, start, event, NOW, call)
        walk.run.notes.extend(start.notes)
        assert walk.begin(start) == outcome, "an event without a walk has another outcome"
    while outcome.waiting:
        status, body, error = answers[asked % len(answers)]
        outcome, asked = resume(outcome.waiting, LookupResult(status, body, error)), asked + 1
        assert asked <= 200, "a callback that asks without end"
    return outcome


def legal(event: StepEvent, outcome: Outcome) -> None:
    context = str(event.__struct_config__.tag)
    if isinstance(event, OwnEvent):
        if outcome.action is not None:
            assert find_violations("ice", outcome.instructions, outcome.action) == []
        return
    in_conference = isinstance(event, Pie) and (
        event.type == "sequence" or event.menu_id == event.conference_id
    )
    if in_conference and outcome.action is None:
        assert outcome.instructions == (), "keys of a conference want no answer"
    elif isinstance(event, (Dice, Notify)):
        assert outcome.action is None
        assert find_violations(context, outcome.instructions, None) == []
    else:
        assert find_violations(context, outcome.instructions, outcome.action) == []
    json.loads(encode_svaml(outcome.instructions, outcome.action))


def to_event(body: dict[str, Any] | str) -> StepEvent:
    """A callback, or the result of calls to others."""
    if body == "announcement":
        return QueueAnnouncement(call_id="call-1", position=2, wait=61)
    if isinstance(body, str):
        return OrchestrationResult(call_id="call-1", exit=body)
    return decode(json.dumps(body).encode())


@patient
@given(files=flows())
def test_valid_flow_compiles_to_the_same_release_each_time(files: dict[str, bytes]) -> None:
    assert compiled(files).id == compiled(files).id


@settings(patient, max_examples=examples(200))
@given(
    files=flows(),
    first=incoming,
    events=st.lists(callbacks | results, max_size=12),
    answers=st.lists(fetched, min_size=1, max_size=4),
)
def test_callbacks_in_any_order_get_a_legal_answer(
    files: dict[str, bytes],
    first: dict[str, Any],
    events: list[dict[str, Any] | str],
    answers: list[tuple[int, Any, str]],
) -> None:
    release, call = compiled(files), None
    for number, body in enumerate([first, *events]):
        event = to_event(body)
        outcome = taken(release, call, event, answers)
        legal(event, outcome)
        carried = call and decode_call(encode_call(call))
        assert carried == call
        again = taken(release, carried, event, answers)
        assert encode_svaml(again.instructions, again.action) == encode_svaml(
            outcome.instructions, outcome.action
        )
        assert again.call == outcome.call
        if outcome.call:
            assert outcome.call.steps > (call.steps if call else 0), number
            assert can_continue_on(outcome.call, release)
        call = outcome.call or call


@settings(patient, max_examples=examples(100))
@given(
    files=flows(),
    events=st.lists(callbacks, min_size=1, max_size=6),
    answers=st.lists(fetched, min_size=1, max_size=2),
)
def test_without_any_state_every_callback_gets_a_legal_answer(
    files: dict[str, bytes], events: list[dict[str, Any]], answers: list[tuple[int, Any, str]]
) -> None:
    release = compiled(files)
    for body in events:
        event = decode(json.dumps(body).encode())
        legal(event, taken(release, None, event, answers))


names = st.text(min_size=1, max_size=20)
held = st.text() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False)
values = st.dictionaries(names, held, max_size=5)
frames = st.builds(Frame, names, names, values)
histories = st.lists(names, max_size=5).map(tuple)
calls = st.builds(
    Call, names, names, names, names, values, st.integers(0, 200), histories, st.integers(0, 2**31),
    st.lists(frames, max_size=8).map(tuple), st.booleans(),
)  # fmt: skip


@given(call=calls)
def test_encoded_call_is_decoded_as_it_was(call: Call) -> None:
    found = decode_call(encode_call(call))
    assert found == call
    assert found
    assert [type(value) for value in found.values.values()] == [
        type(value) for value in call.values.values()
    ]
    assert encode_call(found) == encode_call(call)


@given(data=st.binary() | jsons.map(lambda data: json.dumps(data).encode()))
def test_bytes_that_are_no_call_decode_to_none(data: bytes) -> None:
    assert decode_call(data) is None


@given(call=calls, cut=st.integers(0, 100))
def test_half_a_call_is_none(call: Call, cut: int) -> None:
    assert decode_call(encode_call(call)[: -1 - cut]) is None
