"""The common part of menu and collect: prompts for silence and wrong keys by attempt, attempts, and
the runMenu action.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Annotated, Any, Protocol

import msgspec
from msgspec import UNSET, Meta, UnsetType
from msgspec.structs import replace

from flowengine.limits import MAX_MENU_TIMEOUT_MILLIS, MAX_VOICE_MILLIS, MIN_MENU_TIMEOUT_MILLIS
from flowengine.sinch import Pie
from flowengine.source import KeyPath
from flowengine.states.builder import StateBuilder
from flowengine.states.field_types import Duration, StateName
from flowengine.states.prompt import CompiledPrompt, Prompt, PromptSpec, join_prompts
from flowengine.states.state_kind import AuthoredFact
from flowengine.states.state_results import (
    ActionToSend,
    AnswerCallback,
    Exit,
    StateFailure,
    StateResult,
)
from flowengine.states.step_context import StepContext
from flowengine.states.verb import NoEffect, PromptSequence, filter_prompts
from flowengine.svaml import Hangup, Menu, RunMenu, format_voice


class PromptByAttempt(PromptSpec, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A prompt in its long form, or `each:` with one prompt per attempt."""

    each: (
        Annotated[
            list[Prompt],
            Meta(
                description="The words for the first time, the second time, …; the last repeat.",
                examples=[["Sorry?", "Pardon?"]],
                min_length=1,
            ),
        ]
        | UnsetType
    ) = UNSET


VoiceTimeout = Annotated[
    Duration, Meta(description="How long a caller may speak.", examples=["20s"])
]
PlatformRepeats = Annotated[
    int,
    Meta(
        description="How often the platform itself repeats the prompt before it reports silence.",
        examples=[0],
        ge=0,
        le=9,
    ),
]
BargeIn = Annotated[
    bool, Meta(description="Whether a key may interrupt the prompt.", examples=[True])
]
SilentTarget = Annotated[
    StateName,
    Meta(
        description="Where the call goes when attempts run out and the caller was silent the last "
        "time; without it, to `otherwise`.",
        examples=["goodbye"],
    ),
]
AuthoredRetryPrompts = Annotated[
    str | list[str | PromptSpec] | PromptByAttempt,
    Meta(
        title="Words",
        description="A prompt, or `each:` with one prompt per attempt.",
        examples=["Sorry?", {"each": ["Sorry?", "Pardon?"]}],
    ),
]
RETRY_PROMPT_KEYS = ("again", "no_input", "no_match", "invalid")
AskFunction = Callable[[StepContext, str], ActionToSend]


class AuthoredQuestion(Protocol):
    """The authored part that menu and collect have in common."""

    @property
    def prompt(self) -> Prompt: ...
    @property
    def again(self) -> Prompt | UnsetType: ...
    @property
    def no_input(self) -> AuthoredRetryPrompts | UnsetType: ...
    @property
    def attempts(self) -> int | UnsetType: ...
    @property
    def barge(self) -> bool: ...


class RetryPrompts(msgspec.Struct, frozen=True):
    """Compiled prompts by attempt."""

    prompts: tuple[CompiledPrompt | None, ...]

    def get_prompt(self, attempt: int) -> CompiledPrompt | None:
        # the last prompt serves all further attempts
        return self.prompts[min(attempt, len(self.prompts)) - 1] if self.prompts else None


