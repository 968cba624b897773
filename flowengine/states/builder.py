"""What a kind of state is given to compile itself: expressions in scope, prompts, exits, and a
place to report mistakes.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, TypeVar

from msgspec import UNSET, UnsetType

from flowengine.expr import ExprError, Expression, Mode, Scope, Template, Type, whole_expression
from flowengine.expr.functions.dates import is_date
from flowengine.problems import Problem, suggest
from flowengine.source import Document, Path
from flowengine.states.fields import SPECIAL, UNITS, millis
from flowengine.states.prompt import Localised, Part, Plan, Prompt, Spoken
from flowengine.states.speech import prompt_faults

Made = TypeVar("Made", Expression, Template)
Via = Literal["same", "pie", "ace", "notify", "keys"]


@dataclass(frozen=True, slots=True)
class Target:
    """Where an exit leads, under which callback the target is entered, and where the author wrote
    it.
    """

    state: str
    via: Via
    path: Path


@dataclass(frozen=True, slots=True)
class Variable:
    """A declared variable: its kind, the most characters it may hold, its choices and its first
    value.
    """

    name: str
    kind: str
    type: Type
    size: int
    secret: bool
    default: Any
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Signature:
    """What a caller of a subflow must know of it."""

    inputs: tuple[Variable, ...]
    outputs: tuple[Variable, ...]
    outcomes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Service:
    """An HTTP service of the project, ready to call."""

    name: str
    url: str
    headers: Mapping[str, Template]
    timeout: float
    retries: int


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the project and the flow offer to every state of a flow."""

    flow: str
    locale: str
    voice: str
    variables: Mapping[str, Variable]
    messages: Mapping[str, Localised]
    services: Mapping[str, Service]
    secrets: Mapping[str, str]
    subflows: Mapping[str, Signature]
    global_keys: Mapping[str, str]
    defaults: Mapping[str, Any]
    menu_ids: str = "named"
    goes_back: bool = False


