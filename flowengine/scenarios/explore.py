"""Finds calls that take what no scenario has taken yet: tries everything that may make a
difference, breadth first, on the switch.
"""

import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec

from flowengine.compile import Release
from flowengine.runtime.step import Entry
from flowengine.scenarios.conversation import Conversation, NotPossible
from flowengine.scenarios.coverage import Item, coverage
from flowengine.scenarios.doubles import Lookups, Made, addresses
from flowengine.scenarios.inputs import Inputs, Json, given
from flowengine.scenarios.load import Case
from flowengine.scenarios.model import Step, Then
from flowengine.scenarios.play import Play, where
from flowengine.scenarios.project import Project
from flowengine.scenarios.result import Missed
from flowengine.states import Fetched, Request
from flowengine.switch.errors import ApiError
from flowengine.switch.happenings import Asked, Asks

MAX_RUNS = 4000  # of one flow: some seconds
MAX_ALIKE = 6  # calls in the same state of which only the values of variables differ
MAX_MOVES = 14
VERDICTS = ("person", "machine", "unsure", "beep")
Taken = frozenset[tuple[str, Item]]


@dataclass(frozen=True, slots=True)
class Plan:
    """A call to be tried: how it begins, what the caller and the callee do, and what other systems
    answer, one after the other.
    """

    way: Json
    moves: tuple[Json | str, ...] = ()
    answers: tuple[Json, ...] = ()


@dataclass(frozen=True, slots=True)
class Lookup:
    """A lookup that a tried call made: after how many moves, where in the flow, what was asked, and
    what was answered.
    """

    moves: int
    place: tuple[str, str]
    made: Made
    answer: Json


@dataclass(slots=True)
class Trial:
    """A plan as it went. `marks` are how far the happenings had come after the beginning and after
    each move.
    """

    flow: str
    plan: Plan
    talk: Conversation
    marks: list[int]
    asked: list[Lookup]
    taken: Taken = frozenset()
    gained: Taken = frozenset()  # what it was chosen for
    key: tuple[Any, ...] = ()
    next: list[Json | str] = field(default_factory=list)


class Improvised(Lookups):
    """Answers whatever is asked: as the plan says, then as is usual."""

    def __init__(self, release: Release, inputs: Inputs, answers: tuple[Json, ...]) -> None:
        super().__init__((), addresses(release))
        self.inputs, self.answers = inputs, answers
        self.moves = 0
        self.asked: list[Lookup] = []
        self.talk: Conversation | None = None

    def __call__(self, request: Request) -> Fetched:
        assert self.talk is not None  # noqa: S101  # set before the call begins
        assert self.talk.backend is not None  # noqa: S101  # these calls are answered in process
        place, number = self.talk.backend.asking, len(self.asked)
        answer = (
            self.answers[number] if number < len(self.answers) else self.inputs.answers(place)[0]
        )
        self.asked.append(Lookup(self.moves, place, self.read(request), answer))
        if "fails" in answer:
            return Fetched(0, error="timeout" if answer["fails"] == "timeout" else "connection")
        return Fetched(answer.get("status", 200), answer.get("answer"))


