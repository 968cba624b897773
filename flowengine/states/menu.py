"""menu: offer choices by key or by voice."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType
from msgspec.structs import replace

from flowengine.expr import Expression
from flowengine.sinch import Pie
from flowengine.source import KeyPath
from flowengine.states.builder import StateBuilder
from flowengine.states.field_types import Attempts, Duration, OptionKeys, StateName
from flowengine.states.menu_options import (
    AuthoredOption,
    CompiledSubmenu,
    MenuOptionsCompiler,
    NumberMenu,
    list_option_facts,
    list_option_keys,
    merge_global_options,
)
from flowengine.states.option_conditions import (
    HIDDEN_FACT,
    add_empty_menus,
    find_unmet_actions,
    is_hidden,
    recall_hidden,
    remember_hidden,
)
from flowengine.states.prompt import Prompt, join_prompts
from flowengine.states.question import (
    AuthoredRetryPrompts,
    BargeIn,
    PlatformRepeats,
    Question,
    SilentTarget,
    VoiceTimeout,
    add_otherwise_exit,
    compile_question,
    compile_retry_prompts,
    get_timeout_millis,
    get_voice_millis,
    list_silent_facts,
)
from flowengine.states.spoken_input import fold_words, read_digits
from flowengine.states.state_kind import StateKind
from flowengine.states.state_results import ActionToSend, AnswerCallback, Exit, StateResult
from flowengine.states.step_context import StepContext
from flowengine.states.verb import NoEffect, PromptSequence, Verb, filter_prompts
from flowengine.svaml import Menu as WireMenu
from flowengine.svaml import MenuOption as WireOption
from flowengine.svaml import RunMenu, encode_fragment

DTMF_KEYS = "9876543210#*"  # of a telephone; the first that is free is tried as a wrong one
EXAMPLE = """
main:
  menu:
    prompt: For your bill press 1. For an agent press 0.
    options:
      1: {next: bill, hear: [bill, invoice]}
      0: agent
    attempts: 3
    no_input: Sorry, I did not hear you.
    no_match: That is not one of the choices.
    otherwise: agent
"""


class AuthoredMenu(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Offer choices and wait for a key or a word."""

    prompt: Annotated[
        Prompt,
        Meta(description="What the caller hears first.", examples=["For your bill press 1."]),
    ]
    options: Annotated[
        dict[OptionKeys, StateName | AuthoredOption],
        Meta(
            description="What each key, or each row of keys, does: a state, or a long form.",
            examples=[{"1": "bill", "0": {"next": "agent"}, "101": "sales"}],
            min_length=1,
        ),
    ]
    again: (
        Annotated[
            Prompt,
            Meta(
                description="What is asked from the second attempt on, instead of `prompt`.",
                examples=["Press 1 or 0."],
            ),
        ]
        | UnsetType
    ) = UNSET
    attempts: (
        Annotated[
            Attempts, Meta(description="How often the question is asked at most.", examples=[3])
        ]
        | UnsetType
    ) = UNSET
    no_input: (
        Annotated[AuthoredRetryPrompts, Meta(description="Said before asking again after silence.")]
        | UnsetType
    ) = UNSET
    no_match: (
        Annotated[
            AuthoredRetryPrompts,
            Meta(description="Said before asking again after a key that is no choice."),
        ]
        | UnsetType
    ) = UNSET
    otherwise: (
        Annotated[
            StateName,
            Meta(description="Where the call goes when attempts run out.", examples=["agent"]),
        ]
        | UnsetType
    ) = UNSET
    silent: SilentTarget | UnsetType = UNSET
    timeout: (
        Annotated[Duration, Meta(description="How long to wait for a key.", examples=["5s"])]
        | UnsetType
    ) = UNSET
    digit_timeout: Annotated[
        Duration,
        Meta(
            description="How long to wait for the next key of an option with several.",
            examples=["2s"],
        ),
    ] = "3s"
    voice_timeout: VoiceTimeout = "20s"
    repeats: PlatformRepeats = 0
    barge: BargeIn = True


