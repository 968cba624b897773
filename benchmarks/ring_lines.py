"""Lines whose members are rung, in all orders and from a queue; and a watch on what a switch says
of them.
"""

import json
from collections import Counter
from pathlib import Path
from typing import Any

from flowengine.model.project_file import DEFAULT_APOLOGY
from flowengine.switch.switch_events import (
    CallEnded,
    LegJoined,
    LegRinging,
    SoundStarted,
    SwitchEvent,
)

ORDERS = ("all at once", "in turn", "round robin", "longest idle")
LINES = (*ORDERS, "queue")
TAKES = {
    "does": "answer",
    "after": 0.4,
    "acts": [
        {"do": "press", "value": "1", "until": "asked", "after": 0.2},
        {"do": "hang up", "after": 1.5},
    ],
}
BEHAVIOURS: tuple[dict[str, Any], ...] = (
    {"does": "no answer"},
    TAKES,
    {"does": "busy", "after": 0.2},
    TAKES,
    {"does": "decline", "after": 0.3},
    {"does": "answer", "after": 0.4},
    TAKES,
    {"does": "answer", "after": 0.3, "acts": [{"do": "press", "value": "2", "until": "asked"}]},
    {"does": "answer", "after": 0.3, "acts": [{"do": "hang up", "after": 0.2}]},
    TAKES,
    {"does": "no answer"},
    TAKES,
)
# Each line has members of its own: a ring of all at once would leave nobody to the others.
MEMBERS = {
    order: [f"+14045009{place}{number:02}" for number in range(len(BEHAVIOURS))]
    for place, order in enumerate(LINES)
}
NUMBERS = [f"+140450010{number:02}" for number in range(len(LINES))]
FLOW = """
flow: FLOW
start: sales
states:
  sales:
    ring:
      who: WHO
      order: ORDER
      each: 1s
      accept: {prompt: Press 1., timeout: 1s, taken: Taken.}
      nobody: nobody
      after: survey
  nobody: {say: Nobody., hangup: }
  survey: {say: How was it?, hangup: }
"""
QUEUE_FLOW = """
flow: FLOW
start: sales
states:
  sales:
    queue:
      of: sales
      accept: {prompt: Press 1., timeout: 1s, taken: Taken.}
      limit: 1m
      nobody: nobody
      after: survey
  nobody: {say: Nobody., hangup: }
  survey: {say: How was it?, hangup: }
"""


class Watch:
    """What happens at the switch, and what must not."""

    def __init__(self) -> None:
        self.callers: set[str] = set()
        self.ended: dict[str, str] = {}
        self.legs: dict[str, str] = {}
        self.at_phone: Counter[str] = Counter()
        self.rooms: dict[str, str] = {}
        self.heard: dict[str, set[str]] = {}
        self.double_rings = 0
        self.double_members = 0

    def note(self, event: SwitchEvent) -> None:
        if isinstance(event, LegRinging):
            self.double_rings += self.at_phone[event.to] > 0
            self.at_phone[event.to] += 1
            self.legs[event.call] = event.to
        elif (
            isinstance(event, LegJoined) and event.kind == "conference" and event.call in self.legs
        ):
            self.double_members += event.to in self.rooms.values()
            self.rooms[event.call] = event.to
        elif isinstance(event, SoundStarted):
            self.heard.setdefault(event.call, set()).add(event.sound.text)
        elif isinstance(event, CallEnded):
            self.ended[event.call] = event.reason
            self.rooms.pop(event.call, None)
            if event.call in self.legs:
                self.at_phone[self.legs[event.call]] -= 1

    def describe_end(self, caller: str) -> str:
        if caller not in self.ended:
            return "lost"
        heard, reason = self.heard.get(caller, set()), self.ended[caller]
        if "How was it?" in heard:
            return "talked, and went on"
        if "Nobody." in heard:
            return "went on without a member"
        if DEFAULT_APOLOGY in heard:
            return "heard the apology: no database"
        if reason == "CALLBACKERROR":
            return "ended by the platform: no server"
        return "hung up" if reason in ("CALLERHANGUP", "CANCEL") else f"ended: {reason}"

    @property
    def open_legs(self) -> int:
        return sum(call not in self.ended for call in self.legs)


def write_ring_flows(flows: Path) -> list[dict[str, str]]:
    """Write the flows and the group of the queue. Returns their routes."""
    routes = []
    for number, order in zip(NUMBERS, LINES, strict=True):
        name = order.replace(" ", "-")
        flow = QUEUE_FLOW if order == "queue" else FLOW
        text = flow.replace("FLOW", name).replace("WHO", json.dumps(MEMBERS[order]))
        (flows / f"{name}.yaml").write_text(text.replace("ORDER", order))
        routes.append({"to": number, "flow": name})
    group = {"members": MEMBERS["queue"], "order": "longest idle", "each": "1s", "pause": "1s"}
    (flows / "groups").mkdir()
    (flows / "groups" / "sales.yaml").write_text(json.dumps(group))
    return routes
