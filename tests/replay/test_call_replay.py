"""Replayed on its own release, no call goes differently: whatever the flow, and whatever came."""

import asyncio
import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flowengine.compile import Release, compile_project
from flowengine.journal import RecordedCallback
from flowengine.journal.journal_entries import open_row
from flowengine.journal.journal_row import JournalRecord, build_row
from flowengine.releases import Registry
from flowengine.replay import PlaceholderEnvironment, ReplayReport, replay_calls
from flowengine.runtime.cookie import Codec, derive_key
from flowengine.runtime.engine import Engine
from flowengine.sinch import decode
from flowengine.sources.project_folder import read_folder
from flowengine.states import LookupRequest, LookupResult
from flowengine.storage.sessions import MemoryStore
from tests.compiled_release import compile_release
from tests.flows.test_examples import COMPILED, FLOWS, release, words
from tests.journal.journal_line import SEALER, Clock, ended, files, keyed, press, ring
from tests.runtime.flow_strategies import callbacks, fetched, flows, incoming
from tests.thoroughness import examples

patient = settings(
    max_examples=examples(120),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


async def conversation(
    made: Release, events: list[dict[str, Any]], answers: list[tuple[int, Any, str]]
) -> list[RecordedCallback]:
    """These callbacks, answered by the engine and as they come out of the journal again."""
    asked = 0

    async def fetch(_request: LookupRequest, _left: float) -> LookupResult:
        nonlocal asked
        asked += 1
        status, body, error = answers[asked % len(answers)]
        return LookupResult(status, body, error)

    engine = Engine(Registry(made), MemoryStore(), Codec([derive_key("key")]), fetch, Clock())
    found = []
    for event in events:
        body = json.dumps(event).encode()
        reply = await engine.answer(decode(body), body)
        kept = build_row(JournalRecord(reply.record, body, reply.body), made, SEALER)
        found.append(
            open_row(
                (
                    kept.at,
                    kept.dimension.event,
                    kept.dimension.release,
                    kept.dimension.outcome,
                    kept.digest,
                    kept.readable,
                    kept.own,
                    kept.dimension.trace,
                    kept.said,
                    kept.sealed,
                ),
                kept.call,
                SEALER,
            )
        )
    return found


@patient
@given(
    files=flows(),
    first=incoming,
    events=st.lists(callbacks, max_size=8),
    answers=st.lists(fetched, min_size=1, max_size=4),
)
def test_call_replayed_on_the_same_release_goes_as_it_went(
    files: dict[str, bytes],
    first: dict[str, Any],
    events: list[dict[str, Any]],
    answers: list[tuple[int, Any, str]],
) -> None:
    made = compile_release(files)
    recorded = asyncio.run(conversation(made, [first, *events], answers))
    assert replay_calls(compile_release(files), [("call-1", recorded)]) == ReplayReport(
        made.id, 1, (), {}
    )


async def test_call_whose_events_came_again_with_other_bytes_goes_as_it_went() -> None:
    """A ring and an end are one event whatever their bytes; an answer to a menu that the saved
    state does not ask makes that state a lost one.
    """
    made = compile_release(files())
    rings, elsewhere = ring(), keyed("12345674")
    elsewhere["menuResult"]["menuId"] = "line.ask_account"
    events = [rings, {**rings, "cli": "12015550124"}, press("1"), ended(), ended(seconds=21)]
    lost = [rings, elsewhere, ended()]
    answers: list[tuple[int, Any, str]] = [(200, {"name": "Ann"}, "")]
    for sent, repeated in ((events, 2), (lost, 0)):
        recorded = await conversation(made, sent, answers)
        assert [one.outcome for one in recorded].count("repeated") == repeated
        assert replay_calls(made, [("call-1", recorded)]) == ReplayReport(made.id, 1, (), {})


def calls_of(flow: str) -> Iterator[list[dict[str, Any]]]:
    """Calls to a flow that press each key and enter each word that it speaks of."""
    common = {"callid": f"call-{flow}", "version": 1}
    to = {"type": "did", "endpoint": "+14045550199"}
    ice = {
        "event": "ice",
        **common,
        "cli": "12015555555",
        "to": to,
        "originationType": "SERVER",
        "custom": json.dumps({"flow": flow}),
    }
    for entered in ["1", "2", "0", "", "12345674", *words(COMPILED.programs[flow])[:20]]:
        result = {"menuId": "main", "type": "return", "value": entered, "inputMethod": "dtmf"}
        pressed = [
            {"event": "pie", **common, "menuResult": {**result, "type": kind}}
            for kind in ("return", "sequence", "timeout")
        ]
        yield [
            ice,
            *pressed,
            {"event": "ace", **common},
            {"event": "dice", **common, "result": "ANSWERED", "reason": "CALLERHANGUP"},
        ]


CONFERENCE_AND_PARK = {
    "project.yaml": """
project: acme
routes: [{to: "+14045550100", flow: line}]
""",
    "line.yaml": """
flow: line
start: FIRST
states:
  board: {connect: {conference: board, moderator: 'call.from == "+12015550123"', keys: {"1": mute}, wait: music1}}
  quiet: {conference: {name: board, do: mute, who: others}, next: bye}
  hold: {park: {code: "17", limit: 5m, in_use: bye, too_long: bye}}
  pick: {pick_up: {code: "17", nobody: bye}}
  bye: {say: Goodbye., hangup: }
""",
}


@pytest.mark.parametrize("first", ["board", "quiet", "hold", "pick"])
async def test_calls_in_conferences_and_under_codes_go_as_they_went(first: str) -> None:
    files = {name: text.replace("FIRST", first) for name, text in CONFERENCE_AND_PARK.items()}
    made = compile_release(files)
    in_room = {
        "event": "pie",
        "callid": ring()["callid"],
        "version": 1,
        "conferenceId": "board",
        "menuResult": {"menuId": "board", "type": "sequence", "value": "1"},
    }
    events = [ring(), in_room, ended()]
    recorded = await conversation(made, events, [(200, None, "")])
    assert {one.outcome for one in recorded} == {"answered"}
    found = replay_calls(compile_release(files), [("call-1", recorded)])
    assert found == ReplayReport(made.id, 1, (), {})


@cache
def release_without_secrets() -> Release:
    files = read_folder(Path(__file__).parents[2] / "flows")
    found = compile_project(files, PlaceholderEnvironment({})).release
    assert found
    return found


@pytest.mark.parametrize("flow", FLOWS)
async def test_calls_of_the_examples_go_as_they_went_even_without_the_secrets(flow: str) -> None:
    """They were recorded by a server that had the secrets; whoever replays them has not."""
    body = {"name": "Ann", "status": "shipped", "tier": "gold"}
    answers = [(200, body, ""), (404, None, ""), (0, None, "timeout")]
    recorded = [
        (str(number), (await conversation(release(), events, answers)))
        for number, events in enumerate(calls_of(flow))
    ]
    made = replay_calls(release_without_secrets(), recorded)
    assert (made.groups, made.skipped) == ((), {})
    assert made.same == len(recorded)
