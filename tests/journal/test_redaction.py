"""Whatever callers enter and other systems know of them: nobody reads it in the journal, unless the
project says so.
"""

import asyncio
import json
import re
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import astuple

from flowengine.compile import Release, compile_project
from flowengine.journal.journal_row import JournalRecord, build_row
from flowengine.journal.redaction import is_guarded
from flowengine.releases import Registry
from flowengine.runtime.call_state import Call
from flowengine.runtime.engine import Engine
from flowengine.sinch import decode
from flowengine.states import LookupRequest, LookupResult
from flowengine.states.call_offer import format_room_name
from flowengine.storage.sessions import MemoryStore
from tests.compiled_release import compile_release
from tests.journal.journal_line import (
    FLOW,
    LINE,
    SEALER,
    Clock,
    ended,
    files,
    keyed,
    press,
    record,
    ring,
)
from tests.thoroughness import examples

TOLD = "it is ${spell(vars.account)}, ${vars.account + vars.name} or ${mask(vars.account, 8)}"
SPOKEN = FLOW.replace("your account is ${vars.account}", TOLD)
POLICIES = {
    told: compile_release(files(SPOKEN, told))
    for told in ("", "{words: clear}", "{numbers: clear}", "{numbers: clear, words: clear}")
}
digits = st.text("0123456789", min_size=8, max_size=8)
names = st.lists(st.from_regex(r"[A-Z][a-z]{3,9}", fullmatch=True), min_size=1, max_size=3).map(
    " ".join
)


async def readable(release: Release, events: list[dict[str, Any]], name: str) -> str:
    """All that stands in clear of a call."""

    async def fetch(_request: LookupRequest, _left: float) -> LookupResult:
        return LookupResult(200, {"name": name})

    engine = Engine(Registry(release), MemoryStore(), None, fetch, Clock())
    found = []
    for event in events:
        body = json.dumps(event).encode()
        reply = await engine.answer(decode(body), body)
        made = build_row(JournalRecord(reply.record, body, reply.body), release, SEALER)
        found += [made.readable, made.own, made.said, *astuple(made.dimension)]
    return " ".join(found)


@pytest.mark.parametrize("told", POLICIES)
@settings(max_examples=examples(60), deadline=None)
@given(account=digits, name=names)
def test_secret_variable_is_never_readable(told: str, account: str, name: str) -> None:
    text = asyncio.run(
        readable(POLICIES[told], [ring(), press("1"), keyed(account), ended()], name)
    )
    spelled = re.compile(r"[\s,.]*".join(account))
    assert not spelled.search(text)


@pytest.mark.parametrize("told", ["", "{numbers: clear}"])
@settings(max_examples=examples(60), deadline=None)
@given(account=digits, name=names)
def test_lookup_response_is_readable_only_where_words_are_in_clear(
    told: str, account: str, name: str
) -> None:
    events = [ring(), press("1"), keyed(account), ended()]
    text = asyncio.run(readable(POLICIES[told], events, name))
    authors = json.dumps(SPOKEN).lower()
    assert not [word for word in name.split() if word in text and word.lower() not in authors]
    assert name.split(maxsplit=1)[0] in asyncio.run(
        readable(POLICIES["{words: clear}"], events, name)
    )


RECORDS = """
flow: line
start: keep
states:
  keep: {record: {to: s3://bucket/calls, credentials: "${secrets.recordings}"}, next: bye}
  bye: {connect: {conference: room}}
"""


@pytest.mark.parametrize("told", POLICIES)
async def test_recording_credentials_are_never_readable(told: str) -> None:
    """It stood in `options` of startRecording, and a menu's options are the author's words."""
    project = files(RECORDS, told)
    project["project.yaml"] += b"secrets: {recordings: KEY}\n"
    release = compile_project(project, {"KEY": "the-key-of-the-bucket"}).release
    assert release is not None
    text = await readable(release, [ring()], "Ann")
    assert "startRecording" in text
    assert "s3://bucket/calls" in text
    assert "the-key-of-the-bucket" not in text


