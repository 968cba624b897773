"""Versions of flows compared in the browser: as picture and as text."""

import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from flowengine.releases.release_commands import Actor, ReleaseSpec
from flowengine.sources.flow_source import FlowOrigin
from flowengine.sources.project_folder import read_folder
from tests.console.console_line import ConsoleClient, create_client

BEFORE = """\
flow: line
start: menu
states:
  menu:
    menu: {prompt: Press 1 or 2., options: {1: greet, 2: old}, otherwise: greet}
  greet:
    say: Hello.
    hangup:
  old:
    say: <i>Old</i>.
    hangup:
"""
AFTER = BEFORE.replace("old", "added").replace("<i>Old</i>", "New").replace("Hello", "Good day")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "flows").mkdir()
    (tmp_path / "flows" / "line.yaml").write_text(BEFORE)
    return tmp_path


def publish(client: ConsoleClient, flows: Path) -> str:
    """Make the files of the folder live; the id of the release."""
    with client.app.state.context.open_release_commands() as commands:
        spec = ReleaseSpec(files=read_folder(flows), origin=FlowOrigin(str(flows)))
        return commands.publish(spec, Actor("anna", "the first")).release


def open_console(project: Path) -> ConsoleClient:
    return create_client(project / "flows", store=f"sqlite:{project / 'data' / 'calls.db'}")


def test_project_without_releases_says_what_to_do(project: Path) -> None:
    page = open_console(project).get("/changes").text
    assert "Nothing to compare with yet" in page
    assert not (project / "data").exists()


def test_files_are_compared_with_the_live_release(project: Path) -> None:
    client = open_console(project)
    publish(client, project / "flows")
    (project / "flows" / "line.yaml").write_text(AFTER)
    page = open_console(project).get("/changes").text
    assert "1 flow affected" in page
    marks = re.findall(r'class="state [a-z-]+ mark-([a-z]+)" data-state="([a-z]+)"', page)
    assert marks == [
        ("changed", "menu"),
        ("changed", "greet"),
        ("added", "added"),
        ("removed", "old"),
    ]
    assert "&lt;i&gt;Old&lt;/i&gt;" in page
    assert "Good day" in page
    assert "(current)" in page


def test_versions_that_are_the_same_have_no_changes(project: Path) -> None:
    client = open_console(project)
    release = publish(client, project / "flows")
    page = client.get(f"/changes?old={release}&new={release}&flow=line").text
    assert "no change in meaning" in page
    assert "line has not changed: it means the same in both" in page
    assert page.index("has not changed") < page.index("<svg")
    assert 'data-state="menu"' in page


def test_flow_that_only_one_version_has_is_drawn_from_it(project: Path) -> None:
    client = open_console(project)
    publish(client, project / "flows")
    other = BEFORE.replace("flow: line", "flow: other")
    (project / "flows" / "other.yaml").write_text(other)
    (project / "flows" / "line.yaml").unlink()
    client = open_console(project)
    for flow in ("line", "other"):
        page = client.get(f"/changes?flow={flow}").text
        assert page.count("<svg") == 1


@pytest.mark.parametrize("query", ["old=nothing", "new=nothing", "old=now&new=<script>"])
def test_version_that_does_not_exist_is_said(project: Path, query: str) -> None:
    client = open_console(project)
    publish(client, project / "flows")
    page = client.get(f"/changes?{query}").text
    assert "cannot be compared" in page
    assert "<script>" not in page


@pytest.mark.parametrize("damage", ["no database", "content"])
def test_archive_that_cannot_be_read_is_said(project: Path, damage: str) -> None:
    client = open_console(project)
    release = publish(client, project / "flows")
    archive = client.app.state.context.settings.server.archive
    with closing(sqlite3.connect(archive, isolation_level=None)) as database:
        if damage == "content":
            database.execute("UPDATE contents SET packed = x'00'")
        else:
            archive.write_bytes(b"nothing that is a database" * 1000)
    answer = client.get(f"/changes?old={release}")
    assert answer.status_code == 200
    assert "cannot be compared" in answer.text
