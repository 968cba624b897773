"""One call at the phone, from its first ring until everything is said about it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from flowengine.cli.phone.deeds import HELP, Deed, deed, told
from flowengine.cli.phone.lines import Lines
from flowengine.cli.phone.screen import Screen
from flowengine.cli.phone.waiting import leads, prompt
from flowengine.scenarios.conversation import Conversation, NotPossible
from flowengine.scenarios.opening import Opening
from flowengine.scenarios.play import ANSWERS, REJECTS, leading_to
from flowengine.states.fields import millis
from flowengine.switch.calls.activities import Parking
from flowengine.switch.calls.ending import BACKEND_FAILED, ILLEGAL_SVAML
from flowengine.switch.errors import ApiError
from flowengine.switch.happenings import Asked, Happening

PATIENCE = 60  # seconds in which something has to happen when nobody does anything


@dataclass(frozen=True, slots=True)
class Mark:
    """How far a conversation has come: what has happened, and what was heard at each end."""

    happenings: int
    near: int
    far: int


@dataclass
class Session:
    """Does what the lines say, and remembers it. `marks` are how far the call had come before each
    step, and at the end.
    """

    talk: Conversation
    screen: Screen
    lines: Lines
    steps: list[Deed] = field(default_factory=list)
    marks: list[Mark] = field(default_factory=list)
    failed: bool = False
    """Something could not be done that was to be done"""

    def run(self, opening: Opening, left: Callable[[], bool]) -> bool:
        """The whole call. `left` tells that whoever is here has had enough. False when no call came
        about.
        """
        try:
            self.begin(opening)
        except ApiError as error:
            self.screen.line("platform", f"refuses the call: {error}", bad=True)
            return False
        while not self.talk.over:
            line = None if left() else self.lines.next(prompt(self.talk))
            if line is None:
                break
            self.obey(line)
        over = self.talk.over
        self.marks.append(self.mark())
        self.leave()
        if over and not self.lines.typed:
            self.unspoken()
        return True

    def begin(self, opening: Opening) -> None:
        if opening.callout is not None:
            self.screen.line("platform", "places a call for your system")
            self.talk.place(opening.application, opening.callout)
            return
        self.screen.line(self.screen.near, f"dials {opening.to}")
        self.talk.dial(opening.caller, opening.to, **opening.dialling())

    def obey(self, line: str) -> None:
        """Do what a line says."""
        if line.casefold() in ("help", "?"):
            self.screen.aside([*HELP.splitlines(), *(f" {lead}" for lead in leads(self.talk))])
            return
        step = deed(line)
        if step is None:
            self.refuse(f"this is nothing that a phone does: {line}; try help")
        elif step == "stays silent" and self.talk.phase != "asked":
            self.idle()
        else:
            self.do(self.needed(step))

    def needed(self, step: Deed) -> Deed:
        """A step without the # that many press after the last digit, when nobody listens any more."""
        asked = next(
            (item for item in reversed(self.talk.happenings) if isinstance(item, Asked)), None
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

    def do(self, step: Deed) -> None:
        """Take one step; it counts when somebody hears or feels it."""
        if self.unanswerable(step):
            self.refuse("this cannot be done here: nobody's phone rings")
            return
        mark, (far, what) = self.mark(), told(step)
        far = far and self.talk.far() is not self.talk.near()
        self.screen.line("callee" if far else self.screen.near, what)
        try:
            counted = self.performed(step)
        except (NotPossible, ApiError) as error:
            self.refuse(f"this cannot be done here: {error}")
            return
        if not counted:
            self.refuse("nobody listens")
            return
        self.steps.append(step)
        self.marks.append(mark)

    def unanswerable(self, step: Deed) -> bool:
        """Whether a phone would be answered, or not, that does not ring."""
        does, leg = step.get("callee") if isinstance(step, dict) else None, self.talk.far()
        return (
            isinstance(does, str) and does != "hangs up" and (leg is None or leg.state != "ringing")
        )

    def performed(self, step: Deed) -> bool:
        """Whether it counted."""
        if isinstance(step, str):
            self.talk.hang_up() if step == "hangs up" else self.talk.stay_silent()
            return True
        (name, value), *_ = step.items()
        doing: dict[str, Callable[[], bool | None]] = {
            "press": lambda: self.talk.press(value),
            "says": lambda: self.talk.say(value),
            "waits": lambda: self.talk.wait(millis(value) / 1000),
            "unpark": lambda: self.unpark(value),
            "callee": lambda: self.callee(value),
        }
        return doing[name]() is not False

    def unpark(self, number: str) -> None:
        if not isinstance(self.talk.call.activity, Parking):
            raise NotPossible("nothing is parked")
        self.talk.manage(leading_to(number))

    def callee(self, does: Any) -> bool | None:
        if isinstance(does, dict):
            (name, value), *_ = does.items()
            return (
                self.talk.callee_press(value) if name == "presses" else self.talk.callee_say(value)
            )
        if does == "hangs up":
            self.talk.callee_hang_up()
        elif does in REJECTS:
            self.talk.reject(REJECTS[does])  # type: ignore[arg-type]  # the table has the four
        else:
            self.talk.answer(ANSWERS[does])  # type: ignore[arg-type]  # the table has the three
        return None

    def idle(self) -> None:
        """Wait until something happens, by whole seconds, so that a scenario can wait as long."""
        mark, shown, seconds = self.mark(), self.screen.shown, 0
        while self.screen.shown == shown and seconds < PATIENCE and not self.talk.over:
            self.talk.wait(1)
            seconds += 1
        if self.screen.shown == shown:
            self.screen.line("-", f"nothing happens for {seconds} s")
        self.steps.append({"waits": f"{seconds}s"})
        self.marks.append(mark)

    def refuse(self, why: str) -> None:
        """Something cannot be done: a person tries something else, but lines that were written have
        gone wrong.
        """
        self.failed |= not self.lines.typed
        self.screen.line("-", why, bad=True)

    def unspoken(self) -> None:
        """Lines that were to come after the end."""
        line = self.lines.next("")
        if line and deed(line) != "hangs up":
            self.refuse(f"the call was over before: {line}")

    def leave(self) -> None:
        """Hang up where nobody has, and see what comes after the end."""
        if not self.talk.over:
            if self.talk.near():
                self.screen.line(self.screen.near, "hangs up")
            self.talk.hang_up()
        self.talk.finish()

    def mark(self) -> Mark:
        return Mark(
            len(self.talk.happenings), len(self.talk.sounds["near"]), len(self.talk.sounds["far"])
        )

    def went_well(self) -> bool:
        """Whether nothing was amiss: neither here, nor in the flow, nor between backend and
        platform.
        """
        steps = self.talk.known.steps if self.talk.known else ()
        sorry = any(
            entry.what in ("apology", "no flow answers") for step in steps for entry in step.trace
        )
        broken = self.talk.call.ending in (BACKEND_FAILED, ILLEGAL_SVAML) or any(
            map(unwelcome, self.talk.happenings)
        )
        return not (self.failed or sorry or broken)


def unwelcome(happening: Happening) -> bool:
    """Whether a callback went unanswered, or its answer was refused."""
    return bool(getattr(happening, "failure", "") or getattr(happening, "illegal", ()))
