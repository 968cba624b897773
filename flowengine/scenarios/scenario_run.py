"""Runs a scenario step by step, and checks each expectation."""

import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import msgspec

from flowengine.compile import Release
from flowengine.problems import Span
from flowengine.runtime.step_outcome import TraceEntry
from flowengine.scenarios.call_setup import build_call_setup, get_begin_time
from flowengine.scenarios.conversation import Conversation, NotPossibleError, open_conversation
from flowengine.scenarios.doubles import (
    LookupDoubles,
    ServiceDouble,
    list_service_addresses,
    matches_wildcard,
)
from flowengine.scenarios.heard_words import HeardWords
from flowengine.scenarios.party_steps import PartySteps, check_participant, is_expectation
from flowengine.scenarios.result import ExpectationMissedError, Failure, ScenarioResult
from flowengine.scenarios.scenario_checks import to_authored_dict
from flowengine.scenarios.scenario_given import ExpectedLookup
from flowengine.scenarios.scenario_loader import Case
from flowengine.scenarios.scenario_project import ScenarioProject
from flowengine.scenarios.scenario_steps import (
    CalleeStep,
    ExpectedNotification,
    ExpectedPlacedCall,
    ScenarioStep,
)
from flowengine.scenarios.simulated_parties import to_bare_address
from flowengine.scenarios.then_checks import check_connected, check_then
from flowengine.states import PlacementPlan
from flowengine.states.fetch_options import HTTP_METHODS
from flowengine.states.field_types import parse_millis
from flowengine.switch.api_error import ApiError
from flowengine.switch.switch_events import CallbackSent, LegJoined

REJECTIONS = {
    "busy": "busy",
    "no answer": "no answer",
    "declines": "decline",
    "congestion": "congestion",
}
DETECTION_BY_ANSWER = {
    "answers": "human",
    "person": "human",
    "machine": "machine",
    "unsure": "notsure",
}
HEARING_STEPS = {"hears", "hears only", "does not hear"}
ACTION_STEPS = {"press", "says", "waits", "callee", "unpark", "hangs up", "stays silent"}


