"""Every example flow, walked by every key, answer and failure, and every state by itself: all that
is said is legal SVAML.
"""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from msgspec import structs
from msgspec.structs import replace

from flowengine.compile import Program, Release, compile_project
from flowengine.compile.routing import RoutesByNumber, compile_route
from flowengine.model import Route
from flowengine.problems import to_text
from flowengine.runtime.call_state import Call, encode_call
from flowengine.runtime.step import resume, step
from flowengine.runtime.step_outcome import Outcome
from flowengine.runtime.step_start import StepStart
from flowengine.runtime.step_walk import create_walk
from flowengine.scenarios.sample_bodies import to_body
from flowengine.sinch import decode
from flowengine.sources.project_folder import read_folder
from flowengine.states import LookupResult, OrchestrationResult, QueueAnnouncement
from flowengine.svaml import encode_svaml, find_violations

ROOT = Path(__file__).parents[2]
COMPILED = compile_project(
    read_folder(ROOT / "flows"), dict.fromkeys(("CRM_TOKEN", "RECORDINGS_KEY"), "secret")
)
SCHEMA = json.loads((ROOT / "schemas" / "svaml.schema.json").read_text())
OPEN, CLOSED = datetime(2026, 11, 18, 16, 0, tzinfo=UTC), datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
QUEUE_ANSWERS = (
    LookupResult(200, {"position": 1, "wait": 60, "signed_in": 1}),
    LookupResult(200, {"position": 1}),
    LookupResult(200, {"position": 10, "waiting": 9, "signed_in": 1}),
)
ENTERED = ["", "1", "2", "*1", "*2", "12345674"]
LIMIT = 200  # different situations of one flow


def test_sample_flows_have_no_problems() -> None:
    errors = [problem for problem in COMPILED.problems if problem.code != "FE905"]
    assert not errors, to_text(errors, COMPILED.sources)


def release() -> Release:
    assert COMPILED.release is not None
    return COMPILED.release


def event(kind: str, **fields: Any) -> Any:
    return decode(json.dumps({"event": kind, "callid": "c1", "version": 1, **fields}).encode())


def words(program: Program) -> list[str]:
    """The words and keys that this flow, its subflows and the tables speak of: what a walk must try
    to get everywhere.
    """
    text = program.document.text + "".join(
        other.document.text for other in release().programs.values() if other.signature.outcomes
    )
    literals = re.findall(r'[=(,] *"([^"]{1,40})"', text)
    tables = [
        key
        for path in sorted((ROOT / "flows" / "tables").glob("*.yaml"))
        for key in re.findall(r'^  "?([0-9]+)"?:', path.read_text(), re.MULTILINE)
    ]
    return list(dict.fromkeys([*literals, *tables]))


def bodies(program: Program) -> list[dict[str, Any]]:
    """What an asked system may say: for each captured field every value that could matter."""
    fields = {
        capture.value.text: capture.variable
        for state in program.states.values()
        for capture in getattr(state.verb, "captures", ())
    }
    values = {
        name: sample_values(program, variable.type, variable.choices)
        for name, variable in fields.items()
        if "body." in name
    }
    most = max((len(found) for found in values.values()), default=0)
    return [
        {},
        *(
            shorten_lists(to_body(values, [found[turn % len(found)] for found in values.values()]))
            for turn in range(most)
        ),
    ]


def shorten_lists(body: Any) -> Any:
    """A body with four items of each list at most: each item more is a situation more for all else."""
    if isinstance(body, dict):
        return {name: shorten_lists(value) for name, value in body.items()}
    return [shorten_lists(item) for item in body[:4]] if isinstance(body, list) else body


def sample_values(program: Program, kind: str, choices: tuple[str, ...]) -> list[Any]:
    """Values of one type; the texts are those that the flow compares with."""
    texts = [*(choices or words(program)), "2026-12-24", "x"]
    return {"boolean": [True, False], "integer": [0, 5, 100], "decimal": [0.0, 12.5]}.get(
        kind, texts
    )


def arrivals(program: Program) -> Iterator[tuple[Call | None, Any]]:
    """The callbacks by which a call enters this flow."""
    for value in ("", "1", "2026-12-24"):
        data = {
            item.name: {"integer": 1, "boolean": True}.get(item.type, value)
            for item in program.signature.inputs
        }
        yield None, event("ace", custom=json.dumps({"flow": program.flow, "data": data}))
    callers = [
        "12015555555",
        "4712345678",
        "private",
        *(f"1201555{number:04}" for number in range(40)),
    ]
    dialled = ["+14045550101", "alice", *words(program)]
    known = [state.verb.known_callers[:1] for state in program.states.values()]
    for cli, to in [
        *((cli, "+14045550101") for cli in callers),
        *((cli, to) for (cli,) in {*filter(None, known)} for to in dialled),
        *(("12015555555", to) for to in dialled),
    ]:
        kind = "did" if to.startswith("+") else "username"
        yield (
            None,
            event(
                "ice",
                cli=cli,
                to={"type": kind, "endpoint": to},
                domain="pstn",
                originationType="PSTN",
                user="alice",
            ),
        )


