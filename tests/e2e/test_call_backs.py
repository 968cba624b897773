"""Calls that the server places, over real HTTP, in real time: in the turn of a caller who has left a
queue, and to people who pick up while no server is there.
"""

import json
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from flowengine.switch.switch_events import LegRinging
from tests.e2e.ring_platform import (
    ANNA,
    AT_ONCE,
    BO,
    CONFIG,
    CY,
    DAN,
    IN_TURN,
    QUEUE,
    RingPlatform,
)
from tests.fork_server import run_flowengine
from tests.line_flows import BACK_FLOW
from tests.support_line import Server
from tests.switch.switch_process import switch
from tests.waiting import wait_until

HOME = "+14045009009"  # of somebody who answers by hand
FLOWS = {
    "project.yaml": f"""
project: lines
routes:
  - {{to: "{QUEUE}", flow: line}}
  - {{to: "{IN_TURN}", flow: sales}}
  - {{to: "{AT_ONCE}", flow: ask}}
""",
    "groups/support.yaml": f'{{members: ["{DAN}"], each: 300s, wrap_up: 0s}}',
    "line.yaml": """
flow: line
start: support
states:
  support:
    queue:
      of: support
      accept: {prompt: Press 1., timeout: 30s}
      wait: {say: "You are number ${queue.position}."}
      keys: {2: call_back}
      limit: 20m
      nobody: bye
  call_back:
    place: {flow: back, to: "${call.from}", when: my turn}
    error: bye
    next: bye
  bye: {say: Goodbye., hangup: }
""",
    "back.yaml": BACK_FLOW,
    "sales.yaml": f"""
flow: sales
start: ring
states:
  ring: {{ring: {{who: ["{ANNA}", "{BO}"], order: in turn, each: 3s, nobody: bye}}}}
  bye: {{say: Nobody., hangup: }}
""",
    "ask.yaml": f"""
flow: ask
start: call
states:
  call:
    place: {{flow: greet, to: "{CY}", ring: 3s, tries: 2, pause: 1s}}
    next: bye
  bye: {{say: We call you., hangup: }}
""",
    "greet.yaml": "{flow: greet, on: {answered: hello}, states: {hello: {say: Hello., hangup: }}}",
}


@contextmanager
def serve_lines(folder: Path) -> Iterator[tuple[RingPlatform, Server]]:
    for name, text in FLOWS.items():
        file = folder / "flows" / name
        file.parent.mkdir(exist_ok=True, parents=True)
        file.write_text(text)
    server = Server(folder, workers=2)
    with switch(f"http://127.0.0.1:{server.port}/sinch", CONFIG, virtual=False) as made:
        server.options = ["--api-url", made.url]
        server.start()
        try:
            yield RingPlatform(made), server
        finally:
            server.kill()


def count_call_backs(server: Server) -> int:
    """How many places in the queue are of people who are called when their turn comes."""
    shown = run_flowengine("queues", "--store", server.store, "--json", cwd=server.folder)
    return sum(queue["call_backs"] for queue in json.loads(shown.stdout))


def restart(server: Server) -> None:
    server.kill(signal.SIGKILL)
    server.start()


def test_caller_is_called_back_in_their_turn_also_after_a_kill(tmp_path: Path) -> None:
    with serve_lines(tmp_path) as (platform, server):
        first = platform.dial(QUEUE)
        agent = platform.wait_for_leg(DAN)
        platform.take_call(agent)
        wait_until(lambda: platform.are_talking(agent, first), otherwise=platform.describe)
        second = platform.dial(QUEUE, HOME)
        platform.wait_until_heard(second, "You are number 1.")
        later = platform.dial(QUEUE, "+46700000003")
        platform.wait_until_heard(later, "You are number 2.")
        wait_until(lambda: platform.act(second, "press", keys="2", leg="caller"))
        platform.wait_until_heard(second, "Goodbye.")
        wait_until(lambda: platform.has_ended(second), otherwise=platform.describe)
        wait_until(lambda: count_call_backs(server) == 1, otherwise=platform.describe)
        restart(server)
        assert not platform.list_legs(HOME)  # it is not their turn yet
        platform.act(agent, "hangup")
        called = platform.wait_for_leg(HOME)
        assert platform.act(called, "answer")
        platform.wait_until_heard(called, "It is your turn.")
        platform.act(called, "press", keys="1")
        again = platform.wait_for_leg(DAN, after=1)
        platform.take_call(again)
        wait_until(lambda: is_heard_by_callee(platform, again, called), otherwise=platform.describe)
        assert not platform.has_ended(later)
        rung = [one.to for one in platform.list_of(LegRinging)]
        assert rung == [DAN, HOME, DAN]


def is_heard_by_callee(platform: RingPlatform, agent: str, called: str) -> bool:
    """Whether somebody who was called hears the agent."""
    if not platform.act(agent, "say", text="hello there"):
        return False
    return "hello there" in platform.list_heard(called)


def test_leg_picked_up_while_no_server_runs_is_let_go_and_others_are_called(
    tmp_path: Path,
) -> None:
    """The platform connects who picks up, and nobody speaks to them: their call ends as soon as a
    server is sure that the phone rings no more.
    """
    with serve_lines(tmp_path) as (platform, server):
        caller = platform.dial(IN_TURN)
        platform.dial(AT_ONCE, "+46700000002")
        member, callee = platform.wait_for_leg(ANNA), platform.wait_for_leg(CY)
        server.kill(signal.SIGKILL)
        for leg in (member, callee):
            assert platform.act(leg, "answer")
        server.start()
        second = platform.wait_for_leg(BO)
        platform.act(second, "answer")
        wait_until(lambda: platform.are_talking(second, caller), otherwise=platform.describe)
        again = platform.wait_for_leg(CY, after=1)
        platform.act(again, "answer")
        platform.wait_until_heard(again, "Hello.")
        assert platform.has_ended(member)
        assert platform.has_ended(callee)
        assert platform.count_double_rings() == 0
