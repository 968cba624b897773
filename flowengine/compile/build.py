"""One authored flow to one program."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from msgspec import UNSET, UnsetType

from flowengine.compile.liveness import liveness
from flowengine.compile.machine import machine
from flowengine.compile.program import CompiledState, Program
from flowengine.expr import Scope, Type
from flowengine.expr.domains import suggest_words
from flowengine.model import Flow, On, State, Var
from flowengine.pace import pause
from flowengine.problems import Problem, quoted, suggest
from flowengine.sinch.vocabulary import NOTICE_TYPES
from flowengine.source import Document, Path, internal_errors_reported
from flowengine.states import (
    KINDS,
    Builder,
    Exit,
    Move,
    Run,
    Signature,
    Surroundings,
    Target,
    Variable,
)
from flowengine.states.builder import misfit
from flowengine.states.preamble import Preamble, Recording, recorder
from flowengine.states.subflow import CompiledSubflow
from flowengine.svaml import LEGAL_ACTIONS, LEGAL_INSTRUCTIONS

VERBS = {name: {"continue": "continue_", "return": "return_"}.get(name, name) for name in KINDS}
TYPES = {"integer": Type.INTEGER, "decimal": Type.DECIMAL, "boolean": Type.BOOLEAN}
SIZES = {"date": 10, "time": 5, "integer": 20, "decimal": 24, "boolean": 5}
DEFAULT_SIZE = 64
EMPTY: Mapping[Type, Any] = {Type.INTEGER: 0, Type.DECIMAL: 0.0, Type.BOOLEAN: False, Type.TEXT: ""}
DEFAULT_CURES = {
    Type.TEXT: "write text in quotes",
    Type.INTEGER: "write a whole number without quotes",
    Type.DECIMAL: "write a number without quotes",
    Type.BOOLEAN: "write true or false without quotes",
}
SPECIAL = ("repeat", "back")


@dataclass(frozen=True, slots=True)
class Pass:
    """A state whose work is done by what comes before its verb."""

    actions: frozenset[str] = frozenset()
    waits: bool = False

    def enter(self, _run: Run) -> Move:
        return Exit("next")

    def resume(self, _run: Run) -> Move:
        return Exit("next")


def variables(flow: Flow, document: Document, problems: list[Problem]) -> dict[str, Variable]:
    return {name: variable(name, var, document, problems) for name, var in flow.vars.items()}


def variable(name: str, var: Var, document: Document, problems: list[Problem]) -> Variable:
    kind = TYPES.get(var.type, Type.TEXT)
    default = None if var.default is UNSET else var.default
    path: Path = ("vars", name, "default")
    if var.type == "choice" and not var.choices:
        problems.append(
            Problem(
                "FE218",
                document.span(("vars", name)),
                f"{name} is a choice without choices",
                "add `choices: [gold, standard]`",
            )
        )
    size = SIZES.get(var.type) or (
        max(map(len, var.choices), default=1) if var.type == "choice" else var.max or DEFAULT_SIZE
    )
    declared = Variable(name, var.type, kind, size, var.secret, default, tuple(var.choices))
    if default is not None and (reason := misfit(default, declared)):
        hint = suggest(str(default), var.choices) or (
            "" if kind is Type.TEXT and isinstance(default, str) else DEFAULT_CURES[kind]
        )
        problems.append(
            Problem(
                "FE302", document.span(path), f"the default does not fit {name}: {reason}", hint
            )
        )
    return declared


def signature(
    flow: Flow, document: Document, known: Mapping[str, Variable], problems: list[Problem]
) -> Signature:
    def pick(part: str, names: list[str]) -> tuple[Variable, ...]:
        for index, name in enumerate(names):
            if name not in known:
                problems.append(
                    Problem(
                        "FE201",
                        document.span((part, index)),
                        f"there is no variable {name}",
                        suggest(name, known) or "declare it under vars:",
                    )
                )
        return tuple(known[name] for name in names if name in known)

    return Signature(
        pick("inputs", flow.inputs), pick("outputs", flow.outputs), tuple(flow.outcomes)
    )


@dataclass(frozen=True, slots=True)
class Flowing:
    """A flow being compiled, with what surrounds it."""

    flow: Flow
    document: Document
    scope: Scope
    around: Surroundings
    problems: list[Problem]

    def try_state(self, name: str, authored: State) -> CompiledState | None:
        """The state, or None with the problems that it has."""
        pause()
        path: Path = ("states", name)
        with internal_errors_reported(self.problems, self.document.key_span(path)):
            return self.state(path, name, authored)
        return None

    def state(self, path: Path, name: str, authored: State) -> CompiledState | None:
        builder = Builder(name, path, self.document, self.scope, self.around, self.problems)
        kind = self.kind(builder, authored)
        first = self.preamble(builder, authored)
        verb = (
            KINDS[kind].compile(builder, (*path, kind), getattr(authored, VERBS[kind]))
            if kind
            else Pass()
        )
        self.next(builder, kind, authored)
        if verb is None:
            return None
        return CompiledState(
            name=name,
            kind=kind or "say",
            path=path,
            preamble=first,
            verb=verb,
            exits=self.known(builder),
            reads=frozenset(builder.reads),
            late_reads=frozenset(builder.late_reads),
            writes=frozenset(builder.writes),
            error=self.error(builder, authored),
            legal=legal(verb.actions, first.instructions if first else frozenset()),
        )

    def kind(self, builder: Builder, authored: State) -> str:
        given = [
            name for name, attribute in VERBS.items() if getattr(authored, attribute) is not UNSET
        ]
        if len(given) > 1:
            path = (*builder.path, given[1])
            message = f"a state does one thing, but this one has {' and '.join(given)}"
            self.problems.append(
                Problem(
                    "FE204",
                    self.document.key_span(path),
                    message,
                    "move the second into a state of its own and lead there by next:",
                )
            )
        return given[0] if given else ""

    def preamble(self, builder: Builder, authored: State) -> Preamble | None:
        path = builder.path
        record = authored.record
        first = Preamble(
            locale=optional(builder, path, "locale", authored.locale),
            answer=authored.answer,
            record=recorder(builder, (*path, "record"), record)
            if isinstance(record, Recording)
            else None,
            stop=record == "stop",
            say=builder.prompt((*path, "say"), authored.say),
            dtmf=optional(builder, path, "dtmf", authored.dtmf),
            status=authored.report.status if authored.report else "",
            details=optional(builder, (*path, "report"), "details", authored.report.details)
            if authored.report
            else None,
        )
        return first if first != Preamble() else None

    def next(self, builder: Builder, kind: str, authored: State) -> None:
        via = KINDS[kind].next if kind else "same"
        path = (*builder.path, "next")
        if via == "none":
            if authored.next is not UNSET:
                self.problems.append(
                    Problem(
                        "FE219",
                        self.document.key_span(path),
                        f"{kind} already says where the call goes",
                        "remove this next:",
                    )
                )
        elif authored.next is UNSET:
            builder.problem(
                "FE205",
                builder.path,
                f"nothing says where the call goes after {builder.state}",
                "add `next: <state>`, or end it with `hangup:`",
            )
        else:
            builder.exit("next", authored.next, path, via)

    def known(self, builder: Builder) -> dict[str, Target]:
        """The exits whose states exist; the others are reported."""
        for target in builder.exits.values():
            self.exists(target.state, target.path)
        return {
            name: target
            for name, target in builder.exits.items()
            if target.state in self.flow.states
        }

    def exists(self, state: str | UnsetType, path: Path) -> str:
        if state is UNSET or state in self.flow.states:
            return state or ""
        hint = (
            suggest(str(state), self.flow.states) or f"add a state {state}, or lead to another one"
        )
        self.problems.append(
            Problem("FE203", self.document.span(path), f"there is no state {state}", hint)
        )
        return ""

    def error(self, builder: Builder, authored: State) -> str:
        if authored.error is not UNSET:
            return self.exists(authored.error, (*builder.path, "error"))
        shared = self.flow.error or self.around.defaults.get("error", "")
        return str(shared) if shared in self.flow.states and shared != builder.state else ""

    def checked_entries(self) -> None:
        self.exists(self.flow.error, ("error",))
        for key, state in self.flow.keys.items():
            if state not in SPECIAL:
                self.exists(state, ("keys", key))
        on = self.flow.on or On()
        for kind in on.notified or {}:
            if kind not in ("any", *NOTICE_TYPES):
                span = self.document.key_span(("on", "notified", kind))
                hint = suggest_words(kind, ("any", *NOTICE_TYPES))
                self.problems.append(
                    Problem("FE315", span, f"the type of a notice is never {quoted(kind)}", hint)
                )
        if not self.flow.start and not (self.flow.on and self.flow.on.answered):
            hint = "add `start: <state>`; for a flow that is only entered by a placed call, `on: answered:`"
            self.problems.append(
                Problem(
                    "FE220",
                    self.document.span(("flow",)),
                    "nothing says where this flow starts",
                    hint,
                )
            )


def legal(actions: frozenset[str], instructions: frozenset[str]) -> frozenset[str]:
    """The callbacks whose answer may hold all of this; `done` sends nothing."""
    sent = actions - {"done"}
    return frozenset(
        name
        for name in LEGAL_ACTIONS
        if sent <= LEGAL_ACTIONS[name] and instructions <= LEGAL_INSTRUCTIONS[name]
    )


def optional(builder: Builder, path: Path, name: str, text: str | UnsetType) -> Any:
    return builder.template((*path, name), text) if isinstance(text, str) else None


def first(variable: Variable) -> Any:
    """The first value, as the variable holds it ever after."""
    if variable.default is None:
        return EMPTY[variable.type]
    whole = variable.type is Type.DECIMAL and isinstance(variable.default, int)
    return float(variable.default) if whole else variable.default


def program(
    flow: Flow, document: Document, scope: Scope, around: Surroundings, problems: list[Problem]
) -> Program:
    """The program of a flow. With problems it is incomplete, but still good enough for the checks
    that follow.
    """
    flowing = Flowing(flow, document, scope, around, problems)
    flowing.checked_entries()
    compiled = [flowing.try_state(name, state) for name, state in flow.states.items()]
    states = {state.name: state for state in compiled if state}
    on = flow.on or On()
    own = around.subflows[flow.flow]
    events = [
        str(state)
        for state in (on.answered, on.pressed, on.ended, *(on.notified or {}).values())
        if state
    ]
    secret = frozenset(f"vars.{item.name}" for item in around.variables.values() if item.secret)
    entering, waiting = liveness(
        states,
        frozenset(f"vars.{item.name}" for item in own.outputs),
        events,
        goes_back=around.goes_back,
    )
    return Program(
        flow=flow.flow,
        document=document,
        states=states,
        machine=machine(states, next(iter(states), "")),
        start=flowing.exists(flow.start, ("start",)),
        answered=flowing.exists(on.answered, ("on", "answered")),
        pressed=flowing.exists(on.pressed, ("on", "pressed")),
        ended=flowing.exists(on.ended, ("on", "ended")),
        notified={
            kind: flowing.exists(state, ("on", "notified", kind))
            for kind, state in (on.notified or {}).items()
        },
        locale=around.locale,
        variables=around.variables,
        initial={f"vars.{item.name}": first(item) for item in around.variables.values()},
        signature=own,
        secret=secret,
        live=waiting,
        entry_reads=entering,
        calls=tuple(state for state in states.values() if isinstance(state.verb, CompiledSubflow)),
        guarded=bool(secret) or any(map(records_by_secret, states.values())),
        goes_back=around.goes_back,
    )


def records_by_secret(state: CompiledState) -> bool:
    recorder = state.preamble.record if state.preamble else None
    parts = (recorder.to, recorder.credentials) if recorder else ()
    return any(name.startswith("secrets.") for part in parts if part for name in part.names)
