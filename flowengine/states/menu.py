"""menu: offer choices by key or by voice."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from flowengine.sinch import Pie
from flowengine.source import Path
from flowengine.states.asking import (
    Question,
    Words,
    otherwise,
    question,
    timeout_millis,
    voice_millis,
    wording,
)
from flowengine.states.builder import Builder
from flowengine.states.fields import SPECIAL, Attempts, Duration, StateName
from flowengine.states.move import Answer, Exit, Move, Sent
from flowengine.states.prompt import Plan, Prompt, worded
from flowengine.states.run import Run
from flowengine.states.spoken_input import fold_words, read_digits
from flowengine.svaml import Menu as WireMenu
from flowengine.svaml import Option as WireOption
from flowengine.svaml import RunMenu, fragment

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
Key = Annotated[
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
        dict[Key, "StateName | Option"],
        Meta(description="What each key does.", examples=[{"1": "sales"}], min_length=1),
    ]


class Option(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
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


class Menu(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Offer choices and wait for a key or a word."""

    prompt: Annotated[
        Prompt,
        Meta(description="What the caller hears first.", examples=["For your bill press 1."]),
    ]
    options: Annotated[
        dict[Key, StateName | Option],
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
        Annotated[Words, Meta(description="Said before asking again after silence.")] | UnsetType
    ) = UNSET
    no_match: (
        Annotated[
            Words, Meta(description="Said before asking again after a key that is no choice.")
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
class Inner:
    """A compiled inner menu, known on the wire by its id; `value` are the keys that lead to it."""

    id: str
    value: str
    prompt: Plan | None
    options: tuple[WireOption, ...]


@dataclass(frozen=True, slots=True)
class CompiledMenu:
    """A menu at work. `choices` maps what the platform returns to exits; `heard` maps spoken words
    to choices.
    """

    question: Question
    options: tuple[WireOption, ...]
    inner: tuple[Inner, ...]
    choices: Mapping[str, str]
    heard: Mapping[str, str]
    repeats: int
    timeout: int
    voice_timeout: int
    constant: bool
    actions = frozenset({"runMenu"})
    waits = True
    known: dict[tuple[str, str], Sent] = field(default_factory=dict, compare=False, repr=False)

    def enter(self, run: Run) -> Move:
        run.attempts = 1
        return Answer(self.ask(run, worded([self.question.first], run)))

    def resume(self, run: Run) -> Move:
        event = run.event
        if type(event) is not Pie:
            return self.enter(run)
        value = event.value.strip()
        value = value if value in self.choices else self.spoken(event, run.locale)
        if value in self.choices:
            leads = self.choices[value]
            return Exit(leads, own_question=leads == "back" and "." in value)
        for menu in self.inner:
            if menu.value == value:
                return Answer(self.opened(run, menu))
        settled = self.question.unanswered(run, event, "otherwise", self.ask)
        return settled or self.question.retry(
            run, "no match", self.question.no_match, "otherwise", self.ask
        )

    def spoken(self, event: Pie, locale: str) -> str:
        """The option whose word or key the caller said, by its keys; the longest word wins."""
        if event.input_method != "voice":
            return ""
        said = f" {fold_words(event.value)} "
        words = sorted((word for word in self.heard if f" {word} " in said), key=len)
        return self.heard[words[-1]] if words else read_digits(event.value, locale)

    def opened(self, run: Run, menu: Inner) -> RunMenu:
        """The question again, begun with an inner menu: keys lead there on the platform itself,
        words do not.
        """
        begun = self.wire("main", worded([menu.prompt], run), menu.options)
        return self.question.run_menu([begun, *self.inside(run)], run, menu.prompt)

    def ask(self, run: Run, prompt: str) -> Sent:
        if not self.constant:
            return self.action(run, prompt)
        known = self.known.get((run.locale, prompt))
        if known is None:
            known = self.known[run.locale, prompt] = fragment(self.action(run, prompt))
        return known

    def action(self, run: Run, prompt: str) -> RunMenu:
        return self.question.run_menu(
            [self.wire("main", prompt, self.options), *self.inside(run)], run, self.question.first
        )

    def inside(self, run: Run) -> list[WireMenu]:
        return [self.wire(menu.id, worded([menu.prompt], run), menu.options) for menu in self.inner]

    def wire(self, menu_id: str, prompt: str, options: tuple[WireOption, ...]) -> WireMenu:
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
class Choices:
    """Options being gathered from a menu and the menus inside it."""

    builder: Builder
    choices: dict[str, str] = field(default_factory=dict)
    heard: dict[str, str] = field(default_factory=dict)
    inner: list[Inner] = field(default_factory=list)

    def options(
        self, path: Path, authored: Mapping[str, str | Option], prefix: str = ""
    ) -> tuple[WireOption, ...]:
        return tuple(
            self.option((*path, key), prefix + key, key, choice) for key, choice in authored.items()
        )

    def option(self, path: Path, value: str, key: str, authored: str | Option) -> WireOption:
        option = Option(next=authored) if isinstance(authored, str) else authored
        if (option.next is UNSET) == (option.menu is UNSET):
            self.builder.problem(
                "FE207",
                path,
                f"key {key} leads nowhere in particular",
                "give it exactly one of next: and menu:",
            )
        for index, word in enumerate(option.hear):
            self.hear((*path, "hear", index), word, value)
        if isinstance(option.menu, Submenu):
            return WireOption(
                dtmf=key, action=f"menu({self.submenu((*path, 'menu'), value, option.menu)})"
            )
        self.choose(path, value, option)
        return WireOption(dtmf=key, action=f"return({value})")

    def choose(self, path: Path, value: str, option: Option) -> None:
        if option.next in SPECIAL:
            self.choices[value] = str(option.next)
        else:
            self.choices[value] = self.builder.exit(
                f"key {value}", option.next, (*path, "next"), "pie"
            )

    def hear(self, path: Path, word: str, value: str) -> None:
        other = self.heard.setdefault(fold_words(word), value)
        if other != value:
            self.builder.problem(
                "FE223",
                path,
                f"{word!r} already chooses {other}",
                "give each option words of its own",
            )

    def submenu(self, path: Path, value: str, menu: Submenu) -> str:
        name = f"{self.builder.around.flow}.{self.builder.state}.{value}"
        options = self.options(
            (*path, "options"), global_options(self.builder, menu.options), prefix=f"{value}."
        )
        self.inner.append(
            Inner(
                name, value, self.builder.listed((*path, "prompt"), menu.prompt, late=True), options
            )
        )
        return name


def global_options(
    builder: Builder, authored: Mapping[str, str | Option]
) -> dict[str, str | Option]:
    """The menu's own options and, after them, the keys that work everywhere."""
    return {
        **authored,
        **{
            key: target for key, target in builder.around.global_keys.items() if key not in authored
        },
    }


def compile_menu(builder: Builder, path: Path, menu: Menu) -> CompiledMenu:
    gathered = Choices(builder)
    options = gathered.options((*path, "options"), global_options(builder, menu.options))
    otherwise(builder, path, menu.otherwise)
    no_match = wording(builder, (*path, "no_match"), menu.no_match, "no_match")
    asked = question(builder, path, menu, heard=bool(gathered.heard), no_match=no_match)
    return CompiledMenu(
        question=asked,
        options=options,
        inner=tuple(gathered.inner),
        choices=gathered.choices,
        heard=gathered.heard,
        repeats=menu.repeats,
        timeout=timeout_millis(builder, (*path, "timeout"), menu.timeout),
        voice_timeout=voice_millis(builder, (*path, "voice_timeout"), menu.voice_timeout),
        constant=all(
            plan is None or plan.constant for plan in (inner.prompt for inner in gathered.inner)
        ),
    )
