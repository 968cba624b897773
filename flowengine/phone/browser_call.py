"""A call that a page drives, step by step.

A call is what has been done in it: a list of steps and answers. It is deterministic, so doing the
same again leads to the same place. That is how a step is taken back, how a flow waits for the answer
of a person without a thread that waits, and how a call is saved as it went.
"""

from dataclasses import dataclass, field
from typing import Any

import msgspec

from flowengine.phone.call_narrator import CallNarrator
from flowengine.phone.call_opening import CallOpening, OpeningRequest
from flowengine.phone.call_transcript import EntryTranscript
from flowengine.phone.phone_call import PhoneCall, StepRefusedError
from flowengine.phone.phone_project import PhoneProject
from flowengine.phone.phone_steps import PhoneStep, parse_party_step, parse_step
from flowengine.phone.replayed_answers import LookupAwaitedError, ReplayedAnswers
from flowengine.phone.save_scenario import SavedScenario, find_faults, format_scenario_file
from flowengine.scenarios.call_setup import build_call_setup, get_begin_time
from flowengine.scenarios.conversation import open_conversation
from flowengine.scenarios.doubles import find_difference
from flowengine.scenarios.scenario_given import Given
from flowengine.states.field_types import parse_millis
from flowengine.switch.api_error import ApiError

MAX_WAIT_MILLIS = 3_600_000  # of one step: others wait for a thread meanwhile
MAX_ACTIONS = 300  # of one call: each step back does all of them again
SAVED_HEADER = "# Saved by the phone in the browser: a call as it went. Read it, and leave out what does not matter to you.\n"


class CallAction(msgspec.Struct, frozen=True):
    """Something that was done: a step, or the answer to a lookup, which may have come by itself."""

    step: PhoneStep | None = None
    answer: dict[str, Any] | None = None
    is_automatic: bool = False


@dataclass
class CallRun:
    """A call as far as its actions lead."""

    call: PhoneCall
    transcript: EntryTranscript
    answers: ReplayedAnswers
    awaited: LookupAwaitedError | None = None
    refusal: str = ""
    """Why the platform does not take the call at all"""

    @property
    def is_over(self) -> bool:
        """Whether nothing more can be done."""
        return bool(self.refusal) or (self.awaited is None and self.call.talk.is_over)


