"""The one pure function that carries a call from a callback to its answer.

No I/O, no clock, no chance: time comes as an argument, and what needs the outside comes back as a
request. Whoever drives it performs the request and steps again with the result.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec
from msgspec.structs import replace
from transitions import MachineError

from flowengine.compile import Program, Release
from flowengine.compile.machine import Cursor
from flowengine.expr import EvalError, collect_remarks
from flowengine.limits import MAX_FAILURES_PER_STEP, MAX_STATES_PER_STEP, MAX_SUBFLOW_DEPTH
from flowengine.runtime.begin import QUESTIONS, Start, begin, in_conference
from flowengine.runtime.call import Call, Frame, fits_place
from flowengine.runtime.guard import mend, surely_legal
from flowengine.runtime.history import History, Visit, drop_oldest, is_small, questions
from flowengine.sinch import Ace, Dice, Event, Pie
from flowengine.states import Answer, Enter, Exit, Failed, Fetched, Leave, Move, Names, Request, Run
from flowengine.states.move import Said, Sent
from flowengine.svaml import Action, Continue, Hangup, Instruction, ReportCallStatus


class Entry(msgspec.Struct, frozen=True):
    """One line of a trace: a state, and the exit by which it was left or what happened in it."""

    flow: str
    state: str
    what: str


class Waiting(msgspec.Struct, frozen=True):
    """A step that needs the outside: perform the request, then call `resume` with the result."""

    request: Request
    walk: "Walk"


class Outcome(msgspec.Struct, frozen=True):
    """What a step yields: the call as it goes on, what to answer, and the trace. With `waiting`
    there is no answer yet.

    `names` are the values as the step left them; those that no later state reads are not in the
    call.
    """

    call: Call | None
    instructions: tuple[Instruction | msgspec.Raw, ...]
    action: Action | msgspec.Raw | None
    trace: tuple[Entry, ...]
    waiting: Waiting | None = None
    names: Mapping[str, Any] = {}


class Walk(msgspec.Struct):
    """A step under way through the states of a release. `aside` is the call that this walk must
    leave where it is.
    """

    release: Release
    program: Program
    cursor: Cursor
    run: Run
    steps: int
    stack: list[Frame]
    history: list[str | Visit]
    ended: bool
    silent: bool
    context: str
    aside: Call | None
    failures: int = 0
    left_to_walk: int = MAX_STATES_PER_STEP
    trace: list[Entry] = []

    def note(self, what: str) -> None:
        self.trace.append(Entry(self.program.flow, self.cursor.state, what))

    def walk(self, move: Move) -> Outcome:
        """Follow moves until there is an answer, or a request to perform. Lookups do not renew what
        is left to walk: they may fail at once, and a flow that goes round in them would never
        answer.
        """
        while self.left_to_walk > 0:
            self.left_to_walk -= 1
            if type(move) is Answer:
                return self.answered(move)
            if type(move) is Request:
                self.note(f"asks {move.service}")
                return Outcome(None, (), None, (), Waiting(move, self))
            move = self.followed(move)
        self.note("too many states in one callback")
        return self.answered(self.sorry())

    def followed(self, move: Move) -> Move:
        if type(move) is Exit:
            return self.left(move)
        if type(move) is Enter:
            return self.entered_flow(move)
        if type(move) is Leave:
            return self.returned(move.outcome)
        assert isinstance(move, Failed)  # noqa: S101  # every other move is handled in walk
        return self.failed(move.reason)

    def left(self, move: Exit) -> Move:
        """Take an exit: the machine knows where it leads."""
        name = move.name
        self.note(name)
        if name == "repeat":
            return self.entered()
        state = self.program.states[self.cursor.state]
        if name == "back":
            if not move.own_question:
                self.go_back()
            return self.entered()
        asked = state.kind in QUESTIONS and self.program.goes_back
        if asked and not (self.history and self.history[-1] == state.name):
            self.history.append(state.name)
        try:
            self.program.machine.events[name].trigger(self.cursor)
        except (KeyError, MachineError):
            return Failed(f"there is no exit {name}")
        return self.entered()

    def entered(self) -> Move:
        state = self.program.states[self.cursor.state]
        if not self.silent and self.context not in state.legal:
            return Failed(f"{state.kind} cannot answer {self.context}")
        try:
            if state.preamble:
                state.preamble.run(self.run)
            return state.verb.enter(self.run)
        except EvalError as error:
            return Failed(error.message)

    def resumed(self) -> Move:
        try:
            return self.program.states[self.cursor.state].verb.resume(self.run)
        except EvalError as error:
            return Failed(error.message)

    def entered_flow(self, move: Enter) -> Move:
        """Go into a subflow; what is needed after it stays in a frame."""
        state = self.cursor.state
        if len(self.stack) >= MAX_SUBFLOW_DEPTH:
            return Failed(f"subflows nest more than {MAX_SUBFLOW_DEPTH} deep")
        self.push(state)
        self.note(f"enters {move.flow}")
        self.program = self.release.programs[move.flow]
        self.cursor.state = self.program.start
        self.run.names.update({**self.program.initial, **move.inputs})
        return self.entered()

    def returned(self, outcome: str) -> Move:
        if not self.stack:
            return Failed("return outside a subflow")
        self.note(f"returns {outcome}")
        ended, visit = dict(self.run.names), self.visited()
        self.pop()
        if visit.history:
            self.history.append(visit)
        verb: Any = self.program.states[self.cursor.state].verb
        self.run.names.update(verb.outputs(ended, self.run.notes))
        return self.left(Exit(f"outcome {outcome}"))

    def push(self, state: str) -> None:
        """Leave the flow for a subflow: what is needed after it stays in a frame."""
        values = self.kept(self.program, state)
        self.stack.append(Frame(self.program.flow, state, values, tuple(self.history)))
        self.history = []

    def pop(self) -> None:
        """Come back to the caller of this subflow."""
        frame = self.stack.pop()
        self.program, self.cursor.state = self.release.programs[frame.flow], frame.state
        self.history = list(frame.history)
        self.run.names.update({**self.program.initial, **frame.values})

    def visited(self) -> Visit:
        """The subflow that the call is about to leave, with what its questions need."""
        values: dict[str, Any] = {}
        for question in questions(self.history):
            values |= self.kept(self.program, question)
        return Visit(self.stack[-1].state, self.program.flow, values, tuple(self.history))

    def go_back(self) -> None:
        """Move to the question before this one, into and out of subflows; stay where there is
        none.
        """
        asked = self.cursor.state
        while self.history or any(frame.history for frame in self.stack):
            if not self.history:
                self.pop()
                asked = ""
                continue
            last = self.history.pop()
            if isinstance(last, Visit):
                asked = "" if self.go_into(last) else asked
            elif last != asked and last in self.program.states:
                self.cursor.state = last
                return

    def go_into(self, visit: Visit) -> bool:
        """Enter a subflow again where it asked last; False when this release has no such subflow."""
        state = self.program.states.get(visit.state)
        if (
            state is None
            or state.kind != "subflow"
            or not fits_place(self.release, visit.flow, "", visit.values)
        ):
            return False
        self.push(visit.state)
        self.program, self.cursor.state = self.release.programs[visit.flow], ""
        self.history = list(visit.history)
        self.run.names.update({**self.program.initial, **visit.values})
        return True

    def failed(self, reason: str) -> Move:
        """Take the error exit of the state, else of the callers of this subflow, else apologise."""
        self.note(f"failed: {reason}")
        self.failures += 1
        while self.failures <= MAX_FAILURES_PER_STEP:
            state = self.program.states.get(self.cursor.state)
            if state and state.error:
                return self.left(Exit("error"))
            if not self.stack:
                break
            self.pop()
        return self.sorry()

    def sorry(self) -> Answer:
        """The apology of last resort."""
        self.note("apology")
        self.ended = True
        self.run.said = [*self.release.apology.instructions(self.run)]
        return Answer(Hangup())

    def answered(self, move: Answer) -> Outcome:
        """The end of a step: only what later states can read stays with the call."""
        self.note("answers")
        for note in self.run.notes:
            self.note(note)
        for remark in collect_remarks():
            self.note(remark)
        if not self.silent:
            said, action = self.legal(tuple(self.run.said), move.action or Hangup())
            return Outcome(self.after(), said, action, tuple(self.trace), None, self.run.names)
        said = tuple(item for item in self.run.said if isinstance(item, ReportCallStatus))
        return Outcome(
            self.after(),
            said if type(self.run.event) is Dice else (),
            None,
            tuple(self.trace),
            None,
            self.run.names,
        )

    def legal(self, said: tuple[Said, ...], action: Sent) -> tuple[tuple[Said, ...], Sent]:
        """What is said and done, within what the platform takes: words that a caller or a lookup
        brought in may be many.
        """
        if surely_legal(said, action):
            return said, action
        mended = mend(self.context, said, action)
        if mended is None:
            self.sorry()
            return tuple(self.run.said), Hangup()
        if mended[0] is not said or mended[1] is not action:
            self.note("shortened")
        return mended

    def after(self) -> Call:
        if self.aside is not None:
            return replace(
                self.kept_aside(self.aside),
                steps=self.steps + 1,
                ended=self.aside.ended or type(self.run.event) is Dice,
            )
        state = self.cursor.state
        own, stack = self.bounded_history() if self.history or self.stack else ((), ())
        return Call(
            release=self.release.id,
            flow=self.program.flow,
            state=state,
            locale=self.run.locale,
            values=self.kept(self.program, state),
            attempts=self.run.attempts,
            history=own,
            steps=self.steps + 1,
            stack=stack,
            ended=self.ended,
        )

    def bounded_history(self) -> tuple[History, tuple[Frame, ...]]:
        """The questions of the flow and the frames of its callers, as many as may travel."""
        if not self.stack and is_small(self.history):
            return tuple(self.history), ()
        *outer, own = drop_oldest([*(frame.history for frame in self.stack), self.history])
        frames = zip(self.stack, outer, strict=True)
        return own, tuple(
            frame if frame.history == kept else replace(frame, history=kept)
            for frame, kept in frames
        )

    def kept(self, program: Program, state: str) -> dict[str, Any]:
        """What later states can read; a variable that still has its first value need not travel."""
        names, initial = self.run.names, program.initial
        return {
            name: names[name]
            for name in program.live.get(state, ())
            if name in names and names[name] != initial.get(name, "")
        }

    def kept_aside(self, call: Call) -> Call:
        """The call after a walk aside: in its place, with the values that the walk has changed in
        the flow that it began in.
        """
        if self.program.flow == call.flow and len(self.stack) == len(call.stack):
            return replace(call, values=self.kept(self.program, call.state))
        if self.program.flow != call.root().flow or self.stack:
            return call
        first = call.stack[0]
        return replace(
            call,
            stack=(replace(first, values=self.kept(self.program, first.state)), *call.stack[1:]),
        )


def step(
    release: Release, call: Call | None, event: Event, now: datetime, gone: str | None = None
) -> Outcome:
    """Answer one callback of one call.

    `call` is what the step before returned, or None; its flow and state must be of this release
    (see `fits`). For a call that is known but does not fit, `gone` is its flow ("" where even that
    is lost); None says that the call was never seen. Returns the call as it goes on and the answer;
    where the flow asks another system, `waiting` has the request and `resume` carries on.
    """
    collect_remarks()  # of a step on this thread that was not finished
    start = begin(release, call, event, gone)
    if start is None:
        return unrouted(release, event, now)
    walk = walker(release, start, event, now, call)
    if start.settled:
        return walk.walk(Answer(start.answer))
    if start.lost:
        return walk.walk(Failed(start.lost))
    return walk.walk(walk.entered() if start.entry else walk.resumed())


def resume(waiting: Waiting, fetched: Fetched) -> Outcome:
    """Carry on a step with the outcome of its request."""
    walk = waiting.walk
    walk.run.fetched = fetched
    move = walk.resumed()
    walk.run.fetched = None
    return walk.walk(move)


def walker(release: Release, start: Start, event: Event, now: datetime, known: Call | None) -> Walk:
    call = start.call
    program = release.programs[call.flow]
    names = Names.of(program.initial, release.computed, event, now)
    names.update(call.values)
    names["call.locale"] = call.locale
    return Walk(
        release=release,
        program=program,
        cursor=Cursor(start.entry or call.state),
        run=Run(event, names, call.locale, call.attempts),
        steps=call.steps,
        stack=list(call.stack),
        history=list(call.history),
        ended=call.ended,
        silent=start.silent,
        context=event.kind,
        aside=(known or call) if start.aside else None,
    )


def unrouted(release: Release, event: Event, now: datetime) -> Outcome:
    """No flow answers: an incoming call hears the apology, a placed call goes on as it was placed,
    events are only acknowledged.
    """
    if not event.is_awaited or (type(event) is Pie and in_conference(event)):
        return Outcome(None, (), None, ())
    if type(event) is Ace:
        return Outcome(None, (), Continue(), ())
    run = Run(event, Names.of({}, release.computed, event, now), release.locale, 0)
    return Outcome(
        None, release.apology.instructions(run), Hangup(), (Entry("", "", "no flow answers"),)
    )
