"""Finds calls that take what no scenario has taken yet, breadth first, on the switch."""

import re
from collections import deque
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
from msgspec.structs import replace

from flowengine.compile import Program, Release
from flowengine.compile.program import CompiledState
from flowengine.runtime.step_outcome import TraceEntry
from flowengine.scenarios.conversation import Conversation, NotPossibleError
from flowengine.scenarios.coverage import CoverageItem, compute_coverage
from flowengine.scenarios.result import ExpectationMissedError
from flowengine.scenarios.scenario_loader import Case, gather_parties
from flowengine.scenarios.scenario_model import Then
from flowengine.scenarios.scenario_project import ScenarioProject
from flowengine.scenarios.scenario_run import ScenarioRun, get_position, list_trace
from flowengine.scenarios.scenario_steps import ScenarioStep
from flowengine.scenarios.trial_callers import list_other_callers
from flowengine.scenarios.trial_inputs import JsonObject, TrialInputs, to_given
from flowengine.scenarios.trial_plan import (
    RING_TRIES,
    TrialDoubles,
    TrialLookup,
    TrialMembers,
    TrialPlan,
    TrialRing,
)
from flowengine.switch.api_error import ApiError
from flowengine.switch.switch_events import CallbackSent, MenuListening

MAX_RUNS = 4000  # of one flow: some seconds
MAX_CLOCK_STEPS = 200_000  # in all runs of one flow, some ten seconds; a call in a queue has 700
MAX_RUNS_BEYOND = 200  # that go on in flows which calls have gone over to: each is explored itself
MAX_EQUAL_CALLS = 6  # calls in the same state of which only the values of variables differ
MAX_MOVES = 14
MAX_TRIED_WAIT = 3600  # seconds in a queue, with an announcement and a ring each half minute
TakenItems = frozenset[tuple[str, CoverageItem]]


class Trial(msgspec.Struct):
    """A plan as it went. `marks` are how far the events had come after the beginning and after
    each move.
    """

    flow: str
    plan: TrialPlan
    talk: Conversation
    marks: list[int]
    lookups: list[TrialLookup]
    rings: list[TrialRing] = msgspec.field(default_factory=list)
    taken: TakenItems = frozenset()
    gained: TakenItems = frozenset()  # what it was chosen for
    key: tuple[Any, ...] = ()
    root: str = ""  # the flow that the call is in, be it by subflows; "" where it is over
    next: list[JsonObject | str] = msgspec.field(default_factory=list)


