"""One call at a phone, in a terminal or in a browser: each step that is taken has an effect and is
remembered, so that the call can be saved and made again.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import msgspec

from flowengine.phone.call_narrator import CallNarrator
from flowengine.phone.phone_steps import OTHER_CALLER, PhoneStep, describe_step
from flowengine.scenarios.call_setup import CallSetup
from flowengine.scenarios.conversation import Conversation, NotPossibleError
from flowengine.scenarios.party_steps import PartySteps
from flowengine.scenarios.result import ExpectationMissedError
from flowengine.scenarios.scenario_run import DETECTION_BY_ANSWER, REJECTIONS, build_connect_svaml
from flowengine.scenarios.scenario_steps import CalleeStep
from flowengine.scenarios.simulated_parties import SimulatedParty
from flowengine.scenarios.trial_callers import OTHER_CALLERS
from flowengine.states import RingPlan
from flowengine.states.field_types import parse_millis
from flowengine.switch.api_error import ApiError
from flowengine.switch.calls.activities import ParkActivity
from flowengine.switch.calls.call_ending import BACKEND_FAILED, ILLEGAL_SVAML
from flowengine.switch.switch_events import MenuListening, SwitchEvent

IDLE_LIMIT_SECONDS = 60  # seconds in which something has to happen when nobody does anything


class StepRefusedError(Exception):
    """A step cannot be taken at this point of the call."""


class CallProgress(msgspec.Struct, frozen=True):
    """How far a conversation has come: what has happened, what was heard at each end, and what the
    call is at.
    """

    event_count: int = 0
    near: int = 0
    far: int = 0
    phase: str = ""


@dataclass
class PhoneCall:
    """Takes the steps of a call, and remembers those that counted. `marks` are how far the call had
    come before each step, and at the end; `shown_names` are those of the members that the person at
    the phone has seen.
    """

    talk: Conversation
    narrator: CallNarrator
    steps: list[PhoneStep] = field(default_factory=list)
    marks: list[CallProgress] = field(default_factory=list)
    shown_names: set[str] = field(default_factory=set)

    def start(self, opening: CallSetup) -> None:
        """Dial, or have the call placed. Raises ApiError where the platform refuses it."""
        self.talk.rings.on_begin = self.name_members
        if opening.callout is not None:
            self.narrator.add_line("platform", "places a call for your system")
            self.talk.place(opening.application, opening.callout, opening.plan)
            return
        self.narrator.add_line(self.narrator.near, f"dials {opening.to}")
        self.talk.dial(opening.caller, opening.to, **opening.to_dial_options())

    def name_members(self, plan: RingPlan) -> None:
        """Who is rung gets a name, by which the person at the phone acts for them. It is told once,
        also where several callers wait for the same members.
        """
        for member in plan.members:
            party = self.talk.parties.add_member(member.address)
            if party.name not in self.shown_names:
                self.shown_names.add(party.name)
                self.narrator.add_line("-", f"{party.name} is {member.address}")

    def take_step(self, step: PhoneStep) -> None:
        """Take one step; it counts when it has an effect on the call. Raises StepRefusedError where
        it has none.
        """
        if isinstance(step, dict) and self.find_party(next(iter(step))) is not None:
            self.take_party_step(step)
        elif step == "stays silent" and self.talk.phase != "asked":
            self.wait_for_event()
        else:
            self.take_own_step(self.drop_unneeded_hash(step))

    def drop_unneeded_hash(self, step: PhoneStep) -> PhoneStep:
        """A step without the # that many press after the last digit, when nobody listens any more."""
        asked = next(
            (item for item in reversed(self.talk.events) if isinstance(item, MenuListening)), None
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

    def find_party(self, name: str) -> SimulatedParty | None:
        """The party of this name; others who call are there as soon as they are named."""
        found, other = self.talk.parties.find(name), OTHER_CALLER.fullmatch(name)
        return (
            self.talk.parties.add(name, OTHER_CALLERS + other[1]) if other and not found else found
        )

    def take_own_step(self, step: PhoneStep) -> None:
        """Take a step of the person at the phone, or of the callee."""
        if self.is_unanswerable(step):
            raise StepRefusedError("this cannot be done here: nobody's phone rings")
        mark, (far, what) = self.read_progress(), describe_step(step)
        far = far and self.talk.get_far_leg() is not self.talk.get_near_leg()
        self.narrator.add_line("callee" if far else self.narrator.near, what)
        try:
            counted = self.perform_step(step)
        except (NotPossibleError, ApiError) as error:
            raise StepRefusedError(f"this cannot be done here: {error}") from error
        if not counted:
            raise StepRefusedError("nobody listens")
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
            raise StepRefusedError(f"this cannot be done here: {error}") from error
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
        if not self.is_parked():
            raise NotPossibleError("nothing is parked")
        self.talk.apply_svaml(build_connect_svaml(number))

    def is_parked(self) -> bool:
        """Whether the call waits until a system takes it out."""
        return isinstance(self.talk.call.activity, ParkActivity)

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
        mark, shown, seconds = self.read_progress(), self.narrator.line_count, 0
        while (
            self.narrator.line_count == shown
            and seconds < IDLE_LIMIT_SECONDS
            and not self.talk.is_over
        ):
            self.talk.wait(1)
            seconds += 1
        if self.narrator.line_count == shown:
            self.narrator.add_line("-", f"nothing happens for {seconds} s")
        self.steps.append({"waits": f"{seconds}s"})
        self.marks.append(mark)

    def finish(self) -> None:
        """Hang up where no party has, and let come what comes after the end."""
        self.marks.append(self.read_progress())
        if not self.talk.is_over:
            if self.talk.get_near_leg():
                self.narrator.add_line(self.narrator.near, "hangs up")
            self.talk.hang_up()
        self.talk.finish()

    def read_progress(self) -> CallProgress:
        return CallProgress(
            len(self.talk.events),
            len(self.talk.sounds["near"]),
            len(self.talk.sounds["far"]),
            self.talk.phase,
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
        return not (has_apologised or broken)


def is_failure(event: SwitchEvent) -> bool:
    """Whether a callback went unanswered, or its answer was refused."""
    return bool(getattr(event, "failure", "") or getattr(event, "illegal", ()))