def replies(call: Call) -> Iterator[Any]:
    """The callbacks that may come to a waiting call."""
    state = release().programs[call.flow].states[call.state]
    choices = {*getattr(state.verb, "choices", ()), *getattr(state.verb, "spoken_words", ())}
    entered = {"menu": [], "record_message": ["#", "1", "2"]}.get(
        state.kind, [*ENTERED, *words(release().programs[call.flow])]
    )
    for value in dict.fromkeys([*sorted(choices), *entered, "yes", "no", "*", "0"]):
        for kind, way in (("return", "dtmf"), ("sequence", "voice")):
            yield event(
                "pie",
                menuResult={"menuId": "main", "type": kind, "value": value, "inputMethod": way},
            )
    for kind in ("timeout", "invalidinput", "hangup", "error"):
        yield event("pie", menuResult={"menuId": "main", "type": kind})
    for status in ("", "human", "machine", "notsure"):
        yield event("ace", **({"amd": {"status": status, "reason": "n/a"}} if status else {}))
    # a message waits for the file of the name that its state gave it
    files = [value for name, value in call.values.items() if name.endswith("~")]
    for kind in (
        "amd",
        "amd_beep",
        "recording_available",
        "transcription_available",
        "recording_finished",
        "callingerror",
    ):
        yield event(
            "notify",
            type=kind,
            destination=f"s3://box/{(files or ['file'])[0]}",
            amd={"status": "machine"} if kind.startswith("amd") else None,
        )
    if state.verb.calls_others:
        for name in state.exits:
            yield OrchestrationResult(call_id="c1", exit=name)
    if state.verb.waits_in_queue:
        yield QueueAnnouncement(call_id="c1", position=2, wait=90)
    for result in ("ANSWERED", "BUSY", "NOANSWER", "FAILED"):
        yield event("dice", result=result, reason="N/A", duration=5)


def settled(
    outcome: Outcome, answer: LookupResult, facts: LookupResult = QUEUE_ANSWERS[0]
) -> Outcome:
    """The end of a step; `facts` are what a queue says of itself."""
    while outcome.waiting is not None:
        asks_queue = outcome.waiting.request.queue is not None
        outcome = resume(outcome.waiting, facts if asks_queue else answer)
    return outcome


def outcomes(
    call: Call | None, callback: Any, now: datetime, program: Program
) -> Iterator[Outcome]:
    """What may come of a callback: one outcome, or one per answer of the system that the flow asks."""
    first = stepped(call, callback, now, program)
    yield settled(first, LookupResult(500))
    if first.waiting is not None and first.waiting.request.queue:
        for facts in QUEUE_ANSWERS[1:]:
            yield settled(stepped(call, callback, now, program), LookupResult(500), facts)
    elif first.waiting is not None:
        for answer in (
            *(LookupResult(200, body) for body in bodies(program)),
            LookupResult(404),
            LookupResult(0, error="timeout"),
        ):
            yield settled(stepped(call, callback, now, program), answer)


def stepped(call: Call | None, callback: Any, now: datetime, program: Program) -> Outcome:
    return step(routed(program), call, callback, now)


def routed(program: Program) -> Release:
    """The release as if every call were for this flow."""
    routes = (compile_route(Route(flow=program.flow)),)
    return replace(release(), routes=routes, routes_by_number=RoutesByNumber.from_routes(routes))


def judged(kind: str, outcome: Outcome) -> None:
    body = encode_svaml(outcome.instructions, outcome.action)
    if (kind, body) not in JUDGED:  # most walks hear what others have heard
        assert not find_violations(kind, outcome.instructions, outcome.action)
        validator(kind).validate(json.loads(body))
        JUDGED.add((kind, body))


@cache
def validator(kind: str) -> Draft202012Validator:
    return Draft202012Validator({"$ref": f"#/$defs/{kind}", "$defs": SCHEMA["$defs"]})


def explored(program: Program) -> set[tuple[str, str]]:
    """All states that some sequence of callbacks reaches; every answer on the way is judged."""
    seen: set[bytes] = set()
    reached: set[tuple[str, str]] = set()
    for now in (OPEN, CLOSED):
        waiting: list[tuple[Call | None, Any]] = list(arrivals(program))
        while waiting and len(seen) < LIMIT:
            call, callback = waiting.pop(0)
            for outcome in outcomes(call, callback, now, program):
                reached |= {(entry.flow, entry.state) for entry in outcome.trace}
                kind = callback.answered_as
                if outcome.action is not None or kind in ("dice", "notify"):
                    judged(kind, outcome)
                after = outcome.call
                if after is None or after.ended:
                    continue
                key = encode_call(structs.replace(after, steps=0))
                if key not in seen:
                    seen.add(key)
                    waiting += [(after, reply) for reply in replies(after)]
    return reached


FLOWS = sorted(
    name for name, program in COMPILED.programs.items() if not program.signature.outcomes
)
JUDGED: set[tuple[str, bytes]] = set()
UNDER = {
    "ice": event("ice", to={"type": "did", "endpoint": "+1"}),
    "ace": event("ace"),
    "pie": event("pie", menuResult={"type": "return", "value": "1"}),
}


@pytest.mark.parametrize("flow", FLOWS)
def test_sample_state_entered_by_itself_says_only_what_is_legal(flow: str) -> None:
    program = release().programs[flow]
    for name, state in program.states.items():
        for kind in state.legal & UNDER.keys():
            start = StepStart(Call(release().id, flow, name, program.locale), entry=name)
            walk = create_walk(release(), start, UNDER[kind], OPEN, None)
            outcome = settled(walk.follow_moves(walk.enter_state()), LookupResult(404))
            judged(kind, outcome)
            assert (flow, name) in {(entry.flow, entry.state) for entry in outcome.trace}


def test_walks_through_the_examples_say_only_what_is_legal_and_reach_four_of_five_states() -> None:
    """What a walk cannot reach are exits for failures that no test can cause, and branches behind
    the data of other systems.
    """
    states = {(flow, name) for flow in FLOWS for name in release().programs[flow].states}
    reached = set[tuple[str, str]]().union(*(explored(release().programs[flow]) for flow in FLOWS))
    assert len(states & reached) >= 0.8 * len(states)
