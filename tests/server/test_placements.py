"""Placements over HTTP: what is wrong in a request is told for each call, and nothing of it is placed."""

import asyncio
import json
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Route

from flowengine.server import placements
from flowengine.server.access import TokenAuthorizer
from flowengine.server.placements import PlacementEndpoint
from tests.compiled_release import compile_release
from tests.runtime.place_calls import PlaceLine

TOKEN = "a token that nobody guesses"
FLOWS = {
    "project.yaml": "project: acme\nzone: UTC\nroutes: [{flow: line}]\n"
    "calendars: {day: {open: {daily: 09:00-17:00}}, never: {open: {}}}\n",
    "line.yaml": "flow: line\nstart: bye\nstates: {bye: {hangup: }}\n",
    "back.yaml": "flow: back\non: {answered: a}\ninputs: [name, age]\n"
    "vars: {name: {type: text, max: 20}, age: {type: integer, default: 1}}\n"
    'states: {a: {say: "${vars.name} ${vars.age}", hangup: }}\n',
}
CALL = {"to": "+12125550142", "with": {"name": "Ann"}}


class PlacementServer:
    """The endpoint, and what it has placed."""

    def __init__(self, environment: dict[str, str] | None = None) -> None:
        self.line = PlaceLine(compile_release(FLOWS))
        release = self.line.release
        endpoint = PlacementEndpoint(
            TokenAuthorizer({"FLOWENGINE_ADMIN_TOKEN": TOKEN}, is_open=True),
            self.line.engine.placements,
            lambda: release,
            {"SINCH_APPLICATION_KEY": "key", "SINCH_APPLICATION_SECRET": "c2VjcmV0IG9mIGE="}
            if environment is None
            else environment,
        )
        self.app = Starlette(
            routes=[Route("/admin/place", endpoint, methods=["GET", "POST", "DELETE"])]
        )

    def send(self, token: str = TOKEN, **request: Any) -> tuple[int, Any]:
        """Place, or ask where the request has ids alone, or cancel where it says who."""

        async def send() -> httpx.Response:
            transport = httpx.ASGITransport(self.app)
            headers = {"authorization": f"Bearer {token}"}
            async with httpx.AsyncClient(
                transport=transport, base_url="http://127.0.0.1", headers=headers
            ) as client:
                if "who" in request:
                    headers = {"x-who": request["who"]}
                    params = {"id": request["ids"]}
                    return await client.delete("/admin/place", params=params, headers=headers)
                if "ids" in request:
                    return await client.get("/admin/place", params={"id": request["ids"]})
                return await client.post("/admin/place", content=json.dumps(request))

        answer = asyncio.run(send())
        return answer.status_code, answer.json()


@pytest.mark.parametrize(
    ("call", "field", "words"),
    [
        ({"to": "12"}, "to", "this is no phone number"),
        ({"to": "+12125550142"}, "name", "back needs name"),
        ({**CALL, "with": {"name": "Ann", "size": 1}}, "size", "has no input size"),
        ({**CALL, "with": {"name": "Ann", "age": "old"}}, "age", "no such value"),
    ],
)
def test_call_with_a_mistake_is_told_and_not_placed(
    call: dict[str, Any], field: str, words: str
) -> None:
    server = PlacementServer()
    status, reply = server.send(flow="back", calls=[call, {**CALL, "key": "k"}])
    wrong, right = reply["placements"]
    assert status == 200
    assert wrong["field"] == field
    assert words in wrong["error"]
    assert right["phase"] == "waits"
    assert server.send(ids=[right["id"]])[1]["placements"][0]["to"] == "+*********42"


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        ({"flow": "bak"}, "there is no flow bak"),
        ({"flow": "line"}, "nothing begins line when somebody answers"),
        ({"flow": "back", "within": "days"}, "there is no calendar days"),
        ({"flow": "back", "zone": "Mars"}, "write an IANA time zone"),
        ({"flow": "back", "at": "soon"}, "write a date and a time"),
        ({"flow": "back", "at": "9999-12-31 23:59"}, "at: a call is put off for a week at most"),
        ({"flow": "back", "at": "2026-03-12 12:00"}, "at: a call is put off for a week at most"),
        ({"flow": "back", "tries": 0}, "tries is from 1 to 20"),
        ({"flow": "back", "application": "other"}, "no credentials of this application"),
    ],
)
def test_request_with_a_mistake_is_refused(request_: dict[str, Any], words: str) -> None:
    status, reply = PlacementServer().send(**request_, calls=[CALL])
    assert status == 422
    assert words in reply["message"]


