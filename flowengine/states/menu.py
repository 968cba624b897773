"""menu: offer choices by key or by voice."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from flowengine.sinch import Pie
from flowengine.source import KeyPath
from flowengine.states.builder import StateBuilder
from flowengine.states.field_types import SPECIAL_TARGETS, Attempts, Duration, StateName
from flowengine.states.prompt import CompiledPrompt, Prompt, join_prompts
from flowengine.states.question import (
    AuthoredRetryPrompts,
    Question,
    add_otherwise_exit,
    compile_question,
    compile_retry_prompts,
    get_timeout_millis,
    get_voice_millis,
)
from flowengine.states.spoken_input import fold_words, read_digits
from flowengine.states.state_results import ActionToSend, AnswerCallback, Exit, StateResult
from flowengine.states.step_context import StepContext
from flowengine.svaml import Menu as WireMenu
from flowengine.svaml import MenuOption as WireOption
from flowengine.svaml import RunMenu, encode_fragment

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
DtmfKey = Annotated[
    str, Meta(pattern=r"^[0-9*#]$", extra_json_schema={"x-hint": "a key is one of 0-9 * #"})
]


class Submenu(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A menu inside a menu; the platform plays it without asking the server in between."""

    prompt: Annotated[
        Prompt,
        Meta(
            description="What the caller hears in this inner menu.", examples=["For sales press 1."]
        ),
    ]
    options: Annotated[
        dict[DtmfKey, "StateName | AuthoredOption"],
        Meta(description="What each key does.", examples=[{"1": "sales"}], min_length=1),
    ]


