"""An event is split once for all callers that bring it alike; nothing of a caller stays in memory."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flowengine.journal import event_parts
from flowengine.journal.event_parts import EventParts, merge_event, split_event
from flowengine.journal.redaction import Redaction
from flowengine.sinch import decode
from tests.thoroughness import examples

NUMBERS = st.sampled_from(["+12015550123", "+12015550124", ""])
DESTINATIONS = st.builds(
    lambda kind, number: {"type": kind, "endpoint": number},
    st.sampled_from(["did", "number", "sip", ""]),
    NUMBERS,
)
MONEY = st.sampled_from([{"currencyId": "USD", "amount": 0.5}, {"currencyId": "USD", "amount": 2}])
HEADERS = st.sampled_from([[], [{"key": "account", "value": "12345678"}]])
RESULTS = st.fixed_dictionaries(
    {
        "menuId": st.just("main"),
        "type": st.sampled_from(["return", "sequence", "hangup"]),
        "value": st.sampled_from(["1", "2", "87654321", ""]),
        "inputMethod": st.sampled_from(["dtmf", "voice"]),
    }
)
FIELDS: dict[str, dict[str, st.SearchStrategy[Any]]] = {
    "ice": {
        "cli": NUMBERS,
        "rdnis": NUMBERS,
        "to": DESTINATIONS,
        "domain": st.sampled_from(["pstn", "mxp"]),
        "callHeaders": HEADERS,
        "callResourceUrl": st.sampled_from(["", "https://one.example/", "{callid:0}", "call-1"]),
        "userRate": MONEY,
    },
    "ace": {"amd": st.just({"status": "machine", "reason": "longgreeting", "duration": 3})},
    "pie": {"menuResult": RESULTS},
    "dice": {
        "result": st.sampled_from(["ANSWERED", "BUSY"]),
        "reason": st.sampled_from(["CALLERHANGUP", "CALLEEHANGUP"]),
        "duration": st.integers(0, 3),
        "debit": MONEY,
        "from": NUMBERS,
        "to": DESTINATIONS,
        "callHeaders": HEADERS,
    },
    "notify": {"type": st.just("recording_finished"), "destination": st.just("s3://one")},
}
SHARED_BY_ALL = {"custom": st.sampled_from(["", "order"]), "user": st.sampled_from(["", "ann"])}
REDACTIONS = st.builds(
    Redaction,
    st.booleans(),
    st.booleans(),
    st.sampled_from([0, 1, 3]),
    st.sampled_from([frozenset(), frozenset({"order"})]),
)


@st.composite
def draw_event(draw: st.DrawFn) -> dict[str, Any]:
    kind = draw(st.sampled_from(sorted(FIELDS)))
    fields = draw(st.fixed_dictionaries({}, optional={**FIELDS[kind], **SHARED_BY_ALL}))
    return {"event": kind, "callid": draw(st.sampled_from(["call-1", "call-2"])), **fields}


@settings(max_examples=examples(400), deadline=None)
@given(events=st.lists(draw_event(), max_size=12), redaction=REDACTIONS)
def test_event_split_after_others_is_split_as_if_it_came_first(
    events: list[dict[str, Any]], redaction: Redaction
) -> None:
    parsed = [decode(json.dumps({"version": 1, **event}).encode()) for event in events]
    event_parts._cached_parts.clear()
    together = [split_event(event, redaction) for event in parsed]
    for event, found in zip(parsed, together, strict=True):
        event_parts._cached_parts.clear()
        alone = split_event(event, redaction)
        assert found == alone
        assert [*found.own] == [*alone.own]
        parts = EventParts(json.loads(found.readable), found.own, found.hidden)
        whole = merge_event(event.kind, event.call_id, parts, is_whole=True)
        nothing = Redaction(numbers=False, words=False, run=0)
        clear = event_parts._split_event(event, nothing)
        known = EventParts(clear.shared, clear.own, clear.hidden)
        assert whole == merge_event(event.kind, event.call_id, known, is_whole=True)


@pytest.mark.parametrize("run", [0, 1, 3])
def test_split_event_keeps_nothing_of_a_caller_in_memory(run: int) -> None:
    """Numbers of ours and keys of menus stay, as they are those of all callers."""
    own = {"cli": "12015550123", "from": "12015550123", "duration": 4321}
    callee = {"to": {"type": "number", "endpoint": "+12015550124"}}
    line = {"to": {"type": "did", "endpoint": "+14045550199"}}
    headers = {"callHeaders": [{"key": "account", "value": "12345678"}]}
    keyed = {"menuResult": {"menuId": "main", "type": "sequence", "value": "87654321"}}
    event_parts._cached_parts.clear()
    for fields in (line | own, callee | own, line | own | headers):
        for kind in ("ice", "dice"):
            body = {"event": kind, "callid": "call-77", "version": 1, **fields}
            body["callResourceUrl"] = "https://one.example/call-77"
            split_event(decode(json.dumps(body).encode()), Redaction(False, False, run))
    body = {"event": "pie", "callid": "call-77", "version": 1, **keyed}
    split_event(decode(json.dumps(body).encode()), Redaction(False, False, run))
    text = repr(event_parts._cached_parts)
    assert "4045550199" in text
    for secret in ("2015550123", "2015550124", "12345678", "87654321", "4321", "call-77"):
        assert secret not in text
