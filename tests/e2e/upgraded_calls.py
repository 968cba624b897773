"""Calls under way while the version of the server changes: some wait in each kind of state."""

import itertools
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx

from flowengine.switch.switch_events import ParticipantChanged
from tests.e2e.ring_platform import ANNA, AT_ONCE, CONFIG, DAN, QUEUE, RingPlatform
from tests.line_flows import BACK_FLOW, HOLD_FLOW, TAKE_FLOW
from tests.support_line import Line
from tests.threaded_server import serving_in_thread
from tests.waiting import PATIENCE_SECONDS, wait_until

DESK_NUMBER, BANK_NUMBER = "+12017777777", "+12017777778"
TAKE, HOLD, BOARD = "+14045004000", "+14045005000", "+14045006000"
HOME = "+14045009009"  # of a caller who leaves the queue and is called back
HOST, COLLEAGUE = "+46700000008", "+46700000009"
SWITCH_CONFIG = CONFIG.replace(
    "numbers: [", "numbers: [" + "".join(f'{{number: "{each}"}}, ' for each in (TAKE, HOLD, BOARD))
)
DESK = """
flow: desk
start: main
vars: {account: {type: digits, max: 8}}
states:
  main: {menu: {prompt: For your bill press 1., options: {1: ask}, otherwise: bye}}
  ask: {collect: {prompt: Your number?, into: account, digits: 4, otherwise: bye}, next: box}
  box: {subflow: {flow: mailbox, outcomes: {left: again}}}
  again:
    menu:
      prompt: ${vars.account} left a message. For an agent press 1.
      options: {1: agents}
      otherwise: bye
  agents: {connect: {phone: "+14045009000", answered: whisper}}
  whisper: {say: "Account ${vars.account}.", continue: }
  bye: {say: Goodbye., hangup: }
"""
MAILBOX = """
flow: mailbox
start: ask
outcomes: [left]
vars: {message: {type: text, max: 256}}
states:
  ask:
    record_message: {prompt: Please speak., into: message, review: To send it press 1., to: "s3://box"}
    next: left
  left: {return: left}
"""
FLOWS = {
    "project.yaml": f"""
project: upgrades
routes:
  - {{to: "{QUEUE}", flow: line}}
  - {{to: "{AT_ONCE}", flow: sales}}
  - {{to: "{HOLD}", flow: hold}}
  - {{to: "{TAKE}", flow: take}}
  - {{to: "{BOARD}", flow: board}}
  - {{to: "{BANK_NUMBER}", flow: bank}}
  - {{flow: desk}}
""",
    "desk.yaml": DESK,
    "bank.yaml": DESK.replace("desk", "bank").replace("max: 8", "max: 8, secret: true"),
    "mailbox.yaml": MAILBOX,
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
      after: survey
  call_back: {place: {flow: back, to: "${call.from}", when: my turn}, error: bye, next: bye}
  survey: {say: How was it?, hangup: }
  bye: {say: Goodbye., hangup: }
""",
    "back.yaml": BACK_FLOW,
    "sales.yaml": f"""
flow: sales
start: sales
states:
  sales:
    ring:
      who: ["{ANNA}"]
      each: 300s
      accept: {{prompt: Press 1., timeout: 30s}}
      nobody: bye
      after: survey
  survey: {{say: How was it?, hangup: }}
  bye: {{say: Nobody., hangup: }}
""",
    "hold.yaml": HOLD_FLOW,
    "take.yaml": TAKE_FLOW,
    "board.yaml": f"""
flow: board
start: room
states:
  room:
    connect: {{conference: board, moderator: call.from == "{HOST}", wait: music1, until: moderator leaves}}
""",
}


def write_flows(folder: Path) -> None:
    for name, text in FLOWS.items():
        file = folder / "flows" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)


# A caller who begins with one to so many steps waits in another state each.
FIRST_STEPS = 8


class Caller:
    """A call of the desk, or of the bank with what is secret, that waits once in each of its states."""

    def __init__(self, call_id: str, *, to: str, echo: bool) -> None:
        self.line = Line(0, call_id, echo=echo, to=to)
        self.taken = 0
        self.recording = ""
        # what happens, and what the answer must have
        self.steps: Sequence[tuple[Callable[[], dict[str, Any]], str]] = (
            (self.line.ring, "For your bill press 1."),
            (partial(self.line.press, "1"), "Your number?"),
            (partial(self.line.press, "1234"), "Please speak."),
            (partial(self.line.press, "#"), "To send it press 1."),
            (self._send_notice, "{}"),
            (partial(self.line.press, "1"), "1234 left a message. For an agent press 1."),
            (partial(self.line.press, "1"), "connectPstn"),
            (self.line.answered, "Account 1234."),
            (self.line.ended, "{}"),
        )

    @property
    def has_ended(self) -> bool:
        return self.taken == len(self.steps)

    @property
    def is_in_cookie(self) -> bool:
        """Whether the platform returns a cookie that knows all of the call. The answer to a notice
        cannot set one.
        """
        return self.line.echo and self.steps[self.taken - 1][0] != self._send_notice

    def take_step(self, port: int) -> None:
        """Let the server at this port answer the next callback."""
        self.line.url = f"http://127.0.0.1:{port}"
        act, expected = self.steps[self.taken]
        answer = act()
        assert expected in json.dumps(answer), (self.line.call_id, self.taken, answer)
        for item in answer.get("instructions", ()):
            if item["name"] == "startRecording":
                self.recording = item["options"]["destinationUrl"]
        self.taken += 1

    def _send_notice(self) -> dict[str, Any]:
        return self.line.post("notify", type="recording_available", destination=self.recording)


def create_callers(prefix: str) -> list[Caller]:
    """Callers who have taken no step yet: one for each step that may be the last before an upgrade,
    of platforms that return cookies and of others.
    """
    return [
        Caller(
            f"{prefix}-{number}-{echo}",
            to=(DESK_NUMBER, BANK_NUMBER)[(number + echo) % 2],
            echo=echo,
        )
        for echo in (True, False)
        for number in range(1, FIRST_STEPS + 1)
    ]


class Balancer:
    """Hands callbacks of the platform to the servers in turn."""

    def __init__(self) -> None:
        balancer = self
        self.ports: list[int] = []
        self._numbers = itertools.count()

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                content = self.rfile.read(int(self.headers["content-length"]))
                reply = balancer.forward(self.path, content, dict(self.headers.items()))
                self.send_response(reply.status_code)
                self.send_header("content-type", reply.headers["content-type"])
                self.send_header("content-length", str(len(reply.content)))
                self.end_headers()
                self.wfile.write(reply.content)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_port

    def forward(self, path: str, content: bytes, headers: dict[str, str]) -> httpx.Response:
        """The answer of the next server; of another one where it has just been stopped."""
        passed = {
            name: value
            for name, value in headers.items()
            if name.lower() in ("authorization", "content-type", "x-timestamp")
        }
        while True:
            ports = self.ports
            port = ports[next(self._numbers) % len(ports)]
            try:
                return httpx.post(
                    f"http://127.0.0.1:{port}{path}",
                    content=content,
                    headers=passed,
                    timeout=PATIENCE_SECONDS,
                )
            except httpx.TransportError:
                if port in self.ports:
                    raise


@contextmanager
def balance() -> Iterator[Balancer]:
    balancer = Balancer()
    with serving_in_thread(balancer.server):
        yield balancer


class Lines:
    """People who wait for others: in a ring, in a queue, to be called back, parked, and in a room."""

    def __init__(self, platform: RingPlatform) -> None:
        self.platform = platform
        self.ring = platform.dial(AT_ONCE)
        self.member = self._wait_for_leg(ANNA)
        first = platform.dial(QUEUE)
        self.agent = self._wait_for_leg(DAN)
        platform.take_call(self.agent)
        self._wait_until_talking(self.agent, first)
        self.second = platform.dial(QUEUE, "+46700000002")
        platform.wait_until_heard(self.second, "You are number 1.")
        third = platform.dial(QUEUE, HOME)
        # who comes a moment after another may hear the same number
        wait_until(
            lambda: any("You are number" in one for one in platform.list_heard(third)),
            otherwise=platform.describe,
        )
        wait_until(
            lambda: platform.act(third, "press", keys="2", leg="caller"),
            otherwise=platform.describe,
        )
        wait_until(lambda: platform.has_ended(third), otherwise=platform.describe)
        self.parked = platform.dial(HOLD)
        self.guest = platform.dial(BOARD)
        wait_until(lambda: "onhold" in self._list_commands(), otherwise=platform.describe)

    def answer(self) -> None:
        """The next in the queue is offered, and a member picks up, who has 30 seconds to take the call
        from now on.
        """
        count = len(self.platform.list_legs(DAN))
        self.platform.act(self.agent, "hangup")
        self.agent = self.platform.wait_for_leg(DAN, after=count)
        self.platform.answer(self.member)

    def take_call(self) -> None:
        """The member takes the call."""
        assert self.platform.act(self.member, "press", keys="1"), self.platform.describe()

    def finish(self) -> None:
        """Those who wait get what they have waited for."""
        platform = self.platform
        self._talk_and_hang_up(self.member, self.ring)
        platform.take_call(self.agent)
        self._talk_and_hang_up(self.agent, self.second)
        called = self._wait_for_leg(HOME)
        assert platform.act(called, "answer")
        platform.wait_until_heard(called, "It is your turn.")
        assert platform.act(called, "press", keys="1"), platform.describe()
        agent = self._wait_for_leg(DAN)
        platform.take_call(agent)
        self._wait_until_talking(agent, called)
        platform.act(agent, "hangup")
        colleague = platform.dial(TAKE, COLLEAGUE)
        self._wait_until_talking(colleague, self.parked, leg="caller")
        platform.act(colleague, "hangup", leg="caller")
        host = platform.dial(BOARD, HOST)
        wait_until(lambda: self._list_commands()[-1] == "resume", otherwise=platform.describe)
        platform.act(host, "hangup", leg="caller")
        for call in (self.ring, self.second, called, self.parked, self.guest):
            wait_until(lambda one=call: platform.has_ended(one), otherwise=platform.describe)
        assert platform.count_double_rings() == 0

    def _wait_for_leg(self, address: str) -> str:
        """The call that rings at this member now."""
        legs = self.platform.list_legs
        wait_until(lambda: self.platform.is_ringing(address), otherwise=self.platform.describe)
        return legs(address)[-1]

    def _talk_and_hang_up(self, leg: str, caller: str) -> None:
        self._wait_until_talking(leg, caller)
        self.platform.act(leg, "hangup")
        self.platform.wait_until_heard(caller, "How was it?")

    def _wait_until_talking(self, call: str, other: str, leg: str = "callee") -> None:
        wait_until(
            lambda: self.platform.are_talking(call, other, leg), otherwise=self.platform.describe
        )

    def _list_commands(self) -> list[str]:
        commands = self.platform.list_of(ParticipantChanged)
        return [one.command for one in commands if one.call == self.guest]
