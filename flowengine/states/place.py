"""place: have somebody called into a flow, with data, now or later."""

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any
from zoneinfo import ZoneInfoNotFoundError

import msgspec
from msgspec import UNSET, Meta

from flowengine.expr import (
    EscapeMode,
    EvalError,
    Template,
    find_whole_expression,
    load_zone,
    suggest_zone,
)
from flowengine.limits import MAX_PLACEMENT_SECONDS, MAX_RING_SECONDS
from flowengine.problems import quote_value, suggest_name
from flowengine.source import KeyPath
from flowengine.states.builder import StateBuilder
from flowengine.states.connect_actions import explain_omissions, format_caller_id
from flowengine.states.connect_checks import check_caller_id
from flowengine.states.place_options import AuthoredPlace
from flowengine.states.place_plan import (
    CALLEE_ZONE,
    TOO_FAR_AHEAD,
    PlacementPlan,
    compute_placement_id,
    is_moment,
    is_too_far_ahead,
    list_turns,
)
from flowengine.states.queue_plan import (
    KEPT_TURNS_FACT,
    TURN_FACT,
    QueueTurn,
    add_kept_turn,
    parse_queue_turn,
)
from flowengine.states.ring_members import MemberError, format_member, parse_member
from flowengine.states.ring_plan import HOST_FACT
from flowengine.states.state_kind import AuthoredFact, StateKind
from flowengine.states.state_results import Exit, StateFailure, StateResult
from flowengine.states.step_context import StepContext
from flowengine.states.subflow import check_inputs, compile_input
from flowengine.states.variable_values import Assignment
from flowengine.states.verb import DialledText, NoEffect, Verb

CALLED_FACT = "call.to"
CALLER_ADDRESS = re.compile(r"call\.(from|sip)|e164\(\s*call\.from\b.*\)", re.DOTALL)
EXAMPLE = """
call_back:
  place:
    flow: we-call-back
    to: ${call.from}
    with: {name: "${vars.name}"}
    in: 2m
    within: support
    tries: 3
    pause: 10m
  next: goodbye
"""


class CompiledPlace(Verb, msgspec.Struct, frozen=True):
    """Notes a call that is to be placed, and leads on."""

    name: str
    flow: str
    to: Template
    inputs: tuple[Assignment, ...]
    caller_id: Template | None
    ring: int
    tries: int
    pause: int
    delay: int
    at: Template | None
    within: str
    zone: str
    key: Template | None
    is_in_turn: bool
    actions = frozenset[str]()
    waits = False

    def enter(self, run: StepContext) -> StateResult:
        try:
            plan = self.build_plan(run)
        except EvalError as error:
            return StateFailure(error.message)
        except MemberError as error:
            return StateFailure(f"nobody can be called: {error}")
        run.placements.append(plan)
        for turn in list_turns([plan]):
            run.names[KEPT_TURNS_FACT] = add_kept_turn(run.names.get(KEPT_TURNS_FACT, ""), turn)
        run.notes.append(f"places a call into {self.flow}: {plan.id}")
        return Exit("next")

    def build_plan(self, run: StepContext) -> PlacementPlan:
        """The plan, with the values of this call. Raises EvalError, and MemberError for an address
        that cannot be called.
        """
        names = run.names
        shown = self.caller_id.render(names) if self.caller_id else names.get(CALLED_FACT, "")
        if self.caller_id:
            run.notes.extend(explain_omissions({"caller_id": shown}))
        at = self.at.render(names).strip() if self.at else ""
        if at and not is_moment(at):
            raise EvalError("at: is no date and time such as 2026-12-24 09:30")
        if at and is_too_far_ahead(at, names.now.timestamp()):
            raise EvalError(f"at: {TOO_FAR_AHEAD}")
        return PlacementPlan(
            id=compute_placement_id(run.event.application_key, self.flow, self._build_key(run)),
            flow=self.flow,
            to=parse_member(self.to.render(names)),
            data={item.variable.name: item.evaluate(run) for item in self.inputs},
            cli=format_caller_id({"caller_id": shown}),
            ring=self.ring,
            tries=self.tries,
            pause=self.pause,
            delay=self.delay,
            at=at,
            within=self.within,
            zone=self.zone,
            turn=self.find_turn(run),
        )

    def find_turn(self, run: StepContext) -> QueueTurn | None:
        """The place that the caller keeps. Raises EvalError where they have none."""
        if not self.is_in_turn:
            return None
        turn = parse_queue_turn(run.names.get(TURN_FACT, ""))
        if turn is None:
            raise EvalError("the call has waited in no queue")
        return turn

    def _build_key(self, run: StepContext) -> str:
        """The key of the author. Without one, and where it is empty for this call, it is what a
        repeated step has alike, and no other visit of a state.
        """
        if self.key is not None:
            if key := self.key.render(run.names).strip():
                return f"key {key}"
            run.notes.append("the key is empty: each call that comes here places one")
        return f"call {run.event.call_id} {run.steps} {len(run.placements)} {self.name}"

    @property
    def placed_flow(self) -> str:
        return self.flow

    @property
    def keeps_turn(self) -> bool:
        return self.is_in_turn

    @property
    def calls_back_at_once(self) -> bool:
        is_put_off = bool(self.delay or self.at or self.is_in_turn)
        return not is_put_off and is_caller(self.to)

    @property
    def is_failure_likely(self) -> bool:
        """Callers may withhold their number."""
        return self.to.constant is None

    def list_dialled_texts(self) -> Iterator[DialledText]:
        yield DialledText(("to",), self.to, takes_sip=True)
        if self.caller_id:
            yield DialledText(("caller_id",), self.caller_id, is_caller_id=True)

    @property
    def is_at_fixed_time(self) -> bool:
        return self.at is not None and is_moment((self.at.constant or "").strip())

    def find_no_effects(self, authored: Any, _deadline: float) -> Iterator[NoEffect]:
        if "pause" in authored and self.tries == 1:
            yield NoEffect(("pause",), "there is one try", "remove it, or allow more tries:")
        if "zone" in authored and not self.within and self.at is None:
            yield NoEffect(("zone",), "no clock decides here", "remove it, or say within: or at:")
        if self.key is not None and self.key.constant is not None and not self.key.constant.strip():
            hint = "write what tells this call from others, or remove it"
            yield NoEffect(("key",), "an empty key tells no call from others", hint)


