"""What a state sends, found by entering it with made-up values: texts stand as the `${…}` that they
come from.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote

import msgspec

from flowengine.compile import CompiledState, Program, Release
from flowengine.expr import EvalError, Type
from flowengine.sinch import Ace, Destination, Dice, Event, Ice, MenuResult, Notify, Pie
from flowengine.states import Answer, Failed, Move, Names, Request, Run, Variable
from flowengine.svaml import encode

CALL: Mapping[str, Any] = {"call_id": "call-id"}
EVENTS: Mapping[str, Event] = {
    "ice": Ice(
        **CALL,
        cli="+12025550123",
        to=Destination("did", "+12025550100"),
        domain="pstn",
        origination_type="PSTN",
    ),
    "ace": Ace(**CALL),
    "pie": Pie(**CALL, menu_result=MenuResult("main", "return", "1", "dtmf")),
    "keys": Pie(**CALL, menu_result=MenuResult("", "sequence", "1", "dtmf")),
    "dice": Dice(**CALL, result="ANSWERED", reason="CALLERHANGUP"),
    "notify": Notify(**CALL),
}
FACTS = {
    "call.from": "+12025550123",
    "call.to": "+12025550100",
    "call.user": "user",
    "call.sip": "user@example.com",
    "call.withheld": False,
    "call.redirected_from": "+12025550199",
    "call.origin": "pstn",
}
SAMPLES = {"date": "2026-01-31", "time": "09:30", "text": "+12025550123"}
WHEN = datetime(2026, 1, 5, 12, tzinfo=UTC)  # a Monday at noon


@dataclass(frozen=True, slots=True)
class Preview:
    """What is sent, asked, or why that cannot be told beforehand."""

    verb: str = "sends"
    svaml: str = ""
    asks: str = ""
    depends: str = ""
    sampled: bool = False


def placeholder(name: str) -> str:
    return f"${{{name}}}"


def other_placeholder(name: str) -> str:
    """One that has nothing in common with the usual one: neither its ends nor its length."""
    return f"~other {name[::-1]}~"


class Shown(Names):
    """Names whose texts show where they come from."""

    __slots__ = ()
    placeholder = staticmethod(placeholder)

    def __missing__(self, name: str) -> Any:
        """Clocks and calendars, as placeholders where they are text."""
        value = super().__missing__(name)
        return self.placeholder(name) if isinstance(value, str) else value


class OtherwiseShown(Shown):
    """The same with other placeholders."""

    __slots__ = ()
    placeholder = staticmethod(other_placeholder)


def sample(variable: Variable) -> Any:
    if variable.choices:
        return variable.choices[0]
    return (
        "1234567890123456789"[: variable.size]
        if variable.kind == "digits"
        else SAMPLES.get(variable.kind, "1")
    )


def values(program: Program, text: Callable[[Variable], Any]) -> dict[str, Any]:
    texts = {
        f"vars.{name}": text(item)
        for name, item in program.variables.items()
        if item.type is Type.TEXT
    }
    return {**program.initial, **texts, "call.locale": program.locale}


def preview(
    release: Release, program: Program, state: CompiledState, known: tuple[str, ...]
) -> Preview:
    """Placeholders first. Where something is worked out from a value, as by `spell`, a sample of
    its kind: nobody can read what becomes of a placeholder.
    """
    event = EVENTS[known[0] if known else "ice"]

    def shown(kind: type[Shown]) -> Preview:
        texts = values(program, lambda item: kind.placeholder(f"vars.{item.name}"))
        facts = {fact: kind.placeholder(fact) for fact in FACTS}
        names = kind.of({**texts, **facts}, release.computed, event, WHEN)
        return entered(program, state, names)

    seen = shown(Shown)
    if not seen.depends and renamed(seen, state) == shown(OtherwiseShown):
        return seen
    sampled = {**values(program, sample), **FACTS}
    again = entered(program, state, Names.of(sampled, release.computed, event, WHEN))
    return seen if again.depends else replace(again, sampled=True)


def renamed(seen: Preview, state: CompiledState) -> Preview:
    """What is shown, with the other placeholders."""
    svaml, asks = seen.svaml, seen.asks
    for name in state.reads | state.late_reads:
        svaml = svaml.replace(placeholder(name), other_placeholder(name))
        asks = asks.replace(placeholder(name), other_placeholder(name))
    return replace(seen, svaml=svaml, asks=asks)


def entered(program: Program, state: CompiledState, names: Names) -> Preview:
    run = Run(names.event, names, program.locale, 0)
    try:
        if state.preamble:
            state.preamble.run(run)
        move = state.verb.enter(run)
    except EvalError as error:
        return Preview(depends=error.message)
    return told(run, move)


def told(run: Run, move: Move) -> Preview:
    if isinstance(move, Failed):
        return Preview(depends=move.reason)
    answers = isinstance(move, Answer)
    asks = f"{move.service}: {move.method} {unquote(move.url)}" if isinstance(move, Request) else ""
    sent = (
        encode(run.said, move.action if isinstance(move, Answer) else None)
        if answers or run.said
        else b""
    )
    verb = "sends" if answers else "adds to what the next answer sends"
    return Preview(
        verb, msgspec.json.format(sent, indent=2).decode() if sent not in (b"", b"{}") else "", asks
    )