class Explorer(msgspec.Struct):
    """Explores the calls that come to one flow of a project. `was_cut` says that calls which might
    take more of what is missing were not made, as there were too many.
    """

    flow: str
    project: ScenarioProject
    inputs: TrialInputs
    missing: set[tuple[str, CoverageItem]]
    seen: dict[tuple[Any, ...], int] = msgspec.field(default_factory=dict)
    runs_beyond: int = 0
    clock_steps: int = 0
    was_cut: bool = False

    def explore(self) -> list[Trial]:
        """The trials that took something which was missing. Together they are small: each takes as
        much as any could.
        """
        ways = self.inputs.list_given_variants(self.flow)
        waiting = deque(TrialPlan(way) for way in ways)
        for way in ways[:1]:
            waiting.extend(self.list_plans_with_others(way))
        found: list[Trial] = []
        left = set(self.missing)
        for _ in range(MAX_RUNS):
            if not waiting or not left or self.clock_steps > MAX_CLOCK_STEPS:
                break
            trial = self.run_plan(waiting.popleft())
            if trial is None:
                continue
            if trial.taken & self.missing:
                found.append(trial)
                left -= trial.taken
            if self.is_within_bounds(trial):
                waiting.extend(self.derive_plans(trial))
        self.was_cut = bool(left) and (self.was_cut or bool(waiting))
        return choose_trials(found, self.missing)

    def is_within_bounds(self, trial: Trial) -> bool:
        """Whether to go on from this call. From the states of one flow lead so many ways through
        flows that go over to each other that all of them together would take minutes.
        """
        if trial.root in ("", self.flow):
            return True
        self.runs_beyond += 1
        self.was_cut |= self.runs_beyond > MAX_RUNS_BEYOND
        return self.runs_beyond <= MAX_RUNS_BEYOND

    def list_plans_with_others(self, way: JsonObject) -> Iterator[TrialPlan]:
        """Plans in which others call before, whom nobody takes."""
        program = self.inputs.release.programs[self.flow]
        for others in list_other_callers(self.inputs.release, program):
            yield TrialPlan(way, rings=RING_TRIES[1:2] * (len(others) + 1), others=others)

    def run_plan(self, plan: TrialPlan) -> Trial | None:
        """Make the call; None where one of its moves cannot be made."""
        release = self.project.compile(plan.entry.get("environment")).release
        assert release  # noqa: S101  # it compiles with any values: only the secrets differ
        case = Case(
            self.flow,
            "",
            to_given(plan.entry),
            (),
            Then(),
            self.inputs.release.programs[self.flow].document,
        )
        lookups = TrialDoubles(release, self.inputs, plan.answers)
        play = ScenarioRun(case, release, self.project.zone, lookups)
        lookups.talk = play.talk
        members = TrialMembers(play.talk, plan)
        play.talk.rings.on_begin = members.begin_ring
        trial = Trial(self.flow, plan, play.talk, [], lookups.trial_lookups, members.rings)
        for number, other in enumerate(plan.others, 1):
            play.party_steps.add_caller(f"caller{number}", other.address, other.dials)
        try:
            play.begin_call()
            trial.marks.append(len(play.talk.events))
            for number, move in enumerate(plan.moves, 1):
                lookups.moves = members.moves = number
                names = [party.name for party in play.talk.parties.list_named()]
                step = gather_parties(move, names)
                play.run_step(
                    step if isinstance(step, str) else msgspec.convert(step, ScenarioStep)
                )
                trial.marks.append(len(play.talk.events))
        except (ExpectationMissedError, NotPossibleError, ApiError):
            self.clock_steps += play.talk.clock.steps
            return None
        trial.key, trial.next = self.make_state_key(play.talk), self.list_moves(play.talk)
        trial.root = find_root_flow(play.talk)
        play.talk.finish()
        self.clock_steps += play.talk.clock.steps
        trial.taken = collect_taken(play.talk)
        return trial

    def make_state_key(self, talk: Conversation) -> tuple[Any, ...]:
        """What two calls that are alike have in common."""
        known = talk.backend_call
        call = known.call if known else None
        if call is None or talk.is_over:
            return ("over",)
        outer = tuple((frame.flow, frame.state) for frame in call.stack)
        counts = tuple(value for value in call.values.values() if isinstance(value, int))
        return (
            call.flow,
            call.state,
            talk.phase,
            talk.parties.find_connected(talk.call.id) is None,
            call.attempts,
            # a visit to a subflow has values, which make no key
            msgspec.json.encode(call.history),
            outer,
            counts,
            find_last_menu(talk),
        )

    def find_position(self, talk: Conversation) -> tuple[Program | None, CompiledState | None]:
        flow, state = get_position(talk)
        program = self.inputs.release.programs.get(flow)
        return program, program.states.get(state) if program else None

    def list_moves(self, talk: Conversation) -> list[JsonObject | str]:
        """What can be done now."""
        if talk.is_over:
            return []
        program, state = self.find_position(talk)
        if talk.phase == "asked":
            return self.list_question_moves(program, state, talk)
        has_detection = state is not None and state.verb.has_machine_detection
        if talk.phase == "ringing":
            own = self.inputs.release.programs[self.flow]
            has_detection |= state is None and bool(own.answered_by_machine)
            detected = ["person", "machine", "unsure"] if has_detection else ["answers"]
            return [{"callee": what} for what in detected]
        verb = state.verb if state else None
        is_parked = verb is not None and verb.is_brought_back and verb.parking_code is not None
        if not (talk.phase == "joined" or is_parked) or program is None:
            return []
        if member := talk.parties.find_connected(talk.call.id):
            return [{member.name: "hangs up"}]
        # a late verdict of machine detection comes while the callee is connected
        waits: list[JsonObject | str] = [{"waits": "15s"}] if has_detection else []
        in_queue = verb is not None and verb.waits_in_queue
        keys = (
            list_waiting_moves(state)
            if state and (in_queue or is_parked)
            else list_keys_to_press(program)
        )
        return waits + keys

    def list_question_moves(
        self, program: Program | None, state: CompiledState | None, talk: Conversation
    ) -> list[JsonObject | str]:
        call = talk.backend_call.call if talk.backend_call else None
        if program is None or state is None or call is None or not state.verb.is_question:
            return []
        return self.inputs.list_moves(program, state.name, call.attempts)

    def derive_plans(self, trial: Trial) -> Iterator[TrialPlan]:
        """Plans that go on from here, and those in which a system answers something else."""
        plan, known = trial.plan, len(trial.plan.answers)
        for number, asked in enumerate(trial.lookups[known:], known):
            before = tuple(item.answer for item in trial.lookups[:number])
            others = [
                answer for answer in self.inputs.list_answers(asked.place) if answer != asked.answer
            ]
            yield from (
                replace(plan, moves=plan.moves[: asked.moves], answers=(*before, other))
                for other in others
            )
        yield from derive_ring_plans(trial)
        self.seen[trial.key] = self.seen.get(trial.key, 0) + 1
        if self.seen[trial.key] <= MAX_EQUAL_CALLS and len(plan.moves) < MAX_MOVES:
            yield from (replace(plan, moves=(*plan.moves, move)) for move in trial.next)


