"""Requests of orchestrations on a real switch, and on a platform that fails."""

import json
import logging
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from flowengine.orchestration.room_turn import MemberCommand
from flowengine.runtime.platform_requests import (
    CallOwner,
    RequestDone,
    RequestRefused,
    RequestUnclear,
)
from flowengine.server import orchestration_requests
from flowengine.server.orchestration_requests import OrchestrationRequests
from flowengine.states.ring_plan import RingMember
from tests.switch.switch_process import KEY, SECRET, Backend, Switch, backend, switch
from tests.threaded_server import serving_in_thread

NUMBER, OWN = "+46700000009", "+14045001000"
MEMBER = RingMember("number", NUMBER)
COMMANDS: tuple[MemberCommand, ...] = ("onhold", "resume", "mute", "unmute")
ROOM = {"action": {"name": "connectConf", "conferenceId": "ring-1", "moh": "music1"}}
GREETING = {
    "instructions": [{"name": "say", "text": "Nobody is there.", "locale": "en-US"}],
    "action": {"name": "hangup"},
}


@pytest.fixture(scope="module")
def platform() -> Iterator[tuple[Switch, Backend]]:
    dial = {"action": {"name": "connectPstn", "number": NUMBER, "cli": OWN}}
    with backend(ice=dial, dice={}) as application, switch(application.url) as made:
        yield made, application


@asynccontextmanager
async def requests_to(url: str, secret: str = SECRET) -> AsyncIterator[OrchestrationRequests]:
    requests = OrchestrationRequests(lambda key: secret if key == KEY else "", url)
    yield requests
    await requests.close()


def owner(url: str = "") -> CallOwner:
    return CallOwner(KEY, url)


async def test_leg_is_placed_with_its_token_and_hung_up(platform: tuple[Switch, Backend]) -> None:
    place, application = platform
    async with requests_to(place.url) as requests:
        placed = await requests.place_leg(owner(), MEMBER, OWN, "token of the leg")
        assert isinstance(placed, RequestDone)
        place.advance(1)
        ice = application.seen[-1]
        assert (ice["event"], ice["custom"]) == ("ice", "token of the leg")
        assert ice["callid"] == placed.call_id
        assert await requests.is_call_ongoing(owner(), placed.call_id) is True
        place.act(placed.call_id, "callee", "answer")
        assert await requests.hang_up_call(owner(), placed.call_id) == RequestDone()
        place.advance(1)
        assert await requests.is_call_ongoing(owner(), placed.call_id) is False
        again = await requests.hang_up_call(owner(), placed.call_id)
        assert isinstance(again, RequestRefused)
        assert again.is_of_unknown_call


async def test_participants_of_a_conference_are_changed(platform: tuple[Switch, Backend]) -> None:
    place, application = platform
    application.answers["ice"], dial = ROOM, application.answers["ice"]
    call = place.dial()
    application.answers["ice"] = dial
    async with requests_to(place.url) as requests:
        assert await requests.find_participant(owner(), "ring-1", call) == RequestDone()
        for command in COMMANDS:
            changed = await requests.change_participant(owner(), "ring-1", call, command, "music2")
            assert changed == RequestDone()
        other = await requests.find_participant(owner(), "ring-1", "another call")
        assert isinstance(other, RequestRefused)
        assert other.status == 404
        assert await requests.remove_participant(owner(), "ring-1", call) == RequestDone()
        again = await requests.remove_participant(owner(), "ring-1", call)
        assert isinstance(again, RequestRefused)
        assert again.is_of_unknown_call
        assert not again.is_final


async def test_caller_is_brought_out_of_the_room(platform: tuple[Switch, Backend]) -> None:
    place, application = platform
    application.answers["ice"], dial = ROOM, application.answers["ice"]
    call = place.dial()
    application.answers["ice"] = dial
    url = application.seen[-1]["callResourceUrl"]
    async with requests_to(place.url) as requests:
        released = await requests.release_caller(owner(url), call, json.dumps(GREETING).encode())
        assert released == RequestDone()
        place.advance(10)
        assert "Nobody is there." in place.heard(call)
        gone = await requests.release_caller(owner(url), call, json.dumps(GREETING).encode())
        assert isinstance(gone, RequestRefused)
        assert gone.status == 404


async def test_request_without_credentials_is_refused_before_it_is_sent() -> None:
    async with requests_to("http://127.0.0.1:1") as requests:
        outcome = await requests.hang_up_call(CallOwner("another", ""), "call")
    assert outcome == RequestRefused(
        0, "the server has no credentials of the application of this call"
    )


async def test_name_that_no_address_can_have_is_refused_for_good() -> None:
    async with requests_to("http://127.0.0.1:9") as requests:
        outcome = await requests.find_participant(owner(), "..", "c1")
        assert isinstance(outcome, RequestRefused)
        assert outcome.is_final


async def test_call_of_a_switch_rings_no_real_phone() -> None:
    local = "http://127.0.0.1:8071/calling/v1/calls/id/call"
    async with requests_to("https://calling.api.sinch.com") as requests:
        outcome = await requests.place_leg(owner(local), MEMBER, OWN, "token")
    assert outcome == RequestRefused(
        0, "the call is on a switch: serve with --api-url http://127.0.0.1:8071"
    )


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, RequestRefused),
        (401, RequestRefused),
        (402, RequestRefused),
        (403, RequestRefused),
        (404, RequestRefused),
        (409, RequestUnclear),
        (429, RequestUnclear),
        (500, RequestUnclear),
        (503, RequestUnclear),
    ],
)
async def test_refusal_is_for_good_or_may_be_tried_again(
    status: int, kind: type, caplog: pytest.LogCaptureFixture
) -> None:
    class Refusing(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.send_response(status)
            self.end_headers()
            self.wfile.write(b'{"message": "Invalid parameters: +46700000009"}')

        def log_message(self, *_: object) -> None:
            pass

    with (
        caplog.at_level(logging.DEBUG),
        serving_in_thread(ThreadingHTTPServer(("127.0.0.1", 0), Refusing)) as server,
    ):
        async with requests_to(f"http://127.0.0.1:{server.server_port}") as requests:
            outcome = await requests.place_leg(owner(), MEMBER, OWN, "token of the leg")
    assert type(outcome) is kind
    assert NUMBER not in str(outcome)
    for hidden in (NUMBER, NUMBER[1:], SECRET, "token of the leg"):
        assert hidden not in caplog.text


async def test_platform_that_does_not_answer_leaves_it_unclear(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(orchestration_requests, "PLATFORM_REQUEST_SECONDS", 0.05)
    async with requests_to("http://127.0.0.1:1") as requests:
        refused = await requests.place_leg(owner(), MEMBER, OWN, "token")
        assert isinstance(refused, RequestUnclear)
        assert await requests.is_call_ongoing(owner(), "call") is None

    with socket.create_server(("127.0.0.1", 0)) as silent:  # it accepts nothing
        async with requests_to(f"http://127.0.0.1:{silent.getsockname()[1]}") as requests:
            unanswered = await requests.place_leg(owner(), MEMBER, OWN, "token")
    assert isinstance(unanswered, RequestUnclear)