@dataclass(slots=True)
class Builder:
    """Compiles one state. Mistakes are collected, never raised, so that an author sees all of them
    at once.
    """

    state: str
    path: Path
    document: Document
    scope: Scope
    around: Surroundings
    problems: list[Problem]
    exits: dict[str, Target] = field(default_factory=dict)
    reads: set[str] = field(default_factory=set)
    late_reads: set[str] = field(default_factory=set)
    writes: set[str] = field(default_factory=set)

    def problem(self, code: str, path: Path, message: str, hint: str = "") -> None:
        self.problems.append(Problem(code, self.document.span(path), message, hint))

    def exit(self, name: str, state: str | UnsetType, path: Path, via: Via = "same") -> str:
        """Register an exit; an unset target registers nothing."""
        if state in SPECIAL:
            self.problem(
                "FE203",
                path,
                f"there is no state {state}",
                f"only a key can {state}; name a state here",
            )
        elif isinstance(state, str):
            self.exits[name] = Target(state, via, path)
        return name

    def condition(self, path: Path, text: str, *, late: bool = False) -> Expression | None:
        return self._compiled(path, text, lambda: self.scope.condition(text), late=late)

    def expression(
        self,
        path: Path,
        text: str,
        expects: Type | None = None,
        *,
        late: bool = False,
        scope: Scope | None = None,
    ) -> Expression | None:
        return self._compiled(
            path, text, lambda: (scope or self.scope).expression(text, expects), late=late
        )

    def template(
        self,
        path: Path,
        text: str,
        mode: Mode = Mode.PLAIN,
        *,
        late: bool = False,
        scope: Scope | None = None,
    ) -> Template | None:
        return self._compiled(
            path, text, lambda: (scope or self.scope).template(text, mode), late=late
        )

    def _compiled(
        self, path: Path, text: str, make: Callable[[], Made], *, late: bool
    ) -> Made | None:
        try:
            made = make()
        except ExprError as error:
            span = self.document.inner(path, min(error.offset, max(0, len(text) - 1)), 1)
            self.problems.append(Problem(error.code, span, error.message, error.hint))
            return None
        (self.late_reads if late else self.reads).update(made.names)
        return made

    def value(
        self, path: Path, authored: Any, variable: Variable
    ) -> Expression | Template | str | float | bool | None:
        """A value for a variable: `${…}` keeps its type, text is a template, anything else is
        itself.
        """
        if isinstance(authored, str):
            inside = whole_expression(authored)
            if inside is not None:
                return self._compiled(
                    path, authored, lambda: self._whole(authored, inside, variable), late=False
                )
            if variable.type is Type.TEXT:
                return self._text(path, authored, variable)
        if fault := misfit(authored, variable):
            self.problem(
                "FE302",
                path,
                f"{variable.name} is {variable.kind}: {fault}",
                "give it such a value, or an expression in ${…}",
            )
        return (
            float(authored)
            if variable.type is Type.DECIMAL and isinstance(authored, int)
            else authored
        )

    def _text(self, path: Path, authored: str, variable: Variable) -> Template | None:
        made = self.template(path, authored)
        if made and made.constant is not None and (fault := misfit(made.constant, variable)):
            self.problem(
                "FE302",
                path,
                f"{variable.name} is {variable.kind}: {fault}",
                "give it such a value, or an expression in ${…}",
            )
        return made

    def _whole(self, authored: str, inside: str, variable: Variable) -> Expression:
        try:
            return self.scope.expression(inside, variable.type)
        except ExprError as error:
            error.offset += authored.index(inside)
            raise

    def variable(self, name: str, path: Path) -> Variable | None:
        """The variable that this place writes."""
        found = self.around.variables.get(name)
        if found is None:
            self.problem(
                "FE201",
                path,
                f"there is no variable {name}",
                suggest(name, self.around.variables) or "declare it under vars:",
            )
            return None
        self.writes.add(f"vars.{name}")
        return found

    def millis(self, path: Path, authored: str, least: int, most: int, what: str) -> int:
        """The milliseconds of a duration, within what the platform takes."""
        wait = millis(authored)
        if not least <= wait <= most:
            self.problem(
                "FE412",
                path,
                f"{what} is from {words(least)} to {words(most)}",
                "choose a time in that range",
            )
        return min(max(wait, least), most)

    def seconds(self, path: Path, authored: str, most: int, what: str) -> int:
        """The seconds of a duration that the platform takes in whole seconds only."""
        wait = self.millis(path, authored, 1000, most * 1000, what)
        if wait % 1000:
            self.problem(
                "FE412",
                path,
                f"{what} is given in whole seconds",
                f"write {wait // 1000}s or {wait // 1000 + 1}s",
            )
        return wait // 1000

    def beside(self, variable: Variable) -> str:
        """A second place for a value of this variable. It travels with a waiting call, and no
        author can name it.
        """
        name = f"{variable.name}~"
        assert isinstance(self.around.variables, dict)  # noqa: S101  one per flow, made for its states to share
        self.around.variables[name] = replace(variable, name=name)
        self.late_reads.add(f"vars.{name}")
        self.writes.add(f"vars.{name}")
        return f"vars.{name}"

    def prompt(
        self, path: Path, prompt: Prompt | UnsetType | None, *, late: bool = False
    ) -> Plan | None:
        """A compiled prompt."""
        if prompt is UNSET or prompt is None:
            return None
        if not isinstance(prompt, list):
            part = self._part(path, prompt, late=late)
            return Plan.of((part,)) if part else None
        parts = [self._part((*path, index), item, late) for index, item in enumerate(prompt)]
        return Plan.of(tuple(part for part in parts if part))

    def listed(self, path: Path, prompt: Any, *, late: bool = False) -> Plan | None:
        """A compiled prompt that travels inside a menu or a park: the platform speaks all of it in
        one voice and locale.
        """
        plan = self.prompt(path, prompt, late=late)
        if plan and any(part.locale or part.voice != self.around.voice for part in plan.parts):
            message = "inside a question or a park everything is spoken in one voice and locale"
            self.problem(
                "FE416",
                path,
                message,
                "say this part with `say:`, or choose the locale with `locale:` before the "
                "question",
            )
        return plan

    def _part(self, path: Path, prompt: Any, late: bool) -> Part | None:
        if isinstance(prompt, str):
            return self._texts(path, "text", prompt, Spoken(), late=late)
        chosen = [
            kind
            for kind in ("text", "ssml", "audio", "message")
            if getattr(prompt, kind) is not UNSET
        ]
        if len(chosen) != 1:
            self.problem(
                "FE210",
                path,
                "a prompt is exactly one of text, ssml, audio or message",
                "use a list for several prompts in a row",
            )
            return None
        kind = chosen[0]
        if kind == "message":
            return self._message((*path, kind), prompt, late=late)
        return self._texts((*path, kind), kind, getattr(prompt, kind), prompt, late=late)

    def _message(self, path: Path, prompt: Spoken, late: bool) -> Part | None:
        key = str(prompt.message)
        if key not in self.around.messages:
            self.problem(
                "FE202",
                path,
                f"there is no message {key}",
                suggest(key, self.around.messages) or "add it to the project's messages",
            )
            return None
        return self._texts(path, "text", self.around.messages[key], prompt, late, follow=False)

    def _texts(
        self,
        path: Path,
        kind: str,
        authored: Localised,
        prompt: Spoken,
        late: bool,
        *,
        follow: bool = True,
    ) -> Part | None:
        mode = {"text": Mode.SPEECH, "ssml": Mode.SSML, "audio": Mode.AUDIO}[kind]
        each = {"": authored} if isinstance(authored, str) else authored
        texts = {}
        for locale, text in each.items():
            place = (*path, locale) if follow and locale else path
            if template := self.template(place, text, mode, late=late):
                texts[locale] = template
                for code, message, cure in prompt_faults(kind, template):
                    self.problem(code, place, message, cure)
        if not texts:
            return None
        fallback = next(
            (locale for locale in ("", self.around.locale) if locale in texts), next(iter(texts))
        )
        texts = {"": texts[fallback], fallback: texts[fallback], **texts}
        wanted = "" if prompt.locale is UNSET else prompt.locale
        return Part(
            kind,
            texts,
            self.around.voice if prompt.voice is UNSET else str(prompt.voice),
            str(wanted or ""),
            path,
            str(prompt.message or ""),
        )


