"""Each route of section 4 of the platform notes as it leaves the client, on a real server that
writes down what it is sent.
"""

import asyncio
import base64
import doctest
import json
import re
from datetime import UTC, datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from flowengine.sinch import CallTarget, Verifier
from flowengine.sinch.client import (
    ApiHosts,
    BasicAuth,
    CallingApi,
    ConferenceCallout,
    ConferenceDtmf,
    CustomCallout,
    SignedAuth,
    TtsCallout,
    UntrustedUrlError,
    calling_api,
)
from tests.threaded_server import serving_in_thread

KEY, SECRET = "669E367E-6BBA-48AB-AF15-266871C28135", "BeIukql3pTKJ8RGL5zo0DA=="
JSON = "application/json; charset=utf-8"
PHONE = CallTarget("number", "+46700000001")
BEGIN, END = (
    datetime(2026, 3, 2, 9, tzinfo=UTC),
    datetime(2026, 3, 2, 11, tzinfo=timezone(timedelta(hours=1))),
)
HANGUP = {"action": {"name": "hangup"}}
INFO = {
    "from": {"type": "Number", "endpoint": "12015555555"},
    "to": None,
    "domain": "pstn",
    "callId": "abc",
    "duration": "14",
    "status": "FINAL",
    "result": "ANSWERED",
    "reason": "MANAGERHANGUP",
    "timestamp": "2024-01-08T09:48:12",
    "custom": {"order": 7},
    "userRate": {"currencyId": "EUR", "amount": 0.0095},
    "debitMinutes": 3,
}
ITEM = {
    "countryId": "SE",
    "numberType": "Mobile",
    "normalizedNumber": "+46730170101",
    "restricted": False,
    "rate": {"currencyId": "EUR", "amount": 0.3},
}


