"""Plays a scenario: does its steps one after the other, and looks whether all comes as it says."""

import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import msgspec

from flowengine.compile import Release
from flowengine.problems import Span
from flowengine.scenarios.checks import asdict
from flowengine.scenarios.conversation import Conversation, NotPossible, in_process
from flowengine.scenarios.doubles import Double, Lookups, addresses, fits
from flowengine.scenarios.hearing import Ear
from flowengine.scenarios.load import Case
from flowengine.scenarios.model import CalleeDoes, Lookup, Notified, Step
from flowengine.scenarios.opening import begins, opening
from flowengine.scenarios.project import Project
from flowengine.scenarios.result import Failure, Missed, Result
from flowengine.scenarios.verdict import connected, verdict
from flowengine.states.fields import millis
from flowengine.switch.errors import ApiError
from flowengine.switch.happenings import Asks, Joined

REJECTS = {
    "busy": "busy",
    "no answer": "no answer",
    "declines": "decline",
    "congestion": "congestion",
}
ANSWERS = {"answers": "human", "person": "human", "machine": "machine", "unsure": "notsure"}
HEARS = {"hears", "hears only", "does not hear"}
DEEDS = {"press", "says", "waits", "callee", "unpark", "hangs up", "stays silent"}


class Play:
    """One scenario being played."""

    def __init__(
        self, case: Case, release: Release, zone: str, lookups: Lookups | None = None
    ) -> None:
        self.case, self.release = case, release
        self.lookups = lookups or Lookups(map(double, case.given.lookups or ()), addresses(release))
        self.opening = opening(release, case.flow, case.given)
        self.talk: Conversation = in_process(
            release,
            fetch=self.lookups,
            begin=begins(case.given, zone),
            seed=case.given.seed or 0,
            cookies_only=case.given.cookies is True,
            application=self.opening.application,
        )
        self.near, self.far = Ear(self.talk, "near"), Ear(self.talk, "far")
        self.notices = 0

    def run(self) -> Result:
        begun = time.perf_counter()
        failures = self.played()
        return self.result(failures, time.perf_counter() - begun)

    def played(self) -> list[Failure]:
        """The first step that fails ends the scenario; in the end everything is judged."""
        if fault := self.attempt(self.case.span, self.begin):
            return [fault, *self.surprises()]
        for place, step in enumerate(self.case.steps):
            if fault := self.attempt(self.case.step_span(place), partial(self.step, step)):
                return [*self.surprises(), fault]
        self.talk.finish()
        return [*self.surprises(), *verdict(self.case, self.talk, self.lookups)]

    def attempt(self, span: Span, do: Callable[[], None]) -> Failure | None:
        try:
            do()
        except Missed as missed:
            return Failure(span, missed.message, missed.expected, missed.found)
        except (NotPossible, ApiError) as error:
            return Failure(span, f"this cannot be done here: {error}")
        return None

    def begin(self) -> None:
        call = self.opening
        if call.callout is not None:
            self.talk.place(call.application, call.callout)
        else:
            self.talk.dial(call.caller, call.to, **call.dialling())

    def step(self, step: str | Step) -> None:
        name, value = (step, None) if isinstance(step, str) else next(iter(asdict(step).items()))
        if name in DEEDS and not (isinstance(value, CalleeDoes) and HEARS & set(asdict(value))):
            self.near.begin()
            self.far.begin()
        doing: Mapping[str, Callable[[Any], None]] = {
            "press": lambda keys: listened(self.talk.press(str(keys)), "keys"),
            "says": lambda text: listened(self.talk.say(text), "words"),
            "waits": lambda duration: self.talk.wait(millis(duration) / 1000),
            "hangs up": lambda _: self.talk.hang_up(),
            "stays silent": lambda _: self.stay_silent(),
            "hears": self.near.hears,
            "hears only": self.near.hears_only,
            "does not hear": self.near.does_not_hear,
            "asked": self.asked,
            "connected to": lambda to: connected(self.talk, to),
            "callee": self.callee,
            "notified": self.notified,
            "parked": lambda _: self.parked(),
            "ended": lambda _: self.ended(),
            "unpark": lambda to: self.talk.manage(leading_to(to)),
        }
        doing[name](value)

    def stay_silent(self) -> None:
        if self.talk.phase != "asked":
            raise Missed("nobody is waiting for keys or words here")
        self.talk.stay_silent()

    def asked(self, place: str) -> None:
        """The state that waits for an input."""
        if self.talk.phase != "asked" or self.talk.over:
            raise Missed("nobody is waiting for keys or words here", place, self.talk.phase)
        flow, state = where(self.talk)
        if place not in (state, f"{flow}.{state}"):
            raise Missed("another state asks", place, state)

    def callee(self, does: str | CalleeDoes) -> None:
        if isinstance(does, CalleeDoes):
            name, value = next(iter(asdict(does).items()))
            {
                "presses": lambda keys: listened(self.talk.callee_press(str(keys)), "keys"),
                "says": lambda text: listened(self.talk.callee_say(str(text)), "words"),
                "hears": self.far.hears,
                "hears only": self.far.hears_only,
                "does not hear": self.far.does_not_hear,
            }[name](value)
        elif does in REJECTS:
            self.talk.reject(REJECTS[does])  # type: ignore[arg-type]  # the table has the four
        elif does in ANSWERS:
            self.talk.answer(ANSWERS[does])  # type: ignore[arg-type]  # the table has the three
        else:
            self.talk.callee_hang_up()

    def notified(self, wanted: str | Notified) -> None:
        """Time passes until the notice comes; those that came before are found first."""
        kind, destination = (
            (wanted, "*") if isinstance(wanted, str) else (wanted.type, wanted.destination or "*")
        )
        self.talk.clock.run(lambda: self.noticed(kind, destination))
        if not self.noticed(kind, destination):
            raise Missed(
                "this notice never came",
                f"{kind} {destination}".removesuffix(" *"),
                ", ".join(self.kinds()) or "none",
            )
        self.notices = len(self.talk.happenings)
        self.talk.settle()

    def noticed(self, kind: str, destination: str) -> bool:
        bodies = self.noticing()
        return any(
            body.get("type") == kind and fits(destination, str(body.get("destination", "")))
            for body in bodies
        )

    def noticing(self) -> list[dict[str, Any]]:
        later = self.talk.happenings[self.notices :]
        return [
            msgspec.json.decode(item.body)
            for item in later
            if isinstance(item, Asks) and item.event == "notify"
        ]

    def kinds(self) -> list[str]:
        return [str(body.get("type")) for body in self.noticing()]

    def parked(self) -> None:
        last = next(
            (item for item in reversed(self.talk.happenings) if isinstance(item, Joined)), None
        )
        if self.talk.over or last is None or last.kind != "park":
            raise Missed("the call is not parked")

    def ended(self) -> None:
        if not self.talk.over:
            raise Missed("the call goes on")

    def surprises(self) -> list[Failure]:
        """Lookups that nothing in the scenario is for: mostly the reason for all else."""
        return [
            Failure(
                self.case.span,
                f"the flow asked for something that the scenario does not expect: {reason}",
                "",
                str(made),
            )
            for made, reason in self.lookups.unexpected
        ]

    def result(self, failures: list[Failure], seconds: float) -> Result:
        known = self.talk.known
        call = known.call if known else None
        program = self.release.programs.get(call.flow) if call else None
        return Result(
            flow=self.case.flow,
            name=self.case.name,
            span=self.case.span,
            failures=tuple(failures),
            transcript=tuple(self.talk.transcript),
            trace=tuple(entry for step in (known.steps if known else ()) for entry in step.trace),
            state=f"{call.flow}.{call.state}" if call else "",
            place=program.document.key_span(("states", call.state)) if program and call else None,
            seconds=seconds,
        )