@dataclass(slots=True)
class Explorer:
    """Explores the calls that come to one flow of a project."""

    flow: str
    project: Project
    inputs: Inputs
    missing: set[tuple[str, Item]]
    seen: dict[tuple[Any, ...], int] = field(default_factory=dict)

    def explore(self) -> list[Trial]:
        """The trials that took something which was missing. Together they are small: each takes as
        much as any could.
        """
        waiting = deque(Plan(way) for way in self.inputs.openings(self.flow))
        found: list[Trial] = []
        left = set(self.missing)
        for _ in range(MAX_RUNS):
            if not waiting or not left:
                break
            trial = self.tried(waiting.popleft())
            if trial is None:
                continue
            if trial.taken & self.missing:
                found.append(trial)
                left -= trial.taken
            waiting.extend(self.further(trial))
        return chosen(found, self.missing)

    def tried(self, plan: Plan) -> Trial | None:
        """Make the call; None where one of its moves cannot be made."""
        release = self.project.compiled(plan.way.get("environment")).release
        assert release  # noqa: S101  # it compiles with any values: only the secrets differ
        case = Case(
            self.flow,
            "",
            given(plan.way),
            (),
            Then(),
            self.inputs.release.programs[self.flow].document,
        )
        lookups = Improvised(release, self.inputs, plan.answers)
        play = Play(case, release, self.project.zone, lookups)
        lookups.talk = play.talk
        trial = Trial(self.flow, plan, play.talk, [], lookups.asked)
        try:
            play.begin()
            trial.marks.append(len(play.talk.happenings))
            for number, move in enumerate(plan.moves, 1):
                lookups.moves = number
                play.step(move if isinstance(move, str) else msgspec.convert(move, Step))
                trial.marks.append(len(play.talk.happenings))
        except (Missed, NotPossible, ApiError):
            return None
        trial.key, trial.next = self.key(play.talk), self.moves(play.talk)
        play.talk.finish()
        trial.taken = taken(play.talk)
        return trial

    def key(self, talk: Conversation) -> tuple[Any, ...]:
        """What two calls that are alike have in common."""
        known = talk.known
        call = known.call if known else None
        if call is None or talk.over:
            return ("over",)
        outer = tuple((frame.flow, frame.state) for frame in call.stack)
        counts = tuple(value for value in call.values.values() if isinstance(value, int))
        return (
            call.flow,
            call.state,
            talk.phase,
            call.attempts,
            call.history,
            outer,
            counts,
            asked_last(talk),
        )

    def moves(self, talk: Conversation) -> list[Json | str]:
        """What can be done now."""
        if talk.over:
            return []
        flow, state = where(talk)
        program = self.inputs.release.programs.get(flow)
        compiled = program.states.get(state) if program else None
        call = talk.known.call if talk.known else None
        if (
            talk.phase == "asked"
            and program
            and compiled
            and call
            and compiled.kind in ("menu", "collect")
        ):
            return self.inputs.moves(program, state, call.attempts)
        exits = set(compiled.exits) if compiled else set()
        if talk.phase == "ringing":
            detected = ["person", "machine", "unsure"] if exits & set(VERDICTS) else []
            return [{"callee": name} for name in detected or ["answers"]]
        if talk.phase != "joined" or program is None:
            return []
        late: list[Json | str] = [{"waits": "15s"}] if exits & set(VERDICTS) else []
        return late + [{"press": keys} for keys in event_keys(program.document.text)] * bool(
            program.pressed
        )

    def further(self, trial: Trial) -> Iterator[Plan]:
        """Plans that go on from here, and those in which a system answers something else."""
        plan, known = trial.plan, len(trial.plan.answers)
        for number, asked in enumerate(trial.asked[known:], known):
            before = tuple(item.answer for item in trial.asked[:number])
            others = [
                answer for answer in self.inputs.answers(asked.place) if answer != asked.answer
            ]
            yield from (
                Plan(plan.way, plan.moves[: asked.moves], (*before, other)) for other in others
            )
        self.seen[trial.key] = self.seen.get(trial.key, 0) + 1
        if self.seen[trial.key] <= MAX_ALIKE and len(plan.moves) < MAX_MOVES:
            yield from (replace(plan, moves=(*plan.moves, move)) for move in trial.next)


def asked_last(talk: Conversation) -> tuple[str, int]:
    """The menu that was asked last, and how often since the flow was told anything."""
    asked = [item for item in talk.happenings if isinstance(item, (Asked, Asks))]
    told = max((place for place, item in enumerate(asked) if isinstance(item, Asks)), default=-1)
    last = asked[-1] if asked else None
    return (last.menu if isinstance(last, Asked) else "", len(asked) - told)


def event_keys(text: str) -> list[str]:
    """Keys in a conference that the flow looks for, and one that it does not."""
    return [*re.findall(r'event\.digits\s*==\s*"([0-9*#]+)"', text), "9"]


def taken(talk: Conversation) -> Taken:
    """All states and exits that a call took."""
    trace: list[Entry] = [
        entry for step in (talk.known.steps if talk.known else ()) for entry in step.trace
    ]
    found = {(entry.flow, Item(entry.state)) for entry in trace} | {
        (entry.flow, Item(entry.state, entry.what)) for entry in trace
    }
    return frozenset(found)


def chosen(trials: list[Trial], missing: set[tuple[str, Item]]) -> list[Trial]:
    """As few trials as take all that any of them takes: always the one that takes the most; of
    those the shortest.
    """
    left, found = set(missing), []
    while trials:
        best = max(
            trials,
            key=lambda trial: (len(trial.taken & left), -len(trial.plan.moves) - len(trial.asked)),
        )
        if not best.taken & left:
            break
        best.gained = best.taken & left
        found.append(best)
        left -= best.taken
    return found


def missing_items(release: Release, trace: list[Entry]) -> set[tuple[str, Item]]:
    return {
        (flow.flow, item) for flow in coverage(release.programs, trace) for item in flow.missing
    }
