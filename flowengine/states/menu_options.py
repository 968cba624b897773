"""The options of a menu and of the menus inside it."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType

from flowengine.expr import Expression
from flowengine.source import KeyPath
from flowengine.states.builder import StateBuilder, format_duration
from flowengine.states.field_types import SPECIAL_TARGETS, Condition, OptionKeys, StateName
from flowengine.states.prompt import CompiledPrompt, Prompt
from flowengine.states.spoken_input import fold_words
from flowengine.states.state_kind import AuthoredFact
from flowengine.svaml import MenuOption as WireOption

MAX_UNNOTICED_WAIT_MILLIS = 3000  # a caller who waits longer presses something else


class Submenu(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A menu inside a menu; the platform plays it without asking the server in between."""

    prompt: Annotated[
        Prompt,
        Meta(
            description="What the caller hears in this inner menu.", examples=["For sales press 1."]
        ),
    ]
    options: Annotated[
        dict[OptionKeys, "StateName | AuthoredOption"],
        Meta(
            description="What each key, or each row of keys, does.",
            examples=[{"1": "sales"}],
            min_length=1,
        ),
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
    when: (
        Annotated[
            Condition,
            Meta(
                description="What must hold for the choice to be offered; else its key is a wrong one.",
                examples=["hours.support.open"],
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


class CompiledSubmenu(msgspec.Struct, frozen=True):
    """A compiled inner menu, known on the wire by its id; `value` are the keys that lead to it."""

    id: str
    value: str
    prompt: CompiledPrompt | None
    options: tuple[WireOption, ...]


class NumberMenu(msgspec.Struct, frozen=True):
    """A menu that only waits for the next key of options with several keys, after those of `value`.
    `chosen` is the choice that these keys are by themselves, or "".
    """

    id: str
    value: str
    options: tuple[WireOption, ...]
    chosen: str


class MenuOptionsCompiler(msgspec.Struct):
    """Collects the options of a menu and of the menus inside it. `digit_timeout` is how long, in
    milliseconds, the platform waits for the next key of an option with several. `conditions` are
    those of actions that are not always offered, `written_conditions` the same as text by the keys.
    """

    builder: StateBuilder
    digit_timeout: int
    choices: dict[str, str] = msgspec.field(default_factory=dict)
    spoken_words: dict[str, str] = msgspec.field(default_factory=dict)
    submenus: list[CompiledSubmenu] = msgspec.field(default_factory=list)
    number_menus: list[NumberMenu] = msgspec.field(default_factory=list)
    conditions: dict[str, Expression] = msgspec.field(default_factory=dict)
    written_conditions: dict[str, str] = msgspec.field(default_factory=dict)

    def compile_options(
        self, path: KeyPath, authored: Mapping[str, str | AuthoredOption], prefix: str = ""
    ) -> tuple[WireOption, ...]:
        compiled = {
            key: self.compile_option((*path, key), prefix + key, key, choice)
            for key, choice in authored.items()
        }
        if compiled and all(option.action in self.conditions for option in compiled.values()):
            self.builder.add_problem(
                "FE459",
                path,
                "each option has a condition, so there may be none",
                "leave one option without `when:`, or lead such calls past the menu by a choose:",
                at_key=True,
            )
        return self.arrange_by_key(path, compiled, prefix)

    def arrange_by_key(
        self, path: KeyPath, compiled: Mapping[str, WireOption], prefix: str, pressed: str = ""
    ) -> tuple[WireOption, ...]:
        """The options after the keys that are `pressed`. Where an option has more keys than one, its
        next key opens a menu that waits for the others.
        """
        by_key: dict[str, dict[str, WireOption]] = {}
        for keys, option in compiled.items():
            by_key.setdefault(pressed + keys[len(pressed)], {})[keys] = option
        return tuple(
            alike[begun]
            if alike.keys() == {begun}
            else self.add_number_menu(path, alike, prefix, begun)
            for begun, alike in by_key.items()
        )

    def add_number_menu(
        self, path: KeyPath, alike: Mapping[str, WireOption], prefix: str, begun: str
    ) -> WireOption:
        """The option that opens the menu for the options that begin with these keys."""
        longer = {keys: option for keys, option in alike.items() if keys != begun}
        options = self.arrange_by_key(path, longer, prefix, begun)
        own = alike.get(begun)
        if own is not None:
            self.check_beginning((*path, begun), own, begun, next(iter(longer)))
            if all(option.dtmf != "#" for option in options):
                options += (WireOption(dtmf="#", action=own.action),)
        value = prefix + begun
        name = self.get_menu_name(value)
        self.number_menus.append(NumberMenu(name, value, options, value if own else ""))
        return WireOption(dtmf=begun[-1], action=f"menu({name})")

    def check_beginning(self, path: KeyPath, own: WireOption, begun: str, longer: str) -> None:
        """Check an option whose keys another one begins with."""
        if own.action.startswith("menu("):
            self.builder.add_problem(
                "FE458",
                path,
                f"{begun} opens an inner menu at once, so nobody gets to {longer}",
                f"write the option in that inner menu, or let {longer} begin with another key",
                at_key=True,
            )
        elif self.digit_timeout > MAX_UNNOTICED_WAIT_MILLIS:
            self.builder.add_problem(
                "FE948",
                path,
                f"{begun} also begins {longer}, so a caller who presses {begun} waits "
                f"{format_duration(self.digit_timeout)}, or presses #",
                f"shorten `digit_timeout:`, or let {longer} begin with another key",
                at_key=True,
            )

    def compile_option(
        self, path: KeyPath, value: str, key: str, authored: str | AuthoredOption
    ) -> WireOption:
        option = AuthoredOption(next=authored) if isinstance(authored, str) else authored
        if isinstance(option.when, str):
            self.written_conditions[value] = option.when
        wired = WireOption(dtmf=key[-1], action=self.compile_action(path, value, key, option))
        if isinstance(option.when, str) and (
            condition := self.builder.compile_condition((*path, "when"), option.when, late=True)
        ):
            self.conditions[wired.action] = condition
        return wired

    def compile_action(self, path: KeyPath, value: str, key: str, option: AuthoredOption) -> str:
        """What the platform does at the last key of the option."""
        if (option.next is UNSET) == (option.menu is UNSET):
            self.builder.add_problem(
                "FE207",
                path,
                f"key {key} leads nowhere in particular",
                "give it exactly one of next: and menu:",
                at_key=True,
            )
        for index, word in enumerate(option.hear):
            self.add_spoken_word((*path, "hear", index), word, value)
        if isinstance(option.menu, Submenu):
            return f"menu({self.compile_submenu((*path, 'menu'), value, option.menu)})"
        self.add_choice(path, value, option)
        return f"return({value})"

    def add_choice(self, path: KeyPath, value: str, option: AuthoredOption) -> None:
        if option.next in SPECIAL_TARGETS:
            self.choices[value] = str(option.next)
        else:
            name = f"key {value}"
            conditions = " and ".join(self.list_written_conditions(value))
            label = f"{name} when {conditions}" if conditions else name
            self.choices[value] = self.builder.add_exit(
                name, option.next, (*path, "next"), "pie", label
            )

    def list_written_conditions(self, value: str) -> list[str]:
        """The conditions of the option of these keys, and of the inner menus that it stands in."""
        return [
            " ".join(condition.split())
            for keys, condition in self.written_conditions.items()
            if value == keys or value.startswith(f"{keys}.")
        ]

    def add_spoken_word(self, path: KeyPath, word: str, value: str) -> None:
        # compared as they are matched in a call
        other = self.spoken_words.setdefault(fold_words(word), value)
        if other != value:
            self.builder.add_problem(
                "FE223",
                path,
                f"{word!r} already chooses {other}",
                "give each option words of its own",
            )

    def get_menu_name(self, value: str) -> str:
        """The name on the wire of the menu that these keys lead to."""
        return f"{self.builder.context.flow}.{self.builder.state}.{value}"

    def compile_submenu(self, path: KeyPath, value: str, menu: Submenu) -> str:
        name = self.get_menu_name(value)
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


def list_option_keys(
    options: Mapping[str, Any], path: KeyPath = ("options",)
) -> Iterator[tuple[KeyPath, str | None]]:
    """Where each key leads, from the YAML below `options:`; None where it opens an inner menu."""
    for key, option in options.items():
        place = (*path, key)
        long_form = option if isinstance(option, dict) else {"next": option}
        yield place, long_form.get("next")
        if inner := long_form.get("menu"):
            yield from list_option_keys(inner["options"], (*place, "menu", "options"))


def list_option_facts(
    options: Mapping[str, str | AuthoredOption], path: KeyPath = ("options",), prefix: str = ""
) -> Iterator[AuthoredFact]:
    """What the options mean, for the comparison of two versions."""
    for key, authored in options.items():
        option = AuthoredOption(next=authored) if isinstance(authored, str) else authored
        label, place = f"key {prefix}{key}", (*path, key)
        if isinstance(option.when, str):
            # as a text with an expression in it, so that what that draws on is found
            condition = f"${{{option.when}}}"
            yield AuthoredFact("value", f"{label} when", condition, (*place, "when"))
        if option.hear:
            heard = sorted({fold_words(word) for word in option.hear})
            yield AuthoredFact("text", f"{label} hear", ", ".join(heard), (*place, "hear"))
        if isinstance(option.menu, Submenu):
            inner = (*place, "menu")
            yield AuthoredFact("text", label, "an inner menu", place)
            yield AuthoredFact("prompt", f"{label} prompt", option.menu.prompt, (*inner, "prompt"))
            yield from list_option_facts(
                option.menu.options, (*inner, "options"), f"{prefix}{key}."
            )
        elif isinstance(option.next, str):
            yield AuthoredFact("target", label, option.next, place)
    yield AuthoredFact("global keys", f"key {prefix}", tuple(options), path)