def play(case: Case, project: Project) -> Result:
    """Run one scenario."""
    release = project.compiled(case.given.environment or {}).release
    assert release  # noqa: S101  # it compiles with any values: only the secrets differ
    return Play(case, release, project.zone).run()


def double(lookup: Lookup) -> Double:
    method = next(name for name in ("get", "post", "put") if isinstance(getattr(lookup, name), str))
    return Double(
        service=lookup.service,
        method=method.upper(),
        path=str(getattr(lookup, method)),
        body=lookup.body or None,
        headers=lookup.headers,
        status=lookup.status,
        answer=None if lookup.answer is msgspec.UNSET else lookup.answer,
        fails=lookup.fails or "",
        times=0 if lookup.times == "any" else lookup.times or 1,
    )


def listened(heard: bool, what: str) -> None:
    if not heard:
        raise Missed(f"nobody listens to these {what} here")


def leading_to(to: str) -> Mapping[str, Any]:
    """What your system sends to take a parked call out."""
    if to.startswith("+"):
        return {"action": {"name": "connectPstn", "number": to}}
    endpoint = to.removeprefix("sip:")
    if "@" in to:
        return {
            "action": {"name": "connectSip", "destination": {"type": "sip", "endpoint": endpoint}}
        }
    return {"action": {"name": "connectMxp", "destination": {"type": "username", "endpoint": to}}}


def where(talk: Conversation) -> tuple[str, str]:
    """Flow and state of the call just now."""
    known = talk.known
    call = known.call if known else None
    return (call.flow, call.state) if call else ("", "")