def test_request_without_the_token_or_credentials_is_refused() -> None:
    assert PlacementServer().send("wrong", flow="back", calls=[CALL])[0] == 401
    status, reply = PlacementServer({}).send(flow="back", calls=[CALL])
    assert (status, reply["message"]) == (
        422,
        "application: the server has no credentials of any",
    )


def test_check_places_nothing_and_open_only_says_when_a_call_could_begin() -> None:
    server = PlacementServer()
    order = {"flow": "back", "within": "day", "calls": [{**CALL, "key": "k"}]}
    (checked,) = server.send(**order, check=True)[1]["placements"]
    assert server.send(ids=[checked["id"]])[1]["placements"][0]["error"]
    server.line.now += 6 * 3600
    (closed,) = server.send(**order, open_only=True)[1]["placements"]
    assert closed["opens"] == server.line.now + 15 * 3600
    assert server.send(ids=[checked["id"]])[1]["placements"][0]["error"]
    (waits,) = server.send(**order)[1]["placements"]
    assert (waits["phase"], waits["due"]) == ("waits", closed["opens"])
    assert server.send(**order, open_only=True)[1]["placements"] == [waits]


def test_calendar_that_never_opens_is_told() -> None:
    server = PlacementServer()
    order = {"flow": "back", "within": "never", "calls": [CALL], "open_only": True}
    (view,) = server.send(**order)[1]["placements"]
    assert (view["never_opens"], "opens" in view) == (True, False)


def test_request_without_ids_shows_the_calls_that_are_not_over(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server = PlacementServer()
    assert server.send(ids=[]) == (200, {"now": server.line.now})
    people = [{**CALL, "to": f"+1212555014{number}"} for number in range(4)]
    server.line.now += 6 * 3600  # after the hours
    server.send(flow="back", calls=people[:2], within="day")
    server.send(flow="back", calls=people[2:3])
    server.send(flow="back", calls=people[3:], within="never")
    asyncio.run(server.line.run_tasks())
    _, reply = server.send(ids=[])
    assert [one["phase"] for one in reply["placements"]] == ["placed", "waits", "waits"]
    monkeypatch.setattr(placements, "MAX_PLACEMENTS_PER_REQUEST", 1)
    _, reply = server.send(ids=[])
    assert [one["phase"] for one in reply["placements"]] == ["placed"]
    assert reply["more"] == 2


@pytest.mark.parametrize("tries", [1, 2])  # a campaign places a call for each try
def test_call_that_waits_is_cancelled_and_one_that_rings_is_the_last(tries: int) -> None:
    server = PlacementServer()
    later = {"flow": "back", "delay": 3600, "tries": tries, "calls": [CALL]}
    _, placed = server.send(**later)
    _, rings = server.send(**{**later, "delay": 0, "calls": [{**CALL, "to": "+12125550143"}]})
    ids = [placed["placements"][0]["id"], rings["placements"][0]["id"]]
    asyncio.run(server.line.run_tasks())
    asyncio.run(server.line.callback(0, "ice", originationType="SERVER"))
    status, reply = server.send(ids=[*ids, "place-none"], who="Omar")
    waited, rung, unknown = reply["placements"]
    assert status == 200
    assert (waited["outcome"], waited["reason"]) == ("cancelled", "by Omar")
    assert (rung["phase"], rung["cancelled_by"]) == ("rings", "Omar")
    assert unknown["error"] == "nobody knows this placement"
    asyncio.run(server.line.callback(0, "dice", result="BUSY"))
    asyncio.run(server.line.run_tasks(3700))
    assert server.line.outcomes == [("cancelled", 0), ("cancelled", 1)]
    assert server.line.rung == ["+12125550143"]
    assert server.send(ids=[], who="Omar")[0] == 400
    assert server.send(ids=ids, who="")[0] == 400
    assert server.send("wrong", ids=ids, who="Omar")[0] == 401
