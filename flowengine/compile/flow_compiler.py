"""One authored flow to one program."""

from collections.abc import Mapping
from functools import lru_cache, partial
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from flowengine.compile.dependencies import UsedFingerprints
from flowengine.compile.flow_variables import get_initial_value
from flowengine.compile.liveness import (
    FlowNames,
    collect_state_names,
    compute_liveness,
    intern_names,
)
from flowengine.compile.program import CompiledState, Program
from flowengine.compile.shared_parts import (
    SharedParts,
    SharedState,
    StateKey,
    build_state_key,
)
from flowengine.compile.state_machine import build_machine, list_state_exits
from flowengine.cooperative import pause_if_due
from flowengine.expr import Scope
from flowengine.expr.value_domains import suggest_words
from flowengine.model import EventEntries, Flow, State
from flowengine.problems import Problem, quote_value, suggest_name
from flowengine.sinch.vocabulary import NOTICE_TYPES
from flowengine.source import Document, KeyPath, report_internal_errors
from flowengine.states import (
    STAND_IN_STATE,
    STATE_KINDS,
    Exit,
    ExitTarget,
    FlowContext,
    StateBuilder,
    StateResult,
    StepContext,
)
from flowengine.states.preamble import Preamble
from flowengine.states.recording import Recording, compile_recording
from flowengine.states.variable_values import Assignment
from flowengine.states.verb import CALL_OTHERS, CALL_OTHERS_CONTEXTS, Verb
from flowengine.svaml import LEGAL_ACTIONS, LEGAL_INSTRUCTIONS

KEY_ONLY_TARGETS = ("repeat", "back")


class SayOnlyState(Verb, msgspec.Struct, frozen=True):
    """A state without a verb: its preamble does all of its work."""

    actions = frozenset[str]()
    waits = False

    def enter(self, _run: StepContext) -> StateResult:
        return Exit("next")


EMPTY_PREAMBLE = Preamble()


