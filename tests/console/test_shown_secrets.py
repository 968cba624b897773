"""No page of the console shows a secret of the server."""

from base64 import b64encode
from pathlib import Path

import pytest

from tests.console.console_line import ConsoleClient, create_client
from tests.console.test_change_pages import publish

MARK = "MARKED"
PROJECT = """\
project: shop
routes: [{to: "+46701234567", flow: line}]
secrets: {crm: CRM_TOKEN, files: FILES_KEY}
applications: [{key: 11111111-2222-3333-4444-555555555555, secret: APPLICATION_SECRET}]
services: {crm: {url: "https://crm.example.com", headers: {Authorization: "Bearer ${secrets.crm}"}}}
recordings: {to: "s3://bucket/calls", credentials: "${secrets.files}"}
"""
FLOW = """\
flow: line
start: take
vars: {key: {type: text, max: 256}}
states:
  take:
    record_message: {prompt: Speak., into: key, silent: look}
    next: look
    error: bye
  look:
    fetch: {service: crm, get: "/calls", failed: bye}
    next: bye
  bye: {say: Goodbye., hangup: }
"""
VARIABLES = ("CRM_TOKEN", "FILES_KEY", "APPLICATION_SECRET")
PAGES = (
    "/", "/flows", "/flows/line", "/flows/line/picture.svg", "/flows/line/states/take",
    "/flows/line/states/look", "/flows/line/states/bye", "/flows/line/states/take/scenarios",
    "/problems", "/changes", "/changes?flow=line", "/releases", "/calls", "/live",
    "/phone/pictures/line.svg",
)  # fmt: skip


@pytest.fixture
def client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ConsoleClient:
    for name in VARIABLES:
        monkeypatch.setenv(name, b64encode(f"{MARK} {name}".encode()).decode())
    flows = tmp_path / "flows"
    flows.mkdir()
    (flows / "project.yaml").write_text(PROJECT)
    (flows / "line.yaml").write_text(FLOW)
    store = f"sqlite:{tmp_path / 'data' / 'calls.db'}"
    publish(create_client(flows, store=store), flows)
    other = PROJECT.replace('"${secrets.files}"', '"${secrets.files}-${secrets.crm}"')
    (flows / "project.yaml").write_text(other)
    return create_client(flows, store=store)


def test_pages_show_names_in_place_of_secrets(client: ConsoleClient) -> None:
    marks = {b64encode(f"{MARK} {name}".encode()).decode() for name in VARIABLES}
    for path in PAGES:
        answer = client.get(path)
        assert answer.status_code == 200, path
        assert not [mark for mark in marks if mark in answer.text], path
    called = client.post("/phone/calls", {}).text
    assert not [mark for mark in marks if mark in called]
    assert "&lt;FILES_KEY&gt;" in client.get("/flows/line/states/take").text
