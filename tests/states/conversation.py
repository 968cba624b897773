"""A conversation as data: callbacks in short form, and what is expected of each answer."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec
from msgspec.structs import asdict

from flowengine.compile import CompileResult, compile_project
from flowengine.runtime.call_state import Call, decode_call, encode_call
from flowengine.runtime.step import resume, step
from flowengine.runtime.step_outcome import Outcome
from flowengine.sinch import CallbackEvent, decode
from flowengine.states import (
    LookupRequest,
    LookupResult,
    OrchestrationResult,
    QueueAnnouncement,
    StepEvent,
)
from flowengine.states.room_plan import EnterRoom, RoomUpdate
from flowengine.svaml import encode_svaml, find_violations

NOW = "2026-11-23T12:00:00+00:00"  # a Monday
ICE = {
    "cli": "46708168731",
    "to": {"type": "did", "endpoint": "+12017777777"},
    "domain": "pstn",
    "originationType": "PSTN",
}
WRAPPING: Mapping[str, Any] = {"flow": "line", "locale": "en-US", "start": "first"}


def compiled(
    case: Mapping[str, Any], environment: Mapping[str, str] | None = None
) -> CompileResult:
    """The project of a case: `states` in a minimal flow, or a whole `flow`, further `flows` and a
    `project`.
    """
    own = {
        **WRAPPING,
        **({"states": case["states"]} if "states" in case else {}),
        **case.get("flow", {}),
    }
    flows = {"line": own, **case.get("flows", {})}
    files = {
        f"{name}.yaml": json.dumps({"flow": name, **flow}).encode() for name, flow in flows.items()
    }
    project = {"project": "test", "routes": [{"flow": "line"}], **case.get("project", {})}
    return compile_project(
        {**files, "project.yaml": json.dumps(project).encode()},
        environment or case.get("environment", {}),
    )


def event(name: str, fields: Mapping[str, Any], call_id: str = "call-1") -> CallbackEvent:
    """A callback. For `pie`, keys of the menu result may stand in short form: {press: 1}, {enter:
    12}, {say: bill}, {timeout:}.
    """
    body: dict[str, Any] = {"event": name, "callid": call_id, "version": 1}
    if name == "ice":
        body |= ICE | dict(fields)
    return decode(json.dumps(body | (pie(fields) if name == "pie" else dict(fields))).encode())


def result(exit_: str, call_id: str = "call-1") -> OrchestrationResult:
    """The result of calls to others."""
    return OrchestrationResult(call_id=call_id, exit=exit_)


def announcement(how: Mapping[str, int], call_id: str = "call-1") -> QueueAnnouncement:
    """The time to tell how it stands in a queue: its place and the seconds to wait."""
    return QueueAnnouncement(call_id=call_id, **how)


def pie(fields: Mapping[str, Any]) -> dict[str, Any]:
    results = {
        "press": ("return", "dtmf"),
        "enter": ("sequence", "dtmf"),
        "say": ("return", "voice"),
        "timeout": ("timeout", ""),
        "wrong": ("invalidinput", "dtmf"),
        "hangup": ("hangup", ""),
        "error": ("error", ""),
    }
    short = next((name for name in fields if name in results), "")
    if not short:
        return dict(fields)
    kind, method = results[short]
    value = "" if fields[short] is None else str(fields[short])
    result = {
        "menuId": fields.get("menu", "main"),
        "type": kind,
        "value": value,
        "inputMethod": method,
    }
    return {
        "menuResult": result,
        **{name: value for name, value in fields.items() if name not in (short, "menu")},
    }


def contained(expected: Any, found: Any) -> bool:
    """Whether all that is expected is there: of a record its keys, of a list each item; `~text` is
    a part of a text.
    """
    if isinstance(expected, dict) and isinstance(found, dict):
        return all(
            name in found and contained(value, found[name]) for name, value in expected.items()
        )
    if isinstance(expected, list) and isinstance(found, list):
        return len(expected) == len(found) and all(map(contained, expected, found))
    if isinstance(expected, str) and expected.startswith("~"):
        return isinstance(found, str) and expected[1:] in found
    return bool(expected == found) and isinstance(expected, bool) == isinstance(found, bool)


def heard(answer: Mapping[str, Any]) -> list[str]:
    """Everything that the answer plays, in order; of the menus the one that is played first."""
    found: list[str] = []
    for item in answer.get("instructions", []):
        found += [item["text"]] if item["name"] == "say" else item.get("ids", [])
    action = answer.get("action", {})
    menu = next(
        (menu for menu in action.get("menus", []) if menu["id"] == action.get("mainMenu", "main")),
        {},
    )
    prompts = [
        menu.get("mainPrompt", ""),
        action.get("introPrompt", ""),
        action.get("holdPrompt", ""),
    ]
    return found + [
        part.removeprefix("#tts[").removesuffix("]")
        for prompt in prompts
        for part in prompt.split(";")
        if part
    ]


def asked(request: LookupRequest) -> dict[str, Any]:
    body = json.loads(request.body) if request.body else None
    return {
        "service": request.service, "method": request.method, "url": request.url, "headers": dict(request.headers),
        "body": body, "timeout": request.timeout, "retries": request.retries,
    }  # fmt: skip


def make_event(name: str, given: Any) -> StepEvent:
    """A callback, or an event of flowengine's own."""
    if name == "result":
        return result(given)
    return announcement(given) if name == "announcement" else event(name, given)