@dataclass(frozen=True, slots=True)
class CompiledMenu(Verb):
    """Asks with a menu. `choices` maps what the platform returns to exits; `spoken_words` maps
    spoken words to choices; an action that has one of the `conditions` is offered while that holds.
    """

    question: Question
    options: tuple[WireOption, ...]
    submenus: tuple[CompiledSubmenu, ...]
    number_menus: tuple[NumberMenu, ...]
    choices: Mapping[str, str]
    spoken_words: Mapping[str, str]
    repeats: int
    timeout: int
    conditions: Mapping[str, Expression]
    digit_timeout: int
    voice_timeout: int
    constant: bool
    actions = frozenset({"runMenu"})
    waits = True
    is_question = True
    encoded_actions: dict[tuple[str, str], ActionToSend] = field(
        default_factory=dict, compare=False, repr=False
    )

    def enter(self, run: StepContext) -> StateResult:
        run.attempts = 1
        return AnswerCallback(self.ask_question(run, join_prompts([self.question.first], run)))

    def resume(self, run: StepContext) -> StateResult:
        event = run.event
        # an ACE or the like found the call here: the question is still open
        if type(event) is not Pie:
            return self.enter(run)
        begun = self.find_begun_number(event)
        value = begun.chosen if begun else event.value.strip()
        value = value if value in self.choices else self.match_speech(event, run.locale)
        if self.may_answer_late and (begun or event.input_method == "voice"):
            hidden = recall_hidden(self.conditions, run)
            value = "" if is_hidden(value, hidden, self.submenus) else value
        if value in self.choices:
            leads = self.choices[value]
            # a dot means that the key was pressed in an inner menu: `back` leads to the outer one
            return Exit(leads, own_question=leads == "back" and "." in value)
        for menu in self.submenus:
            if menu.value == value:
                return AnswerCallback(self.open_submenu(run, menu))
        settled = None
        if begun is None:
            settled = self.question.handle_unanswered(run, event, "otherwise", self.ask_question)
        return settled or self.question.retry_question(
            run, "no match", self.question.no_match, "otherwise", self.ask_question
        )

    def find_begun_number(self, event: Pie) -> NumberMenu | None:
        """The menu in which a caller has pressed the first keys of an option, and then no more."""
        if event.type != "timeout":
            return None
        return next((menu for menu in self.number_menus if menu.id == event.menu_id), None)

    @property
    def key_targets(self) -> Mapping[str, str]:
        return self.choices

    def list_prompts(self) -> PromptSequence:
        return (
            *self.question.list_prompts(),
            *filter_prompts(*(menu.prompt for menu in self.submenus)),
        )

    def list_answers(self) -> list[PromptSequence]:
        """As for every question; a runMenu holds the inner menus, too, and the prompt once more
        where it is repeated.
        """
        repeated = filter_prompts(self.question.first) if self.repeats else ()
        inner = filter_prompts(*(menu.prompt for menu in self.submenus))
        asked = self.question.list_answers(self.question.no_input, self.question.no_match)
        return [(*said, *repeated, *inner) for said in asked]

    def list_menu_ids(self) -> Iterator[str]:
        yield from self.question.list_menu_ids()
        yield from (menu.id for menu in self.submenus)
        yield from (menu.id for menu in self.number_menus)

    def list_repeat_reasons(self) -> list[str]:
        if self.question.attempts < 2:
            return []
        inner = [menu.options for menu in self.submenus]
        menus = [self.options, *inner, *(menu.options for menu in self.number_menus)]
        has_free_key = any({*DTMF_KEYS} - {option.dtmf for option in options} for options in menus)
        can_mismatch = has_free_key or bool(self.spoken_words)
        return ["no input", *["no match"] * can_mismatch]

    def list_sample_keys(self, _words: Iterable[str], _attempts: int) -> Iterator[str]:
        """Each choice, and a key that is none."""
        ended = {menu.chosen for menu in self.number_menus}  # by #, as other choices begin alike
        for value in self.choices:
            yield value.replace(".", "") + ("#" if value in ended else "")
        taken = {option.dtmf for option in self.options}
        yield from [key for key in DTMF_KEYS if key not in taken][:1]

    def find_no_effects(self, authored: Any, _deadline: float) -> Iterator[NoEffect]:
        yield from self.question.find_no_effects(authored, "add `hear:` to an option")
        if "digit_timeout" in authored and not self.number_menus:
            yield NoEffect(
                ("digit_timeout",), "no option has several keys", "remove it, or use `timeout:`"
            )

    def match_speech(self, event: Pie, locale: str) -> str:
        """The option whose word or key the caller said, by its keys; the longest word wins."""
        if event.input_method != "voice":
            return ""
        said = f" {fold_words(event.value)} "
        # blanks around it, so that "bill" is not found in "billing"
        words = sorted((word for word in self.spoken_words if f" {word} " in said), key=len)
        return self.spoken_words[words[-1]] if words else read_digits(event.value, locale)

    @property
    def may_answer_late(self) -> bool:
        """Whether an answer may name what was not offered: words may, and so may the first keys of an
        option when no more come. Other keys come from what was offered.
        """
        return bool(self.conditions) and bool(self.spoken_words or self.number_menus)

    def offer_options(self, run: StepContext, menus: list[WireMenu]) -> list[WireMenu]:
        """The menus without the options whose conditions do not hold."""
        unmet = find_unmet_actions(self.conditions, run)
        if self.may_answer_late:
            remember_hidden(self.conditions, unmet, run)
        hidden = add_empty_menus(unmet, self.number_menus)
        offered = (
            replace(menu, options=tuple(one for one in menu.options if one.action not in hidden))
            for menu in menus
        )
        return [menu for menu in offered if menu.options]

    def open_submenu(self, run: StepContext, menu: CompiledSubmenu) -> RunMenu:
        """Ask again, beginning with an inner menu: the platform opens it by itself for a key, but
        not for a word.
        """
        # as the first menu, with which the platform begins
        begun = self.build_menu("main", join_prompts([menu.prompt], run), menu.options)
        menus = self.offer_options(run, [begun, *self.build_submenus(run)])
        return self.question.build_run_menu(menus, run, menu.prompt)

    def ask_question(self, run: StepContext, prompt: str) -> ActionToSend:
        if not self.constant:
            return self.build_action(run, prompt)
        # the prompt is part of the key, as it differs from attempt to attempt
        known = self.encoded_actions.get((run.locale, prompt))
        if known is None:
            known = self.encoded_actions[run.locale, prompt] = encode_fragment(
                self.build_action(run, prompt)
            )
        return known

    def build_action(self, run: StepContext, prompt: str) -> RunMenu:
        menus = [self.build_menu("main", prompt, self.options), *self.build_submenus(run)]
        return self.question.build_run_menu(
            self.offer_options(run, menus) if self.conditions else menus, run, self.question.first
        )

    def build_submenus(self, run: StepContext) -> list[WireMenu]:
        return [
            self.build_menu(menu.id, join_prompts([menu.prompt], run), menu.options)
            for menu in self.submenus
        ] + [
            WireMenu(id=menu.id, repeats=0, timeout_mills=self.digit_timeout, options=menu.options)
            for menu in self.number_menus
        ]

    def build_menu(self, menu_id: str, prompt: str, options: tuple[WireOption, ...]) -> WireMenu:
        return WireMenu(
            id=menu_id,
            main_prompt=prompt,
            repeat_prompt=prompt if self.repeats else "",
            repeats=self.repeats,
            timeout_mills=self.timeout,
            max_timeout_mills=self.voice_timeout,
            options=options,
        )


