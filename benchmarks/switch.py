"""How many complete calls of four callbacks the switch puts through in a second of one core, in
virtual time.

Each call is dialled, asks for a menu, has its key pressed, is connected to a phone that answers,
and ends when its caller hangs up: ICE, PIE, ACE and DiCE, each signed. The backend is in the same
process: once it answers constant SVAML, once it is flowengine's own step, which looks at nobody's
signature and keeps no session store. Only the time that this process has of its core counts,
whoever else works on the machine.

    python benchmarks/switch.py [--json] [--calls 3000] [--rounds 3] [--load 10000]
                                [--against REVISION]

With --against the same is measured with another revision, by its own code and in turns with this
one, each round of both in a new process: what earlier rounds have left in memory makes full garbage
collections longer. With --load, `flowengine load` also puts so many calls on `flowengine serve
flows`, with a server process and its own.
"""

import argparse
import gc
import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

import httpx
from revisions import ROOT, evaluate_in, revisions

from flowengine.compile import Release, compile_project
from flowengine.runtime.call_state import Call
from flowengine.runtime.step import step
from flowengine.sinch import decode
from flowengine.sources.project_folder import read_folder
from flowengine.svaml import encode_svaml
from flowengine.switch.clock import VirtualClock
from flowengine.switch.exchange import Exchange
from flowengine.switch.switch_events import (
    AnswerReceived,
    CallbackSent,
    CallEnded,
    LegPickedUp,
    MenuListening,
    SwitchEvent,
)
from flowengine.switch.switch_settings import SwitchSettings
from flowengine.switch.switch_setup import Number, SwitchApplication, SwitchSetup
from flowengine.switch.wire import DirectTransport, Response

KEY, SECRET = "669E367E-6BBA-48AB-AF15-266871C28135", "BeIukql3pTKJ8RGL5zo0DA=="
NUMBER = "+14045550110"  # the flow departments: a menu, then a phone
TARGET = 1000
Answer = Callable[[bytes], bytes]

MENU = {
    "name": "runMenu",
    "mainMenu": "main",
    "menus": [
        {
            "id": "main",
            "mainPrompt": "#tts[Press 1.]",
            "options": [{"dtmf": "1", "action": "return(1)"}],
        }
    ],
}
CONSTANT = {
    "ice": {
        "instructions": [{"name": "say", "text": "Welcome.", "locale": "en-US"}],
        "action": MENU,
    },
    "pie": {"action": {"name": "connectPstn", "number": "+14045550199", "cli": NUMBER}},
    "ace": {"action": {"name": "continue"}},
    "dice": {},
}


def constant() -> Answer:
    answers = {event: json.dumps(answer).encode() for event, answer in CONSTANT.items()}
    return lambda body: answers[body[10 : body.index(b'"', 10)].decode()]


def engine(release: Release) -> Answer:
    """flowengine's own step, and its calls in a dict"""
    calls: dict[str, Call] = {}

    def answer(body: bytes) -> bytes:
        event = decode(body)
        outcome = step(release, calls.get(event.call_id), event, datetime.now(UTC))
        if event.kind == "dice" or outcome.call is None:
            calls.pop(event.call_id, None)
        else:
            calls[event.call_id] = outcome.call
        return encode_svaml(outcome.instructions, outcome.action)

    return answer


class Caller:
    """Presses 1 where a menu asks, and hangs up ten seconds after the callee has answered."""

    def __init__(self, answer: Answer) -> None:
        def answered(_url: str, _headers: Mapping[str, str], body: bytes) -> Response:
            return Response(200, {}, answer(body))

        self.clock = VirtualClock()
        world = SwitchSetup(
            (SwitchApplication(KEY, SECRET, "http://backend/sinch"),), (Number(NUMBER, KEY),)
        )
        self.exchange = Exchange(world, self.clock, SwitchSettings(), DirectTransport(answered))
        self.exchange.subscribe(self.see)
        self.asked: Counter[str] = Counter()
        self.results: Counter[str] = Counter()

    def see(self, switch_event: SwitchEvent) -> None:
        if isinstance(switch_event, CallbackSent):
            self.asked[switch_event.event] += 1
        elif isinstance(switch_event, MenuListening):
            self.clock.call_later(1, lambda: self.call.caller.press("1"))
        elif isinstance(switch_event, LegPickedUp) and switch_event.role == "callee":
            self.clock.call_later(10, self.call.caller.hang_up)
        elif isinstance(switch_event, AnswerReceived):
            assert not switch_event.illegal, switch_event.illegal
        elif isinstance(switch_event, CallEnded):
            self.results[switch_event.result] += 1

    def dial(self) -> None:
        self.call = self.exchange.dial(caller="+12025550100", to=NUMBER)
        self.clock.run()