class Recorder(ThreadingHTTPServer):
    """Answers what it is told to, and keeps what it was asked."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked, self.answers, self.standard = [], {}, (200, b"{}")
        self.url = f"http://127.0.0.1:{self.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    def answer(self):
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        self.server.asked.append(
            (
                self.command,
                self.path,
                {name.lower(): value for name, value in self.headers.items()},
                body,
            )
        )
        patterns = (
            answer
            for pattern, answer in self.server.answers.items()
            if re.search(pattern, self.path)
        )
        status, content = next(patterns, self.server.standard)
        self.send_response(status)
        if status != 204:
            self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PATCH = do_DELETE = answer  # noqa: N815

    def log_message(self, *_):
        pass


@pytest.fixture
def server():
    with serving_in_thread(Recorder()) as recorder:
        yield recorder


def ask(server, what, authentication=None, hosts=None):
    async def run():
        async with CallingApi(
            authentication or SignedAuth(KEY, SECRET), hosts or ApiHosts.from_base_url(server.url)
        ) as api:
            return await what(api)

    return asyncio.run(run())


def parts(body):
    return json.loads(body) if body else None


CALLOUTS = {
    "tts": (
        TtsCallout(
            destination=PHONE,
            cli="+46700000002",
            text="Hello",
            locale="en-GB",
            custom="c",
            dtmf="w1",
            domain="pstn",
            enable_ace=True,
        ),
        {
            "method": "ttsCallout",
            "ttsCallout": {
                "destination": {"type": "number", "endpoint": "+46700000001"},
                "cli": "+46700000002",
                "text": "Hello",
                "locale": "en-GB",
                "custom": "c",
                "dtmf": "w1",
                "domain": "pstn",
                "enableAce": True,
            },
        },
    ),
    "conference": (
        ConferenceCallout(
            destination=PHONE,
            conference_id="room",
            greeting="Welcome",
            moh_class="music1",
            max_duration=60,
            conference_dtmf_options=ConferenceDtmf(mode="detect", max_digits=4),
            enable_dice=True,
            enable_pie=True,
        ),
        {
            "method": "conferenceCallout",
            "conferenceCallout": {
                "destination": {"type": "number", "endpoint": "+46700000001"},
                "conferenceId": "room",
                "greeting": "Welcome",
                "mohClass": "music1",
                "maxDuration": 60,
                "conferenceDtmfOptions": {"mode": "detect", "maxDigits": 4},
                "enableDice": True,
                "enablePie": True,
            },
        },
    ),
    "custom": (
        CustomCallout(
            ice=HANGUP,
            ace=b'{"action":{"name":"continue"}}',
            pie="https://example.com/pie",
            max_duration=9,
        ),
        {
            "method": "customCallout",
            "customCallout": {
                "ice": '{"action":{"name":"hangup"}}',
                "ace": '{"action":{"name":"continue"}}',
                "pie": "https://example.com/pie",
                "maxDuration": 9,
            },
        },
    ),
}


@pytest.mark.parametrize("name", CALLOUTS)
def test_route_1_callouts(server, name):
    callout, sent = CALLOUTS[name]
    server.standard = 200, b'{"callId":"abc"}'
    assert ask(server, lambda api: api.callouts.place(callout, {"X-CB-Order": "7"})) == "abc"
    method, path, headers, body = server.asked[0]
    assert (method, path, parts(body)) == ("POST", "/calling/v1/callouts", sent)
    assert headers["x-cb-order"] == "7"


def test_headers_that_would_not_come_back_are_refused(server):
    with pytest.raises(ValueError, match="X-CB-"):
        ask(server, lambda api: api.callouts.place(CALLOUTS["tts"][0], {"X-Order": "7"}))
    assert not server.asked


CALL = "/calling/v1/calls/id/abc"
MEMBER = "/calling/v1/conferences/id/my%20conf/abc"
NUMBERS = "/v1/configuration/numbers"
APPLICATION = f"/v1/configuration/callbacks/applications/{KEY}"
SPAN = "2026-03-02T09%3A00%3A00Z"
UNTIL = "2026-03-02T10%3A00%3A00Z"
ROUTES = {
    "2 call": (lambda api: api.calls.get_info("abc"), "GET", CALL, None),
    "3 call": (lambda api: api.calls.update("abc", HANGUP), "PATCH", CALL, HANGUP),
    "3 call as bytes": (
        lambda api: api.calls.update("abc", b'{"action":{"name":"hangup"}}'),
        "PATCH",
        CALL,
        HANGUP,
    ),
    "4 leg": (
        lambda api: api.calls.update_leg("abc", "both", HANGUP),
        "PATCH",
        f"{CALL}/leg/both",
        HANGUP,
    ),
    "5 conference": (
        lambda api: api.conferences.list_participants("my conf"),
        "GET",
        "/calling/v1/conferences/id/my%20conf",
        None,
    ),
    "6 conference": (
        lambda api: api.conferences.end("å/b"),
        "DELETE",
        "/calling/v1/conferences/id/%C3%A5%2Fb",
        None,
    ),
    "7 mute": (
        lambda api: api.conferences.mute("my conf", "abc"),
        "PATCH",
        MEMBER,
        {"command": "mute"},
    ),
    "7 unmute": (
        lambda api: api.conferences.unmute("my conf", "abc"),
        "PATCH",
        MEMBER,
        {"command": "unmute"},
    ),
    "7 hold": (
        lambda api: api.conferences.hold("my conf", "abc"),
        "PATCH",
        MEMBER,
        {"command": "onhold"},
    ),
    "7 music": (
        lambda api: api.conferences.hold("my conf", "abc", "music2"),
        "PATCH",
        MEMBER,
        {"command": "onhold", "moh": "music2"},
    ),
    "7 resume": (
        lambda api: api.conferences.resume("my conf", "abc"),
        "PATCH",
        MEMBER,
        {"command": "resume"},
    ),
    "8 kick": (lambda api: api.conferences.kick("my conf", "abc"), "DELETE", MEMBER, None),
    "9 numbers": (lambda api: api.numbers.list_all(), "GET", NUMBERS, None),
    "10 assign": (
        lambda api: api.numbers.assign(["+461", "+462"], KEY),
        "POST",
        NUMBERS,
        {"numbers": ["+461", "+462"], "applicationkey": KEY, "capability": "voice"},
    ),
    "11 unassign": (
        lambda api: api.numbers.unassign("+461"),
        "DELETE",
        NUMBERS,
        {"number": "+461", "capability": "voice"},
    ),
    "12 callbacks": (lambda api: api.callbacks.get(KEY), "GET", APPLICATION, None),
    "13 callbacks": (
        lambda api: api.callbacks.set(KEY, "https://a/b"),
        "POST",
        APPLICATION,
        {"url": {"primary": "https://a/b"}},
    ),
    "13 fallback": (
        lambda api: api.callbacks.set(KEY, "https://a/b", "https://c/d"),
        "POST",
        APPLICATION,
        {"url": {"primary": "https://a/b", "fallback": "https://c/d"}},
    ),
    "14 number": (
        lambda api: api.numbers.query_number("+46(0)73-017-0101"),
        "GET",
        "/v1/calling/query/number/%2B46%280%2973-017-0101",
        None,
    ),
    "15 recordings": (
        lambda api: api.recordings.list_page(BEGIN, END, 2, 50),
        "GET",
        f"/calling/v1/recording?from={SPAN}&to={UNTIL}&page=2&pageSize=50",
        None,
    ),
    "15 recording": (
        lambda api: api.recordings.download("k/1"),
        "GET",
        "/calling/v1/recording/k%2F1",
        None,
    ),
    "15 forget": (
        lambda api: api.recordings.delete("k"),
        "DELETE",
        "/calling/v1/recording/k",
        None,
    ),
    "16 report": (
        lambda api: api.calls.report("abc", "failure", "no agent"),
        "POST",
        "/calling/v1/callreport/callId/abc",
        {"status": "failure", "details": "no agent"},
    ),
    "17 user": (
        lambda api: api.reports.get_user_calls("username", "jo@x", "pstn", BEGIN, END),
        "GET",
        f"/v1/users/username/jo%40x/calls/pstn?_start={SPAN}&_stop={UNTIL}",
        None,
    ),
    "17 counter": (lambda api: api.reports.get_counter(), "GET", "/v1/counters/currentcalls", None),
    "17 service": (
        lambda api: api.reports.get_service_status("calling"),
        "GET",
        "/v1/services/calling",
        None,
    ),
}
ANSWERS = {
    "/recording\\?": b"[]",
    "/services/": b'{"status":"up"}',
    "/calls/id/": b"",
    "/conferences/": b"",
}


@pytest.mark.parametrize("name", ROUTES)
def test_route_sends_its_request_and_reads_its_answer(server, name):
    what, method, path, body = ROUTES[name]
    server.answers = {pattern: (200, answer) for pattern, answer in ANSWERS.items()}
    ask(server, what)
    ((asked, where, headers, content),) = server.asked
    assert (asked, where, parts(content)) == (method, path, body)
    assert headers.get("content-type") == (JSON if body else None)
    assert Verifier({KEY: SECRET}).verify(method, path, headers, content, datetime.now(UTC)) == KEY


def test_decoded_path_is_signed(server):
    ask(server, lambda api: api.conferences.end("my conf"))
    _, _, headers, body = server.asked[0]
    decoded = "/calling/v1/conferences/id/my conf"
    assert (
        Verifier({KEY: SECRET}).verify("DELETE", decoded, headers, body, datetime.now(UTC)) == KEY
    )


@pytest.mark.parametrize("name", ["3 call", "9 numbers"])
def test_basic_authentication(server, name):
    ask(server, ROUTES[name][0], BasicAuth(KEY, SECRET))
    headers = server.asked[0][2]
    assert (
        headers["authorization"] == "Basic " + base64.b64encode(f"{KEY}:{SECRET}".encode()).decode()
    )
    assert "x-timestamp" not in headers


def test_call_info_in_its_spellings(server):
    server.standard = 200, json.dumps(INFO).encode()
    info = ask(server, lambda api: api.calls.get_info("abc"))
    assert (info.from_, info.to, info.duration, info.custom) == (
        CallTarget("number", "12015555555"),
        CallTarget(),
        14,
        '{"order":7}',
    )
    assert info.timestamp == datetime(2024, 1, 8, 9, 48, 12, tzinfo=UTC)
    assert (info.result, info.reason, info.user_rate.amount, info.debit.amount) == (
        "ANSWERED",
        "MANAGERHANGUP",
        0.0095,
        0.0,
    )


@pytest.mark.parametrize("spelling", ["id", "callId"])
def test_participants_in_both_spellings(server, spelling):
    members = [{"cli": "+461", spelling: "abc", "duration": 3, "muted": True, "onhold": False}]
    server.standard = 200, json.dumps({"participants": members}).encode()
    (member,) = ask(server, lambda api: api.conferences.list_participants("room"))
    assert (member.call_id, member.cli, member.duration, member.muted, member.on_hold) == (
        "abc",
        "+461",
        3,
        True,
        False,
    )


@pytest.mark.parametrize(
    "answer",
    [
        {"number": ITEM},
        {"method": "numberItem", "numberItem": ITEM},
        {"number": ITEM, "numberItem": ITEM},
    ],
)
def test_number_info_in_both_spellings(server, answer):
    server.standard = 200, json.dumps(answer).encode()
    found = ask(server, lambda api: api.numbers.query_number("+46730170101"))
    assert (found.country_id, found.number_type, found.normalized_number) == (
        "SE",
        "Mobile",
        "+46730170101",
    )
    assert (found.restricted, found.rate.amount) == (False, 0.3)


@pytest.mark.parametrize("spelling", ["applicationkey", "applicationKey"])
def test_numbers_in_both_spellings(server, spelling):
    own = [
        {"number": "+461", spelling: KEY, "capability": "voice"},
        {"number": "+462", "capability": "sms"},
    ]
    server.standard = 200, json.dumps({"numbers": own}).encode()
    found = ask(server, lambda api: api.numbers.list_all())
    assert [(item.number, item.application_key, item.capability) for item in found] == [
        ("+461", KEY, "voice"),
        ("+462", "", "sms"),
    ]


def test_further_fields_of_answers_are_read(server):
    recording = {
        "key": "k",
        "url": "https://x/k",
        "createdOn": "2026-03-02",
        "expiresOn": "2026-04-02",
        "headers": None,
    }
    server.answers = {
        "/callbacks/": (200, b'{"url":{"primary":"https://a/b"}}'),
        "/recording\\?": (200, json.dumps([recording]).encode()),
        "/recording/k": (200, b"\xff\x00sound"),
        "/users/": (200, b'{"success":4,"duration":90,"failed":1,"start":"2026-03-02"}'),
        "/counters/": (200, b'{"value":12,"modified":"2026-03-02"}'),
        "/services/": (200, b'{"status":"down"}'),
    }

    async def everything(api):
        urls = await api.callbacks.get(KEY)
        (kept,) = await api.recordings.list_page(BEGIN, END)
        user = await api.reports.get_user_calls("number", "+461", "data", BEGIN, END)
        counter = await api.reports.get_counter()
        content, service = (
            await api.recordings.download("k"),
            await api.reports.get_service_status("calling"),
        )
        return (
            urls.primary,
            urls.fallback,
            kept.key,
            kept.created_on,
            user.success,
            user.failed,
            counter.value,
            content,
            service,
        )

    assert ask(server, everything) == (
        "https://a/b",
        "",
        "k",
        "2026-03-02",
        4,
        1,
        12,
        b"\xff\x00sound",
        "down",
    )


# --- where requests go
# -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("region", ["use1", "euc1", "sae1", "apse1", "apse2"])
def test_region_has_its_host(region):
    hosts = ApiHosts.from_region(region)
    assert hosts.traffic == f"https://calling-{region}.api.sinch.com"
    assert (hosts.configuration, hosts.reporting) == (
        "https://callingapi.sinch.com",
        "https://reportingapi.sinch.com",
    )
    assert ApiHosts().traffic == "https://calling.api.sinch.com"


def test_api_has_its_base_url(server):
    hosts = ApiHosts(
        f"{server.url}/traffic/", f"{server.url}/configuration", f"{server.url}/reporting"
    )

    async def three(api):
        await api.conferences.list_participants("room")
        await api.numbers.list_all()
        await api.reports.get_counter()

    ask(server, three, hosts=hosts)
    assert [path for _, path, *_ in server.asked] == [
        "/traffic/calling/v1/conferences/id/room",
        "/configuration/v1/configuration/numbers",
        "/reporting/v1/counters/currentcalls",
    ]


def test_call_resource_url_is_used_as_it_is(server):
    url = f"{server.url}/elsewhere/v1/calls/id/abc/"
    ask(server, lambda api: api.calls.update_leg(url, "caller", HANGUP))
    method, path, headers, body = server.asked[0]
    assert (method, path) == ("PATCH", "/elsewhere/v1/calls/id/abc/leg/caller")
    assert Verifier({KEY: SECRET}).verify(method, path, headers, body, datetime.now(UTC)) == KEY


@pytest.mark.parametrize(
    "url",
    [
        "https://calling-use1.api.sinch.com/calling/v1/calls/id/abc",
        "https://sinch.com/v1/calls/id/abc",
        "https://calling-use1.API.sinch.com:443/calling/v1/calls/id/abc",
    ],
)
def test_addresses_of_the_platform_are_trusted(url):
    from flowengine.sinch.client.hosts import build_call_url

    assert build_call_url(url, ApiHosts().traffic) == url


@pytest.mark.parametrize(
    "url",
    [
        "http://calling-use1.api.sinch.com/calling/v1/calls/id/abc",
        "https://calling.api.sinch.com.evil.example/calling/v1/calls/id/abc",
        "https://evilsinch.com/calling/v1/calls/id/abc",
        "https://evil.example/calling/v1/calls/id/abc?.sinch.com",
        "https://evil.example#.sinch.com/calls/id/abc",
        "https://calling.api.sinch.com@evil.example/calls/id/abc",
        "https://evil.example\\.sinch.com/calls/id/abc",
        "https://calling.api.sinch.com/calls/id/../../v1/configuration/numbers",
        "https://calling.api.sinch.com/v1/configuration/numbers",
        "//evil.example/calls/id/abc",
        "ftp://calling.api.sinch.com/calls/id/abc",
        "https://[::1/calls/id/abc",
        "a/b",
    ],
)
def test_address_outside_the_api_is_sent_no_credentials(server, url):
    with pytest.raises(UntrustedUrlError):
        ask(server, lambda api: api.calls.get_info(url))
    with pytest.raises(UntrustedUrlError):
        ask(server, lambda api: api.calls.get_info(url), hosts=ApiHosts())
    assert not server.asked


@pytest.mark.parametrize("part", ["", ".", ".."])
def test_empty_path_part_is_refused(server, part):
    for what in (
        lambda api: api.conferences.kick("room", part),
        lambda api: api.calls.get_info(part),
        lambda api: api.recordings.delete(part),
    ):
        with pytest.raises(ValueError, match="address"):
            ask(server, what)
    assert not server.asked


def test_docstring_example_runs(server):
    server.answers = {
        "/callouts": (200, b'{"callId":"abc"}'),
        "/calls/id/abc": (200, b'{"callId":"abc","status":"ONGOING"}'),
        "/conferences/": (
            404,
            b'{"errorCode":40400,"message":"Conference not found","reference":"r"}',
        ),
    }
    (example,) = (
        found
        for found in doctest.DocTestFinder().find(calling_api.CallingApi)
        if found.name == "CallingApi"
    )
    example.globs |= {"switch": server.url, "key": KEY, "secret": SECRET}
    assert doctest.DocTestRunner().run(example) == (0, len(example.examples))
    assert [method for method, *_ in server.asked] == ["POST", "GET", "PATCH", "GET"]
