"""The compiled record_message: its menus while the caller speaks, the review, and the wait for the
file.
"""

import re
import string
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final
from urllib.parse import quote

import msgspec
from msgspec.structs import replace

from flowengine.sinch import Dice, Ice, Notify, Pie
from flowengine.states.flow_context import Variable
from flowengine.states.prompt import CompiledPrompt, join_prompts
from flowengine.states.question import Question
from flowengine.states.recording import CompiledRecording
from flowengine.states.state_results import AnswerCallback, Exit, StateFailure, StateResult
from flowengine.states.step_context import StepContext
from flowengine.states.variable_values import convert_value
from flowengine.states.verb import NoEffect, PromptSequence, Verb, filter_prompts
from flowengine.svaml import Answer, Hangup, Menu, MenuOption, RunMenu, StopRecording

# attempts count the menus of a phase; these are added to say which phase it is, and no phase has as
# many menus as lie between two of them
REVIEW_OFFSET: Final = 100
WAIT_OFFSET: Final = 200
CALLER_LEFT: Final = 300
SEND_KEY: Final = "1"
AGAIN_KEY: Final = "2"
UNANSWERED_EXIT: Final = "unanswered"  # of the review; the message is sent then


class MessageTimes(msgspec.Struct, frozen=True):
    """How long its menus wait, in milliseconds; `silence` is 0 where nobody listens."""

    segments: tuple[int, ...]
    silence: int
    review: int
    poll: int
    polls: int