class FlowCompiler(msgspec.Struct, frozen=True):
    """Compiles the states of one flow. `head` is what equal states of other flows may know of it."""

    flow: Flow
    document: Document
    scope: Scope
    context: FlowContext
    trackers: Mapping[str, Any]
    problems: list[Problem]
    shared: SharedParts
    head: bytes | None

    def try_compile_state(self, name: str, authored: State) -> CompiledState | None:
        """The compiled state, or None where it has problems or is a stand-in."""
        pause_if_due()
        path: KeyPath = ("states", name)
        if self.document.get_value(path) is STAND_IN_STATE:
            return None  # it has its problems already, and a stand-in would have others
        with report_internal_errors(self.problems, partial(self.document.find_key_span, path)):
            return self.share_or_compile_state(path, name, authored)
        return None

    def share_or_compile_state(
        self, path: KeyPath, name: str, authored: State
    ) -> CompiledState | None:
        """The state of another flow, where that is equal in all that it depends on."""
        key = build_state_key(self.head, self.document, path)
        if key is None:
            return self.compile_state(path, name, authored)
        known = self.shared.states.get(key)
        if known is None:
            return self.compile_and_share_state(key, path, authored)
        if known.added:
            self.context.add_shadow_variables(known.added)
        if known.used:
            self.add_used(known.used)
        return known.state

    def compile_and_share_state(
        self, key: StateKey, path: KeyPath, authored: State
    ) -> CompiledState | None:
        self.take_used()  # what others have looked up before
        self.context.notes.clear()
        known_problems = len(self.problems)
        made = self.compile_state(path, key.name, authored)
        used, notes = self.take_used(), self.context.notes
        # a problem is one of this file
        if made and not notes.has_read_flow_name and len(self.problems) == known_problems:
            self.shared.states[key] = SharedState(made, notes.shadow_variables, used)
        return made

    def take_used(self) -> dict[str, UsedFingerprints]:
        """What was looked up since the last time, by the part of the project."""
        recent = {part: tracker.take_recent() for part, tracker in self.trackers.items()}
        return {part: used for part, used in recent.items() if used}

    def add_used(self, used: Mapping[str, UsedFingerprints]) -> None:
        for part, each in used.items():
            self.trackers[part].add_used(each)

    def compile_state(self, path: KeyPath, name: str, authored: State) -> CompiledState | None:
        builder = StateBuilder(name, path, self.document, self.scope, self.context, self.problems)
        kind = self.find_kind(builder, authored)
        # the order in which values are computed in a call, and mistakes are reported: what is set,
        # the rest of the preamble, the verb
        set_path, assignments = self.compile_assignments(builder, authored)
        set_reads = frozenset(builder.reads)
        builder.reads.clear()
        first = self.compile_preamble(builder, authored, assignments)
        verb = (
            STATE_KINDS[kind].compile(
                builder, (*path, kind), getattr(authored, STATE_KINDS[kind].attribute)
            )
            if kind
            else SayOnlyState()
        )
        self.add_next_exit(builder, kind, authored)
        if verb is None:
            return None
        return CompiledState(
            name=name,
            kind=kind or "say",
            path=path,
            preamble=first,
            verb=verb,
            exits=self.collect_valid_exits(builder),
            set_reads=intern_names(set_reads),
            other_reads=intern_names(frozenset(builder.reads)),
            late_reads=intern_names(frozenset(builder.late_reads)),
            writes=intern_names(frozenset(builder.writes)),
            error=self.resolve_error_state(builder, authored),
            legal=find_legal_callbacks(verb.actions, first.instructions if first else frozenset()),
            set_path=set_path,
        )

    def compile_assignments(
        self, builder: StateBuilder, authored: State
    ) -> tuple[KeyPath, tuple[Assignment, ...]]:
        """What the state sets before anything else, and where that stands below it."""
        for name, kind in STATE_KINDS.items():
            value = getattr(authored, kind.attribute)
            if kind.compile_assignments and value is not UNSET:
                return (name,), kind.compile_assignments(builder, (*builder.path, name), value)
        return (), ()

    def find_kind(self, builder: StateBuilder, authored: State) -> str:
        given = [
            name
            for name, kind in STATE_KINDS.items()
            if getattr(authored, kind.attribute) is not UNSET
        ]
        # what only sets variables may stand beside what the state does
        given = [name for name in given if not STATE_KINDS[name].compile_assignments] or given
        if len(given) > 1:
            path = (*builder.path, given[1])
            message = f"a state does one thing, but this one has {' and '.join(given)}"
            self.problems.append(
                Problem(
                    "FE204",
                    self.document.find_key_span(path),
                    message,
                    "move the second into a state of its own and lead there by next:",
                )
            )
        # with two kinds the first is compiled, so that its own mistakes are reported, too
        return given[0] if given else ""

    def compile_preamble(
        self, builder: StateBuilder, authored: State, assignments: tuple[Assignment, ...]
    ) -> Preamble | None:
        path = builder.path
        record = authored.record
        first = Preamble(
            assignments=assignments,
            locale=compile_optional_template(builder, path, "locale", authored.locale),
            answer=authored.answer,
            record=compile_recording(builder, (*path, "record"), record)
            if isinstance(record, Recording)
            else None,
            stop=record == "stop",
            say=builder.compile_prompt((*path, "say"), authored.say),
            dtmf=compile_optional_template(builder, path, "dtmf", authored.dtmf),
            status=authored.report.status if authored.report else "",
            details=compile_optional_template(
                builder, (*path, "report"), "details", authored.report.details
            )
            if authored.report
            else None,
        )
        return first if first != EMPTY_PREAMBLE else None

    def add_next_exit(self, builder: StateBuilder, kind: str, authored: State) -> None:
        via = STATE_KINDS[kind].next if kind else "same"
        path = (*builder.path, "next")
        if via == "none":
            if authored.next is not UNSET:
                self.problems.append(
                    Problem(
                        "FE219",
                        self.document.find_key_span(path),
                        f"{kind} already says where the call goes",
                        "remove this next:",
                    )
                )
        elif authored.next is UNSET:
            builder.add_problem(
                "FE205",
                builder.path,
                f"nothing says where the call goes after {builder.state}",
                "add `next: <state>`, or end it with `hangup:`",
                at_key=True,
            )
        else:
            builder.add_exit("next", authored.next, path, via, label="")

    def collect_valid_exits(self, builder: StateBuilder) -> dict[str, ExitTarget]:
        """The exits whose states exist; the others are reported."""
        for target in builder.exits.values():
            # resolved even if dropped below: this reports the missing state
            self.resolve_state(target.state, target.path)
        return {
            name: target
            for name, target in builder.exits.items()
            if target.state in self.flow.states
        }

    def resolve_state(self, state: str | UnsetType, path: KeyPath) -> str:
        if state is UNSET or state in self.flow.states:
            return state or ""
        hint = (
            self.suggest_flow(str(state))
            or suggest_name(str(state), self.flow.states)
            or f"add a state {state}, or lead to another one"
        )
        self.problems.append(
            Problem("FE203", self.document.find_span(path), f"there is no state {state}", hint)
        )
        return ""

    def suggest_flow(self, name: str) -> str:
        """The cure for the name of a flow where that of a state is expected."""
        if name not in self.context.subflows:
            return ""
        return (
            f"{name} is a flow: lead to a state with `next_flow: {name}`, or use it by `subflow:`"
        )

    def resolve_error_state(self, builder: StateBuilder, authored: State) -> str:
        if authored.error is not UNSET:
            return self.resolve_state(authored.error, (*builder.path, "error"))
        shared = self.flow.error or self.context.defaults.get("error", "")
        # the shared error state has no error exit to itself, which would loop
        return str(shared) if shared in self.flow.states and shared != builder.state else ""

    def check_entries(self) -> None:
        self.resolve_state(self.flow.error, ("error",))
        for key, state in self.flow.keys.items():
            if state not in KEY_ONLY_TARGETS:
                self.resolve_state(state, ("keys", key))
        on = self.flow.on or EventEntries()
        for kind in on.notified or {}:
            if kind not in ("any", *NOTICE_TYPES):
                span = self.document.find_key_span(("on", "notified", kind))
                hint = suggest_words(kind, ("any", *NOTICE_TYPES))
                self.problems.append(
                    Problem(
                        "FE315", span, f"the type of a notice is never {quote_value(kind)}", hint
                    )
                )
        if not self.flow.start and not (self.flow.on and self.flow.on.answered):
            hint = "add `start: <state>`; for a flow that is only entered by a placed call, `on: answered:`"
            self.problems.append(
                Problem(
                    "FE220",
                    self.document.find_span(("flow",)),
                    "nothing says where this flow starts",
                    hint,
                )
            )


