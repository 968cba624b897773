"""A message is reported once, in whatever order the platform tells of the caller and of the file."""

import json
from functools import cache
from itertools import permutations
from typing import Any

import pytest

from flowengine.runtime.call_state import Call, decode_call, encode_call
from flowengine.runtime.step import resume, step
from flowengine.states import LookupResult
from flowengine.states.message_recorder import CALLER_LEFT, REVIEW_OFFSET, WAIT_OFFSET
from flowengine.svaml import encode_svaml
from tests.states.conversation import Conversation, compiled, event

FILE = "s3://box/20261123120000000_call-1.mp3"
CASE: dict[str, Any] = {
    "flow": {
        "start": "box",
        "on": {"ended": "counted"},
        "vars": {"file": {"type": "text", "max": 60}, "ends": {"type": "integer"}},
        "states": {
            "box": {
                "subflow": {"flow": "mailbox", "into": {"file": "message"}, "outcomes": {"left": "tell"}}
            },
            "tell": {
                "fetch": {"service": "crm", "post": "/messages", "body": {"file": "${vars.file}"}, "failed": "bye"},
                "next": "bye",
            },
            "bye": {"say": "Sent.", "menu": {"prompt": "${vars.ends}", "options": {"1": "last"}, "otherwise": "last"}},
            "counted": {
                "fetch": {"service": "crm", "post": "/ends", "body": {}, "failed": "noted"},
                "next": "noted",
            },
            "noted": {"set": {"ends": "${vars.ends + 1}"}, "next": "over"},
            "over": {"done": {}},
            "last": {"hangup": {}},
        },
    },
    "flows": {
        "mailbox": {
            "start": "ask",
            "on": {"ended": "heard"},
            "vars": {"message": {"type": "text", "max": 256}},
            "outputs": ["message"],
            "outcomes": ["left"],
            "states": {
                "ask": {
                    "record_message": {"prompt": "Speak.", "into": "message", "review": "Press 1."},
                    "next": "left",
                },
                "left": {"return": "left"},
                "heard": {"done": {}},
            },
        }
    },
    "project": {
        "recordings": {"to": "s3://box"},
        "services": {"crm": {"url": "https://crm.example.com"}},
    },
}  # fmt: skip
EVENTS: dict[str, tuple[str, dict[str, Any]]] = {
    "ring": ("ice", {}),
    "#": ("pie", {"press": "#"}),
    "1": ("pie", {"press": 1}),
    "hang up": ("pie", {"hangup": ""}),
    "end": ("dice", {"result": "ANSWERED"}),
    "file": ("notify", {"type": "recording_available", "destination": FILE}),
    "other file": ("notify", {"type": "recording_available", "destination": "s3://box/1.mp3"}),
}
ORDERS = [
    order
    for said in (("ring",), ("ring", "#"), ("ring", "#", "1"))
    for told in (("file", "end"), ("file", "hang up"), ("file", "hang up", "end"))
    for rest in permutations((*told, "other file"))
    for order in [(*said, *rest)]
    # the file is there only after the recording, which lasts until a key or the end
    if len(said) > 1 or order.index("file") > min(map(order.index, told[1:]))
]


@cache
def talk() -> Conversation:
    return Conversation(compiled(CASE))


@pytest.mark.parametrize("order", ORDERS, ids=" ".join)
def test_message_is_reported_once(order: tuple[str, ...]) -> None:
    call: Call | None = None
    asked = []
    for name in order:
        kind, fields = EVENTS[name]
        before = call and decode_call(encode_call(call))
        outcome = step(talk().release, before, event(kind, fields), talk().now)
        while outcome.waiting:
            asked.append(outcome.waiting.request.url)
            outcome = resume(outcome.waiting, LookupResult(200))
        call = outcome.call
        answer = json.loads(encode_svaml(outcome.instructions, outcome.action))
        if name not in ("ring", "#", "1"):
            assert answer in ({}, {"action": {"name": "hangup"}}), name
    assert asked.count("https://crm.example.com/messages") == 1
    assert asked.count("https://crm.example.com/ends") == order.count("end")
    assert call is not None
    assert call.ended is ("end" in order)
    assert (call.flow, call.state) == ("line", "bye")


def test_phases_of_the_longest_message_do_not_run_into_each_other() -> None:
    """A caller who waits must not be taken for one who has hung up."""
    case = {
        "flow": {
            "start": "ask",
            "vars": {"message": {"type": "text", "max": 256}},
            "states": {
                "ask": {
                    "record_message": {"prompt": "Speak.", "into": "message", "limit": "15m", "wait": "2m", "silent": "bye"},
                    "next": "bye",
                },
                "bye": {"say": "${vars.message}", "hangup": {}},
            },
        },
        "project": {"recordings": {"to": "s3://box"}},
    }  # fmt: skip
    times = compiled(case).programs["line"].states["ask"].verb.times  # type: ignore[attr-defined]
    assert len(times.segments) + 1 < REVIEW_OFFSET
    assert WAIT_OFFSET + times.polls < CALLER_LEFT