class Question(msgspec.Struct, frozen=True):
    """A compiled question: what is asked at first and again, and what is said in between. Where
    silence has an exit of its own, `silent_exit` is its name.
    """

    menu_id: str
    first: CompiledPrompt | None
    again: CompiledPrompt | None
    no_input: RetryPrompts
    no_match: RetryPrompts
    attempts: int
    barge: bool
    has_named_menus: bool
    accepts_voice: bool
    voice: str
    silent_exit: str = ""

    def build_run_menu(
        self, menus: list[Menu], run: StepContext, prompt: CompiledPrompt | None
    ) -> RunMenu:
        """The runMenu action of this question."""
        locale = prompt.choose_locale(run.locale) if prompt else run.locale
        return self.build_run_menu_in_locale(menus, locale)

    def build_run_menu_in_locale(self, menus: list[Menu], locale: str) -> RunMenu:
        """The runMenu action in a locale. The platform requires a menu `main`; a copy of it, whose
        id names the flow and the state, comes back in the PIE and leads to the state where all else
        is lost (docs/decisions/0004).
        """
        if self.has_named_menus:
            # sources differ on whether `main` or `mainMenu` is played first (platform notes, 1.2):
            # both are the same menu
            menus = [menus[0], replace(menus[0], id=self.menu_id), *menus[1:]]
        main = self.menu_id if self.has_named_menus else "main"
        return RunMenu(
            menus=tuple(menus),
            main_menu=main,
            barge=self.barge,
            enable_voice=self.accepts_voice,
            locale=self.get_voice(locale),
        )

    def get_voice(self, locale: str) -> str:
        """The voice to speak in. With voice input it must be the plain locale, in which the
        platform listens, too.
        """
        return locale if self.accepts_voice else format_voice(locale, self.voice)

    def list_prompts(self) -> PromptSequence:
        """Everything that it may say."""
        return filter_prompts(
            self.first, self.again, *self.no_input.prompts, *self.no_match.prompts
        )

    def list_answers(self, *wordings: RetryPrompts) -> list[PromptSequence]:
        """What it says when it is asked first, and after each of these prompts."""
        retries = [
            filter_prompts(words, self.again or self.first)
            for wording in wordings
            for words in wording.prompts
        ]
        return [filter_prompts(self.first), *retries]

    def list_menu_ids(self) -> Iterator[str]:
        if self.has_named_menus:
            yield self.menu_id

    def find_no_effects(self, authored: Mapping[str, Any], voice_cure: str) -> Iterator[NoEffect]:
        """Options that no caller meets; `voice_cure` tells how to let callers speak."""
        if "voice_timeout" in authored and not self.accepts_voice:
            yield NoEffect(
                ("voice_timeout",),
                "nobody can speak here, so nothing is waited for",
                f"{voice_cure}, or remove it",
            )
        if "silent" in authored and authored["silent"] == authored.get("otherwise"):
            yield NoEffect(("silent",), "`otherwise:` leads there, too", "remove it")
        for name in RETRY_PROMPT_KEYS if self.attempts == 1 else ():
            if name in authored:
                yield NoEffect(
                    (name,),
                    "the question is asked only once, so nobody hears this",
                    "allow more attempts, or remove it",
                )
        for name in RETRY_PROMPT_KEYS if self.attempts > 1 else ():
            words = authored.get(name)
            each = words.get("each") if isinstance(words, dict) else None
            if each and len(each) > self.attempts - 1:
                yield NoEffect(
                    (name, "each", self.attempts - 1),
                    f"after {self.attempts} attempts the call goes on, so nobody hears this",
                    "allow more attempts, or remove it",
                )

    def retry_question(
        self, run: StepContext, reason: str, words: RetryPrompts, exhausted: str, ask: AskFunction
    ) -> StateResult:
        """Ask again after these prompts, or leave when attempts are used up. `reason` goes to the
        trace.
        """
        # attempts are counted here, not by the platform's `repeats`, whose default no source
        # documents (docs/decisions/0005)
        if run.attempts >= self.attempts:
            return Exit(exhausted)
        run.notes.append(f"again: {reason}")
        said = words.get_prompt(run.attempts)
        run.attempts += 1
        return AnswerCallback(ask(run, join_prompts([said, self.again or self.first], run)))

    def handle_unanswered(
        self, run: StepContext, event: Pie, exhausted: str, ask: AskFunction
    ) -> StateResult | None:
        """Handle silence, a hang-up and an error, as every question does; None where there is an
        input.
        """
        # the caller has left, but the PIE still needs a valid answer
        if event.type == "hangup":
            return AnswerCallback(Hangup())
        if event.type == "error":
            return StateFailure("the platform reported an error in the menu")
        if event.type == "timeout":
            silent = self.silent_exit or exhausted
            return self.retry_question(run, "no input", self.no_input, silent, ask)
        if event.type == "invalidinput":
            return self.retry_question(run, "no match", self.no_match, exhausted, ask)
        return None


