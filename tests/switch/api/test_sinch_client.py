"""Each route of section 4 of the platform notes, asked by the client and answered by the switch,
over HTTP.
"""

import asyncio
import json
from datetime import UTC, datetime, timedelta

import pytest

from flowengine.sinch import CallTarget
from flowengine.sinch.client import (
    ApiHosts,
    BadRequestError,
    BasicAuth,
    CallbackUrls,
    CallingApi,
    ConferenceCallout,
    CustomCallout,
    NotFoundError,
    PaymentRequiredError,
    ServerError,
    SignedAuth,
    TooManyRequestsError,
    TtsCallout,
    UnauthorizedError,
)
from tests.switch import switch_process
from tests.switch.switch_process import KEY, NUMBER, OTHER, OTHER_SECRET, SECRET, SPARE

PHONE = CallTarget("number", "+46700000003")
SAY = {"instructions": [{"name": "say", "text": "Please hold.", "locale": "en-US"}]}
HANGUP = {"action": {"name": "hangup"}}
CONFERENCE = {"action": {"name": "connectConf", "conferenceId": "my conf"}}
RECORD = {
    "instructions": [{"name": "startRecording", "options": {"format": "wav"}}],
    "action": {"name": "park", "maxDuration": 600},
}


@pytest.fixture(params=[SignedAuth, BasicAuth], ids=["signed", "basic"])
def ask(request, switch):
    """Runs what is to be asked, with a client of either authentication"""

    def run(what, key=KEY, secret=SECRET, seconds=10.0):
        async def asked():
            async with CallingApi(
                request.param(key, secret), ApiHosts.from_base_url(switch.url), seconds=seconds
            ) as api:
                return await what(api)

        return asyncio.run(asked())

    return run


def test_1_tts_callout_2_call_3_patch_16_report(ask, switch, backend):
    backend.answers["dice"] = {}
    callout = TtsCallout(
        destination=PHONE,
        cli=NUMBER,
        text="Your table is ready.",
        custom="order 7",
        enable_dice=True,
    )
    call = ask(lambda api: api.callouts.place(callout))
    switch.advance(4)
    info = ask(lambda api: api.calls.get_info(call))
    assert (info.call_id, info.status, info.custom) == (call, "ONGOING", "order 7")
    assert info.timestamp.tzinfo is not None
    assert "Your table is ready." in switch.heard(call)
    ask(lambda api: api.calls.update(call, json.dumps({**SAY, **HANGUP}).encode()))
    switch.advance(60)
    assert "Please hold." in switch.heard(call)
    info = ask(lambda api: api.calls.get_info(call))
    assert (info.status, info.result, info.reason) == ("FINAL", "ANSWERED", "MANAGERHANGUP")
    assert backend.events() == ["dice"]
    ask(lambda api: api.calls.report(call, "success", "all well"))


def test_1_custom_callout_and_headers_that_come_back(ask, switch, backend):
    connect = {"action": {"name": "connectPstn", "number": "+46700000003", "cli": NUMBER}}
    callout = CustomCallout(ice=connect, enable_ace=True)
    call = ask(lambda api: api.callouts.place(callout, {"X-CB-Order": "7"}))
    backend.answers["ace"] = HANGUP
    switch.advance(30)
    assert [event["callid"] for event in backend.seen if event["event"] == "ace"] == [call]


def test_4_the_leg_of_a_call_by_its_own_address(ask, switch, backend):
    backend.answers["ice"] = {
        "action": {"name": "connectPstn", "number": "+46700000003", "cli": NUMBER}
    }
    backend.answers["ace"] = {"action": {"name": "continue"}}
    call = switch.dial()
    switch.advance(10)
    url = backend.seen[0]["callResourceUrl"]
    assert url.endswith(call)
    ask(lambda api: api.calls.update_leg(url, "callee", SAY))
    switch.advance(1)
    said = [
        item
        for item in switch.happened(call)
        if item["what"] == "heard" and item["sound"]["text"] == "Please hold."
    ]
    assert [item["role"] for item in said] == ["callee"]
    assert ask(lambda api: api.calls.get_info(url)).call_id == call


