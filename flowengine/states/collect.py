"""collect: ask for digits or words, check them, read them back, and keep them in a variable."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta

from flowengine.expr import EvalError, Expression, Type
from flowengine.sinch import Pie
from flowengine.source import KeyPath
from flowengine.states.builder import StateBuilder
from flowengine.states.collect_options import Collect, add_question_keys
from flowengine.states.flow_context import Variable
from flowengine.states.prompt import CompiledPrompt, join_prompts
from flowengine.states.question import (
    Question,
    RetryPrompts,
    add_otherwise_exit,
    compile_question,
    compile_retry_prompts,
    get_timeout_millis,
    get_voice_millis,
    list_silent_facts,
)
from flowengine.states.read_back import READ_BACK_CHOICES, ReadBack, compile_read_back
from flowengine.states.sample_keys import list_sample_inputs
from flowengine.states.spoken_input import NO, YES, convert_input, read_input
from flowengine.states.state_kind import AuthoredFact, StateKind
from flowengine.states.state_results import AnswerCallback, Exit, StateResult
from flowengine.states.step_context import StepContext
from flowengine.states.verb import NoEffect, PromptSequence, Verb, filter_prompts
from flowengine.svaml import Menu as WireMenu
from flowengine.svaml import RunMenu

MAX_AMOUNT_KEYS = 12  # of a decimal that says nothing else
JUDGED_KINDS = ("digits", "integer", "decimal", "date", "time")  # of which some inputs are invalid
CONFIRMING_OFFSET = 100  # attempts above this say that the read-back is what the caller was asked
EXAMPLE = """
ask_account:
  collect:
    prompt: Please enter your eight digit account number.
    into: account
    digits: 8
    valid: luhn(vars.account)
    invalid: That number is not right.
    confirm: You entered ${spell(vars.account)}. If that is right, press 1. To try again, press 2.
    attempts: 3
    otherwise: agents
  next: look_up