def to_plain(queue_update: RoomUpdate) -> Any:
    """What the step asks of a conference, as the cases write it."""
    if isinstance(queue_update, EnterRoom):
        plan = asdict(queue_update.plan)
        return {"plan": plan | {"keys": [list(pair) for pair in queue_update.plan.keys]}}
    return asdict(queue_update)


def find_queue_update(outcome: Outcome) -> dict[str, Any]:
    """What the step asks of queues."""
    queue_update = (
        {type(outcome.effects.queue_update).__name__: asdict(outcome.effects.queue_update)}
        if outcome.effects.queue_update
        else {}
    )
    left = {"leaves": True} if outcome.effects.leaves_queue else {}
    agent_statuses = [
        [item.group, item.address, item.status] for item in outcome.effects.agent_statuses
    ]
    return {
        **queue_update,
        **left,
        **({"agent_statuses": agent_statuses} if agent_statuses else {}),
    }


class Conversation:
    """One call of a compiled project. Between two callbacks its state is bytes, as in the store."""

    def __init__(self, compiled: CompileResult, now: str = NOW) -> None:
        assert compiled.release, [problem.message for problem in compiled.problems]
        self.release = compiled.release
        self.now = datetime.fromisoformat(now)
        self.call: Call | None = None

    def turn(self, turn: Mapping[str, Any], fresh: bool = False) -> None:
        """Send a callback and compare what comes of it."""
        name = next(
            name
            for name in ("ice", "ace", "pie", "dice", "notify", "result", "announcement")
            if name in turn
        )
        self.now = datetime.fromisoformat(turn.get("now", self.now.isoformat()))
        before = (
            None if fresh or turn.get("lost") else self.call and decode_call(encode_call(self.call))
        )
        happened = make_event(name, turn[name] or {})
        outcome = self.performed(
            step(self.release, before, happened, self.now), list(turn.get("fetches", []))
        )
        answer = json.loads(encode_svaml(outcome.instructions, outcome.action))
        if answer:
            # what goes on after other calls may hold what the answer to an ICE may
            context = "ice" if name in ("result", "announcement") else name
            assert find_violations(context, outcome.instructions, outcome.action) == []
        self.call = outcome.call
        self.compare(turn, answer, outcome)

    def performed(self, outcome: Outcome, fetches: list[Mapping[str, Any]]) -> Outcome:
        """Answer the requests of a step with the expected ones, in order."""
        while outcome.waiting:
            assert fetches, f"an unexpected request {outcome.waiting.request}"
            wanted = fetches.pop(0)
            request = asked(outcome.waiting.request)
            assert contained(wanted.get("asks", {}), request), request
            outcome = resume(
                outcome.waiting,
                LookupResult(wanted.get("status", 0), wanted.get("body"), wanted.get("error", "")),
            )
        assert not fetches, f"expected a request {fetches[0]}"
        return outcome

    def compare(self, turn: Mapping[str, Any], answer: Mapping[str, Any], outcome: Outcome) -> None:
        if "hears" in turn:
            assert contained(turn["hears"], heard(answer)), heard(answer)
        if "sends" in turn:
            sends = turn["sends"]
            assert contained(
                {"action": {"name": sends}} if isinstance(sends, str) else sends, answer
            ), answer
            assert sends != {} or answer == {}
        if "places" in turn:
            plans = [
                json.loads(msgspec.json.encode(asdict(one))) for one in outcome.effects.placements
            ]
            assert len(plans) == len(turn["places"]), plans
            assert all(map(contained, turn["places"], plans)), plans
        if "rings" in turn:
            assert outcome.effects.ring
            plan = json.loads(msgspec.json.encode(asdict(outcome.effects.ring)))
            plan["exits"].sort()  # a set
            assert contained(turn["rings"], plan), plan
        assert contained(turn.get("asks_queue", {}), find_queue_update(outcome)), find_queue_update(
            outcome
        )
        rooms = [
            {type(queue_update).__name__: to_plain(queue_update)}
            for queue_update in outcome.effects.rooms
        ]
        assert contained(turn.get("asks_rooms", []), rooms), rooms
        assert bool(rooms) == ("asks_rooms" in turn), rooms
        if "asks_queue" not in turn:
            assert find_queue_update(outcome) == {}
        if "state" in turn:
            assert self.call is not None
            assert self.call.state == turn["state"], self.call
        if "values" in turn:
            assert self.call is not None
            assert {
                name.removeprefix("vars."): value for name, value in self.call.values.items()
            } == turn["values"]
        for line in turn.get("trace", []):
            assert any(line in f"{entry.state}: {entry.what}" for entry in outcome.trace), (
                outcome.trace
            )