def compile_menu(builder: StateBuilder, path: KeyPath, menu: AuthoredMenu) -> CompiledMenu:
    digit_timeout = get_timeout_millis(builder, (*path, "digit_timeout"), menu.digit_timeout)
    gathered = MenuOptionsCompiler(builder, digit_timeout)
    options = gathered.compile_options(
        (*path, "options"), merge_global_options(builder, menu.options)
    )
    add_otherwise_exit(builder, path, menu.otherwise)
    no_match = compile_retry_prompts(builder, (*path, "no_match"), menu.no_match, "no_match")
    asked = compile_question(
        builder,
        path,
        menu,
        accepts_voice=bool(gathered.spoken_words),
        no_match=no_match,
        silent=menu.silent,
    )
    compiled = CompiledMenu(
        question=asked,
        options=options,
        submenus=tuple(gathered.submenus),
        number_menus=tuple(gathered.number_menus),
        choices=gathered.choices,
        spoken_words=gathered.spoken_words,
        repeats=menu.repeats,
        timeout=get_timeout_millis(builder, (*path, "timeout"), menu.timeout),
        conditions=gathered.conditions,
        digit_timeout=digit_timeout,
        voice_timeout=get_voice_millis(builder, (*path, "voice_timeout"), menu.voice_timeout),
        constant=not gathered.conditions
        and all(
            plan is None or plan.constant for plan in (inner.prompt for inner in gathered.submenus)
        ),
    )
    if compiled.may_answer_late:  # the answer counts as the options were offered (decision 0151)
        builder.late_reads.add(HIDDEN_FACT)
        builder.writes.add(HIDDEN_FACT)
    return compiled


MENU_KIND = StateKind(
    "menu",
    "Offer choices by key or by voice",
    EXAMPLE,
    Annotated[
        AuthoredMenu,
        Meta(
            title="menu",
            description="Offer choices by key or by voice.",
            examples=[
                {
                    "prompt": "For your bill press 1.",
                    "options": {"1": "bill"},
                    "otherwise": "agents",
                }
            ],
        ),
    ],
    compile_menu,
    "none",
    shape="question",
    summarise=lambda authored: authored.get("prompt"),
    list_keys=lambda authored: list_option_keys(authored["options"]),
    list_facts=lambda authored: (
        *list_silent_facts(authored.silent),
        *list_option_facts(authored.options),
    ),
    has_defaults=True,
    actions={"": "runMenu"},
    data_keys=frozenset({"hear"}),
)