def calls_per_second(answer: Answer, calls: int) -> float:
    caller = Caller(answer)
    for _ in range(calls // 10):  # warm
        caller.dial()
    begun = time.process_time()
    for _ in range(calls):
        caller.dial()
    seconds = time.process_time() - begun
    whole = calls + calls // 10
    assert caller.results == {"ANSWERED": whole}, caller.results
    assert caller.asked == dict.fromkeys(("ice", "pie", "ace", "dice"), whole), caller.asked
    return calls / seconds


def put_on_server(calls: int) -> dict[str, object]:
    """What `flowengine load` reports of `flowengine serve flows`"""
    credentials = {"SINCH_APPLICATION_KEY": KEY, "SINCH_APPLICATION_SECRET": SECRET}
    environment = {**os.environ, **credentials, "PYTHONPATH": str(ROOT)}
    with socket.create_server(("127.0.0.1", 0)) as found:
        port = found.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder, (Path(folder) / "server.log").open("wb") as log:
        serve = [
            sys.executable,
            "-m",
            "flowengine",
            "serve",
            str(ROOT / "flows"),
            "--port",
            str(port),
        ]
        server = subprocess.Popen(
            serve, env=environment, cwd=folder, stdout=log, stderr=log, start_new_session=True
        )
        try:
            wait_for(f"http://127.0.0.1:{port}/readyz")
            load = [
                "load",
                f"http://127.0.0.1:{port}/sinch",
                "--to",
                NUMBER,
                "--calls",
                str(calls),
                "--json",
            ]
            ran = subprocess.run(
                [sys.executable, "-m", "flowengine", *load],
                env=environment,
                stdout=subprocess.PIPE,
                check=False,
            )
        finally:
            os.killpg(server.pid, signal.SIGTERM)
            server.wait(40)
    report: dict[str, object] = json.loads(ran.stdout)
    return report


def wait_for(url: str) -> None:
    for _ in range(200):
        try:
            httpx.get(url)
        except httpx.HTTPError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError(f"nothing answers at {url}")


def run(calls: int, rounds: int, load: int, against: str | None = None) -> dict[str, object]:
    with revisions(against) as roots:
        runs = [
            {
                name: measure_in_a_new_process(root, calls) if against else measure(calls)
                for name, root in roots.items()
            }
            for _ in range(rounds)
        ]
    rates = {
        f"{backend} ({name})" if name else backend: round(
            statistics.median(each[name][backend] for each in runs)
        )
        for name in runs[0]
        for backend in runs[0][name]
    }
    result: dict[str, object] = {"calls_per_second": rates, "target": TARGET}
    return {**result, "load": put_on_server(load)} if load else result


def measure_in_a_new_process(root: Path, calls: int) -> dict[str, float]:
    found: dict[str, float] = evaluate_in(root, "switch", f"run({calls}, 1, 0)")["calls_per_second"]
    return found


def measure(calls: int) -> dict[str, float]:
    """Calls in a second, by backend."""
    compiled = compile_project(read_folder(ROOT / "flows"), {})
    assert compiled.release is not None
    gc.freeze()  # as each command does that runs the switch
    backends = {"constant answers": constant(), "flowengine's step": engine(compiled.release)}
    every = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(every)})
    found = {name: calls_per_second(answer, calls) for name, answer in backends.items()}
    os.sched_setaffinity(0, every)
    return found


def show(result: dict[str, object]) -> None:
    rates, load = result["calls_per_second"], result.get("load")
    assert isinstance(rates, dict)
    print(f"{'backend':<30}{'calls/s':>10}{'at least':>10}")
    for name, rate in rates.items():
        print(f"{name:<30}{rate:>10,}{TARGET:>10,}")
    if isinstance(load, dict):
        print(
            f"\n{load['calls']:,} calls on the real server: {load['lost']} lost, "
            f"{load['calls_per_second']:,.0f} calls/s, milliseconds:"
        )
        print(
            f"{'callback':<10}{'count':>8}{'50 %':>9}{'90 %':>9}{'99 %':>9}{'99.9 %':>9}{'longest':>9}"
        )
        for event, timing in load["callbacks"].items():
            times = (timing[name] for name in ("p50", "p90", "p99", "p99_9", "longest"))
            print(
                f"{event:<10}{timing['count']:>8,}"
                + "".join(f"{milliseconds:>9.1f}" for milliseconds in times)
            )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--calls", type=int, default=3000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--load", type=int, default=0)
    parser.add_argument("--against", metavar="REVISION")
    options = parser.parse_args()
    outcome = run(options.calls, options.rounds, options.load, options.against)
    print(json.dumps(outcome)) if options.json else show(outcome)