class ScenarioRun:
    """One scenario being played."""

    def __init__(
        self, case: Case, release: Release, zone: str, lookups: LookupDoubles | None = None
    ) -> None:
        self.case, self.release = case, release
        self.lookups = lookups or LookupDoubles(
            map(to_service_double, case.given.lookups or ()), list_service_addresses(release)
        )
        self.call_setup = build_call_setup(release, case.flow, case.given)
        self.talk: Conversation = open_conversation(
            release,
            fetch=self.lookups,
            begin=get_begin_time(case.given, zone),
            seed=case.given.seed or 0,
            cookies_only=case.given.cookies is True,
            application=self.call_setup.application,
        )
        self.near_end = HeardWords(partial(self.talk.get_heard_text, "near"), "the caller")
        self.far_end = HeardWords(partial(self.talk.get_heard_text, "far"), "the callee")
        self.party_steps = PartySteps(self.talk, case.parties)
        self.seen_events = 0
        self.matched_placements: set[str] = set()

    def run(self) -> ScenarioResult:
        begun = time.perf_counter()
        failures = self.run_steps()
        return self.build_result(failures, time.perf_counter() - begun)

    def run_steps(self) -> list[Failure]:
        """The first step that fails ends the scenario; in the end everything is judged."""
        if fault := self.try_action(self.case.span, self.begin_call):
            return [fault, *self.find_unexpected_lookups()]
        for place, step in enumerate(self.case.steps):
            if fault := self.try_action(
                self.case.get_step_span(place), partial(self.run_step, step)
            ):
                return [*self.find_unexpected_lookups(), fault]
        self.talk.finish()
        return [*self.find_unexpected_lookups(), *check_then(self.case, self.talk, self.lookups)]

    def try_action(self, span: Span, do: Callable[[], None]) -> Failure | None:
        try:
            do()
        except ExpectationMissedError as missed:
            return Failure(span, missed.message, missed.expected, missed.found)
        except (NotPossibleError, ApiError) as error:
            return Failure(span, f"this cannot be done here: {error}")
        return None

    def begin_call(self) -> None:
        call = self.call_setup
        self.party_steps.call_first(call.to)
        if call.callout is not None:
            self.talk.place(call.application, call.callout, call.plan)
        else:
            self.talk.dial(call.caller, call.to, **call.to_dial_options())

    def run_step(self, step: str | ScenarioStep) -> None:
        if isinstance(step, ScenarioStep) and step.parties:
            self.run_party_step(step)
            return
        name, value = (
            (step, None) if isinstance(step, str) else next(iter(to_authored_dict(step).items()))
        )
        # what is heard is counted since the last action, and to listen to a callee is none
        if name in ACTION_STEPS and not (
            isinstance(value, CalleeStep) and HEARING_STEPS & set(to_authored_dict(value))
        ):
            self.begin_action()
        doing: Mapping[str, Callable[[Any], None]] = {
            "press": lambda keys: check_listened(self.talk.press(str(keys)), "keys"),
            "says": lambda text: check_listened(self.talk.say(text), "words"),
            "waits": lambda duration: self.talk.wait(parse_millis(duration) / 1000),
            "hangs up": lambda _: self.talk.hang_up(),
            "stays silent": lambda _: self.stay_silent(),
            "hears": self.near_end.check_hears,
            "hears only": self.near_end.check_hears_only,
            "does not hear": self.near_end.check_does_not_hear,
            "asked": self.check_asked,
            "connected to": lambda to: check_connected(self.talk, to),
            "callee": self.run_callee_step,
            "notified": self.wait_for_notice,
            "placed": self.check_placed,
            "parked": lambda _: self.check_parked(),
            "ended": lambda _: self.check_ended(),
            **dict.fromkeys(("on hold", "muted", "heard"), lambda _: self.check_room(name)),
            "unpark": lambda to: self.talk.apply_svaml(build_connect_svaml(to)),
        }
        doing[name](value)

    def begin_action(self) -> None:
        self.near_end.reset()
        self.far_end.reset()
        self.party_steps.begin_action()

    def run_party_step(self, step: ScenarioStep) -> None:
        ((name, written),) = (step.parties or {}).items()
        if not is_expectation(written):
            self.begin_action()
        self.party_steps.run_step(name, written, step.after or "")

    def stay_silent(self) -> None:
        if self.talk.phase != "asked":
            raise ExpectationMissedError("nobody is waiting for keys or words here")
        self.talk.stay_silent()

    def check_asked(self, place: str) -> None:
        """The state that waits for an input."""
        if self.talk.phase != "asked" or self.talk.is_over:
            raise ExpectationMissedError(
                "nobody is waiting for keys or words here", place, self.talk.phase
            )
        flow, state = get_position(self.talk)
        if place not in (state, f"{flow}.{state}"):
            raise ExpectationMissedError("another state asks", place, state)

    def run_callee_step(self, does: str | CalleeStep) -> None:
        if isinstance(does, CalleeStep):
            name, value = next(iter(to_authored_dict(does).items()))
            {
                "presses": lambda keys: check_listened(self.talk.callee_press(str(keys)), "keys"),
                "says": lambda text: check_listened(self.talk.callee_say(str(text)), "words"),
                "hears": self.far_end.check_hears,
                "hears only": self.far_end.check_hears_only,
                "does not hear": self.far_end.check_does_not_hear,
            }[name](value)
        elif does in REJECTIONS:
            self.talk.reject(REJECTIONS[does])  # type: ignore[arg-type]  # the table has the four
        elif does in DETECTION_BY_ANSWER:
            self.talk.answer(DETECTION_BY_ANSWER[does])  # type: ignore[arg-type]  # the table has the three
        else:
            self.talk.callee_hang_up()

    def wait_for_notice(self, wanted: str | ExpectedNotification) -> None:
        """Time passes until the notice comes; those that came before are found first."""
        kind, destination = (
            (wanted, "*") if isinstance(wanted, str) else (wanted.type, wanted.destination or "*")
        )
        self.talk.clock.run(lambda: self.has_notice(kind, destination))
        if not self.has_notice(kind, destination):
            raise ExpectationMissedError(
                "this notice never came",
                f"{kind} {destination}".removesuffix(" *"),
                ", ".join(self.list_notice_types()) or "none",
            )
        self.seen_events = len(self.talk.events)
        self.talk.settle()

    def has_notice(self, kind: str, destination: str) -> bool:
        bodies = self.list_notices()
        return any(
            body.get("type") == kind
            and matches_wildcard(destination, str(body.get("destination", "")))
            for body in bodies
        )

    def list_notices(self) -> list[dict[str, Any]]:
        later = self.talk.events[self.seen_events :]
        return [
            msgspec.json.decode(item.body)
            for item in later
            if isinstance(item, CallbackSent) and item.event == "notify"
        ]

    def list_notice_types(self) -> list[str]:
        return [str(body.get("type")) for body in self.list_notices()]

    def check_placed(self, wanted: ExpectedPlacedCall) -> None:
        """A call was placed that no step before has accounted for."""
        plans = self.talk.placements.plans if self.talk.placements else []
        for plan in plans:
            if plan.id not in self.matched_placements and is_plan_of(plan, wanted):
                self.matched_placements.add(plan.id)
                return
        found = [f"{plan.flow} to {plan.to.address}" for plan in plans]
        raise ExpectationMissedError(
            "no such call was placed",
            f"{wanted.flow}{f' to {wanted.to}' if wanted.to else ''}",
            ", ".join(found) or "none",
        )

    def check_parked(self) -> None:
        last = next(
            (item for item in reversed(self.talk.events) if isinstance(item, LegJoined)), None
        )
        if self.talk.is_over or last is None or last.kind != "park":
            raise ExpectationMissedError("the call is not parked")

    def check_room(self, word: str) -> None:
        """How the caller is in the conference."""
        check_participant(self.talk, self.talk.call, "the caller", f"is {word}")

    def check_ended(self) -> None:
        if not self.talk.is_over:
            raise ExpectationMissedError("the call goes on")

    def find_unexpected_lookups(self) -> list[Failure]:
        """Lookups that nothing in the scenario is for: mostly the reason for all else."""
        return [
            Failure(
                self.case.span,
                f"the flow asked for something that the scenario does not expect: {reason}",
                "",
                str(made),
            )
            for made, reason in self.lookups.unexpected_requests
        ]

    def build_result(self, failures: list[Failure], seconds: float) -> ScenarioResult:
        known = self.talk.backend_call
        call = known.call if known else None
        calls = [*self.talk.backend.calls.values()] if self.talk.backend else []
        calls.sort(key=lambda one: one is not known)  # those of the parties follow
        program = self.release.programs.get(call.flow) if call else None
        return ScenarioResult(
            flow=self.case.flow,
            name=self.case.name,
            span=self.case.span,
            failures=tuple(failures),
            transcript=tuple(self.talk.transcript),
            trace=tuple(entry for one in calls for step in one.steps for entry in step.trace),
            state=f"{call.flow}.{call.state}" if call else "",
            place=program.document.find_key_span(("states", call.state))
            if program and call
            else None,
            seconds=seconds,
        )


