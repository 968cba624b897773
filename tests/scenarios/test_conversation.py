"""Calls driven from Python: both ends, placed calls, machines, parks, and a backend that is not
flowengine.
"""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from flowengine.compile import Release
from flowengine.scenarios.call_setup import build_call_setup
from flowengine.scenarios.conversation import (
    NotPossibleError,
    open_conversation,
    open_http_conversation,
)
from flowengine.scenarios.scenario_given import Given
from flowengine.scenarios.scenario_project import ScenarioProject
from flowengine.scenarios.scenario_run import run_scenario
from tests.compiled_release import compile_release

FLOWS = Path(__file__).parents[2] / "flows"
FLOW = """
flow: line
start: main
on: {answered: greet}
states:
  main:
    menu: {prompt: Press 1., options: {1: agent}, attempts: 2, otherwise: bye}
  agent:
    connect: {phone: "+14045009000", detect: sync, person: whisper, machine: bye, unsure: whisper}
  whisper: {say: Somebody answers., continue: }
  greet:
    menu: {prompt: Hello from Acme. Press 1., options: {1: more}, otherwise: bye}
  more: {say: More., connect: {phone: "+14045009001"}}
  bye: {say: Goodbye., hangup: }
"""


@pytest.fixture(scope="module")
def release() -> Release:
    return compile_release({"line.yaml": FLOW})


def test_time_passes_until_somebody_has_to_do_something(release: Release) -> None:
    talk = open_conversation(release)
    talk.dial("+14045550199", "+14045550100")
    assert (talk.phase, talk.get_heard_text(), talk.is_over) == ("asked", "Press 1.", False)
    assert talk.press("1")
    assert talk.phase == "ringing"
    talk.answer("human")
    assert (talk.phase, talk.get_heard_text()) == ("joined", "Press 1. Somebody answers.")
    assert talk.say("Hello?")
    assert talk.get_heard_text("far") == "Hello?"
    talk.callee_hang_up()
    assert talk.is_over
    assert [moment.what for moment in talk.transcript][:3] == [
        "dials +14045550100",
        'hears "Press 1."',
        "presses 1",
    ]


def test_machine_is_told_from_a_person(release: Release) -> None:
    talk = open_conversation(release)
    talk.dial("+14045550199", "+14045550100")
    talk.press("1")
    talk.answer("machine")
    assert talk.get_heard_text().endswith("Goodbye.")


def test_silence_is_told_to_the_flow(release: Release) -> None:
    talk = open_conversation(release)
    talk.dial("+14045550199", "+14045550100")
    talk.stay_silent()
    assert (talk.get_heard_text(), talk.phase) == ("Press 1. Press 1.", "asked")
    talk.stay_silent()
    assert talk.is_over


def test_placed_call_has_the_callee_at_its_near_end(release: Release) -> None:
    talk = open_conversation(release)
    call = build_call_setup(release, "line", Given(placed="tts", to="+14045550177"))
    assert call.callout
    talk.place(call.application, call.callout)
    assert talk.phase == "ringing"
    talk.answer()
    assert talk.get_heard_text() == "Hello from Acme. Press 1."
    talk.press("1")
    assert (talk.phase, talk.get_heard_text()) == ("ringing", "Hello from Acme. Press 1. More.")
    talk.answer()
    talk.callee_say("Agent.")
    assert talk.get_heard_text().endswith("More. Agent.")


def test_action_that_is_not_possible_is_refused(release: Release) -> None:
    talk = open_conversation(release)
    with pytest.raises(NotPossibleError, match="nobody has called yet"):
        talk.press("1")
    talk.dial("+14045550199", "+14045550100")
    with pytest.raises(NotPossibleError, match="nobody is being called"):
        talk.answer()
    talk.hang_up()
    with pytest.raises(NotPossibleError, match="the call is over"):
        talk.press("1")


class Handler(BaseHTTPRequestHandler):
    """A backend that knows nothing of flowengine."""

    def do_POST(self) -> None:
        event = json.loads(self.rfile.read(int(self.headers["content-length"])))
        menu = {
            "id": "main",
            "mainPrompt": "#tts[Press 7.]",
            "options": [{"dtmf": "7", "action": "return(seven)"}],
        }
        answers = {
            "ice": {"action": {"name": "runMenu", "menus": [menu]}},
            "pie": {
                "instructions": [{"name": "say", "text": event.get("menuResult", {}).get("value")}],
                "action": {"name": "hangup"},
            },
        }
        body = json.dumps(answers.get(event["event"], {})).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def backend() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


def test_backend_of_any_kind_can_be_called_over_http(backend: str) -> None:
    with open_http_conversation(backend, application="key", secret="c2VjcmV0") as talk:
        talk.dial("+14045550199", "+14045550100")
        talk.press("7")
        assert (talk.get_heard_text(), talk.is_over) == ("Press 7. seven", True)


LIVE = {
    "waiting-room": """\
    given: {lookups: [{service: desk, get: /waiting-room, answer: {waiting: 0}}]}
    when:
      - hears: The doctor will be with you soon.
      - parked
      - waits: 60s
      - unpark: +14045550140
      - connected to: +14045550140
      - callee: answers
      - hangs up
""",
    "voicemail": """\
    given:
      lookups: [{service: desk, post: /voicemail, body: {call: "*", caller: "*", recording: s3://*}},
                {service: desk, post: /voicemail/transcripts, body: {call: "*", transcript: s3://*}}]
    when:
      - press: "#"
      - notified: {type: recording_available, destination: s3://acme-voicemail/*}
      - hangs up
""",
    "conference-keys": """\
    given: {lookups: [{service: desk, post: /hands, body: {call: "*", up: true}}]}
    when: [{connected to: town-hall}, {press: "*1"}]
""",
    "outbound": """\
    given: {placed: custom, to: +14045550177, data: {name: Ms Lee, amount: 12.5}}
    when:
      - connected to: +14045550177
      - callee: person
      - hears: Hello Ms Lee. Your bill of 12 dollars and 50 cents is open.
      - press: 1
      - connected to: +14045009000
      - callee: answers
      - callee: {says: Acme}
      - hears: Acme
      - callee: hangs up
""",
}


@pytest.mark.parametrize("flow", LIVE)
def test_steps_that_need_a_special_call(flow: str) -> None:
    text = f"flow: {flow}\nscenarios:\n  it works:\n{LIVE[flow]}"
    project = ScenarioProject.from_files(
        ScenarioProject.from_folder(FLOWS).files, {"scenarios/one.yaml": text.encode()}
    )
    (case,), problems = project.load_cases()
    assert [problem for problem in problems if problem.severity == "error"] == []
    assert run_scenario(case, project).failures == ()
