"""Compiles the expressions, prompts, exits and values of one state, and collects its problems."""

from collections.abc import Callable
from typing import Any, TypeVar

import msgspec
from msgspec import UNSET, UnsetType
from msgspec.structs import replace

from flowengine.expr import (
    EscapeMode,
    ExprError,
    Expression,
    Scope,
    Template,
    Type,
    find_whole_expression,
)
from flowengine.expr.marked_tokens import measure_token
from flowengine.limits import MAX_PAUSE_MILLIS
from flowengine.problems import Problem, Span, suggest_name
from flowengine.source import Document, KeyPath
from flowengine.states.field_types import DURATION_UNITS, SPECIAL_TARGETS, parse_millis
from flowengine.states.flow_context import CallbackContext, ExitTarget, FlowContext, Variable
from flowengine.states.prompt import (
    PROMPT_FORMS,
    CompiledPrompt,
    LocalisedText,
    Prompt,
    PromptPart,
    PromptSpec,
    add_fallback_text,
)
from flowengine.states.prompt_faults import find_literal_faults, find_prompt_faults
from flowengine.states.value_forms import explain_misfit

CompiledT = TypeVar("CompiledT", Expression, Template)


class StateBuilder(msgspec.Struct):
    """Compiles one state. It collects mistakes and never raises, so that an author sees all of them
    at once.
    """

    state: str
    path: KeyPath
    document: Document
    scope: Scope
    context: FlowContext
    problems: list[Problem]
    exits: dict[str, ExitTarget] = msgspec.field(default_factory=dict)
    reads: set[str] = msgspec.field(default_factory=set)
    late_reads: set[str] = msgspec.field(default_factory=set)
    writes: set[str] = msgspec.field(default_factory=set)

    def add_problem(
        self, code: str, path: KeyPath, message: str, hint: str = "", *, at_key: bool = False
    ) -> None:
        """Report a mistake in the value at this path; `at_key` where the key is wrong, or its value
        lacks something.
        """
        find_span = self.document.find_key_span if at_key else self.document.find_span
        self.problems.append(Problem(code, find_span(path), message, hint))

    def add_exit(
        self,
        name: str,
        state: str | UnsetType,
        path: KeyPath,
        via: CallbackContext = "same",
        label: str | None = None,
        also_via: CallbackContext | None = None,
    ) -> str:
        """Register an exit; an unset target registers nothing. `label` is for diagrams, by default
        the name.
        """
        if state in SPECIAL_TARGETS:
            self.add_problem(
                "FE203",
                path,
                f"there is no state {state}",
                f"only a key can {state}; name a state here",
            )
        elif isinstance(state, str):
            shown = name if label is None else label
            self.exits[name] = ExitTarget(state, via, path, shown, also_via)
        return name

    def compile_condition(
        self, path: KeyPath, text: str, *, late: bool = False
    ) -> Expression | None:
        return self._compile_or_report(
            path, text, lambda: self.scope.compile_condition(text), late=late
        )

    def compile_expression(
        self,
        path: KeyPath,
        text: str,
        expects: Type | None = None,
        *,
        late: bool = False,
        scope: Scope | None = None,
    ) -> Expression | None:
        return self._compile_or_report(
            path, text, lambda: (scope or self.scope).compile_expression(text, expects), late=late
        )

    def compile_capture(
        self, path: KeyPath, text: str, variable: Variable, scope: Scope
    ) -> Expression | None:
        """An expression whose value of any type is converted for this variable by a later
        callback.
        """
        return self._compile_or_report(
            path, text, lambda: compile_for_variable(scope, text, variable, None), late=True
        )

    def compile_template(
        self,
        path: KeyPath,
        text: str,
        mode: EscapeMode = EscapeMode.PLAIN,
        *,
        late: bool = False,
        scope: Scope | None = None,
    ) -> Template | None:
        return self._compile_or_report(
            path, text, lambda: (scope or self.scope).compile_template(text, mode), late=late
        )

    def _compile_or_report(
        self, path: KeyPath, text: str, make: Callable[[], CompiledT], *, late: bool
    ) -> CompiledT | None:
        try:
            made = make()
        except ExprError as error:
            if self.context.unread.is_read_by(text):
                return None
            # a mistake at the end of a text is reported behind its last character
            start = min(error.offset, max(0, len(text) - 1))
            span = self._find_token_span(path, text, start, error.length)
            self.problems.append(Problem(error.code, span, error.message, error.hint))
            return None
        # late names are read by a later callback, so liveness keeps them while the call waits
        (self.late_reads if late else self.reads).update(made.names)
        return made

    def compile_value(
        self, path: KeyPath, authored: Any, variable: Variable
    ) -> Expression | Template | str | float | bool | None:
        """A value for a variable: `${…}` keeps its type, text is a template, anything else is
        itself.
        """
        if isinstance(authored, str):
            inside = find_whole_expression(authored)
            if inside is not None:
                return self._compile_or_report(
                    path,
                    authored,
                    lambda: self._compile_whole_expression(authored, inside, variable),
                    late=False,
                )
            if variable.type is Type.TEXT:
                return self._compile_text_value(path, authored, variable)
        self._check_fit(path, authored, variable)
        is_whole = variable.type is Type.DECIMAL and isinstance(authored, int)
        return float(authored) if is_whole else authored

    def _compile_text_value(
        self, path: KeyPath, authored: str, variable: Variable
    ) -> Template | None:
        made = self.compile_template(path, authored)
        if made and made.constant is not None:
            self._check_fit(path, made.constant, variable)
        return made

    def _check_fit(self, path: KeyPath, value: Any, variable: Variable) -> None:
        if fault := explain_misfit(value, variable):
            message = f"{variable.name} is {variable.kind}: {fault}"
            hint = "give it such a value, or an expression in ${…}"
            self.add_problem("FE302", path, message, hint)

    def _find_token_span(self, path: KeyPath, text: str, offset: int, length: int = 0) -> Span:
        return self.document.find_inner_span(path, offset, length or measure_token(text, offset))

    def _compile_whole_expression(
        self, authored: str, inside: str, variable: Variable
    ) -> Expression:
        try:
            return compile_for_variable(self.scope, inside, variable, variable.type)
        except ExprError as error:
            error.offset += authored.index(inside)
            raise

    def register_write(self, name: str, path: KeyPath) -> Variable | None:
        """The variable that this place writes."""
        found = self.context.variables.get(name)
        if found is None:
            self.add_problem(
                "FE201",
                path,
                f"there is no variable {name}",
                suggest_name(name, self.context.variables) or "declare it under vars:",
                at_key=path[-1] == name,
            )
            return None
        self.writes.add(f"vars.{name}")
        return found

    def compile_millis(self, path: KeyPath, authored: str, least: int, most: int, what: str) -> int:
        """The milliseconds of a duration, within what the platform takes."""
        wait = parse_millis(authored)
        if not least <= wait <= most:
            self.add_problem(
                "FE412",
                path,
                f"{what} is from {format_duration(least)} to {format_duration(most)}",
                "choose a time in that range",
            )
        # clamped, so that later checks see a duration that the platform takes
        return min(max(wait, least), most)

    def compile_seconds(
        self, path: KeyPath, authored: str, most: int, what: str, least: int = 1
    ) -> int:
        """The seconds of a duration that is taken in whole seconds only."""
        wait = self.compile_millis(path, authored, least * 1000, most * 1000, what)
        if wait % 1000:
            self.add_problem(
                "FE412",
                path,
                f"{what} is given in whole seconds",
                f"write {wait // 1000}s or {wait // 1000 + 1}s",
            )
        return wait // 1000

    def add_shadow_variable(self, variable: Variable) -> str:
        """Register a hidden second variable of the same type. It travels with a waiting call, and
        no author can name it.
        """
        # ~ is in no authored name
        name = f"{variable.name}~"
        self.context.add_shadow_variables({name: replace(variable, name=name)})
        # a later callback puts the old value back
        self.late_reads.add(f"vars.{name}")
        self.writes.add(f"vars.{name}")
        return f"vars.{name}"

    def compile_prompt(
        self, path: KeyPath, prompt: Prompt | UnsetType | None, *, late: bool = False
    ) -> CompiledPrompt | None:
        """A compiled prompt."""
        if prompt is UNSET or prompt is None:
            return None
        if not isinstance(prompt, list):
            part = self._compile_part(path, prompt, late=late)
            return CompiledPrompt.from_parts((part,)) if part else None
        parts = [
            self._compile_part((*path, index), item, late) for index, item in enumerate(prompt)
        ]
        return CompiledPrompt.from_parts(tuple(part for part in parts if part))

    def compile_embedded_prompt(
        self, path: KeyPath, prompt: Any, *, late: bool = False
    ) -> CompiledPrompt | None:
        """A compiled prompt inside a menu or a park, all of which the platform speaks in one voice
        and locale.
        """
        plan = self.compile_prompt(path, prompt, late=late)
        others = [
            part
            for part in (plan.parts if plan else ())
            if part.locale or part.voice != self.context.voice
        ]
        if others:
            message = "inside a question or a park everything is spoken in one voice and locale"
            self.add_problem(
                "FE416",
                # the item of a list, or all of it
                others[0].path[: len(path) + 1] if isinstance(prompt, list) else path,
                message,
                "say this part with `say:`, or choose the locale with `locale:` before the "
                "question",
            )
        return plan

    def _compile_part(self, path: KeyPath, prompt: Any, late: bool) -> PromptPart | None:
        if isinstance(prompt, str):
            return self._compile_texts(path, "text", prompt, PromptSpec(), late=late)
        chosen = [kind for kind in PROMPT_FORMS if getattr(prompt, kind) is not UNSET]
        if len(chosen) != 1:
            self.add_problem(
                "FE210",
                path,
                "a prompt is exactly one of text, ssml, audio, message or pause",
                "use a list for several prompts in a row",
            )
            return None
        kind = chosen[0]
        if kind == "message":
            return self._compile_message((*path, kind), prompt, late=late)
        if kind == "pause":
            return self._compile_pause((*path, kind), prompt, late=late)
        return self._compile_texts((*path, kind), kind, getattr(prompt, kind), prompt, late=late)

    def _compile_pause(self, path: KeyPath, prompt: PromptSpec, *, late: bool) -> PromptPart | None:
        wait = self.compile_millis(path, str(prompt.pause), 1, MAX_PAUSE_MILLIS, "a pause")
        markup = self.compile_template(
            path, f'<break time="{wait}ms"/>', EscapeMode.SSML, late=late
        )
        if markup is None:
            return None
        return PromptPart("pause", {"": markup}, self.choose_voice(prompt), path=path)

    def choose_voice(self, prompt: PromptSpec) -> str:
        return self.context.voice if prompt.voice is UNSET else str(prompt.voice)

    def _compile_message(self, path: KeyPath, prompt: PromptSpec, late: bool) -> PromptPart | None:
        key = str(prompt.message)
        if key not in self.context.messages and self.context.unread.has_name("messages", key):
            return None  # it is told where the message is
        if key not in self.context.messages:
            self.add_problem(
                "FE202",
                path,
                f"there is no message {key}",
                suggest_name(key, self.context.messages) or "add it to the project's messages",
            )
            return None
        return self._compile_texts(
            path, "text", self.context.messages[key], prompt, late, follow=False
        )

    def _add_prompt_faults(self, path: KeyPath, kind: str, template: Template) -> None:
        for code, message, cure in find_prompt_faults(kind, template):
            self.add_problem(code, path, message, cure)

    def _compile_texts(
        self,
        path: KeyPath,
        kind: str,
        authored: LocalisedText,
        prompt: PromptSpec,
        late: bool,
        *,
        follow: bool = True,
    ) -> PromptPart | None:
        mode = {"text": EscapeMode.SPEECH, "ssml": EscapeMode.SSML, "audio": EscapeMode.AUDIO}[kind]
        each = {"": authored} if isinstance(authored, str) else authored
        texts = {}
        for locale, text in each.items():
            place = (*path, locale) if follow and locale else path
            if template := self.compile_template(place, text, mode, late=late):
                texts[locale] = template
                self._add_prompt_faults(place, kind, template)
                if kind != "audio":
                    self._check_spoken_literals(place if follow else None, path, template)
        if not texts:
            return None
        return PromptPart(
            kind,
            add_fallback_text(texts, self.context.locale),
            self.choose_voice(prompt),
            str(prompt.locale or ""),
            path,
            str(prompt.message or ""),
        )

    def _check_spoken_literals(
        self, place: KeyPath | None, path: KeyPath, template: Template
    ) -> None:
        """Check the texts in `${…}` that are spoken. `place` is that of the template in this file."""
        for offset, (code, message, cure) in find_literal_faults(self.scope, template):
            span = self.document.find_span(path)
            if place:
                span = self._find_token_span(place, str(self.document.get_value(place)), offset)
            self.problems.append(Problem(code, span, message, cure))


def format_duration(wait: int) -> str:
    """A duration as an author writes it, in the largest unit without a rest."""
    unit, size = next(
        (unit, size) for unit, size in reversed(DURATION_UNITS.items()) if wait % size == 0
    )
    return f"{wait // size}{unit}"


def compile_for_variable(
    scope: Scope, text: str, variable: Variable, expects: Type | None
) -> Expression:
    """An expression of this type that a variable takes its value from. Raises ExprError."""
    made = (
        scope.compile_expression(text, expects)
        if expects
        else scope.compile_single_value(text, variable.type)
    )
    if variable.choices:
        scope.check_results(text, variable.name, variable.choices)
    return made
