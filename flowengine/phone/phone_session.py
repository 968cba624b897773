"""One call at the phone, from its first ring to its summary."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from flowengine.phone.call_prompt import format_prompt, list_exits
from flowengine.phone.line_sources import LineSource
from flowengine.phone.phone_steps import (
    HELP,
    PhoneStep,
    describe_step,
    parse_party_step,
    parse_step,
)
from flowengine.phone.screen import Screen
from flowengine.scenarios.call_setup import CallSetup
from flowengine.scenarios.conversation import Conversation, NotPossibleError
from flowengine.scenarios.party_steps import PartySteps
from flowengine.scenarios.result import ExpectationMissedError
from flowengine.scenarios.scenario_run import DETECTION_BY_ANSWER, REJECTIONS, build_connect_svaml
from flowengine.scenarios.scenario_steps import CalleeStep
from flowengine.states import RingPlan
from flowengine.states.field_types import parse_millis
from flowengine.switch.api_error import ApiError
from flowengine.switch.calls.activities import ParkActivity
from flowengine.switch.calls.call_ending import BACKEND_FAILED, ILLEGAL_SVAML
from flowengine.switch.switch_events import MenuWaits, SwitchEvent

IDLE_LIMIT_SECONDS = 60  # seconds in which something has to happen when nobody does anything


@dataclass(frozen=True, slots=True)
class CallProgress:
    """How far a conversation has come: what has happened, and what was heard at each end."""

    happenings: int
    near: int
    far: int


@dataclass
class PhoneSession:
    """Does what the lines say, and remembers it. `marks` are how far the call had come before each
    step, and at the end.
    """

    talk: Conversation
    screen: Screen
    lines: LineSource
    steps: list[PhoneStep] = field(default_factory=list)
    marks: list[CallProgress] = field(default_factory=list)
    failed: bool = False
    """Something could not be done that was to be done"""

    def run(self, opening: CallSetup, left: Callable[[], bool]) -> bool:
        """Run the whole call. `left` tells that the person wants no more. False when no call came
        about.
        """
        try:
            self.start_call(opening)
        except ApiError as error:
            self.screen.print_line("platform", f"refuses the call: {error}", bad=True)
            return False
        while not self.talk.is_over:
            line = None if left() else self.lines.read_line(format_prompt(self.talk))
            if line is None:
                break
            self.run_line(line)
        over = self.talk.is_over
        self.marks.append(self.read_progress())
        self.hang_up()
        if over and not self.lines.is_interactive:
            self.check_unused_line()
        return True

    def start_call(self, opening: CallSetup) -> None:
        self.talk.rings.on_begin = self.name_members
        if opening.callout is not None:
            self.screen.print_line("platform", "places a call for your system")
            self.talk.place(opening.application, opening.callout, opening.plan)
            return
        self.screen.print_line(self.screen.near, f"dials {opening.to}")
        self.talk.dial(opening.caller, opening.to, **opening.to_dial_options())

    def name_members(self, plan: RingPlan) -> None:
        """Who is rung gets a name, by which the person at the phone acts for them."""
        for member in plan.members:
            party = self.talk.parties.add_member(member.address)
            self.screen.print_line("-", f"{party.name} is {member.address}")

    def run_line(self, line: str) -> None:
        """Do what a line says."""
        if line.casefold() in ("help", "?"):
            self.screen.print_aside(
                [*HELP.splitlines(), *(f" {lead}" for lead in list_exits(self.talk))]
            )
            return
        names = [party.name for party in self.talk.parties.list_named()]
        step = parse_party_step(line, names) or parse_step(line)
        if isinstance(step, dict) and next(iter(step)) in names:
            self.take_party_step(step)
        elif step is None:
            self.report_refusal(f"this is nothing that a phone does: {line}; try help")
        elif step == "stays silent" and self.talk.phase != "asked":
            self.wait_for_event()
        else:
            self.take_step(self.drop_unneeded_hash(step))

    def drop_unneeded_hash(self, step: PhoneStep) -> PhoneStep:
        """A step without the # that many press after the last digit, when nobody listens any more."""
        asked = next(
            (item for item in reversed(self.talk.events) if isinstance(item, MenuWaits)), None
        )
        keys = step.get("press", "") if isinstance(step, dict) else ""
        if (
            asked
            and self.talk.phase == "asked"
            and asked.digits == len(keys) - 1 > 0
            and keys.endswith("#")
        ):
            return {"press": keys[:-1]}
        return step

    def take_step(self, step: PhoneStep) -> None:
        """Take one step; it counts when it has an effect on the call."""
        if self.is_unanswerable(step):
            self.report_refusal("this cannot be done here: nobody's phone rings")
            return
        mark, (far, what) = self.read_progress(), describe_step(step)
        far = far and self.talk.get_far_leg() is not self.talk.get_near_leg()
        self.screen.print_line("callee" if far else self.screen.near, what)
        try:
            counted = self.perform_step(step)
        except (NotPossibleError, ApiError) as error:
            self.report_refusal(f"this cannot be done here: {error}")
            return
        if not counted:
            self.report_refusal("nobody listens")
            return
        self.steps.append(step)
        self.marks.append(mark)

    def take_party_step(self, step: dict[str, Any]) -> None:
        """Do something for a party whom a ring calls."""
        ((name, does),) = step.items()
        mark = self.read_progress()
        written = does if isinstance(does, str) else CalleeStep(**does)
        try:
            PartySteps(self.talk, {}).run_step(name, written)
        except (NotPossibleError, ExpectationMissedError) as error:
            self.report_refusal(f"this cannot be done here: {error}")
            return
        self.steps.append(step)
        self.marks.append(mark)

    def is_unanswerable(self, step: PhoneStep) -> bool:
        """Whether a phone would be answered, or not, that does not ring."""
        does, leg = step.get("callee") if isinstance(step, dict) else None, self.talk.get_far_leg()
        return (
            isinstance(does, str) and does != "hangs up" and (leg is None or leg.state != "ringing")
        )

    def perform_step(self, step: PhoneStep) -> bool:
        """Whether it counted."""
        if isinstance(step, str):
            self.talk.hang_up() if step == "hangs up" else self.talk.stay_silent()
            return True
        (name, value), *_ = step.items()
        doing: dict[str, Callable[[], bool | None]] = {
            "press": lambda: self.talk.press(value),
            "says": lambda: self.talk.say(value),
            "waits": lambda: self.talk.wait(parse_millis(value) / 1000),
            "unpark": lambda: self.unpark_call(value),
            "callee": lambda: self.act_as_callee(value),
        }
        return doing[name]() is not False

    def unpark_call(self, number: str) -> None:
        if not isinstance(self.talk.call.activity, ParkActivity):
            raise NotPossibleError("nothing is parked")
        self.talk.apply_svaml(build_connect_svaml(number))

    def act_as_callee(self, does: Any) -> bool | None:
        if isinstance(does, dict):
            (name, value), *_ = does.items()
            return (
                self.talk.callee_press(value) if name == "presses" else self.talk.callee_say(value)
            )
        if does == "hangs up":
            self.talk.callee_hang_up()
        elif does in REJECTIONS:
            self.talk.reject(REJECTIONS[does])  # type: ignore[arg-type]  # the table has the four
        else:
            self.talk.answer(DETECTION_BY_ANSWER[does])  # type: ignore[arg-type]  # the table has the three
        return None

    def wait_for_event(self) -> None:
        """Wait until something happens, by whole seconds, so that a scenario can wait as long."""
        mark, shown, seconds = self.read_progress(), self.screen.line_count, 0
        while (
            self.screen.line_count == shown
            and seconds < IDLE_LIMIT_SECONDS
            and not self.talk.is_over
        ):
            self.talk.wait(1)
            seconds += 1
        if self.screen.line_count == shown:
            self.screen.print_line("-", f"nothing happens for {seconds} s")
        self.steps.append({"waits": f"{seconds}s"})
        self.marks.append(mark)

    def report_refusal(self, why: str) -> None:
        """Something cannot be done: a person tries something else, but lines that were written have
        gone wrong.
        """
        self.failed |= not self.lines.is_interactive
        self.screen.print_line("-", why, bad=True)

    def check_unused_line(self) -> None:
        """Lines that were to come after the end."""
        line = self.lines.read_line("")
        if line and parse_step(line) != "hangs up":
            self.report_refusal(f"the call was over before: {line}")

    def hang_up(self) -> None:
        """Hang up where no party has, and show what comes after the end."""
        if not self.talk.is_over:
            if self.talk.get_near_leg():
                self.screen.print_line(self.screen.near, "hangs up")
            self.talk.hang_up()
        self.talk.finish()

    def read_progress(self) -> CallProgress:
        return CallProgress(
            len(self.talk.events), len(self.talk.sounds["near"]), len(self.talk.sounds["far"])
        )

    def has_succeeded(self) -> bool:
        """Whether nothing was amiss: neither here, nor in the flow, nor between backend and
        platform.
        """
        steps = self.talk.backend_call.steps if self.talk.backend_call else ()
        has_apologised = any(
            entry.what in ("apology", "no flow answers") for step in steps for entry in step.trace
        )
        broken = self.talk.call.ending in (BACKEND_FAILED, ILLEGAL_SVAML) or any(
            map(is_failure, self.talk.events)
        )
        return not (self.failed or has_apologised or broken)


def is_failure(happening: SwitchEvent) -> bool:
    """Whether a callback went unanswered, or its answer was refused."""
    return bool(getattr(happening, "failure", "") or getattr(happening, "illegal", ()))