def find_root_flow(talk: Conversation) -> str:
    """The flow that a call is in, or that uses the one that it is in."""
    known = talk.backend_call
    call = known.call if known else None
    if call is None or talk.is_over:
        return ""
    return call.stack[0].flow if call.stack else call.flow


def derive_ring_plans(trial: Trial) -> Iterator[TrialPlan]:
    """Plans in which the members of a ring do something else."""
    plan, known = trial.plan, len(trial.plan.rings)
    for number, ring in enumerate(trial.rings[known:], known):
        before = tuple(item.does for item in trial.rings[:number])
        for other in RING_TRIES:
            if other != ring.does:
                yield replace(plan, moves=plan.moves[: ring.moves], rings=(*before, other))


def find_last_menu(talk: Conversation) -> tuple[str, int]:
    """The menu that was asked last, and how often since the flow was told anything."""
    asked = [item for item in talk.events if isinstance(item, (MenuListening, CallbackSent))]
    told = max(
        (place for place, item in enumerate(asked) if isinstance(item, CallbackSent)), default=-1
    )
    last = asked[-1] if asked else None
    return (last.menu if isinstance(last, MenuListening) else "", len(asked) - told)


def list_waiting_moves(state: CompiledState) -> list[JsonObject | str]:
    """What a caller can do who waits in a queue, or is parked."""
    verb = state.verb
    keys: list[JsonObject | str] = [{"press": key} for key in verb.key_targets]
    is_tried = 0 < verb.longest_wait <= MAX_TRIED_WAIT
    return keys + ([{"waits": f"{verb.longest_wait + 10}s"}] if is_tried else [])


def list_keys_to_press(program: Program) -> list[JsonObject | str]:
    """What can be pressed in a conference whose keys the flow hears."""
    keys = find_event_keys(program.document.text) if program.pressed else []
    return [{"press": pressed} for pressed in keys]


def find_event_keys(text: str) -> list[str]:
    """Keys in a conference that the flow looks for, and one that it does not."""
    return [*re.findall(r'event\.digits\s*==\s*"([0-9*#]+)"', text), "9"]


def collect_taken(talk: Conversation) -> TakenItems:
    """All states and exits that a call took."""
    trace = list_trace(talk)
    return frozenset((entry.flow, CoverageItem(entry.state)) for entry in trace) | frozenset(
        (entry.flow, CoverageItem(entry.state, entry.what)) for entry in trace
    )


def choose_trials(trials: list[Trial], missing: set[tuple[str, CoverageItem]]) -> list[Trial]:
    """As few trials as take all that any of them takes: always the one that takes the most; of
    those the shortest.
    """
    left, found = set(missing), []
    while trials:
        best = max(
            trials,
            key=lambda trial: (
                len(trial.taken & left),
                -len(trial.plan.moves) - len(trial.lookups),
            ),
        )
        if not best.taken & left:
            break
        best.gained = best.taken & left
        found.append(best)
        left -= best.taken
    return found


def find_missing_items(
    release: Release, trace: Sequence[TraceEntry]
) -> set[tuple[str, CoverageItem]]:
    return {
        (flow.flow, item)
        for flow in compute_coverage(release.programs, trace)
        for item in flow.missing
    }