def words(wait: int) -> str:
    """A duration as an author writes it, in the largest unit without a rest."""
    unit, size = next((unit, size) for unit, size in reversed(UNITS.items()) if wait % size == 0)
    return f"{wait // size}{unit}"


def misfit(value: Any, variable: Variable) -> str:
    """Why a variable cannot hold this value, or nothing. The value is not repeated, as it may be a
    caller's; an empty text fits, as that is what a variable starts with.
    """
    if not fits(value, variable.type):
        return f"this is no {variable.type}"
    if variable.type is not Type.TEXT:
        return ""
    if variable.choices and value not in variable.choices:
        return f"this is none of {', '.join(variable.choices)}"
    form = FORMS.get(variable.kind)
    if form and value and not form[0](value):
        return f"this is no {form[1]}"
    return (
        f"it holds {variable.size} characters, and this has {len(value)}"
        if len(value) > variable.size
        else ""
    )


FORMS: Mapping[str, tuple[Callable[[str], bool], str]] = {
    "date": (is_date, "date such as 2026-12-24"),
    "time": (
        lambda text: bool(re.fullmatch(r"([01][0-9]|2[0-3]):[0-5][0-9]", text)),
        "time such as 09:30",
    ),
    "digits": (lambda text: text.isascii() and text.isdigit(), "row of digits"),
}


def fits(value: Any, wanted: Type) -> bool:
    """Whether an authored YAML value can be held by a variable of this type."""
    if wanted is Type.BOOLEAN or isinstance(value, bool):
        return isinstance(value, bool) and wanted is Type.BOOLEAN
    if wanted is Type.INTEGER:
        return isinstance(value, int)
    if wanted is Type.DECIMAL:
        return isinstance(value, (int, float))
    return isinstance(value, str)
