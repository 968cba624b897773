"""What goes wrong in calls, on the page of problems."""

from pathlib import Path

from flowengine.problems import Problem, Span
from flowengine.releases.archive import Archive
from flowengine.sources.flow_source import FlowOrigin
from tests.console.console_line import create_client
from tests.console.operated_line import (
    compile_line,
    create_operator,
    publish_line,
    record_calls,
    write_line,
)
from tests.journal.journal_line import FLOW, press, ring


def test_calls_that_ended_badly_are_linked(tmp_path: Path) -> None:
    data = tmp_path / "data"
    publish_line(data)
    record_calls(data, [press("1", "lost")])
    page = create_operator(write_line(tmp_path / "flows"), data).get("/problems").text
    assert "No route has a flow for the number." in page
    assert 'href="/calls/lost"' in page


def test_rejected_flows_are_shown_with_their_problems(tmp_path: Path) -> None:
    data = tmp_path / "data"
    publish_line(data)
    archive = Archive(data / "releases.db")
    problem = Problem("FE203", Span("line.yaml", 5, 1, 5, 2), "there is no state <b>gret</b>")
    archive.save_rejection("/srv/flows", FlowOrigin("/srv/flows"), (problem,), 1.0)
    archive.close()
    page = create_operator(write_line(tmp_path / "flows"), data).get("/problems").text
    assert "/srv/flows has errors since" in page
    assert "there is no state &lt;b&gt;gret&lt;/b&gt;" in page


def test_folder_without_a_server_has_problems_of_its_files_alone(flows: Path) -> None:
    assert "In calls" not in create_client(flows).get("/problems").text


def test_console_that_starts_on_flows_with_errors_shows_the_live_release(tmp_path: Path) -> None:
    data, flows = tmp_path / "data", write_line(tmp_path / "flows")
    release = publish_line(data)
    (flows / "line.yaml").write_text("flow: line\nstart: gone\nstates: {a: {hangup: }}\n")
    console = create_operator(flows, data)
    assert "there is no state gone" in console.get("/problems").text
    assert console.app.state.context.project.latest.release.id == release
    (flows / "line.yaml").unlink()
    (flows / "project.yaml").unlink()
    flows.rmdir()
    assert "cannot be read" in create_operator(flows, data).get("/problems").text


def test_rejected_flows_that_the_page_shows_are_not_shown_twice(tmp_path: Path) -> None:
    data, flows = tmp_path / "data", write_line(tmp_path / "flows")
    publish_line(data)
    (flows / "line.yaml").write_text("flow: line\nstart: gone\nstates: {a: {hangup: }}\n")
    console = create_operator(flows, data)
    console.get("/problems")
    archive = Archive(data / "releases.db")
    problems = tuple(console.app.state.context.project.latest.problems)
    archive.save_rejection(str(flows), FlowOrigin(str(flows)), problems, 1.0)
    archive.close()
    assert "has errors since" not in console.get("/problems").text


def test_call_in_which_a_state_failed_is_found_with_the_reason(tmp_path: Path) -> None:
    data = tmp_path / "data"
    failing = "say: ${1 / vars.none}\n    error: agents"
    flow = FLOW.replace("say: Welcome.", failing).replace(
        "vars:\n", "vars:\n  none: {type: integer}\n"
    )
    publish_line(data, flow)
    record_calls(data, [ring("failing")], compile_line(flow))
    record_calls(data, [ring("fine")])
    client = create_operator(write_line(tmp_path / "flows", flow), data)
    assert "line/welcome: failed: divide by zero" in client.get("/problems").text
    found = client.get("/calls?outcome=failed").text
    assert 'href="/calls/failing"' in found
    assert '<span class="badge badge-warning">failed</span>' in found
    assert 'href="/calls/fine"' not in found
