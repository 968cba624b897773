"""What a state sends, found by entering it with made-up values: texts stand as the `${…}` that they
come from.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote

import msgspec
from msgspec.structs import replace

from flowengine.compile import CompiledState, Program, Release
from flowengine.expr import EvalError, Type
from flowengine.sinch import Ace, CallbackEvent, CallTarget, Dice, Ice, MenuResult, Notify, Pie
from flowengine.states import (
    AnswerCallback,
    LookupRequest,
    LookupResult,
    NameBindings,
    PlacementPlan,
    QueueFacts,
    RingPlan,
    StateFailure,
    StateResult,
    StepContext,
    Variable,
)
from flowengine.svaml import encode_svaml

SAMPLE_CALL: Mapping[str, Any] = {"call_id": "call-id"}
SAMPLE_EVENTS: Mapping[str, CallbackEvent] = {
    "ice": Ice(
        **SAMPLE_CALL,
        cli="+12025550123",
        to=CallTarget("did", "+12025550100"),
        domain="pstn",
        origination_type="PSTN",
    ),
    "ace": Ace(**SAMPLE_CALL),
    "pie": Pie(**SAMPLE_CALL, menu_result=MenuResult("main", "return", "1", "dtmf")),
    "keys": Pie(**SAMPLE_CALL, menu_result=MenuResult("", "sequence", "1", "dtmf")),
    "dice": Dice(**SAMPLE_CALL, result="ANSWERED", reason="CALLERHANGUP"),
    "notify": Notify(**SAMPLE_CALL),
}
SAMPLE_FACTS = {
    "call.from": "+12025550123",
    "call.to": "+12025550100",
    "call.user": "user",
    "call.sip": "user@example.com",
    "call.withheld": False,
    "call.redirected_from": "+12025550199",
    "call.origin": "pstn",
    "call.failed_state": "look_up",
    "call.failure": "timeout",
}
SAMPLE_BY_KIND = {"date": "2026-01-31", "time": "09:30", "text": "+12025550123"}
SAMPLE_QUEUE = LookupResult(200, msgspec.to_builtins(QueueFacts(2, 180, 1, 1)))
SAMPLE_TIME = datetime(2026, 1, 5, 12, tzinfo=UTC)  # a Monday at noon


class StatePreview(msgspec.Struct, frozen=True):
    """What is sent and asked, which others are called, or why that cannot be told beforehand."""

    verb: str = "sends"
    svaml: str = ""
    asks: str = ""
    depends: str = ""
    sampled: bool = False
    rings: str = ""


def format_placeholder(name: str) -> str:
    return f"${{{name}}}"


def other_placeholder(name: str) -> str:
    """One that has nothing in common with the usual one: neither its ends nor its length."""
    return f"~other {name[::-1]}~"


class PreviewNames(NameBindings):
    """Names whose texts show where they come from."""

    __slots__ = ()
    format_placeholder = staticmethod(format_placeholder)

    def __missing__(self, name: str) -> Any:
        """Clocks and calendars, as placeholders where they are text."""
        value = super().__missing__(name)
        return self.format_placeholder(name) if isinstance(value, str) else value


class OtherwiseShown(PreviewNames):
    """The same with other placeholders."""

    __slots__ = ()
    format_placeholder = staticmethod(other_placeholder)


def choose_sample(variable: Variable) -> Any:
    if variable.choices:
        return variable.choices[0]
    return (
        "1234567890123456789"[: variable.size]
        if variable.kind == "digits"
        else SAMPLE_BY_KIND.get(variable.kind, "1")
    )


def build_values(program: Program, text: Callable[[Variable], Any]) -> dict[str, Any]:
    texts = {
        f"vars.{name}": text(item)
        for name, item in program.variables.items()
        if item.type is Type.TEXT
    }
    return {**program.initial, **texts, "call.locale": program.locale}


def preview_state(
    release: Release, program: Program, state: CompiledState, known: tuple[str, ...]
) -> StatePreview:
    """Placeholders first. Where something is worked out from a value, as by `spell`, that value is a
    sample of its kind: nobody can read what becomes of a placeholder.
    """
    event = SAMPLE_EVENTS[known[0] if known else "ice"]

    def preview_with(kind: type[PreviewNames]) -> StatePreview:
        texts = build_values(program, lambda item: kind.format_placeholder(f"vars.{item.name}"))
        facts = {fact: kind.format_placeholder(fact) for fact in SAMPLE_FACTS}
        names = kind.from_values({**texts, **facts}, release.computed_names, event, SAMPLE_TIME)
        return enter_state(program, state, names)

    seen = preview_with(PreviewNames)
    read = state.reads | state.late_reads
    if not seen.depends and drop_names(seen, read) == preview_with(OtherwiseShown):
        return seen

    def preview_values(values: Mapping[str, Any]) -> StatePreview:
        names = NameBindings.from_values(values, release.computed_names, event, SAMPLE_TIME)
        return enter_state(program, state, names)

    sampled = {**build_values(program, choose_sample), **SAMPLE_FACTS}
    if preview_values(sampled).depends:
        return seen
    for name in sorted(read - {"call.locale"}):  # it decides how values are said
        if isinstance(sampled.get(name), str):
            shown = preview_values({**sampled, name: format_placeholder(name)})
            other = preview_values({**sampled, name: other_placeholder(name)})
            if not shown.depends and drop_names(shown, [name]) == other:
                sampled[name] = format_placeholder(name)
    return replace(preview_values(sampled), sampled=True)


def drop_names(seen: StatePreview, names: Iterable[str]) -> StatePreview:
    """What is shown, with the other placeholders of these names."""
    svaml, asks, rings = seen.svaml, seen.asks, seen.rings
    for name in names:
        svaml, asks, rings = (
            text.replace(format_placeholder(name), other_placeholder(name))
            for text in (svaml, asks, rings)
        )
    return replace(seen, svaml=svaml, asks=asks, rings=rings)


def enter_state(program: Program, state: CompiledState, names: NameBindings) -> StatePreview:
    run = StepContext(names.event, names, program.locale, 0)
    try:
        if state.preamble:
            state.preamble.add_instructions(run)
        move = state.verb.enter(run)
        if isinstance(move, LookupRequest) and move.queue:
            run.lookup_result = SAMPLE_QUEUE
            move = state.verb.resume(run)
            return replace(describe_move(run, move), sampled=True)
    except EvalError as error:
        return StatePreview(depends=error.message)
    return describe_move(run, move)


def describe_move(run: StepContext, move: StateResult) -> StatePreview:
    if isinstance(move, StateFailure):
        return StatePreview(depends=move.reason)
    answers = isinstance(move, AnswerCallback)
    asks = (
        f"{move.service}: {move.method} {unquote(move.url)}"
        if isinstance(move, LookupRequest)
        else ""
    )
    sent = (
        encode_svaml(run.instructions, move.action if isinstance(move, AnswerCallback) else None)
        if answers or run.instructions
        else b""
    )
    verb = "sends" if answers else "adds to what the next answer sends"
    effects = move.effects if isinstance(move, AnswerCallback) else None
    ring = effects.ring if effects else None
    return StatePreview(
        verb,
        msgspec.json.format(sent, indent=2).decode() if sent not in (b"", b"{}") else "",
        asks,
        rings=describe_ring(ring) if ring else "\n".join(map(describe_plan, run.placements)),
    )


def describe_plan(plan: PlacementPlan) -> str:
    """Who is to be called, into what, and when."""
    within = f", within {plan.within}" if plan.within else ""
    zone = f" by the clock of {plan.zone}" if plan.zone else ""
    tries = f"; {plan.tries} tries, {plan.pause}s apart" if plan.tries > 1 else ""
    at = f", not before {plan.at}" if plan.at else ""
    delay = f", not before {plan.delay}s have passed" if plan.delay else ""
    when = f"{at}{delay}{within}{zone}{tries}"
    return f"has {plan.to.address} called into {plan.flow}{when}"


def describe_ring(plan: RingPlan) -> str:
    """Who is called, and what they hear."""
    called = ", ".join(member.address for member in plan.members)
    lines = [f"has others called: {called}; {plan.order}, {plan.each}s each"]
    if terms := plan.queue:
        lines = [
            f"waits in the queue of {plan.group}, with priority {terms.priority}"
            + (f", for at most {terms.limit}s" if terms.limit else "")
            + (f"; hears the words again every {terms.every}s" if terms.every else ""),
            f"who is free is called: {called}; {plan.order}, {plan.each}s each",
        ]
    if plan.whisper:
        lines.append(f"who answers hears {plan.whisper}, and has the call with {plan.accept_key}")
    if plan.taken:
        lines.append(f"who is too late hears {plan.taken}")
    return "\n".join(lines)