@lru_cache(1024)
def find_legal_callbacks(actions: frozenset[str], instructions: frozenset[str]) -> frozenset[str]:
    """The callbacks whose answer may hold all of this; `done` sends nothing."""
    sent = actions - {"done", CALL_OTHERS}
    possible = CALL_OTHERS_CONTEXTS if CALL_OTHERS in actions else LEGAL_ACTIONS.keys()
    return frozenset(
        name
        for name in possible
        if sent <= LEGAL_ACTIONS[name] and instructions <= LEGAL_INSTRUCTIONS[name]
    )


def compile_optional_template(
    builder: StateBuilder, path: KeyPath, name: str, text: str | UnsetType
) -> Any:
    return builder.compile_template((*path, name), text) if isinstance(text, str) else None


def compile_flow(flowing: FlowCompiler) -> Program:
    """The program of a flow. With problems it is incomplete, but still good enough for the checks
    that follow.
    """
    flow, document, context = flowing.flow, flowing.document, flowing.context
    flowing.check_entries()
    compiled = [flowing.try_compile_state(name, state) for name, state in flow.states.items()]
    states = {state.name: state for state in compiled if state}
    on = flow.on or EventEntries()
    own = context.subflows[flow.flow]
    secret = frozenset(f"vars.{item.name}" for item in context.variables.values() if item.secret)
    liveness = flowing.shared.compute_once(
        compute_liveness,
        FlowNames(
            tuple(flowing.shared.describe(collect_state_names, one) for one in states.values()),
            frozenset(f"vars.{item.name}" for item in own.outputs),
            list_entry_states(on),
            context.goes_back,
        ),
    )
    return Program(
        flow=flow.flow,
        document=document,
        states=states,
        machine=flowing.shared.compute_once(
            build_machine,
            tuple(flowing.shared.describe(list_state_exits, one) for one in states.values()),
        ),
        start=flowing.resolve_state(flow.start, ("start",)),
        answered=flowing.resolve_state(on.answered, ("on", "answered")),
        answered_by_machine=flowing.resolve_state(on.machine, ("on", "machine")),
        pressed=flowing.resolve_state(on.pressed, ("on", "pressed")),
        ended=flowing.resolve_state(on.ended, ("on", "ended")),
        notified={
            kind: flowing.resolve_state(state, ("on", "notified", kind))
            for kind, state in (on.notified or {}).items()
        },
        locale=context.locale,
        variables=context.variables,
        initial={
            f"vars.{item.name}": get_initial_value(item) for item in context.variables.values()
        },
        signature=own,
        secret_names=secret,
        live=liveness.waiting,
        entry_reads=liveness.entering,
        linking_states=tuple(state for state in states.values() if state.verb.entered_flow),
        handles_secrets=bool(secret) or any(map(has_secret_recording, states.values())),
        goes_back=context.goes_back,
    )


def list_entry_states(on: EventEntries) -> tuple[str, ...]:
    """The states that events lead to."""
    entries = (on.answered, on.machine, on.pressed, on.ended, *(on.notified or {}).values())
    return tuple(str(state) for state in entries if state)


def has_secret_recording(state: CompiledState) -> bool:
    parts = [part for one in state.recordings for part in (one.to, one.credentials) if part]
    return any(name.startswith("secrets.") for part in parts for name in part.names)