class AuthoredOption(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One choice: where it leads, or the inner menu it opens, and the words a caller may say
    instead.
    """

    next: (
        Annotated[
            StateName,
            Meta(
                description="The state to go to; `repeat` asks again, `back` returns to the "
                "question before.",
                examples=["bill"],
            ),
        ]
        | UnsetType
    ) = UNSET
    menu: (
        Annotated[
            Submenu,
            Meta(
                description="An inner menu that this key opens.",
                examples=[{"prompt": "Press 1.", "options": {"1": "sales"}}],
            ),
        ]
        | UnsetType
    ) = UNSET
    hear: Annotated[
        list[str],
        Meta(
            description="Words that choose this option by voice; turns voice input on.",
            examples=[["bill", "invoice"]],
        ),
    ] = []


class AuthoredMenu(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Offer choices and wait for a key or a word."""

    prompt: Annotated[
        Prompt,
        Meta(description="What the caller hears first.", examples=["For your bill press 1."]),
    ]
    options: Annotated[
        dict[DtmfKey, StateName | AuthoredOption],
        Meta(
            description="What each key does: a state, or a long form.",
            examples=[{"1": "bill", "0": {"next": "agent"}}],
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
    timeout: (
        Annotated[Duration, Meta(description="How long to wait for a key.", examples=["5s"])]
        | UnsetType
    ) = UNSET
    voice_timeout: Annotated[
        Duration, Meta(description="How long a caller may speak.", examples=["20s"])
    ] = "20s"
    repeats: Annotated[
        int,
        Meta(
            description="How often the platform itself repeats the prompt before it reports "
            "silence.",
            examples=[0],
            ge=0,
            le=9,
        ),
    ] = 0
    barge: Annotated[
        bool, Meta(description="Whether a key may interrupt the prompt.", examples=[True])
    ] = True


@dataclass(frozen=True, slots=True)
class CompiledSubmenu:
    """A compiled inner menu, known on the wire by its id; `value` are the keys that lead to it."""

    id: str
    value: str
    prompt: CompiledPrompt | None
    options: tuple[WireOption, ...]


@dataclass(frozen=True, slots=True)
class CompiledMenu:
    """A menu at work. `choices` maps what the platform returns to exits; `spoken_words` maps spoken words
    to choices.
    """

    question: Question
    options: tuple[WireOption, ...]
    submenus: tuple[CompiledSubmenu, ...]
    choices: Mapping[str, str]
    spoken_words: Mapping[str, str]
    repeats: int
    timeout: int
    voice_timeout: int
    constant: bool
    actions = frozenset({"runMenu"})
    waits = True
    encoded_actions: dict[tuple[str, str], ActionToSend] = field(
        default_factory=dict, compare=False, repr=False
    )

    def enter(self, run: StepContext) -> StateResult:
        run.attempts = 1
        return AnswerCallback(self.ask_question(run, join_prompts([self.question.first], run)))

    def resume(self, run: StepContext) -> StateResult:
        event = run.event
        if type(event) is not Pie:
            return self.enter(run)
        value = event.value.strip()
        value = value if value in self.choices else self.match_speech(event, run.locale)
        if value in self.choices:
            leads = self.choices[value]
            return Exit(leads, own_question=leads == "back" and "." in value)
        for menu in self.submenus:
            if menu.value == value:
                return AnswerCallback(self.open_submenu(run, menu))
        settled = self.question.handle_unanswered(run, event, "otherwise", self.ask_question)
        return settled or self.question.retry_question(
            run, "no match", self.question.no_match, "otherwise", self.ask_question
        )

    def match_speech(self, event: Pie, locale: str) -> str:
        """The option whose word or key the caller said, by its keys; the longest word wins."""
        if event.input_method != "voice":
            return ""
        said = f" {fold_words(event.value)} "
        words = sorted((word for word in self.spoken_words if f" {word} " in said), key=len)
        return self.spoken_words[words[-1]] if words else read_digits(event.value, locale)

    def open_submenu(self, run: StepContext, menu: CompiledSubmenu) -> RunMenu:
        """The question again, begun with an inner menu: keys lead there on the platform itself,
        words do not.
        """
        begun = self.build_menu("main", join_prompts([menu.prompt], run), menu.options)
        return self.question.build_run_menu([begun, *self.build_submenus(run)], run, menu.prompt)

    def ask_question(self, run: StepContext, prompt: str) -> ActionToSend:
        if not self.constant:
            return self.build_action(run, prompt)
        known = self.encoded_actions.get((run.locale, prompt))
        if known is None:
            known = self.encoded_actions[run.locale, prompt] = encode_fragment(
                self.build_action(run, prompt)
            )
        return known

    def build_action(self, run: StepContext, prompt: str) -> RunMenu:
        return self.question.build_run_menu(
            [self.build_menu("main", prompt, self.options), *self.build_submenus(run)],
            run,
            self.question.first,
        )

    def build_submenus(self, run: StepContext) -> list[WireMenu]:
        return [
            self.build_menu(menu.id, join_prompts([menu.prompt], run), menu.options)
            for menu in self.submenus
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


@dataclass(slots=True)
class MenuOptionsCompiler:
    """Options being gathered from a menu and the menus inside it."""

    builder: StateBuilder
    choices: dict[str, str] = field(default_factory=dict)
    spoken_words: dict[str, str] = field(default_factory=dict)
    submenus: list[CompiledSubmenu] = field(default_factory=list)

    def compile_options(
        self, path: KeyPath, authored: Mapping[str, str | AuthoredOption], prefix: str = ""
    ) -> tuple[WireOption, ...]:
        return tuple(
            self.compile_option((*path, key), prefix + key, key, choice)
            for key, choice in authored.items()
        )

    def compile_option(
        self, path: KeyPath, value: str, key: str, authored: str | AuthoredOption
    ) -> WireOption:
        option = AuthoredOption(next=authored) if isinstance(authored, str) else authored
        if (option.next is UNSET) == (option.menu is UNSET):
            self.builder.add_problem(
                "FE207",
                path,
                f"key {key} leads nowhere in particular",
                "give it exactly one of next: and menu:",
            )
        for index, word in enumerate(option.hear):
            self.add_spoken_word((*path, "hear", index), word, value)
        if isinstance(option.menu, Submenu):
            return WireOption(
                dtmf=key,
                action=f"menu({self.compile_submenu((*path, 'menu'), value, option.menu)})",
            )
        self.add_choice(path, value, option)
        return WireOption(dtmf=key, action=f"return({value})")

    def add_choice(self, path: KeyPath, value: str, option: AuthoredOption) -> None:
        if option.next in SPECIAL_TARGETS:
            self.choices[value] = str(option.next)
        else:
            self.choices[value] = self.builder.add_exit(
                f"key {value}", option.next, (*path, "next"), "pie"
            )

    def add_spoken_word(self, path: KeyPath, word: str, value: str) -> None:
        other = self.spoken_words.setdefault(fold_words(word), value)
        if other != value:
            self.builder.add_problem(
                "FE223",
                path,
                f"{word!r} already chooses {other}",
                "give each option words of its own",
            )

    def compile_submenu(self, path: KeyPath, value: str, menu: Submenu) -> str:
        name = f"{self.builder.context.flow}.{self.builder.state}.{value}"
        options = self.compile_options(
            (*path, "options"), merge_global_options(self.builder, menu.options), prefix=f"{value}."
        )
        self.submenus.append(
            CompiledSubmenu(
                name,
                value,
                self.builder.compile_embedded_prompt((*path, "prompt"), menu.prompt, late=True),
                options,
            )
        )
        return name


def merge_global_options(
    builder: StateBuilder, authored: Mapping[str, str | AuthoredOption]
) -> dict[str, str | AuthoredOption]:
    """The menu's own options and, after them, the keys that work everywhere."""
    return {
        **authored,
        **{
            key: target
            for key, target in builder.context.global_keys.items()
            if key not in authored
        },
    }


def compile_menu(builder: StateBuilder, path: KeyPath, menu: AuthoredMenu) -> CompiledMenu:
    gathered = MenuOptionsCompiler(builder)
    options = gathered.compile_options(
        (*path, "options"), merge_global_options(builder, menu.options)
    )
    add_otherwise_exit(builder, path, menu.otherwise)
    no_match = compile_retry_prompts(builder, (*path, "no_match"), menu.no_match, "no_match")
    asked = compile_question(
        builder, path, menu, heard=bool(gathered.spoken_words), no_match=no_match
    )
    return CompiledMenu(
        question=asked,
        options=options,
        submenus=tuple(gathered.submenus),
        choices=gathered.choices,
        spoken_words=gathered.spoken_words,
        repeats=menu.repeats,
        timeout=get_timeout_millis(builder, (*path, "timeout"), menu.timeout),
        voice_timeout=get_voice_millis(builder, (*path, "voice_timeout"), menu.voice_timeout),
        constant=all(
            plan is None or plan.constant for plan in (inner.prompt for inner in gathered.submenus)
        ),
    )
