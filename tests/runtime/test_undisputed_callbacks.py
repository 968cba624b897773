"""The short way of a callback that is the next event of its call, and the way that asks every
question of docs/decisions/0043, give equal answers.
"""

import asyncio
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowengine.compile import Release
from flowengine.releases import Registry
from flowengine.runtime import driver
from flowengine.runtime.cookie import Codec, derive_key
from flowengine.runtime.engine import Engine
from flowengine.sinch import decode
from flowengine.states import LookupRequest, LookupResult
from flowengine.storage.sessions import MemoryStore
from tests.compiled_release import compile_release

FLOW = """
flow: line
start: ask
error: sorry
keys: {"*": back}
on: {pressed: count, ended: noted, notified: {any: count}}
vars: {n: {type: integer}}
states:
  ask: {menu: {prompt: "Ask ${vars.n}.", options: {1: add, 2: again, 3: room}, otherwise: sorry}}
  add: {set: {n: "${vars.n + 1}"}, next: ask}
  again: {menu: {prompt: "Again ${vars.n}.", options: {1: ask, 2: sorry}, otherwise: sorry}}
  room: {connect: {conference: ask, keys: {mode: detect}}}
  count: {set: {n: "${vars.n + 10}"}, next: noted}
  noted: {done: }
  sorry: {say: "Sorry ${vars.n}.", hangup: }
"""
RELEASES = [
    compile_release(
        {"line.yaml": FLOW, "project.yaml": f"{{project: test, platform: {{menu_ids: {ids}}}}}"}
    )
    for ids in ("named", "main")
]
ICE = {"event": "ice", "cli": "467", "to": {"type": "did", "endpoint": "1"}}
DICE = {"event": "dice", "result": "ANSWERED", "reason": "CALLERHANGUP"}
NOTICE = {"event": "notify", "type": "recording_available"}
keys = st.builds(
    lambda menu, kind, value: {
        "event": "pie", "menuResult": {"menuId": menu, "type": kind, "value": value},
    },
    st.sampled_from(["line.ask", "line.ask.1", "line.asks", "line.again", "line.gone", "main", "ask", ""]),
    st.sampled_from(["return", "sequence", "timeout"]),
    st.sampled_from(["1", "2", "3", "*"]),
)  # fmt: skip
# event, how many seconds after the one before, which of the cookies so far (None: none)
deliveries = st.lists(
    st.tuples(
        st.one_of(st.just(ICE), keys, keys, keys, st.just(NOTICE), st.just(DICE)),
        st.sampled_from([0.0, 0.3, 1.0, 6.0]),
        st.sampled_from([0, 0, 0, 1, None]),
    ),
    max_size=12,
)


async def unasked(_request: LookupRequest, _left: float) -> LookupResult:
    raise AssertionError("nothing is asked here")


async def answer_all(release: Release, sent: list[Any]) -> list[tuple[bytes, str, bool]]:
    now = 1_795_000_000.0
    engine = Engine(
        Registry(release), MemoryStore(), Codec([derive_key("key")]), unasked, lambda: now
    )
    cookies: list[str] = []
    found = []
    for event, pause, age in [(ICE, 0.0, 0), *sent]:
        now += pause
        echoed = cookies[-1 - age :][:1] if age is not None else []
        call = {
            "callid": "call",
            "version": 1,
            "cookies": [{"key": "fe", "value": v} for v in echoed],
        }
        body = json.dumps({**call, **event}).encode()
        reply = await engine.answer(decode(body), body)
        instructions = json.loads(reply.body).get("instructions", ())
        cookies += [item["value"] for item in instructions if item["name"] == "setCookie"]
        found.append((reply.body, reply.record.outcome, reply.record.repeated))
    return found


@pytest.mark.parametrize("release", RELEASES, ids=["named menus", "menus called main"])
@given(sent=deliveries)
def test_undisputed_callbacks_are_answered_as_if_every_question_were_asked(
    release: Release, sent: list[Any]
) -> None:
    short_way = asyncio.run(answer_all(release, sent))
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(driver, "is_undisputed", lambda *_: False)
        assert asyncio.run(answer_all(release, sent)) == short_way