"""


class CompiledCollect(Verb, msgspec.Struct, frozen=True):
    """Asks for an input and stores it."""

    question: Question
    variable: Variable
    format: str
    least: int
    most: int
    valid: Expression | None
    invalid: RetryPrompts
    read_back: ReadBack | None
    timeout: int
    voice_timeout: int
    repeats: int
    keys: dict[str, str]
    global_keys: dict[str, str]
    previous_value_name: str
    actions = frozenset({"runMenu"})
    writing_exits = frozenset({"next"})
    waits = True
    is_question = True

    @property
    def confirm_prompt(self) -> CompiledPrompt | None:
        return self.read_back.prompt if self.read_back else None

    def enter(self, run: StepContext) -> StateResult:
        run.attempts = 1
        return AnswerCallback(self.ask_question(run, join_prompts([self.question.first], run)))

    def resume(self, run: StepContext) -> StateResult:
        event = run.event
        if type(event) is not Pie:
            return self.enter(run)
        # the attempts carry what was asked, so that a stored call needs no field for it
        if run.attempts > CONFIRMING_OFFSET:
            return self.resume_read_back(run, event)
        if event.type == "sequence" and not event.value and "#" in self.keys:
            return Exit(self.keys["#"])  # it ends an input: alone it comes as an empty one
        if event.type not in ("sequence", "return") or not event.value:
            settled = self.question.handle_unanswered(run, event, "otherwise", self.ask_question)
            return settled or self.question.retry_question(
                run, "no input", self.question.no_input, "otherwise", self.ask_question
            )
        return self.handle_input(run, read_input(event, self.variable, run.locale))

    @property
    def key_targets(self) -> Mapping[str, str]:
        return self.keys

    @property
    def read_back_key_targets(self) -> Mapping[str, str]:
        return self.global_keys

    @property
    def read_back_choices(self) -> Mapping[str, str]:
        return READ_BACK_CHOICES if self.read_back else {}

    @property
    def least_digits(self) -> int:
        return self.least

    @property
    def asks_for_secret(self) -> bool:
        return self.variable.secret

    def list_prompts(self) -> PromptSequence:
        return (
            *self.question.list_prompts(),
            *filter_prompts(*self.invalid.prompts, self.confirm_prompt),
        )

    def list_answers(self) -> list[PromptSequence]:
        asked = self.question.list_answers(self.question.no_input, self.invalid)
        return [*asked, filter_prompts(self.confirm_prompt)]

    def list_menu_ids(self) -> Iterator[str]:
        return self.question.list_menu_ids()

    def list_repeat_reasons(self) -> list[str]:
        if self.question.attempts < 2:
            return []
        confirmed = self.read_back is not None
        return ["no input", *["invalid"] * self.can_refuse(), *["not confirmed"] * confirmed]

    def can_refuse(self) -> bool:
        """Whether some input is not valid."""
        if self.valid is not None or self.least > 1:
            return True
        # of a single key only * is no digit: # ends the input, and leaves none
        is_one_digit = self.most == 1 and self.variable.kind in ("digits", "integer")
        if is_one_digit and "*" in self.keys and not self.question.accepts_voice:
            return False
        return self.variable.kind in JUDGED_KINDS

    def list_sample_keys(self, words: Iterable[str], attempts: int) -> Iterator[str]:
        """Inputs of each length, valid and invalid; in the read-back, its keys."""
        if attempts > CONFIRMING_OFFSET:
            yield from dict.fromkeys(["1", "2", *self.global_keys])
            return
        typed = list_sample_inputs(self.variable.kind, self.format, self.least, self.most, words)
        entered = [*self.keys, *(text for text in typed if len(text) <= self.most)]
        for text in filter(None, dict.fromkeys(entered)):
            yield text if len(text) == self.most or text == "#" else f"{text}#"

    def find_no_effects(self, authored: Any, _deadline: float) -> Iterator[NoEffect]:
        return self.question.find_no_effects(authored, "add `voice: true`")

    @property
    def renewed_names(self) -> frozenset[str]:
        return frozenset({self.previous_value_name})

    def handle_input(self, run: StepContext, text: str) -> StateResult:
        if text in self.keys:
            return Exit(self.keys[text])
        if not self.store_input(run, text):
            return self.question.retry_question(
                run, "invalid", self.invalid, "otherwise", self.ask_question
            )
        if self.read_back is None:
            return Exit("next")
        run.attempts += CONFIRMING_OFFSET
        return AnswerCallback(self.ask_confirmation(run))

    def store_input(self, run: StepContext, text: str) -> bool:
        """Store the input in its variable. False, and the old value again, where the input is not
        valid.
        """
        name = f"vars.{self.variable.name}"
        # the length is that of the keys, not of the value: a date has fewer keys than characters
        value = convert_input(text, self.variable, self.format)
        if value is None or not self.least <= len(text) <= self.most:
            return False
        # `valid:` reads the new value by the variable's name, so it is stored first and put back if
        # it is refused
        before = run.names[name]
        run.names[name] = value
        if self.is_input_valid(run):
            if self.previous_value_name:
                run.names[self.previous_value_name] = before
            return True
        run.names[name] = before
        return False

    def is_input_valid(self, run: StepContext) -> bool:
        try:
            return self.valid is None or self.valid.evaluate(run.names) is True
        except EvalError as error:
            run.notes.append(f"valid: {error.message}")
            return False

    def resume_read_back(self, run: StepContext, event: Pie) -> StateResult:
        """Handle the answer to the read-back: unless it is a yes, the variable gets its old value
        again.
        """
        said = self.read_back.interpret_answer(run, event) if self.read_back else ""
        moved = Exit("next") if said == YES else self.handle_refusal(run, event, said)
        # while the read-back is asked again, the hidden variable is still needed
        if said == NO or not isinstance(moved, AnswerCallback):
            before = run.names.pop(self.previous_value_name)
            if said != YES:
                run.names[f"vars.{self.variable.name}"] = before
        return moved

    def handle_refusal(self, run: StepContext, event: Pie, said: str) -> StateResult:
        if said in self.global_keys:
            leads = self.global_keys[said]
            return Exit(leads, own_question=leads == "back")
        attempt = run.attempts - CONFIRMING_OFFSET
        # without the offset, so that questions and read-backs count as attempts alike
        run.attempts = attempt
        if said == NO:
            return self.question.retry_question(
                run, "not confirmed", RetryPrompts(()), "otherwise", self.ask_question
            )
        settled = self.question.handle_unanswered(
            run, event, "otherwise", lambda run, _: self.ask_confirmation(run)
        )
        moved = settled or self.question.retry_question(
            run,
            "no match",
            RetryPrompts(()),
            "otherwise",
            lambda run, _: self.ask_confirmation(run),
        )
        if run.attempts > attempt:
            run.attempts += CONFIRMING_OFFSET
        return moved

    def ask_question(self, run: StepContext, prompt: str) -> RunMenu:
        menu = WireMenu(
            id="main",
            main_prompt=prompt,
            repeat_prompt=prompt if self.repeats else "",
            repeats=self.repeats,
            # a menu with maxDigits returns a `sequence` instead of an option (platform notes, 1.2)
            max_digits=self.most,
            timeout_mills=self.timeout,
            max_timeout_mills=self.voice_timeout,
        )
        return self.question.build_run_menu([menu], run, self.question.first)

    def ask_confirmation(self, run: StepContext) -> RunMenu:
        assert self.read_back is not None  # noqa: S101  # only with one a call comes to it
        return self.question.build_run_menu(
            [self.read_back.build_menu(run)], run, self.read_back.prompt
        )


def check_target(
    builder: StateBuilder, path: KeyPath, collect: Collect, variable: Variable
) -> None:
    if variable.type is Type.BOOLEAN:
        builder.add_problem(
            "FE221",
            (*path, "into"),
            f"{variable.name} is {variable.kind}; keys give digits or text",
            "declare it as digits, integer, decimal or text",
        )
    if (variable.kind == "date") != (collect.format is not UNSET):
        builder.add_problem(
            "FE229",
            (*path, "into" if collect.format is UNSET else "format"),
            "a date, and nothing else, is keyed in by a format",
            "add `format: MMDDYYYY`" if collect.format is UNSET else "remove it",
            at_key=collect.format is not UNSET,
        )


def get_length_range(
    builder: StateBuilder, path: KeyPath, collect: Collect, variable: Variable
) -> tuple[int, int]:
    """The least and the most digits; without `digits:` those that the variable can hold."""
    if variable.kind in ("date", "time"):
        length = len(collect.format or "HHMM")
        return length, length
    if collect.digits is UNSET:
        return 1, MAX_AMOUNT_KEYS if variable.type is Type.DECIMAL else variable.size
    if isinstance(collect.digits, int):
        low = high = collect.digits
    else:
        low, high = map(int, str(collect.digits).split("-"))
    if not 1 <= low <= high:
        builder.add_problem(
            "FE208",
            (*path, "digits"),
            f"{collect.digits} is no range of digits",
            f"write digits: 1-{high}; where # alone leads is said by empty:"
            if low == 0 < high
            else "write the smaller number first, from 1 on: 4-8",
        )
    if high > variable.size:
        builder.add_problem(
            "FE209",
            (*path, "digits"),
            f"{high} digits do not fit into {variable.name}, which holds {variable.size}",
            f"ask for at most {variable.size}"
            if variable.type is Type.DECIMAL or variable.type is Type.INTEGER
            else f"set max: {high} on the variable",
        )
    return low, high


def compile_collect(
    builder: StateBuilder, path: KeyPath, collect: Collect
) -> CompiledCollect | None:
    variable = builder.register_write(collect.into, (*path, "into"))
    add_otherwise_exit(builder, path, collect.otherwise)
    if variable is None:
        return None
    check_target(builder, path, collect, variable)
    builder.late_reads.add(f"vars.{variable.name}")  # put back when an input is refused
    least, most = get_length_range(builder, path, collect, variable)
    asked_keys, confirming_keys = add_question_keys(builder, path, collect, least)
    timeout = get_timeout_millis(builder, (*path, "timeout"), collect.timeout)
    return CompiledCollect(
        question=compile_question(
            builder,
            path,
            collect,
            accepts_voice=collect.voice,
            no_match=RetryPrompts(()),
            silent=collect.silent,
        ),
        variable=variable,
        format=collect.format or "",
        least=least,
        most=most,
        valid=builder.compile_condition((*path, "valid"), collect.valid, late=True)
        if isinstance(collect.valid, str)
        else None,
        invalid=compile_retry_prompts(builder, (*path, "invalid"), collect.invalid, "invalid"),
        read_back=compile_read_back(builder, path, collect, confirming_keys, timeout),
        timeout=timeout,
        voice_timeout=get_voice_millis(builder, (*path, "voice_timeout"), collect.voice_timeout),
        repeats=collect.repeats,
        keys=asked_keys,
        global_keys=confirming_keys,
        previous_value_name=builder.add_shadow_variable(variable)
        if collect.confirm is not UNSET
        else "",
    )


def list_collect_facts(authored: Collect) -> Iterator[AuthoredFact]:
    yield AuthoredFact("topic", f"variable {authored.into}", None)
    if authored.digits is not UNSET:
        least, _, most = str(authored.digits).partition("-")
        low, high = int(least), int(most or least)
        shown = str(low) if low == high else f"{low}-{high}"
        yield AuthoredFact("number", "digits", shown, ("digits",))
    yield from list_silent_facts(authored.silent)
    if authored.empty is not UNSET:
        yield AuthoredFact("target", "empty", authored.empty, ("empty",))
    yield AuthoredFact("global keys", "key ", ())


COLLECT_KIND = StateKind(
    "collect",
    "Ask for digits or words",
    EXAMPLE,
    Annotated[
        Collect,
        Meta(
            title="collect",
            description="Ask for digits or words.",
            examples=[
                {
                    "prompt": "Your account number?",
                    "into": "account",
                    "digits": 8,
                    "otherwise": "agents",
                }
            ],
        ),
    ],
    compile_collect,
    "pie",
    shape="question",
    summarise=lambda authored: authored.get("prompt"),
    list_facts=list_collect_facts,
    has_defaults=True,
    actions={"": "runMenu"},
    identifying_options=frozenset({"into"}),
)
