"""A step in progress: it walks from state to state until there is an answer, or a request to
perform.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec
from msgspec.structs import replace
from transitions import MachineError

from flowengine.compile import Program, Release
from flowengine.compile.state_machine import Cursor
from flowengine.expr import EvalError, collect_remarks
from flowengine.limits import MAX_FAILURES_PER_STEP, MAX_STATES_PER_STEP, MAX_SUBFLOW_DEPTH
from flowengine.runtime.answer_limits import fit_to_limits, fits_by_length
from flowengine.runtime.call_state import (
    Call,
    Frame,
    bind_names,
    can_hold_place,
    limit_history,
    select_live_values,
)
from flowengine.runtime.question_history import History, SubflowVisit, list_questions
from flowengine.runtime.step_outcome import (
    NO_EFFECTS,
    EffectsOnOthers,
    Outcome,
    PendingRequest,
    TraceEntry,
)
from flowengine.runtime.step_start import StepStart, start_at_level
from flowengine.sinch import Dice
from flowengine.states import (
    AgentStatusChange,
    AnswerCallback,
    AnswerEffects,
    EnterSubflow,
    Exit,
    GoToFlow,
    LookupRequest,
    LookupResult,
    ReturnFromSubflow,
    RoomUpdate,
    StateFailure,
    StateResult,
    StepContext,
    StepEvent,
)
from flowengine.states.state_results import ActionToSend, InstructionToSend
from flowengine.svaml import Hangup, ReportCallStatus


class StepWalk(Cursor):
    """A step in progress: the cursor that walks through the states of a release. `unmoved_call` is
    a call that must stay in its state during this walk; `level` is the flow of its stack that the
    walk began in, with `depth` callers on the walk's own stack; `following` are the levels that the
    event concerns after this walk.
    """

    release: Release
    program: Program
    run: StepContext
    steps: int
    stack: tuple[Frame, ...]
    history: History
    ended: bool
    sends_nothing: bool
    context: str
    unmoved_call: Call | None = None
    level: int = 0
    depth: int = 0
    following: tuple[int, ...] = ()
    has_caller_left: bool = False
    leaves_queue: bool = False
    agent_statuses: tuple[AgentStatusChange, ...] = ()
    rooms: tuple[RoomUpdate, ...] = ()
    failures: int = 0
    left_to_walk: int = MAX_STATES_PER_STEP
    trace: list[TraceEntry] = msgspec.field(default_factory=list)

    def add_trace_entry(self, what: str) -> None:
        """Add a line to the trace, followed by the notes of the state."""
        self.trace.append(TraceEntry(self.program.flow, self.state, what))
        if notes := self.run.notes:
            flow, state = self.program.flow, self.state
            self.trace += [TraceEntry(flow, state, note, is_note=True) for note in notes]
            notes.clear()

    def follow_moves(self, move: StateResult) -> Outcome:
        """Follow state results until there is an answer, or a request to perform. A lookup does not
        reset the limit of states per step: lookups may fail at once, and a flow that loops through
        them would never answer.
        """
        while self.left_to_walk > 0:
            if type(move) is AnswerCallback:
                return self.finish_step(move)
            self.left_to_walk -= 1
            if type(move) is LookupRequest:
                self.add_trace_entry(f"asks {move.service}")
                return Outcome(None, (), None, (), PendingRequest(move, self))
            move = self.follow_move(move)
        self.add_trace_entry("too many states in one callback")
        return self.finish_step(self.apologise())

    def follow_move(self, move: StateResult) -> StateResult:
        if type(move) is Exit:
            return self.take_exit(move)
        if type(move) is EnterSubflow:
            return self.enter_subflow(move)
        if type(move) is GoToFlow:
            return self.go_to_flow(move)
        if type(move) is ReturnFromSubflow:
            return self.return_from_subflow(move.outcome)
        assert isinstance(move, StateFailure)  # noqa: S101  # every other move is handled in walk
        return self.handle_failure(move)

    def take_exit(self, move: Exit) -> StateResult:
        """Take an exit: the state machine moves to the target."""
        name = move.name
        self.add_trace_entry(name)
        if move.without_caller:
            self.sends_nothing = self.has_caller_left = True
        if name == "repeat":
            return self.enter_state()
        if move.failure:
            self.run.set_failure(self.state, move.failure)
        self.leaves_queue = self.leaves_queue or move.leaves_queue
        if move.agent_status:
            self.agent_statuses += (move.agent_status,)
        if move.room:
            self.rooms += (move.room,)
        state = self.program.states[self.state]
        if name == "back":
            if not move.own_question:
                self.go_back()
            return self.enter_state()
        asked = state.verb.is_question and self.program.goes_back
        if asked and not (self.history and self.history[-1] == state.name):
            self.history += (state.name,)
        try:
            self.program.machine.events[name].trigger(self)
        except (KeyError, MachineError):
            return StateFailure(f"there is no exit {name}")
        return self.enter_state()

    def enter_state(self) -> StateResult:
        state = self.program.states[self.state]
        if not self.sends_nothing and self.context not in state.legal:
            return StateFailure(f"{state.kind} cannot answer {self.context}")
        try:
            if state.preamble:
                state.preamble.add_instructions(self.run)
            return state.verb.enter(self.run)
        except EvalError as error:
            return StateFailure(error.message)

    def resume_state(self) -> StateResult:
        try:
            return self.program.states[self.state].verb.resume(self.run)
        except EvalError as error:
            return StateFailure(error.message)

    def resume(self, result: LookupResult) -> Outcome:
        """Continue with the result of a request."""
        self.run.lookup_result = result
        move = self.resume_state()
        self.run.lookup_result = None
        return self.continue_event(self.follow_moves(move))

    def begin(self, start: StepStart) -> Outcome:
        """Walk from the start."""
        if start.is_complete:
            move: StateResult = AnswerCallback(start.answer)
        elif start.failure:
            move = StateFailure(start.failure)
        else:
            move = self.enter_state() if start.entry else self.resume_state()
        outcome = self.follow_moves(move)
        return self.continue_event(outcome) if self.following else outcome

    def continue_event(self, outcome: Outcome) -> Outcome:
        """Go on with the next flow that the event concerns, once this walk has ended."""
        call = outcome.call
        if outcome.waiting or call is None or not self.following:
            return outcome
        level, *rest = self.following
        start = start_at_level(self.release, call, self.run.event, level, tuple(rest))
        walk = create_walk(self.release, start, self.run.event, self.run.names.now, call)
        # all walks of an event are one step, with one trace and one limit
        walk.steps, walk.left_to_walk = self.steps, self.left_to_walk
        walk.trace, walk.run.instructions = self.trace, [*outcome.instructions]
        effects = outcome.effects
        walk.agent_statuses, walk.rooms = effects.agent_statuses, effects.rooms
        walk.run.placements.extend(effects.placements)
        return walk.begin(start)

    def enter_subflow(self, move: EnterSubflow) -> StateResult:
        """Enter a subflow; a frame keeps the values that are needed after it."""
        state = self.state
        if len(self.stack) >= MAX_SUBFLOW_DEPTH:
            return StateFailure(f"subflows nest more than {MAX_SUBFLOW_DEPTH} deep")
        self.push_frame(state)
        self.add_trace_entry(f"enters {move.flow}")
        return self.enter_flow(move.flow, move.inputs)

    def go_to_flow(self, move: GoToFlow) -> StateResult:
        """Go over to another flow; nothing leads back to this one, nor to those that use it."""
        self.add_trace_entry(f"goes over to {move.flow}")
        self.stack, self.history = (), ()
        return self.enter_flow(move.flow, move.inputs)

    def enter_flow(self, flow: str, inputs: Mapping[str, Any]) -> StateResult:
        self.program = self.release.programs[flow]
        self.state = self.program.start
        self.run.names.update({**self.program.initial, **inputs})
        return self.enter_state()

    def return_from_subflow(self, outcome: str) -> StateResult:
        if not self.stack:
            return StateFailure("return outside a subflow")
        self.add_trace_entry(f"returns {outcome}")
        ended, visit = dict(self.run.names), self.build_visit()
        self.pop_frame()
        if visit.history:
            self.history += (visit,)
        verb = self.program.states[self.state].verb
        self.run.names.update(verb.convert_outputs(ended, self.run.notes))
        return self.take_exit(Exit(f"outcome {outcome}"))

    def push_frame(self, state: str) -> None:
        """Push a frame with the values that this flow needs after the subflow."""
        values = select_live_values(self.program, state, self.run.names)
        self.stack += (Frame(self.program.flow, state, values, self.history),)
        self.history = ()

    def pop_frame(self) -> None:
        """Pop the frame, and continue in the flow that entered this subflow."""
        frame = self.stack[-1]
        self.stack = self.stack[:-1]
        self.program, self.state = self.release.programs[frame.flow], frame.state
        self.history = frame.history
        self.run.names.update({**self.program.initial, **frame.values})

    def build_visit(self) -> SubflowVisit:
        """The record of the subflow that the call is about to leave, with what its questions need."""
        values: dict[str, Any] = {}
        for question in list_questions(self.history):
            values |= select_live_values(self.program, question, self.run.names)
        return SubflowVisit(self.stack[-1].state, self.program.flow, values, self.history)

    def go_back(self) -> None:
        """Move to the previous question, into and out of subflows; stay where there is none."""
        asked = self.state
        while self.history or any(frame.history for frame in self.stack):
            if not self.history:
                self.pop_frame()
                asked = ""
                continue
            last, self.history = self.history[-1], self.history[:-1]
            if isinstance(last, SubflowVisit):
                asked = "" if self.reenter_subflow(last) else asked
            elif last != asked and last in self.program.states:
                self.state = last
                return

    def reenter_subflow(self, visit: SubflowVisit) -> bool:
        """Enter a subflow again at its last question; False when this release has no such subflow."""
        state = self.program.states.get(visit.state)
        if (
            state is None
            or not state.verb.callee
            or not can_hold_place(self.release, visit.flow, "", visit.values)
        ):
            return False
        self.push_frame(visit.state)
        self.program, self.state = self.release.programs[visit.flow], ""
        self.history = visit.history
        self.run.names.update({**self.program.initial, **visit.values})
        return True

    def handle_failure(self, move: StateFailure) -> StateResult:
        """Take the error exit of the state, else of the callers of this subflow, else apologise."""
        self.add_trace_entry(f"failed: {move.reason}")
        self.run.set_failure(self.state, move.cause)
        self.failures += 1
        while self.failures <= MAX_FAILURES_PER_STEP:
            state = self.program.states.get(self.state)
            if state and state.error:
                return self.take_exit(Exit("error"))
            if not self.stack:
                break
            self.pop_frame()
        return self.apologise()

    def apologise(self) -> AnswerCallback:
        """Answer with the apology and a hang-up."""
        self.add_trace_entry("apology")
        self.ended = True
        self.run.instructions = [*self.release.apology.build_instructions(self.run)]
        return AnswerCallback(Hangup())

    def finish_step(self, move: AnswerCallback) -> Outcome:
        """Finish the step: the call keeps only the values that later states can read."""
        self.add_trace_entry("answers")
        for remark in collect_remarks():
            self.add_trace_entry(remark)
        run = self.run
        said: tuple[InstructionToSend, ...]
        action: ActionToSend | None
        if self.sends_nothing:
            reports = [item for item in run.instructions if isinstance(item, ReportCallStatus)]
            said = tuple(reports) if type(run.event) is Dice else ()
            action = Hangup() if self.has_caller_left and run.event.is_awaited else None
        else:
            said, action = tuple(run.instructions), move.action or Hangup()
            if not fits_by_length(said, action):
                said, action = self.fit_answer(said, action)
        call, effects = self.build_call(), NO_EFFECTS
        if move.effects or self.agent_statuses or self.rooms or self.leaves_queue or run.placements:
            effects = self.gather_effects(move.effects or AnswerEffects())
        return Outcome(call, said, action, tuple(self.trace), None, run.names, effects)

    def gather_effects(self, answer: AnswerEffects) -> EffectsOnOthers:
        """What the step is to do to other calls. Nobody is called for a call that has ended."""
        is_answered = not self.sends_nothing
        room = () if answer.room is None or (is_answered and self.ended) else (answer.room,)
        effects = EffectsOnOthers(
            answer.ring if is_answered and not self.ended else None, answer.queue_update,
            is_answered and self.leaves_queue, self.agent_statuses, (*self.rooms, *room),
            tuple(self.run.placements), is_answered and answer.has_code,
        )  # fmt: skip
        return effects if effects != NO_EFFECTS else NO_EFFECTS

    def fit_answer(
        self, instructions: tuple[InstructionToSend, ...], action: ActionToSend
    ) -> tuple[tuple[InstructionToSend, ...], ActionToSend]:
        """Fit the answer to the limits of the platform: texts of a caller or a lookup may be long."""
        mended = fit_to_limits(self.context, instructions, action)
        if mended is None:
            self.apologise()
            return tuple(self.run.instructions), Hangup()
        if mended[0] is not instructions or mended[1] is not action:
            self.add_trace_entry("shortened")
        return mended

    def build_call(self) -> Call:
        run, program = self.run, self.program
        is_over, unmoved = type(run.event) is Dice, self.unmoved_call
        if unmoved is not None:
            call = self.update_interrupted_call(unmoved)
            return replace(call, steps=self.steps + 1, ended=unmoved.ended or is_over)
        history, stack, state = self.history, self.stack, self.state
        if history or stack:
            history, stack = limit_history(history, stack)
        values = select_live_values(program, state, run.names)
        return Call(
            self.release.id, program.flow, state, run.locale, values, run.attempts,
            history, self.steps + 1, stack, self.ended or is_over,
        )  # fmt: skip

    def update_interrupted_call(self, call: Call) -> Call:
        """The call after a walk that handled an event beside it: in its old state, with the values
        that the walk has changed in the flow that it began in.
        """
        flow, state = call.get_place_at(self.level)
        if self.program.flow != flow or len(self.stack) != self.depth:
            return call
        return call.replace_values_at(
            self.level, select_live_values(self.program, state, self.run.names)
        )


def create_walk(
    release: Release, start: StepStart, event: StepEvent, now: datetime, call_before: Call | None
) -> StepWalk:
    call = start.call
    program = release.programs[call.flow]
    names = bind_names(release, program, call, event, now)
    walk = StepWalk(
        state=start.entry or call.state,
        release=release,
        program=program,
        run=StepContext(event, names, call.locale, call.attempts, steps=call.steps),
        steps=call.steps,
        stack=call.stack,
        history=call.history,
        ended=call.ended,
        sends_nothing=start.sends_nothing,
        context=event.answered_as,
    )
    if start.keeps_place:
        walk.unmoved_call, walk.depth = call_before or call, len(call.stack)
        walk.level, walk.following = start.level, start.following
    return walk
