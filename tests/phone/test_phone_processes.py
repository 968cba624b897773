"""The phone as people use it: in a pipe, at a terminal, against backends that are not flowengine,
and with systems really asked.
"""

import json
import os
import pty
import re
import select
import subprocess
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from flowengine.sinch import sign_request
from tests.fork_server import FlowengineProcess, run_flowengine
from tests.phone.phone_project import project
from tests.waiting import PATIENCE_SECONDS

KEY, SECRET = "669E367E-6BBA-48AB-AF15-266871C28135", "BeIukql3pTKJ8RGL5zo0DA=="
ENVIRONMENT = {
    **os.environ,
    "SINCH_APPLICATION_KEY": "",
    "SINCH_APPLICATION_SECRET": "",
    "TERM": "xterm",
    "COLUMNS": "100",
}


@pytest.fixture
def flows(tmp_path: Path) -> Path:
    return project(tmp_path)


def piped(
    *arguments: object, lines: str = "", **environment: str
) -> subprocess.CompletedProcess[str]:
    return run_flowengine(
        "call", *map(str, arguments), input=lines, env={**ENVIRONMENT, **environment}
    )


def test_pipe_sees_plain_text_and_no_prompt(flows: Path) -> None:
    done = piped(flows, lines="1\n1230\n{status: lost}\n")
    assert (done.returncode, done.stderr) == (0, "")
    assert 'hears "It is lost."' in done.stdout
    assert "\x1b" not in done.stdout
    assert " > " not in done.stdout


def test_pipe_that_ends_hangs_up(flows: Path) -> None:
    done = piped(flows, lines="2\n")
    assert done.returncode == 0
    assert "NOANSWER, CANCEL" in done.stdout or "CALLERHANGUP" in done.stdout


def test_apology_fails_a_pipe(flows: Path) -> None:
    assert piped(flows, "--flow", "trouble").returncode == 1


class Terminal:
    """A terminal with a phone in it, and somebody who types."""

    def __init__(self, *arguments: object, **environment: str) -> None:
        self.seen, self.past = "", 0
        self.fd, theirs = pty.openpty()
        self.process = FlowengineProcess(
            ["call", *map(str, arguments)],
            env={**ENVIRONMENT, **environment},
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        )
        os.close(theirs)

    def until(self, text: str) -> str:
        """What is shown until this text."""
        end = time.monotonic() + PATIENCE_SECONDS
        while text not in self.seen[self.past :] and time.monotonic() < end:
            if select.select([self.fd], [], [], 0.2)[0]:
                try:
                    self.seen += os.read(self.fd, 65536).decode()
                except OSError:
                    break
        shown, found, _ = self.seen[self.past :].partition(text)
        assert found, self.seen
        self.past += len(shown + found)
        return shown + found

    def type(self, line: str) -> None:
        os.write(self.fd, f"{line}\n".encode())

    def ended(self) -> int:
        end = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < end:
            status = self.process.poll()
            if status is not None:
                os.close(self.fd)
                return status
            if select.select([self.fd], [], [], 0.1)[0]:
                try:
                    self.seen += os.read(self.fd, 65536).decode()
                except OSError:
                    time.sleep(0.05)
        self.process.kill()
        raise AssertionError(f"it goes on: {self.seen}")


def test_terminal_asks_for_each_input(flows: Path) -> None:
    terminal = Terminal(flows)
    assert "\x1b[36mcaller\x1b[0m" in terminal.until("welcome: 1 or 2, or words > ")
    terminal.type("help")
    terminal.until("key 1 leads to ask")
    terminal.until("words > ")
    terminal.type("answer")
    terminal.until("nobody's phone rings")
    terminal.until("> ")
    terminal.type("1")
    terminal.until("ask: 4 digits > ")
    terminal.type("1230")
    terminal.until('crm answers: status? body? [200 {"status":"some status"}] > ')
    terminal.type("what?")
    terminal.until("an answer is a status")
    terminal.until("> ")
    terminal.type("503")
    terminal.until("+14045009000 rings: answer, busy, decline, no answer > ")
    terminal.type("person")
    terminal.until("connected to +14045009000 > ")
    terminal.type("callee hang up")
    terminal.until("ends the call: ANSWERED, CALLEEHANGUP")
    assert terminal.ended() == 0


@pytest.mark.parametrize("key", ["\x03", "\x04"])
def test_ctrl_c_and_ctrl_d_hang_up(flows: Path, key: str) -> None:
    terminal = Terminal(flows)
    terminal.until("> ")
    time.sleep(0.3)  # whoever presses a key has seen the prompt for a moment
    os.write(terminal.fd, key.encode())
    shown = terminal.until("ends the call: ANSWERED, CALLERHANGUP")
    assert "Traceback" not in shown
    assert terminal.ended() == 0


def test_ctrl_c_at_a_lookup_hangs_up_too(flows: Path) -> None:
    terminal = Terminal(flows)
    for line, prompt in (("1", "welcome: 1 or 2, or words > "), ("1230", "ask: 4 digits > ")):
        terminal.until(prompt)
        terminal.type(line)
    terminal.until("body? ")
    time.sleep(0.3)
    os.write(terminal.fd, b"\x03")
    terminal.until("cannot be reached")
    assert terminal.ended() == 0
    assert "Traceback" not in terminal.seen


