"""Traces of servers as an operator sets them up: several machines, and calls that ring others."""

import signal
from pathlib import Path

import pytest

from flowengine.server.telemetry.trace_ids import compute_trace_ids, format_trace_id
from tests.e2e.many_callers import project
from tests.e2e.ring_platform import ANNA, IN_TURN, serve_rings
from tests.e2e.test_several_machines import machines
from tests.otlp_receiver import receive_otlp
from tests.support_line import Line, Server
from tests.waiting import wait_until

SERVER_KIND = 2


def test_call_that_wanders_between_machines_is_one_trace(
    tmp_path: Path, postgresql: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with receive_otlp() as receiver:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.url)
        monkeypatch.setenv("OTEL_SERVICE_NAME", "line")
        with machines(tmp_path, postgresql, project(), project()) as (one, two):
            line = Line(one.port, "call-1", echo=False)
            line.ring()
            line.url = f"http://127.0.0.1:{two.port}"
            line.press("1")
            line.url = f"http://127.0.0.1:{one.port}"
            line.ended()
        spans = receiver.find_spans()
        callbacks = sorted((s for s in spans if s.kind == SERVER_KIND), key=lambda span: span.begun)
        assert [span.attributes["flowengine.event"] for span in callbacks] == ["ice", "pie", "dice"]
        assert {span.trace for span in spans} == {callbacks[0].trace}
        assert [span.parent for span in callbacks[1:]] == [callbacks[0].span] * 2
        instances = [span.resource["service.instance.id"] for span in callbacks]
        assert instances[0] == instances[2] != instances[1]
        assert {span.resource["service.name"] for span in spans} == {"line"}
        assert {
            span.attributes["db.system.name"] for span in spans if span.name.startswith("store ")
        } == {"postgresql"}
        assert "flowengine_callbacks" in receiver.find_metrics()


def test_legs_and_tasks_of_a_ring_are_in_the_trace_of_the_caller(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = {"ice ring", "ace ring", "dice ring"}  # of the leg
    expected |= {"task begin", "task place", "platform place", "task release"}
    with receive_otlp() as receiver:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", f"{receiver.url}/v1/traces")
        monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "100")
        with serve_rings(tmp_path, workers=2) as (platform, _):
            caller = platform.dial(IN_TURN)
            leg = platform.wait_for_leg(ANNA)
            platform.take_call(leg)
            wait_until(lambda: platform.are_talking(leg, caller), otherwise=platform.describe)
            platform.act(leg, "hangup")
            platform.wait_until_heard(caller, "How was it?")
            wait_until(lambda: platform.has_ended(caller))
            wait_until(
                lambda: expected <= {span.name for span in receiver.find_spans()},
                otherwise=lambda: str({span.name for span in receiver.find_spans()}),
            )
        spans = receiver.find_spans()
        assert {span.trace for span in spans} == {format_trace_id(compute_trace_ids(caller).trace)}
        assert any(span.name.startswith("orchestration ") for span in spans), "the caller goes on"
        placed = next(span for span in spans if span.name == "platform place")
        task = next(span for span in spans if span.span == placed.parent)
        assert task.name == "task place"


def test_server_with_a_collector_that_is_away_answers_and_ends(
    support_line_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with receive_otlp() as receiver:
        receiver.silent.set()
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.url)
        server = Server(support_line_folder)
        server.start()
        line = Line(server.port, "call-1")
        assert line.ring()["action"]["name"] == "runMenu"
        line.ended()
        server.kill(signal.SIGTERM)
        log = (support_line_folder / "server.log").read_text()
        assert "what was not exported within 3 seconds is lost" in log
        assert "Traceback" not in log