@pytest.mark.parametrize("told", POLICIES)
def test_event_that_names_its_caller_goes_with_its_row(tmp_path: Path, told: str) -> None:
    """What many rows have in common stays for two days after the last of them."""
    path, release = tmp_path / "journal.db", POLICIES[told]
    record(path, release, [ring(f"call-{number}") for number in range(4)])
    with closing(sqlite3.connect(path)) as file:
        texts = [text for (text,) in file.execute("SELECT content FROM texts")]
        own = [text for (text,) in file.execute("SELECT own FROM callbacks")]
    assert [text for text in texts if '"runMenu"' in text]
    assert bool([text for text in texts if LINE[1:] in text or '"to"' in text]) is (told == "")
    assert all('"cli"' in text for text in own)


ORDERS = """
flow: line
start: look
vars: {who: {type: text, max: 40}, all: {type: text, max: 80}, note: {type: text, max: 40}}
states:
  look:
    fetch:
      service: crm
      post: /search
      body: {filters: [{caller: "${call.from}", tags: [vip]}]}
      into: {all: "list_words(body.orders.map(o, o.name))", who: "body.orders[1].to[0]"}
    next: tell
  tell: {say: "You ordered ${vars.all}, for ${vars.who}.", next: change}
  change:
    fetch: {service: crm, patch: /orders, body: {changes: [{for: "${vars.who}", all: ["${vars.all}"]}]}}
    next: bye
  bye: {hangup: }
"""


@pytest.mark.parametrize("told", ["", "{words: clear}"])
async def test_items_of_a_list_are_readable_only_where_words_are_in_clear(told: str) -> None:
    project = files(ORDERS, told)
    release = compile_project(project, {}).release
    assert release is not None
    bodies: list[Any] = []

    async def fetch(request: LookupRequest, _left: float) -> LookupResult:
        bodies.append(json.loads(request.body))
        orders = [{"name": "Trousers", "to": []}, {"name": "Umbrella", "to": ["Annabel"]}]
        return LookupResult(200, {"orders": orders})

    engine = Engine(Registry(release), MemoryStore(), None, fetch, Clock())
    body = json.dumps(ring()).encode()
    reply = await engine.answer(decode(body), body)
    assert b"You ordered Trousers and Umbrella, for Annabel." in reply.body
    assert bodies[1] == {"changes": [{"for": "Annabel", "all": ["Trousers and Umbrella"]}]}
    made = build_row(JournalRecord(reply.record, body, reply.body), release, SEALER)
    text = " ".join([made.readable, made.own, made.said, *astuple(made.dimension)])
    for word in ("Trousers", "Umbrella", "Annabel"):
        assert (word in text) is (told == "{words: clear}")
    assert "vip" not in text


def test_leg_hides_digits_where_its_project_has_secrets() -> None:
    """No more is known of it than that it is a leg: what its member hears may be a secret."""
    leg = Call("", "ring", "leg", "")
    release = POLICIES[""]
    assert release.secret_flows
    assert is_guarded(leg, release)


PARTIES = """
flow: line
start: dial
states:
  dial: {connect: {phone: "+14045009001"}}
"""


@pytest.mark.parametrize(
    ("told", "caller", "called"),
    [
        ("", "+*********23", "+*********99"),
        ("{words: clear}", "+*********23", "+*********99"),
        ("{numbers: clear}", "12015550123", "+14045550199"),
        ("{numbers: clear, words: clear}", "12015550123", "+14045550199"),
    ],
)
def test_numbers_are_masked_as_their_setting_says_and_ids_never(
    told: str, caller: str, called: str
) -> None:
    call = "4a40f8ba-1234-0000-a1f5-7f7feb12345a"
    room = format_room_name(call)
    url = f"https://calling-euc1.api.sinch.com/calling/v1/calls/id/{call}"
    conference = {"type": "conference", "endpoint": room}
    release = compile_release(files(PARTIES, told))
    events = [
        {**ring(call), "callResourceUrl": url, "conferenceId": room},
        {**ring("leg-of-a-ring"), "to": conference, "conferenceId": "pin-4711001"},
    ]
    text = asyncio.run(readable(release, events, "Ann"))
    assert f'"cli":"{caller}"' in text
    assert f'"endpoint":"{called}"' in text
    assert ('"number":"+14045009001"' in text) == ("numbers: clear" in told)
    assert url.replace(call, "{callid:0}") in text  # the row has its id beside it
    assert f'"conferenceId":"{room}"' in text
    assert f'"endpoint":"{room}"' in text
    assert ("pin-4711001" in text) == (told == "{numbers: clear, words: clear}")
