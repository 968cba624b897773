"""The phone over HTTP: what its page says, and what its requests do or are refused for."""

import asyncio
import threading
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import CliRunner

from flowengine.cli import main
from flowengine.phone.browser_call import BrowserCall
from tests.console.console_line import (
    ADMIN,
    CHANGE,
    READER,
    TOKENS,
    ConsoleClient,
    create_client,
)
from tests.phone.phone_project import project
from tests.waiting import PATIENCE_SECONDS


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A project with every kind of thing that can happen to somebody at a phone."""
    return project(tmp_path)


def begin(client: ConsoleClient, **wish: Any) -> dict[str, Any]:
    answer = client.post("/phone/calls", wish)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def go(client: ConsoleClient, view: dict[str, Any], what: str, **body: Any) -> dict[str, Any]:
    answer = client.post(f"/phone/calls/{view['id']}/{what}", body)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def test_page_offers_each_flow_that_can_be_called(shop: Path) -> None:
    page = create_client(shop).get("/").text
    for text in ("<title>Phone · flowengine</title>", ">Call</button>", "line · +14045550101"):
        assert text in page
    assert "bill (calls you)" in page
    assert 'data-inputs="name"' in page


def test_call_it_begins_with_the_flow_that_is_wanted(shop: Path) -> None:
    (shop / "line.yaml").write_text(
        (shop / "line.yaml").read_text().replace("flow: line\n", "flow: line\ntitle: The <shop>\n")
    )
    client = create_client(shop)
    assert " selected>bill (calls you)" in client.get("/?flow=bill").text
    assert " selected>line · +14045550101 · The &lt;shop&gt;<" in client.get("/?flow=line").text
    assert "No call comes to <b" not in client.get("/?flow=<b").text
    assert "No call comes to nobody by itself" in client.get("/?flow=nobody").text
    assert " selected>" not in client.get("/").text.split("phone-kind")[0]


def test_page_without_flows_says_what_to_do(tmp_path: Path, shop: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    page = create_client(empty).get("/").text
    assert "There are no flows yet." in page
    assert f"flowengine new {empty}" in page
    assert "mistakes." not in page.split("phone-nothing")[1]
    (shop / "line.yaml").write_text("flow: line\nstart: nowhere\nstates: {}\n")
    page = create_client(shop).get("/").text
    assert "The flows have mistakes" in page
    assert 'href="/problems"' in page
    answer = create_client(shop).post("/phone/calls", {})
    assert answer.status_code == 409
    assert "mistakes" in answer.json()["error"]


def test_call_goes_on_by_lines_and_answers(shop: Path) -> None:
    client = create_client(shop)
    first = begin(client)
    assert first["phase"] == "asked"
    assert first["awaits"]["keys"] == {"1": "ask", "2": "shop"}
    known = len(first["entries"])
    second = go(client, first, "lines", line="1", known=known)
    assert second["first"] == known
    assert second["entries"][0]["what"] == "presses 1"
    asked = go(client, first, "lines", line="1230")
    assert asked["lookup"]["request"] == "GET /orders/1230"
    told = go(client, first, "answers", text="{status: on its way}")
    assert any("It is on its way." in entry["what"] for entry in told["entries"])
    assert told["end"]["has_succeeded"]
    assert client.get(f"/phone/calls/{first['id']}").json()["phase"] == "over"
    assert go(client, first, "back")["phase"] == "lookup"
    offered = go(client, first, "answers", answer={"status": 404})
    assert offered["place"] == ["line", "ask"]
    assert go(client, first, "restart")["entries"] == first["entries"]


def test_restart_calls_the_flows_as_they_are_now(shop: Path) -> None:
    client = create_client(shop)
    first = begin(client)
    file = shop / "line.yaml"
    file.write_text(file.read_text().replace("Welcome to the shop", "Good morning"))
    asyncio.run(client.app.state.context.project.refresh())
    assert "Good morning" not in str(go(client, first, "lines", line="1", known=0)["entries"])
    assert "Good morning" in str(go(client, first, "restart")["entries"])


def test_call_is_saved_as_a_scenario_that_passes(shop: Path) -> None:
    client = create_client(shop)
    view = begin(client)
    go(client, view, "lines", line="2")
    go(client, view, "lines", line="callee person")
    shown = go(client, view, "scenario")
    assert shown["faults"] == []
    assert shown["place"] == "scenarios/line-call.yaml"
    assert not (shop / "scenarios").exists()
    saved = go(client, view, "scenario/file", name="to the shop")
    assert saved["file"] == "scenarios/line-call.yaml"
    assert (shop / saved["file"]).read_text() == saved["text"]
    assert "  to the shop:\n" in saved["text"]
    assert go(client, view, "scenario/file")["file"] == "scenarios/line-call-1.yaml"
    result = CliRunner().invoke(main, ["test", str(shop)])
    assert result.exit_code == 0, result.output


def test_scenario_that_cannot_be_written_is_said_without_a_path(shop: Path) -> None:
    client = create_client(shop)
    view = begin(client)
    (shop / "scenarios").symlink_to(shop / "nowhere")
    answer = client.post(f"/phone/calls/{view['id']}/scenario/file", {})
    assert answer.status_code == 409
    assert "no scenario can be written" in answer.json()["error"]
    assert str(shop) not in answer.text


def test_requests_that_wait_for_a_call_leave_pages_alone(
    shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = create_client(shop)
    view = begin(client)
    go_on = threading.Event()
    monkeypatch.setattr(BrowserCall, "take_line", lambda *_: go_on.wait(PATIENCE_SECONDS))

    async def ask() -> int:
        transport = httpx.ASGITransport(client.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as browser:
            path = f"/phone/calls/{view['id']}/lines"
            asked = [
                asyncio.create_task(browser.post(path, json={"line": "1"}, headers=CHANGE))
                for _ in range(50)
            ]
            await asyncio.sleep(0.05)
            page = await asyncio.wait_for(browser.get("/static/base.css"), PATIENCE_SECONDS / 2)
            go_on.set()
            await asyncio.gather(*asked)
            return page.status_code

    assert asyncio.run(ask()) == 200


def test_picture_is_of_the_call_and_of_the_project(shop: Path) -> None:
    client = create_client(shop)
    view = begin(client)
    for path in ("/phone/pictures/line.svg", f"/phone/calls/{view['id']}/pictures/line.svg"):
        answer = client.get(path)
        assert answer.headers["content-type"] == "image/svg+xml"
        assert 'data-state="welcome"' in answer.text
    assert client.get("/phone/pictures/nothing.svg").status_code == 404
    assert client.get("/phone/calls/unknown/pictures/line.svg").status_code == 404


def test_requests_that_cannot_be_followed_are_refused_with_a_reason(shop: Path) -> None:
    client = create_client(shop)
    view = begin(client)
    call = f"/phone/calls/{view['id']}"
    for path, body, status, why in [
        ("/phone/calls", {"flow": "lien"}, 409, "there is no flow lien"),
        ("/phone/calls", {"time": "noon"}, 409, "noon is no time"),
        ("/phone/calls", {"nonsense": 1}, 400, "nonsense"),
        ("/phone/calls/unknown/lines", {"line": "1"}, 404, "This call is forgotten. Call again."),
        (f"{call}/lines", {}, 400, "line"),
        (f"{call}/answers", {"answer": {"fails": "often"}}, 400, "an answer is a status"),
        (f"{call}/answers", {"text": "perhaps"}, 400, "an answer is a status"),
        (f"{call}/answers", {"answer": {"status": "abc"}}, 400, "status"),
        (f"{call}/answers", {"answer": {"status": None}}, 400, "status"),
        (f"{call}/answers", {"answer": {"status": {}}}, 400, "status"),
        (f"{call}/answers", {"answer": {"status": 99}}, 400, "status"),
        (f"{call}/answers", {"answer": {"status": 600}}, 400, "status"),
        (f"{call}/lines", {"line": "1" * 70_000}, 413, "too long"),
    ]:
        answer = client.post(path, body)
        assert (answer.status_code, why in answer.json()["error"]) == (status, True), answer.text
    assert client.post(f"{call}/lines", {"line": "1"}, headers={}).status_code == 403
    refused = go(client, view, "lines", line="answer")
    assert refused["notice"] == "this cannot be done here: nobody's phone rings"


@pytest.mark.parametrize(
    "answer",
    [None, {}, {"fails": ""}, {"answer": None}, {"status": 204}, {"answer": [[[]]] * 3}],
)
def test_answer_in_any_words_of_scenarios_is_taken(
    shop: Path, answer: dict[str, Any] | None
) -> None:
    client = create_client(shop)
    view = begin(client)
    go(client, view, "lines", line="1")
    assert go(client, view, "lines", line="1230")["lookup"]
    go(client, view, "answers", answer=answer)
    assert client.get(f"/phone/calls/{view['id']}").status_code == 200


def test_json_that_is_nested_without_end_is_refused(shop: Path) -> None:
    client = create_client(shop)
    deep = b"[" * 20_000 + b"]" * 20_000
    bodies = (deep, b'{"other":' + deep + b"}", b'{"answer":{"answer":' + deep + b"}}", b'"\xff"')
    paths = ("/phone/calls", "/phone/calls/unknown/answers", "/sign-in", "/releases/promote")
    for path in paths:
        for body in bodies:
            status = client.post(path, content=body).status_code
            assert 400 <= status < 500, (path, body[:20])


def test_reader_calls_and_cannot_write_the_scenario(shop: Path) -> None:
    client = create_client(shop, TOKENS)
    assert client.post("/phone/calls", {"flow": "line"}).status_code == 401
    for token, status in ((READER, 403), (ADMIN, 200)):
        assert client.post("/sign-in", {"name": "Ann", "token": token}).status_code == 200
        view = begin(client)
        path = f"/phone/calls/{view['id']}"
        for asked, body in (("lines", {"line": "1"}), ("back", {}), ("restart", {})):
            assert client.post(f"{path}/{asked}", body).status_code == 200
        assert client.post(f"{path}/scenario", {"name": "one"}).json()["file"] == ""
        assert client.post(f"{path}/scenario/file", {"name": "one"}).status_code == status
        assert len(list((shop / "scenarios").glob("line-call*"))) == int(status == 200)
        assert ("data-may-save" in client.get("/").text) == (status == 200)


def test_hostile_prompts_are_text_alone(shop: Path) -> None:
    file = shop / "line.yaml"
    file.write_text(
        file.read_text().replace("Welcome to the shop.", "<img src=x onerror=alert(1)>")
    )
    client = create_client(shop)
    view = begin(client, caller="<b>x")
    assert "<img" in str(view["entries"]), "a script of the page makes text of it"
    assert "<img" not in client.get(f"/phone/calls/{view['id']}/pictures/line.svg").text
    assert "onerror" not in client.get("/").text
