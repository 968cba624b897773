"""A switch in real time that keeps everything that happens, and a server that rings members by it."""

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from flowengine.switch.switch_events import (
    CallbackSent,
    CallEnded,
    LegPickedUp,
    LegRinging,
    SoundStarted,
    SwitchEvent,
)
from tests.support_line import KEY, SECRET, Server
from tests.switch.switch_process import Switch, switch
from tests.waiting import wait_until

IN_TURN, AT_ONCE, QUEUE = "+14045001000", "+14045002000", "+14045003000"
ANNA, BO, CY = MEMBERS = ("+14045009001", "+14045009002", "+14045009003")
DAN = "+14045009004"  # the only member of the group whose queue callers wait in
CALLER = "+46700000001"
CONFIG = f"""
applications: [{{key: {KEY}, secret: {SECRET}, primary: BACKEND}}]
numbers: [{{number: "{IN_TURN}"}}, {{number: "{AT_ONCE}"}}, {{number: "{QUEUE}"}}]
parties: {{"+1404500900": {{does: by hand}}}}
settings: {{strict: true}}
"""
FLOW = """
flow: NAME
start: sales
states:
  sales:
    ring:
      who: ["+14045009001", "+14045009002", "+14045009003"]
      order: ORDER
      each: EACHs
      accept: {prompt: Press 1., taken: Taken., timeout: 30s}
      nobody: voicemail
      after: survey
  voicemail: {say: Nobody., menu: {prompt: Hm., options: {1: bye}, otherwise: bye}}
  survey: {say: How was it?, hangup: }
  bye: {hangup: }
"""
QUEUE_FLOW = """
flow: queue
start: support
states:
  support:
    queue:
      of: support
      accept: {prompt: Press 1., taken: Taken., timeout: 30s}
      wait: {say: "You are number ${queue.position}."}
      keys: {2: call_back}
      nobody: bye
      after: survey
  call_back: {say: We call you back., hangup: }
  survey: {say: How was it?, hangup: }
  bye: {hangup: }
"""
PROJECT = f"""
project: rings
routes:
  - {{to: "{IN_TURN}", flow: in-turn}}
  - {{to: "{AT_ONCE}", flow: at-once}}
  - {{to: "{QUEUE}", flow: queue}}
"""


EventT = TypeVar("EventT", bound=SwitchEvent)


class RingPlatform:
    """The switch and the people at its phones."""

    def __init__(self, made: Switch) -> None:
        self.switch = made
        self.events: list[SwitchEvent] = []
        assert made.api is not None
        made.api.context.exchange.subscribe(self.events.append)

    def dial(self, number: str, caller: str = CALLER) -> str:
        """Call the server; the id of the call, whose caller waits when this returns."""
        answer = self.switch.send("POST", "/desk/calls", {"from": caller, "to": number})
        assert answer.status_code == 201, answer.text
        return str(answer.json()["callId"])

    def list_legs(self, address: str) -> list[str]:
        """The calls that have rung at this member, or do."""
        return [item.call for item in self.list_of(LegRinging) if item.to == address]

    def list_of(self, kind: type[EventT]) -> list[EventT]:
        return [item for item in list(self.events) if isinstance(item, kind)]

    def has_ended(self, call: str) -> bool:
        return any(item.call == call for item in self.list_of(CallEnded))

    def is_ringing(self, address: str) -> bool:
        return any(not self.has_ended(call) for call in self.list_legs(address))

    def wait_for_leg(self, address: str, after: int = 0) -> str:
        """The call that rings at this member, after so many others."""
        wait_until(lambda: len(self.list_legs(address)) > after, otherwise=self.describe)
        return self.list_legs(address)[after]

    def act(self, call: str, what: str, leg: str = "callee", **doing: str) -> bool:
        """Answer, press, say, hang up, reject; whether it was possible, or heard."""
        answer = self.switch.act_now(call, leg, what, **doing)
        return answer.status_code == 200 and bool(answer.json().get("heard", True))

    def answer(self, call: str) -> None:
        """Pick up, and listen to the whisper."""
        assert self.act(call, "answer"), self.describe()
        wait_until(lambda: "Press 1." in self.list_heard(call), otherwise=self.describe)

    def take_call(self, call: str) -> None:
        self.answer(call)
        assert self.act(call, "press", keys="1"), self.describe()

    def list_heard(self, call: str) -> list[str]:
        return [item.sound.text for item in self.list_of(SoundStarted) if item.call == call]

    def wait_until_heard(self, call: str, text: str) -> None:
        wait_until(lambda: text in self.list_heard(call), otherwise=self.describe)

    def are_talking(self, call: str, caller: str, leg: str = "callee") -> bool:
        """Whether the caller hears what the member says, or whoever is at this leg of the call."""
        word = f"hello {time.monotonic()}"
        if not self.act(call, "say", leg, text=word):
            return False
        return word in self.list_heard(caller)

    def count_double_rings(self) -> int:
        """How often a member was rung whose phone rang already, or who was talking."""
        at_phone: Counter[str] = Counter()
        addresses: dict[str, str] = {}
        double = 0
        for event in list(self.events):
            if isinstance(event, LegRinging):
                double += at_phone[event.to] > 0
                at_phone[event.to] += 1
                addresses[event.call] = event.to
            elif isinstance(event, CallEnded) and event.call in addresses:
                at_phone[addresses.pop(event.call)] -= 1
        return double

    def describe(self) -> str:
        """What has happened, for a test that fails. A sound that is repeated stands there once."""
        shown = (CallbackSent, LegRinging, LegPickedUp, CallEnded, SoundStarted)
        heard: dict[str, str] = {}
        lines = []
        for item in list(self.events):
            if isinstance(item, SoundStarted):
                is_repeated = heard.get(item.call) == item.sound.text
                heard[item.call] = item.sound.text
                if is_repeated:
                    continue
            if isinstance(item, shown):
                lines.append(str(item))
        return "\n".join(lines)


def write_flows(folder: Path) -> None:
    """In turn phones ring for two seconds; at once longer than a test waits."""
    flows = folder / "flows"
    flows.mkdir()
    for name, order, each in (("in-turn", "in turn", "2"), ("at-once", "all at once", "300")):
        text = FLOW.replace("NAME", name).replace("ORDER", order).replace("EACH", each)
        (flows / f"{name}.yaml").write_text(text)
    (flows / "queue.yaml").write_text(QUEUE_FLOW)
    (flows / "groups").mkdir()
    (flows / "groups" / "support.yaml").write_text(f'members: ["{DAN}"]\n')
    (flows / "project.yaml").write_text(PROJECT)


@contextmanager
def serve_rings(
    folder: Path, *, workers: int = 1, store: str = ""
) -> Iterator[tuple[RingPlatform, Server]]:
    """A platform, and a server that runs."""
    write_flows(folder)
    server = Server(folder, workers=workers, store=store)
    callbacks = f"http://127.0.0.1:{server.port}/sinch"
    with switch(callbacks, CONFIG, virtual=False) as made:
        server.options = ["--api-url", made.url]
        server.start()
        try:
            yield RingPlatform(made), server
        finally:
            server.kill()