def compile_place(
    builder: StateBuilder, path: KeyPath, authored: AuthoredPlace
) -> CompiledPlace | None:
    builder.reads.add(HOST_FACT)
    if authored.when is not UNSET:
        builder.reads.add(TURN_FACT)
    inputs = compile_inputs(builder, path, authored)
    to = builder.compile_template((*path, "to"), authored.to, EscapeMode.PLAIN)
    check_callee(builder, path, to)
    check_caller_id(builder, path, authored.caller_id)
    check_calendar(builder, path, authored)
    check_zone(builder, path, authored)
    week, what = MAX_PLACEMENT_SECONDS, "how long a call may be put off"
    pause = builder.compile_seconds((*path, "pause"), authored.pause, week, what)
    what = "how long the phone may ring"
    ring = builder.compile_seconds((*path, "ring"), authored.ring, MAX_RING_SECONDS, what)
    delay = compile_delay(builder, path, authored)
    at = compile_moment(builder, path, authored)
    caller_id = compile_caller_id(builder, path, authored)
    key = None
    if isinstance(authored.key, str):
        key = builder.compile_template((*path, "key"), authored.key, EscapeMode.PLAIN)
    if to is None or inputs is None:
        return None
    return CompiledPlace(
        name=builder.state,
        flow=authored.flow,
        to=to,
        inputs=inputs,
        caller_id=caller_id,
        ring=ring,
        tries=authored.tries,
        pause=pause,
        delay=delay,
        at=at,
        within=authored.within or "",
        zone=authored.zone or "",
        key=key,
        is_in_turn=authored.when is not UNSET,
    )


def compile_inputs(
    builder: StateBuilder, path: KeyPath, authored: AuthoredPlace
) -> tuple[Assignment, ...] | None:
    """The values for the flow; None where there is no such flow."""
    signature = builder.context.subflows.get(authored.flow)
    if signature is None:
        if not builder.context.unread.has_name("flows", authored.flow):
            builder.add_problem(
                "FE202",
                (*path, "flow"),
                f"there is no flow {authored.flow}",
                suggest_name(authored.flow, builder.context.subflows),
            )
        return None
    check_inputs(builder, path, authored.flow, authored.given, signature)
    compiled = [
        compile_input(builder, (*path, "with", name), name, value, signature)
        for name, value in authored.given.items()
    ]
    return tuple(item for item in compiled if item)