def test_5_to_8_conferences(ask, switch, backend):
    backend.answers["ice"] = CONFERENCE
    first, second = switch.dial(), switch.dial()
    callout = ConferenceCallout(destination=PHONE, cli=NUMBER, conference_id="my conf")
    third = ask(lambda api: api.callouts.place(callout))
    switch.advance(5)
    members = {
        member.call_id: member
        for member in ask(lambda api: api.conferences.list_participants("my conf"))
    }
    assert set(members) == {first, second, third}
    assert not members[first].muted
    assert members[first].duration > 0

    async def manage(api):
        await api.conferences.mute("my conf", first)
        await api.conferences.hold("my conf", second, "music1")
        changed = {
            member.call_id: (member.muted, member.on_hold)
            for member in await api.conferences.list_participants("my conf")
        }
        await api.conferences.unmute("my conf", first)
        await api.conferences.resume("my conf", second)
        back = {
            (member.muted, member.on_hold)
            for member in await api.conferences.list_participants("my conf")
        }
        await api.conferences.kick("my conf", third)
        return changed, back

    changed, back = ask(manage)
    assert (changed[first], changed[second][1], back) == ((True, False), True, {(False, False)})
    switch.advance(1)
    assert len(ask(lambda api: api.conferences.list_participants("my conf"))) == 2
    ask(lambda api: api.conferences.end("my conf"))
    switch.advance(1)
    with pytest.raises(NotFoundError) as caught:
        ask(lambda api: api.conferences.list_participants("my conf"))
    assert (caught.value.code, caught.value.message) == (40400, "Conference not found")
    assert caught.value.reference


def test_9_to_11_numbers(ask):
    async def change(api):
        await api.numbers.assign([SPARE], KEY)
        assigned = {own.number: own.application_key for own in await api.numbers.list_all()}
        await api.numbers.unassign(SPARE, KEY)
        return assigned, {own.number: own.application_key for own in await api.numbers.list_all()}

    before, after = ask(change)
    assert (before, after) == ({NUMBER: KEY, SPARE: KEY}, {NUMBER: KEY, SPARE: ""})


def test_12_13_callback_urls(ask, backend):
    async def change(api):
        before = await api.callbacks.get(KEY)
        await api.callbacks.set(KEY, "https://example.com/a", "https://example.com/b")
        return before, await api.callbacks.get(KEY)

    before, after = ask(change)
    assert before == CallbackUrls(backend.url)
    assert after == CallbackUrls("https://example.com/a", "https://example.com/b")


def test_14_number_query(ask):
    found = ask(lambda api: api.numbers.query_number("+46(0)73-017-0101"))
    assert (found.country_id, found.normalized_number, found.restricted) == (
        "SE",
        "+46730170101",
        False,
    )
    assert (found.rate.currency_id, found.rate.amount) == ("SEK", 0.0095)


def test_15_recordings(ask, switch, backend):
    backend.answers["ice"] = RECORD
    call = switch.dial()
    switch.advance(5)
    switch.act(call, "caller", "hangup")
    switch.advance(60)
    begin = datetime(2026, 1, 1, tzinfo=UTC)

    async def recordings(api):
        (kept,) = await api.recordings.list_page(begin, begin + timedelta(days=365))
        content = await api.recordings.download(kept.key)
        await api.recordings.delete(kept.key)
        return kept, content, await api.recordings.list_page(begin, begin + timedelta(days=365))

    kept, content, left = ask(recordings)
    assert call in kept.key
    assert isinstance(content, bytes)
    assert left == []


@pytest.mark.parametrize("ask", [BasicAuth], indirect=True)
def test_17_reporting_takes_signed_requests_only(ask):
    with pytest.raises(UnauthorizedError) as caught:
        ask(lambda api: api.reports.get_counter())
    assert caught.value.code == 40107