def compile_question(
    builder: StateBuilder,
    path: KeyPath,
    authored: AuthoredQuestion,
    *,
    accepts_voice: bool,
    no_match: RetryPrompts,
    silent: str | UnsetType = UNSET,
) -> Question:
    """The part that menu and collect have in common; a call takes exit `silent` where there is one."""
    has_silent_exit = silent is not UNSET
    if has_silent_exit:
        builder.add_exit("silent", silent, (*path, "silent"), "pie")
    return Question(
        menu_id=f"{builder.context.flow}.{builder.state}",
        first=builder.compile_embedded_prompt((*path, "prompt"), authored.prompt, late=True),
        again=builder.compile_embedded_prompt((*path, "again"), authored.again, late=True),
        no_input=compile_retry_prompts(builder, (*path, "no_input"), authored.no_input, "no_input"),
        no_match=no_match,
        attempts=get_attempts(builder, authored.attempts),
        barge=authored.barge,
        has_named_menus=builder.context.menu_ids == "named",
        accepts_voice=accepts_voice,
        voice=builder.context.voice,
        silent_exit="silent" if has_silent_exit else "",
    )


def compile_retry_prompts(
    builder: StateBuilder,
    path: KeyPath,
    words: Prompt | AuthoredRetryPrompts | UnsetType,
    fallback: str = "",
) -> RetryPrompts:
    """Compiled prompts; without its own a question uses the defaults of the flow or project."""
    if words is UNSET:
        words = builder.context.defaults.get(fallback, UNSET)
    if isinstance(words, PromptByAttempt) and words.each is not UNSET:
        each = [
            builder.compile_embedded_prompt((*path, "each", index), item, late=True)
            for index, item in enumerate(words.each)
        ]
        return RetryPrompts(tuple(each))
    plan = builder.compile_embedded_prompt(path, words, late=True)
    return RetryPrompts((plan,) if plan else ())


def list_silent_facts(silent: str | UnsetType) -> Iterator[AuthoredFact]:
    """Where silence leads, for the comparison of two versions."""
    if silent is not UNSET:
        yield AuthoredFact("target", "silent", silent, ("silent",))


def get_timeout_millis(builder: StateBuilder, path: KeyPath, authored: str | UnsetType) -> int:
    """The time-out of a question in milliseconds, within what the platform takes."""
    wait = authored if isinstance(authored, str) else builder.context.defaults.get("timeout", "5s")
    return builder.compile_millis(
        path,
        wait,
        MIN_MENU_TIMEOUT_MILLIS,
        MAX_MENU_TIMEOUT_MILLIS,
        "how long the platform waits for a key",
    )


def get_voice_millis(builder: StateBuilder, path: KeyPath, authored: str) -> int:
    return builder.compile_millis(
        path, authored, 1000, MAX_VOICE_MILLIS, "how long a caller may speak"
    )


def get_attempts(builder: StateBuilder, authored: int | UnsetType) -> int:
    return (
        authored if isinstance(authored, int) else int(builder.context.defaults.get("attempts", 3))
    )


def add_otherwise_exit(builder: StateBuilder, path: KeyPath, authored: str | UnsetType) -> str:
    """The exit taken when attempts are used up; the author or the defaults must name it."""
    target = (
        authored if isinstance(authored, str) else builder.context.defaults.get("otherwise", UNSET)
    )
    if target is UNSET and not builder.context.unread.has_name("defaults", "otherwise"):
        builder.add_problem(
            "FE206",
            path,
            "nothing says where the call goes when attempts run out",
            "add `otherwise: <state>` here, or under defaults:",
            at_key=True,
        )
    return builder.add_exit("otherwise", target, (*path, "otherwise"), "pie")
