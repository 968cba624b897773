"""Placements through the engine: a platform and a clock that the test moves."""

from typing import Any

from flowengine.compile import Release
from flowengine.orchestration.placement_state import Placement
from flowengine.runtime.orchestration_tasks import OrchestrationTasks
from flowengine.runtime.placement_tasks import PlacementTasks
from tests.compiled_release import compile_release
from tests.runtime.ring_calls import CODEC, RingLine

CALLER, OWN_NUMBER = "+46701234567", "+14045550100"
FLOWS = {
    "project.yaml": """
project: acme
zone: UTC
routes: [{flow: line}]
calendars: {support: {open: {daily: 09:00-17:00}}}
""",
    "line.yaml": """
flow: line
start: call_back
on: {ended: late}
vars: {name: {type: text, max: 20, default: Ms Lee}}
states:
  call_back:
    place: {flow: back, to: "${call.from}", with: {name: "${vars.name}"}, tries: 3, pause: 10m}
    error: unknown
    next: bye
  late: {choose: [{when: 'call.from == "+46700000009"', next: again}, {next: noted}]}
  again: {place: {flow: back, to: "${call.from}", with: {name: again}, key: "${call.from}"}, next: noted}
  noted: {done: }
  bye: {say: We will call you back., hangup: }
  unknown: {say: We do not know your number., hangup: }
""",
    "back.yaml": """
flow: back
on: {answered: greet, machine: leave_message, ended: note}
inputs: [name]
vars: {name: {type: text, max: 20}}
states:
  greet:
    menu: {prompt: "Hello ${vars.name}, ${call.to}.", options: {1: fine}, otherwise: fine}
  leave_message: {say: Please call us., hangup: }
  fine: {say: "Thank you, ${vars.name}.", hangup: }
  note: {done: }
""",
}
MONDAY_NOON = 1_772_452_800.0  # 2026-03-02, UTC


def compile_flows(**changes: str) -> Release:
    files = dict(FLOWS)
    for old, new in changes.items():
        for name, text in FLOWS.items():
            files[name] = files[name].replace(old, new) if old in text else files[name]
    return compile_release(files)


class PlaceLine(RingLine):
    """A server that places calls, its platform, and the people."""

    def __init__(self, release: Release, calls_at_once: int = 30, **options: Any) -> None:
        self.calls_at_once = calls_at_once
        self.ended: list[Placement] = []
        super().__init__(release, **options)
        self.now = MONDAY_NOON

    def restart(self) -> None:
        super().restart()
        engine = self.engine
        assert engine.placements is not None
        assert engine.orchestrations is not None
        engine.placements.note_outcome = self.ended.append
        placed = PlacementTasks(
            engine.placements,
            self.store,
            CODEC,
            self.platform,
            self.calls_at_once,
            lambda: self.now,
        )
        self.tasks = OrchestrationTasks(
            engine.orchestrations,
            CODEC,
            self.platform,
            self.answer_result,
            lambda: self.now,
            placed,
        )

    async def dial_in_from(self, number: str = CALLER, call_id: str = "caller") -> Any:
        """A caller comes to the place state."""
        return await self.call(
            call_id, "ice", cli=number.removeprefix("+"), originationType="PSTN",
            to={"type": "did", "endpoint": OWN_NUMBER},
        )  # fmt: skip

    async def callback(self, number: int, event: str, **fields: Any) -> Any:
        """A callback of the call that was placed as this one, from 0."""
        custom = self.platform.placed[number][1]
        return await self.call(f"leg-{number}", event, **{"custom": custom, **fields})

    @property
    def outcomes(self) -> list[tuple[str, int]]:
        return [(one.outcome, one.tries) for one in self.ended]