def is_caller(to: Template) -> bool:
    """Whether an address is that of the caller, maybe as an international number."""
    whole = find_whole_expression(to.text)
    return whole is not None and CALLER_ADDRESS.fullmatch(whole.strip()) is not None


def check_callee(builder: StateBuilder, path: KeyPath, to: Template | None) -> None:
    """An address that is the same for all calls, and that cannot be called."""
    if to is None or to.constant is None:
        return
    try:
        parse_member(to.constant)
    except MemberError as error:
        builder.add_problem("FE415", (*path, "to"), str(error), error.hint)


def check_calendar(builder: StateBuilder, path: KeyPath, authored: AuthoredPlace) -> None:
    name = authored.within
    if name is UNSET or f"hours.{name}.open" in builder.scope.names:
        return
    if builder.context.unread.has_name("calendars", name):
        return
    known = [each.split(".")[1] for each in builder.scope.names if each.endswith(".next_open")]
    hint = suggest_name(name, known) or f"write calendars/{name}.yaml"
    builder.add_problem("FE202", (*path, "within"), f"there is no calendar {name}", hint)


def check_zone(builder: StateBuilder, path: KeyPath, authored: AuthoredPlace) -> None:
    if authored.zone in (UNSET, CALLEE_ZONE):
        return
    try:
        load_zone(str(authored.zone))
    except ZoneInfoNotFoundError:
        builder.add_problem(
            "FE315",
            (*path, "zone"),
            f"there is no zone {quote_value(str(authored.zone))}",
            suggest_zone(str(authored.zone), CALLEE_ZONE),
        )


def compile_delay(builder: StateBuilder, path: KeyPath, authored: AuthoredPlace) -> int:
    if authored.delay is UNSET:
        return 0
    what = "how long a call may be put off"
    return builder.compile_seconds((*path, "in"), authored.delay, MAX_PLACEMENT_SECONDS, what)


def compile_moment(
    builder: StateBuilder, path: KeyPath, authored: AuthoredPlace
) -> Template | None:
    if authored.at is UNSET:
        return None
    made = builder.compile_template((*path, "at"), authored.at, EscapeMode.PLAIN)
    if made and made.constant is not None and not is_moment(made.constant.strip()):
        builder.add_problem(
            "FE315",
            (*path, "at"),
            "this is no date and time",
            "write 2026-12-24 09:30, or values: ${vars.day} ${vars.hour}",
        )
    return made


def compile_caller_id(
    builder: StateBuilder, path: KeyPath, authored: AuthoredPlace
) -> Template | None:
    if authored.caller_id is UNSET:
        builder.reads.add(CALLED_FACT)
        return None
    return builder.compile_template((*path, "caller_id"), authored.caller_id, EscapeMode.PLAIN)


def list_place_facts(authored: AuthoredPlace) -> Iterator[AuthoredFact]:
    """The flow, whom it is for, and the calendar that decides when."""
    yield AuthoredFact("flow", "flow", authored.flow, ("flow",))
    yield AuthoredFact("text", "to", format_member(authored.to), ("to",))
    if authored.within is not UNSET:
        yield AuthoredFact("text", "within", authored.within, ("within",))
        yield AuthoredFact("topic", f"calendar {authored.within}", None)
    if authored.when is not UNSET:
        yield AuthoredFact("text", "when", authored.when, ("when",))


def summarise_place(authored: Mapping[str, Any]) -> str:
    """The flow, whom it calls, and whether in their turn."""
    when = f", {authored['when']}" if "when" in authored else ""
    return f"{authored['flow']}: {authored['to']}{when}"


PLACE_KIND = StateKind(
    "place",
    "Have somebody called into a flow",
    EXAMPLE,
    Annotated[
        AuthoredPlace,
        Meta(
            title="place",
            description="Have somebody called, now or later, who comes into a flow by answering.",
            examples=[{"flow": "we-call-back", "to": "${call.from}", "in": "2m"}],
        ),
    ],
    compile_place,
    "same",
    shape="subflow",
    summarise=summarise_place,
    is_summary_first=True,
    list_facts=list_place_facts,
    data_keys=frozenset({"with"}),
    identifying_options=frozenset({"flow"}),
)