@pytest.mark.parametrize("ask", [SignedAuth], indirect=True)
def test_17_reporting(ask, switch, backend):
    with pytest.raises(NotFoundError):
        ask(lambda api: api.reports.get_counter("nobody"))
    backend.answers["ice"] = {
        "action": {"name": "connectPstn", "number": "+46700000003", "cli": NUMBER}
    }
    backend.answers["ace"] = {"action": {"name": "continue"}}
    call = switch.dial()
    switch.advance(10)
    counter = ask(lambda api: api.reports.get_counter())
    assert counter.value == 1
    switch.act(call, "caller", "hangup")
    switch.advance(5)
    begin = datetime(2026, 1, 1, tzinfo=UTC)
    found = ask(
        lambda api: api.reports.get_user_calls(
            "number", "+46700000001", "pstn", begin, begin + timedelta(days=365)
        )
    )
    assert (found.success, found.failed) == (1, 0)
    assert found.duration > 0
    assert ask(lambda api: api.reports.get_service_status("calling")) == "up"


# --- what is refused
# ---------------------------------------------------------------------------------------------------------


def test_unknown_calls_and_recordings(ask):
    for what in (
        lambda api: api.calls.get_info("nobody"),
        lambda api: api.calls.update("nobody", HANGUP),
        lambda api: api.calls.update_leg("nobody", "both", SAY),
        lambda api: api.calls.report("nobody", "failure"),
        lambda api: api.conferences.end("nobody"),
        lambda api: api.conferences.kick("nobody", "nobody"),
        lambda api: api.conferences.mute("nobody", "nobody"),
        lambda api: api.recordings.download("nobody"),
        lambda api: api.recordings.delete("nobody"),
    ):
        with pytest.raises(NotFoundError) as caught:
            ask(what)
        assert caught.value.code == 40400


def test_wrong_requests(ask):
    for what in (
        lambda api: api.callouts.place(
            TtsCallout(destination=CallTarget("number", "soon"), cli=NUMBER, text="Hello")
        ),
        lambda api: api.callbacks.get("nobody"),
        lambda api: api.numbers.assign(["+46700000001"]),
        lambda api: api.numbers.query_number("soon"),
    ):
        with pytest.raises(BadRequestError):
            ask(what)


def test_illegal_svaml_for_a_call_under_way(ask, switch, backend):
    backend.answers["ice"] = CONFERENCE
    call = switch.dial()
    with pytest.raises(BadRequestError) as caught:
        ask(
            lambda api: api.calls.update(
                call, {"action": {"name": "connectPstn", "number": "+46700000003"}}
            )
        )
    assert caught.value.code == 40003


def test_wrong_secret_and_unknown_application_are_unauthorized(ask):
    with pytest.raises(UnauthorizedError) as caught:
        ask(lambda api: api.numbers.list_all(), secret=OTHER_SECRET)
    assert caught.value.code in (40102, 40108)
    with pytest.raises((UnauthorizedError, BadRequestError)) as unknown:
        ask(lambda api: api.numbers.list_all(), key="nobody")
    assert unknown.value.code in (40004, 40108)


def test_calls_of_another_application(ask, switch, backend):
    backend.answers["ice"] = CONFERENCE
    call = switch.dial()
    with pytest.raises(NotFoundError):
        ask(lambda api: api.calls.get_info(call), OTHER, OTHER_SECRET)


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (40200, PaymentRequiredError),
        (42901, TooManyRequestsError),
        (50000, ServerError),
        (50300, ServerError),
    ],
)
def test_refusal_on_demand_raises_the_error_of_its_code(ask, switch, code, kind):
    refusal = switch.send("POST", "/desk/refusals", {"code": code})
    assert refusal.status_code < 300, refusal.text
    with pytest.raises(kind) as caught:
        ask(lambda api: api.numbers.list_all())
    assert (caught.value.code, caught.value.status) == (code, code // 100)
    assert ask(lambda api: api.numbers.list_all())


def test_callout_without_credit_raises_payment_required(backend):
    config = switch_process.CONFIG.replace("primary: BACKEND}", "primary: BACKEND, credit: 0.0}")
    with switch_process.switch(backend.url, config) as poor:

        async def place():
            async with CallingApi(SignedAuth(KEY, SECRET), ApiHosts.from_base_url(poor.url)) as api:
                await api.callouts.place(TtsCallout(destination=PHONE, cli=NUMBER, text="Hello"))

        with pytest.raises(PaymentRequiredError) as caught:
            asyncio.run(place())
        assert caught.value.code == 40200