@dataclass
class BrowserCall:
    """One call to a flow of a project."""

    line: PhoneProject
    opening: CallOpening
    wish: OpeningRequest = field(default_factory=OpeningRequest)
    actions: list[CallAction] = field(default_factory=list)
    notice: str = ""
    """Why the last thing that was to be done had no effect"""

    def __post_init__(self) -> None:
        """Begin the call."""
        self.run = self._replay()
        self._answer_by_doubles()

    def take_step(self, step: PhoneStep) -> None:
        """Do something. Where it has no effect, `notice` says why, and all stays as it is."""
        self.notice = ""
        if self.run.is_over or self.run.awaited or len(self.actions) >= MAX_ACTIONS:
            self.notice = self._explain_refusal()
            return
        try:
            self._perform(self.run, step)
        except StepRefusedError as error:
            self.notice = str(error)
            self.run = self._replay()
            return
        self.actions.append(CallAction(step=step))
        self._answer_by_doubles()

    def take_line(self, line: str) -> None:
        """Do what a line says, in the words of the phone in the terminal."""
        names = [party.name for party in self.run.call.talk.parties.list_named()]
        step = parse_party_step(line, names) or parse_step(line)
        if step is None:
            self.notice = f"this is nothing that a phone does: {line}"
            return
        if isinstance(step, dict) and parse_millis(step.get("waits", "0s")) > MAX_WAIT_MILLIS:
            self.notice = "wait an hour at most, and again"
            return
        self.take_step(step)

    def answer_lookup(self, answer: dict[str, Any]) -> None:
        """Answer for the system that the flow asks."""
        self.notice = ""
        if self.run.awaited is None or len(self.actions) >= MAX_ACTIONS:
            self.notice = "the flow asks nobody just now"
            return
        self.actions.append(CallAction(answer=answer))
        self.run = self._replay()
        self._answer_by_doubles()

    def step_back(self) -> None:
        """Take back the last thing that was done, with the answers that came by themselves after it."""
        self.notice = ""
        while self.actions and self.actions[-1].is_automatic:
            self.actions.pop()
        if self.actions:
            self.actions.pop()
        self.run = self._replay()
        self._answer_by_doubles()

    def save(self, name: str = "") -> str:
        """The file of a scenario that makes this call again. Raises StepRefusedError where the call
        cannot be saved as it is.
        """
        run = self._replay()
        if run.awaited or run.refusal:
            raise StepRefusedError("answer the lookup first" if run.awaited else run.refusal)
        self._close(run)
        if run.awaited:
            raise StepRefusedError(
                f"hang up first: after the end, the flow asks {run.awaited.made.service}"
            )
        kept = SavedScenario(
            self.opening.flow,
            self.opening.given,
            run.answers.lookups,
            tuple(self.line.hidden),
            name,
            SAVED_HEADER,
        )
        return format_scenario_file(run.call, kept)

    def list_save_faults(self, text: str) -> list[str]:
        """Why the scenario does not pass as it stands, if it does not."""
        return find_faults(text, self.line.project)

    def _replay(self) -> CallRun:
        """Make the call again, as far as the actions lead."""
        run = self._create_run()
        setup = build_call_setup(self.line.release, self.opening.flow, Given(**self.opening.given))
        try:
            run.call.start(setup)
            self._end_if_over(run)
            for action in self.actions:
                if action.step is not None:
                    self._perform_step(run, action.step)
        except LookupAwaitedError as awaited:
            run.awaited = awaited
        except ApiError as error:
            run.refusal = str(error)
            run.call.narrator.add_line("platform", f"refuses the call: {error}", bad=True)
        return run

    def _create_run(self) -> CallRun:
        line = self.line
        setup = build_call_setup(line.release, self.opening.flow, Given(**self.opening.given))
        known = [action.answer for action in self.actions if action.answer is not None]
        answers = ReplayedAnswers(known, line.create_request_reader())
        talk = open_conversation(
            line.release,
            fetch=answers,
            begin=get_begin_time(Given(**self.opening.given), line.project.zone),
            application=setup.application,
        )
        near = "person" if self.opening.is_placed else "caller"
        transcript = EntryTranscript(talk, near, line.hidden)
        narrator = CallNarrator(talk, near, transcript)
        answers.narrator, answers.backend = narrator, talk.backend
        return CallRun(PhoneCall(talk, narrator), transcript, answers)

    def _perform(self, run: CallRun, step: PhoneStep) -> None:
        try:
            self._perform_step(run, step)
        except LookupAwaitedError as awaited:
            run.awaited = awaited

    def _perform_step(self, run: CallRun, step: PhoneStep) -> None:
        run.call.take_step(step)
        self._end_if_over(run)

    def _end_if_over(self, run: CallRun) -> None:
        """Let come what comes after the end; the flow may ask a system there, too."""
        if run.call.talk.is_over:
            run.call.finish()

    def _close(self, run: CallRun) -> None:
        """Bring a call to its end, as a scenario does without further steps."""
        if run.call.talk.is_over:
            return
        try:
            run.call.finish()
        except LookupAwaitedError as awaited:
            run.awaited = awaited

    def _answer_by_doubles(self) -> None:
        """Answer as the scenarios of the flow have it, where that is wanted, as long as they know
        an answer.
        """
        while self.opening.uses_doubles and self.run.awaited and len(self.actions) < MAX_ACTIONS:
            known = self.find_double_answers()
            if not known:
                return
            self.actions.append(CallAction(answer=known[0], is_automatic=True))
            self.run = self._replay()

    def find_double_answers(self) -> list[dict[str, Any]]:
        """What scenarios have the awaited system answer to this very request."""
        awaited = self.run.awaited
        doubles = self.line.doubles_by_flow.get(self.opening.flow, ()) if awaited else ()
        found: list[dict[str, Any]] = []
        for double in doubles:
            if awaited and not find_difference(double, awaited.made):
                answer = to_answer(double.status, double.answer, double.fails)
                if answer not in found:
                    found.append(answer)
        return found

    def _explain_refusal(self) -> str:
        if self.run.awaited:
            return "the flow waits for an answer: give it one first"
        return "the call is over" if self.run.is_over else "the call has become too long"


def to_answer(status: int, body: Any, fails: str) -> dict[str, Any]:
    """An answer of another system as scenarios have it."""
    if fails:
        return {"fails": fails}
    return {
        **({"status": status} if status != 200 else {}),
        **({"answer": body} if body is not None else {}),
    }