class CompiledMessage(Verb, msgspec.Struct, frozen=True):
    """Records a message. The hidden variable `file_name` holds the name of the file until the
    platform has it; `keys` work everywhere in the flow.
    """

    question: Question
    review: Question | None
    prompt: CompiledPrompt | None
    again: CompiledPrompt | None
    beep: CompiledPrompt | None
    thanks: CompiledPrompt | None
    recorder: CompiledRecording
    variable: Variable
    file_name: str
    end_key: str
    keys: Mapping[str, str]
    review_keys: Mapping[str, str]
    times: MessageTimes
    actions = frozenset({"runMenu"})
    writing_exits = frozenset({"next"})
    waits = True
    is_question = True
    resumes_on_events = True

    @property
    def recording(self) -> CompiledRecording:
        return self.recorder

    @property
    def written_addresses(self) -> frozenset[str]:
        return frozenset({self.file_name, f"vars.{self.variable.name}"})

    def enter(self, run: StepContext) -> StateResult:
        return AnswerCallback(self.start_message(run, self.prompt))

    def resume(self, run: StepContext) -> StateResult:
        event = run.event
        if type(event) is Notify:
            return self.take_file(run, event)
        if type(event) is Dice:
            return self.leave_caller(run)
        return self.resume_menu(run, event) if type(event) is Pie else self.enter(run)

    def resume_menu(self, run: StepContext, event: Pie) -> StateResult:
        """Handle the end of a menu, by the phase in which it was asked."""
        if event.type == "hangup":
            return self.leave_caller(run)
        if event.type == "error":
            if run.attempts <= REVIEW_OFFSET:
                run.instructions.append(StopRecording())
            return StateFailure("the platform reported an error in the menu")
        if run.attempts > WAIT_OFFSET:
            return self.poll_file(run)
        if run.attempts > REVIEW_OFFSET:
            return self.resume_review(run, event)
        return self.resume_recording(run, event)

    def is_waiting_for(self, event: Dice | Notify, values: Mapping[str, Any]) -> bool:
        """Every end of the call, and the notice of this very file: an earlier attempt of the caller
        has another name.
        """
        if type(event) is Dice:
            return True
        expected = values.get(self.file_name)
        # a part of the address: no source says that the platform repeats it letter by letter
        return event.type == "recording_available" and bool(
            expected and expected in event.destination
        )

    def start_message(self, run: StepContext, prompt: CompiledPrompt | None) -> RunMenu:
        """Say the prompt and the tone, begin the recording, and wait for the end. Raises
        EvalError.
        """
        name = format_file_name(run, self.recorder.format)
        # first, as it may fail: then nobody is asked to speak
        recording = self.recorder.build_instruction(run, name)
        # no source says that a call which nobody has answered can be recorded
        if type(run.event) is Ice and not any(type(one) is Answer for one in run.instructions):
            run.instructions.insert(0, Answer())
        for words in filter_prompts(prompt, self.beep):
            run.instructions.extend(words.build_instructions(run))
        run.instructions.append(recording)
        run.names[self.file_name], run.names[f"vars.{self.variable.name}"] = name, ""
        run.attempts = 1
        return self.wait_for_end(run)

    def wait_for_end(self, run: StepContext) -> RunMenu:
        """A menu without words, while the caller speaks. The first one may listen for words."""
        is_listening = self.is_listening(run)
        question = replace(self.question, accepts_voice=is_listening)
        place = run.attempts - 1 - bool(self.times.silence)
        wait = self.times.silence if is_listening else self.times.segments[place]
        options = tuple(
            MenuOption(dtmf=key, action=f"return({key})") for key in (self.end_key, *self.keys)
        )
        menu = Menu(id="main", repeats=0, timeout_mills=wait, options=options)
        return question.build_run_menu_in_locale([menu], run.locale)

    def is_listening(self, run: StepContext) -> bool:
        return bool(self.times.silence) and run.attempts == 1

    def resume_recording(self, run: StepContext, event: Pie) -> StateResult:
        key = "" if event.input_method == "voice" else event.value.strip()
        # # ends an input by itself: alone it may come as an empty one
        if key == self.end_key or (self.end_key == "#" and event.type == "sequence" and not key):
            return self.end_message(run)
        if key in self.keys:
            return self.discard_message(run, Exit(self.keys[key]))
        if event.type == "timeout" and self.is_listening(run):
            return self.discard_message(run, Exit("silent"))
        run.attempts += 1
        if run.attempts > len(self.times.segments) + bool(self.times.silence):
            run.notes.append("the message has reached its limit")
            return self.end_message(run)
        return AnswerCallback(self.wait_for_end(run))

    def discard_message(self, run: StepContext, leave: Exit) -> Exit:
        """Stop recording and leave: the flow hears of the file no more."""
        run.instructions.append(StopRecording())
        run.names[self.file_name] = ""
        return leave

    def end_message(self, run: StepContext) -> StateResult:
        run.instructions.append(StopRecording())
        if self.review is None:
            return self.accept_message(run)
        run.attempts = REVIEW_OFFSET + 1
        return AnswerCallback(self.ask_review(run, join_prompts([self.review.first], run)))

    def ask_review(self, run: StepContext, prompt: str) -> RunMenu:
        assert self.review is not None  # noqa: S101  # only with one a call comes to it
        keys = (SEND_KEY, AGAIN_KEY, *self.review_keys)
        options = tuple(MenuOption(dtmf=key, action=f"return({key})") for key in keys)
        menu = Menu(
            id="main",
            main_prompt=prompt,
            repeats=0,
            timeout_mills=self.times.review,
            options=options,
        )
        return self.review.build_run_menu([menu], run, self.review.first)

    def resume_review(self, run: StepContext, event: Pie) -> StateResult:
        assert self.review is not None  # noqa: S101  # only with one a call comes to it
        key = event.value.strip()
        if key == SEND_KEY:
            return self.accept_message(run)
        if key == AGAIN_KEY:
            run.notes.append("again: recorded again")
            return AnswerCallback(self.start_message(run, self.again or self.prompt))
        if key in self.review_keys:
            return self.discard_message(run, Exit(self.review_keys[key]))
        run.attempts -= REVIEW_OFFSET
        result = self.review.handle_unanswered(
            run, event, UNANSWERED_EXIT, self.ask_review
        ) or self.review.retry_question(
            run, "no match", self.review.no_match, UNANSWERED_EXIT, self.ask_review
        )
        if type(result) is Exit:
            return self.accept_message(run)
        run.attempts += REVIEW_OFFSET
        return result

    @property
    def renewed_names(self) -> frozenset[str]:
        own = f"vars.{self.variable.name}"
        heard = [one.names for one in (self.prompt, self.beep) if one]
        return frozenset({self.file_name, own}).difference(*heard)

    def accept_message(self, run: StepContext) -> StateResult:
        """Go on when the file is there. Until then the caller waits."""
        if self.thanks:
            run.instructions.extend(self.thanks.build_instructions(run))
        if self.has_file(run):
            return Exit("next")
        run.attempts = WAIT_OFFSET + 1
        return AnswerCallback(self.build_wait_menu(run))

    def poll_file(self, run: StepContext) -> StateResult:
        """The platform takes no answer to the notice of a file: what the caller hears next can only
        follow a menu that times out.
        """
        if self.has_file(run):
            return Exit("next")
        if run.attempts >= WAIT_OFFSET + self.times.polls:
            run.notes.append("the file is late: the call ends, and the flow goes on when it comes")
            run.attempts = CALLER_LEFT
            return AnswerCallback(Hangup())
        run.attempts += 1
        return AnswerCallback(self.build_wait_menu(run))

    def build_wait_menu(self, run: StepContext) -> RunMenu:
        menu = Menu(id="main", repeats=0, timeout_mills=self.times.poll)
        return self.question.build_run_menu_in_locale([menu], run.locale)

    def has_file(self, run: StepContext) -> bool:
        return bool(run.names[f"vars.{self.variable.name}"])

    def take_file(self, run: StepContext, event: Notify) -> StateResult:
        address = quote(event.destination, safe=string.punctuation)
        run.names[f"vars.{self.variable.name}"] = convert_value(address, self.variable, run.notes)
        run.names[self.file_name] = ""
        return Exit("next") if run.attempts >= CALLER_LEFT else AnswerCallback(None)

    def leave_caller(self, run: StepContext) -> StateResult:
        """The caller has hung up: the message is sent as soon as its file is there."""
        if self.has_file(run):
            return Exit("next", without_caller=True)
        run.attempts = CALLER_LEFT
        return AnswerCallback(Hangup())

    @property
    def key_targets(self) -> Mapping[str, str]:
        return self.keys

    @property
    def read_back_key_targets(self) -> Mapping[str, str]:
        return self.review_keys

    @property
    def read_back_choices(self) -> Mapping[str, str]:
        return {SEND_KEY: "send", AGAIN_KEY: "again"} if self.review else {}

    @property
    def asks_for_secret(self) -> bool:
        return self.variable.secret

    def list_prompts(self) -> PromptSequence:
        asked = self.review.list_prompts() if self.review else ()
        return (*filter_prompts(self.prompt, self.again, self.beep, self.thanks), *asked)

    def list_answers(self) -> list[PromptSequence]:
        review = self.review
        asked = review.list_answers(review.no_input, review.no_match) if review else []
        return [
            filter_prompts(self.prompt, self.beep),
            filter_prompts(self.again or self.prompt, self.beep),
            filter_prompts(self.thanks),
            *asked,
        ]

    def list_menu_ids(self) -> Iterator[str]:
        return self.question.list_menu_ids()

    def list_repeat_reasons(self) -> list[str]:
        if self.review is None:
            return []
        return ["recorded again", *["no input", "no match"] * (self.review.attempts > 1)]

    def list_sample_keys(self, _words: Iterable[str], attempts: int) -> Iterator[str]:
        """While it records: the key that ends it, and others; in the review, its keys."""
        if attempts <= REVIEW_OFFSET:
            yield from dict.fromkeys([self.end_key, *self.keys])
        elif attempts <= WAIT_OFFSET:
            yield from dict.fromkeys([SEND_KEY, AGAIN_KEY, *self.review_keys, "9"])

    def find_no_effects(self, authored: Any, _deadline: float) -> Iterator[NoEffect]:
        if "silence" in authored and "silent" not in authored:
            hint = "add `silent: <state>`, or remove it"
            yield NoEffect(("silence",), "nobody listens for silence here", hint)
        if self.review is None:
            for name in ("again", "attempts", "no_input", "no_match", "timeout", "barge"):
                if name in authored:
                    hint = "add `review:`, or remove it"
                    yield NoEffect((name,), "nothing is asked after the message", hint)
        else:
            unheard = self.review.find_no_effects(authored, "")
            yield from (one for one in unheard if one.path != ("again",))


def format_file_name(run: StepContext, audio_format: str) -> str:
    """A name that no other recording has: the moment, and the id of the call."""
    call_id = re.sub(r"[^\w-]", "", run.event.call_id, flags=re.ASCII)[:64]
    moment = f"{run.names.now:%Y%m%d%H%M%S%f}"[:-3]
    return f"{moment}_{call_id}.{audio_format}"
