"""`flowengine load` against a real server, which checks every signature and answers what it is told
to.
"""

import asyncio
import doctest
import json
import threading
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from click.testing import CliRunner

from flowengine.cli import main
from flowengine.sinch import SignatureError, Verifier
from flowengine.switch.load import LoadPlan, load_report, run_load
from flowengine.switch.switch_events import AnswerReceived, CallEnded, Finding
from tests.threaded_server import serving_in_thread

KEY, SECRET = "669E367E-6BBA-48AB-AF15-266871C28135", "BeIukql3pTKJ8RGL5zo0DA=="
OPTIONS = [{"dtmf": "1", "action": "return(one)"}, {"dtmf": "2", "action": "return(two)"}]
MENU = {
    "name": "runMenu",
    "mainMenu": "main",
    "menus": [{"id": "main", "mainPrompt": "#tts[Well?]", "options": OPTIONS}],
}
ANSWERS = {
    "ice": {"action": MENU},
    "pie": {"action": {"name": "connectPstn", "number": "+46000000001", "cli": "+14045550100"}},
    "ace": {"action": {"name": "continue"}},
    "dice": {},
    "notify": {},
}
AT = datetime(2026, 3, 2, tzinfo=UTC)


class Backend(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 200

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers, self.status, self.refused = dict(ANSWERS), {}, []
        self.events, self.dialled, self.pressed, self.calls, self.begun = (
            Counter(),
            Counter(),
            Counter(),
            set(),
            [],
        )
        self.busy, self.most, self.lock, self.pause = 0, 0, threading.Lock(), 0.0
        self.url = f"http://127.0.0.1:{self.server_address[1]}/sinch?tenant=1"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        server = self.server
        with server.lock:
            server.busy += 1
            server.most = max(server.most, server.busy)
        body = self.rfile.read(int(self.headers["content-length"]))
        try:
            Verifier({KEY: SECRET}).verify(
                "POST", self.path, dict(self.headers.items()), body, datetime.now(UTC)
            )
        except SignatureError as error:
            server.refused.append(error)
        self.note(server, json.loads(body))
        time.sleep(server.pause)
        event = json.loads(body)["event"]
        content = json.dumps(server.answers[event]).encode()
        with server.lock:
            server.busy -= 1
        self.send_response(server.status.get(event, 200))
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def note(self, server, told):
        with server.lock:
            server.events[told["event"]] += 1
            server.calls.add(told["callid"])
            if told["event"] == "ice":
                server.dialled[told["to"]["endpoint"]] += 1
                server.begun.append(time.monotonic())
            elif told["event"] == "pie":
                server.pressed[told["menuResult"].get("value", told["menuResult"]["type"])] += 1

    def log_message(self, *_):
        pass


@pytest.fixture
def backend():
    with serving_in_thread(Backend()) as server:
        yield server


def put(backend, **options):
    return asyncio.run(run_load(LoadPlan(backend.url, KEY, SECRET, **options)))


def command(backend, *options):
    return CliRunner().invoke(
        main, ["load", backend.url, "--key", KEY, "--secret", SECRET, *options]
    )


async def test_load_completes_its_calls_and_signs_in_the_time_of_the_server(backend):
    seen = []

    found = await run_load(LoadPlan(backend.url, KEY, SECRET, calls=40, concurrent=8), seen.append)
    assert (found.calls, found.lost, found.errors, found.is_passed) == (40, 0, {}, True)
    assert backend.events == dict.fromkeys(("ice", "pie", "ace", "dice"), 40)
    assert (len(backend.calls), backend.refused) == (40, [])
    assert {event: timing.count for event, timing in found.callbacks.items()} == backend.events
    assert found.endings == {"ANSWERED CALLERHANGUP": 40}
    assert seen == list(range(1, 41))


def test_so_many_calls_are_under_way_at_once(backend):
    backend.pause = 0.05
    put(backend, calls=24, concurrent=6)
    assert 2 <= backend.most <= 6


def test_callers_press_what_is_offered_and_a_seed_repeats_them(backend):
    put(backend, calls=30, concurrent=1, seed=1)
    first, backend.pressed = backend.pressed, Counter()
    assert set(first) == {"one", "two"}
    put(backend, calls=30, concurrent=1, seed=1)
    assert backend.pressed == first
    assert len(backend.calls) == 60, "calls of another run are other calls"


def test_callers_press_what_the_script_says(backend):
    put(backend, calls=5, talk=("2",))
    assert backend.pressed == {"two": 5}


def test_caller_in_an_endless_menu_hangs_up(backend):
    backend.answers["pie"] = {"action": MENU}
    found = put(backend, calls=2)
    assert (found.lost, found.errors) == (0, {})
    assert backend.events["pie"] <= 60


def test_numbers_take_turns(backend):
    put(backend, calls=6, to=("+14045550101", "+14045550102"))
    assert backend.dialled == {"+14045550101": 3, "+14045550102": 3}


def test_calls_begin_at_a_rate(backend):
    put(backend, calls=6, concurrent=6, rate=20.0)
    assert backend.begun[-1] - backend.begun[0] >= 0.2


def test_latencies_are_those_of_the_answers(backend):
    backend.pause = 0.05
    timing = put(backend, calls=4).callbacks["ice"]
    assert 50 <= timing.p50 <= timing.p90 <= timing.p99 <= timing.p99_9 <= timing.longest


def test_callback_that_fails_fails_the_load(backend):
    backend.status["pie"] = 500
    ran = command(backend, "--calls", "3", "--json")
    told = json.loads(ran.stdout)
    assert ran.exit_code == 1
    assert (told["passed"], told["calls"], told["lost"]) == (False, 3, 0)
    assert told["errors"] == {"pie: answered with status 500": 3}


def test_illegal_answer_fails_the_load(backend):
    backend.answers["ice"] = {"action": {"name": "continue"}}
    found = put(backend, calls=2)
    assert not found.is_passed
    ((error, count),) = found.errors.items()
    assert error.startswith("ice: ")
    assert count == 2


async def test_server_that_is_not_there_fails_the_load():
    found = await run_load(LoadPlan("http://127.0.0.1:9/sinch", KEY, SECRET, calls=3))
    assert (found.calls, found.is_passed) == (3, False)
    assert any("could not be reached" in error for error in found.errors)


def test_call_that_does_not_end_is_lost():
    tally = load_report.LoadCounter()
    tally.count_call(None)
    tally.count_call(CallEnded("abc", AT + timedelta(seconds=9), "ANSWERED", "CALLERHANGUP", 9))
    found = tally.build_report(0.5)
    assert (found.calls, found.lost, found.is_passed, found.endings) == (
        2,
        1,
        False,
        {"ANSWERED CALLERHANGUP": 1},
    )
    assert found.calls_per_second == 4.0


def test_tolerated_answer_is_no_error():
    tally = load_report.LoadCounter()
    tally.count_answer(
        AnswerReceived(
            "abc", AT, "ice", "http://a/b", 200, b"{}", "", (), (Finding("action", "spelt oddly"),)
        )
    )
    assert tally.build_report(1.0).errors == {}


def test_load_report_for_a_person_is_a_table(backend):
    ran = command(backend, "--calls", "12", "--concurrent", "4", "--talk", "1")
    assert ran.exit_code == 0, ran.output
    lines = ran.stdout.splitlines()
    assert lines[0].startswith("12 calls in ")
    assert lines[0].endswith("none lost")
    rows = [line.split() for line in lines]
    assert [row[:2] for row in rows if row and row[0] in ANSWERS] == [
        ["ice", "12"],
        ["pie", "12"],
        ["ace", "12"],
        ["dice", "12"],
    ]
    assert ["12", "ANSWERED", "CALLERHANGUP"] in rows


def test_calls_that_all_failed_are_not_called_none_lost(backend):
    backend.status["ice"] = backend.status["dice"] = 401
    ran = command(backend, "--calls", "3")
    assert ran.exit_code == 1
    assert ran.stdout.splitlines()[0].endswith("all failed")
    assert "none lost" not in ran.stdout
    assert "--key and --secret" in ran.stdout.splitlines()[-1]


def test_hint_at_credentials_is_for_refused_signatures_only(backend):
    backend.status["ice"] = 500
    ran = command(backend, "--calls", "3")
    assert ran.stdout.splitlines()[0].endswith("all failed")
    assert "--secret" not in ran.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["ftp://a/b"], "URL begins with http"),
        (["http:///b"], "URL begins with http"),
        (["http://a:port/b"], "URL begins with http"),
        (["http://a/b", "--key", "k"], "a key goes with its secret"),
        (["http://a/b", "--calls", "0"], "--calls"),
        (["http://a/b", "--rate", "0"], "--rate"),
    ],
)
def test_wrong_arguments(arguments, said):
    ran = CliRunner().invoke(
        main,
        ["load", *arguments],
        env={"SINCH_APPLICATION_KEY": "", "SINCH_APPLICATION_SECRET": ""},
    )
    assert ran.exit_code == 2
    assert said in ran.output


def test_credentials_may_stand_in_files(backend, tmp_path):
    """As those of a server: an operator has set the variables once."""
    variables = {}
    for name, value in (("KEY", KEY), ("SECRET", SECRET)):
        (tmp_path / name).write_text(f"{value}\n")
        variables[f"SINCH_APPLICATION_{name}_FILE"] = str(tmp_path / name)
    ran = CliRunner().invoke(main, ["load", backend.url, "--calls", "2"], env=variables)
    assert (ran.exit_code, backend.refused) == (0, []), ran.output
    (tmp_path / "SECRET").unlink()
    ran = CliRunner().invoke(main, ["load", backend.url, "--calls", "2"], env=variables)
    assert (ran.exit_code, "cannot be read" in ran.output) == (2, True)


def test_load_report_example_runs():
    assert doctest.testmod(load_report).failed == 0