def run_scenario(case: Case, project: ScenarioProject) -> ScenarioResult:
    """Run one scenario."""
    release = project.compile(case.given.environment or {}).release
    assert release  # noqa: S101  # it compiles with any values: only the secrets differ
    return ScenarioRun(case, release, project.zone).run()


def list_trace(talk: Conversation) -> list[TraceEntry]:
    """All that the engine has noted of a call, and of those that it has had placed."""
    backend = talk.backend
    if backend is None:
        return []
    own = [talk.call.id] if talk.backend_call else []
    placed = [
        call for call in (talk.placements.calls if talk.placements else ()) if call not in own
    ]
    known = [backend.calls[call] for call in (*own, *placed) if call in backend.calls]
    return [entry for one in known for step in one.steps for entry in step.trace]


def is_plan_of(plan: PlacementPlan, wanted: ExpectedPlacedCall) -> bool:
    """Whether a placement is the one that is meant."""
    given = wanted.given or {}
    return (
        plan.flow == wanted.flow
        and (not wanted.to or to_bare_address(str(wanted.to)) == plan.to.address)
        and all(plan.data.get(name) == value for name, value in given.items())
    )


def to_service_double(lookup: ExpectedLookup) -> ServiceDouble:
    method = next(name for name in HTTP_METHODS if isinstance(getattr(lookup, name), str))
    return ServiceDouble(
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


def check_listened(heard: bool, what: str) -> None:
    if not heard:
        raise ExpectationMissedError(f"nobody listens to these {what} here")


def build_connect_svaml(to: str) -> Mapping[str, Any]:
    """What your system sends to take a parked call out."""
    if to.startswith("+"):
        return {"action": {"name": "connectPstn", "number": to}}
    endpoint = to.removeprefix("sip:")
    if "@" in to:
        return {
            "action": {"name": "connectSip", "destination": {"type": "sip", "endpoint": endpoint}}
        }
    return {"action": {"name": "connectMxp", "destination": {"type": "username", "endpoint": to}}}


def get_position(talk: Conversation) -> tuple[str, str]:
    """Flow and state of the call just now."""
    known = talk.backend_call
    call = known.call if known else None
    return (call.flow, call.state) if call else ("", "")