def test_terminal_with_no_color_shows_no_colours(flows: Path) -> None:
    terminal = Terminal(flows, NO_COLOR="1")
    shown = terminal.until("> ")
    assert not re.search(r"\x1b\[[0-9;]*m", shown)
    terminal.type("hang up")
    assert terminal.ended() == 0


class Backend(BaseHTTPRequestHandler):
    """A backend that is not flowengine: it greets, takes a key and connects."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        event = json.loads(body)
        stamp, kind = self.headers["x-timestamp"], self.headers["content-type"]
        secret = self.server.secret
        right = not secret or self.headers["authorization"] == sign_request(
            KEY, secret, "POST", self.path, kind, body, stamp
        )
        menu = {
            "id": "main",
            "mainPrompt": "#tts[Press 7 for us.]",
            "options": [{"dtmf": "7", "action": "return(us)"}],
        }
        answers = {
            "ice": {
                "instructions": [{"name": "say", "text": "Hello."}],
                "action": {"name": "runMenu", "menus": [menu]},
            },
            "pie": {"action": {"name": "connectPstn", "number": "+14045550150"}},
            "ace": {"action": {"name": "continue"}},
        }
        self.server.events.append((event["event"], event["callid"]))
        self.answer(200 if right else 401, answers.get(event["event"], {}))

    def do_GET(self) -> None:
        self.answer(200, {"status": "sent"})

    def answer(self, status: int, data: object) -> None:
        body = json.dumps(data).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


class Server(ThreadingHTTPServer):
    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Backend)
        self.events: list[tuple[str, str]] = []
        self.secret = ""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def test_backend_that_is_not_flowengine_is_called(server: Server) -> None:
    server.secret = SECRET
    done = piped(
        f"{server.url}/calls",
        "--key",
        KEY,
        "--secret",
        SECRET,
        "--explain",
        lines="7\nanswer\ncallee say Hi\nhang up\n",
    )
    assert done.returncode == 0, done.stdout + done.stderr
    told = [line[7:] for line in done.stdout.splitlines() if "|" not in line]
    assert told == [
        "caller     dials +14045550100",
        'caller     hears "Hello."',
        "platform   answers the caller",
        'caller     hears "Press 7 for us."',
        "platform   waits for 7",
        "caller     presses 7",
        "platform   calls +14045550150 with caller ID +14045550199",
        "callee     answers",
        "caller     is connected to +14045550150",
        'callee     says "Hi"',
        'caller     hears "Hi"',
        "caller     hangs up",
        "platform   ends the call: ANSWERED, CALLERHANGUP, 1 s",
    ]
    assert "| ice: {cli: '14045550199'" in done.stdout
    assert "mainPrompt: '#tts[Press 7 for us.]'" in done.stdout
    assert [event[0] for event in server.events] == ["ice", "pie", "ace", "dice"]


def test_calls_to_a_url_have_ids_of_their_own(server: Server) -> None:
    for _ in range(2):
        piped(server.url, "--keys", "")
    assert len({event[1] for event in server.events}) == 2


def test_backend_that_refuses_the_signature_gives_no_answer(server: Server) -> None:
    server.secret = SECRET
    done = piped(server.url, "--key", KEY, "--secret", "d3Jvbmc=", lines="7\n")
    assert done.returncode == 1
    assert "gets no answer to ice" in done.stdout


def test_url_that_nobody_answers_at_fails() -> None:
    done = piped("http://127.0.0.1:9/", "--keys", "")
    assert done.returncode == 1
    assert "could not be reached" in done.stdout


@pytest.mark.parametrize(
    "arguments", [["--save", "x.yaml"], ["--live"], ["--flow", "line"], ["--key", "k"]]
)
def test_options_for_flows_are_refused_for_a_url(arguments: list[str]) -> None:
    assert piped("http://127.0.0.1:9/", *arguments).returncode == 2


def test_placed_call_to_a_backend_has_its_custom_data(server: Server) -> None:
    done = piped(server.url, "--outbound", "--custom", "campaign 7", "--explain", "--keys", "")
    assert "custom: campaign 7" in done.stdout


def test_systems_are_really_asked(flows: Path, server: Server) -> None:
    project = flows / "project.yaml"
    project.write_text(
        project.read_text().replace(
            '"https://crm.example.com/v1"', f'"{server.url}", private: true'
        )
    )
    kept = flows / "scenarios" / "live.yaml"
    done = piped(
        flows, "--live", "--save", kept, lines="1\n1230\n", CRM_TOKEN="hush-hush", FILES_KEY=""
    )
    assert 'answers 200 {"status":"sent"}' in done.stdout
    assert 'hears "It is sent."' in done.stdout
    assert done.returncode == 0, done.stderr
    assert "hush-hush" not in done.stdout + kept.read_text()
    assert run_flowengine("test", str(flows)).returncode == 0
