"""The graph of a compiled flow."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from flowengine.compile import CompiledState, Program
from flowengine.compile.routing import CompiledRoute
from flowengine.diagram.flow_graph import Edge, EntryPoint, FlowGraph, Node
from flowengine.states import STATE_KINDS
from flowengine.states.field_types import SPECIAL_TARGETS

MAX_LABEL_LENGTH = 60


def build_graph(program: Program, routes: Iterable[CompiledRoute] = ()) -> FlowGraph:
    """What can happen in a flow, with what those of the routes ask that lead to it. Failures that
    many states share are one entry, or they would hide everything else.
    """
    data = program.document.data
    failing = (
        EntryPoint("when something fails", data["error"], failing=True)
        if data.get("error") in program.states
        else None
    )
    asked = "; ".join(format_route(route) for route in routes if route.flow == program.flow)
    entries = tuple(
        EntryPoint(name, state, label=shorten_label(asked) if name == "start" else "")
        for name, state in program.list_entries().items()
    )
    return FlowGraph(
        flow=program.flow,
        title=data.get("title", ""),
        entries=(*entries, failing) if failing else entries,
        nodes=tuple(
            Node(
                state.name,
                STATE_KINDS[state.kind].shape if state.kind in STATE_KINDS else "action",
                shorten_label(format_state_label(state.kind, get_authored_state(program, state))),
                kind=state.kind,
                line=program.document.find_key_span(state.path).line,
            )
            for state in program.states.values()
        ),
        edges=tuple(
            edge for state in program.states.values() for edge in build_edges(program, state)
        ),
    )


def format_route(route: CompiledRoute) -> str:
    """What a route asks of a call."""
    number = f"{route.prefix}{'*' if route.has_wildcard else ''}{route.suffix}"
    sign = "+" if route.prefix.isdigit() else ""
    asked = {
        "to": f"{sign}{number}" if route.has_number else "",
        "type": route.kind,
        "origin": route.origin,
        "application": route.application,
    }
    found = ", ".join(f"{name} {value}" for name, value in asked.items() if value)
    return found or "all other calls"


def get_authored_state(program: Program, state: CompiledState) -> Mapping[str, Any]:
    found: Mapping[str, Any] = program.document.get_value(state.path) or {}
    return found


def build_edges(program: Program, state: CompiledState) -> Iterator[Edge]:
    """Exits that lead to the same state are one edge."""
    written = get_authored_state(program, state)
    gathered: dict[str, list[tuple[str, str]]] = {}
    for name, target in state.exits.items():
        gathered.setdefault(target.state, []).append((name, target.label))
    for key, does in find_special_keys(state.kind, written):
        if does == "repeat":
            gathered.setdefault(state.name, []).append((does, f"key {key}"))
    if state.error and "error" in written:
        gathered.setdefault(state.error, []).append(("error", "error"))
    for target_name, ways in gathered.items():
        yield Edge(
            state.name,
            target_name,
            tuple(shorten_label(label) for _, label in ways if label),
            tuple(dict.fromkeys(name for name, _ in ways)),
        )


def find_special_keys(kind: str, written: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Keys of the question itself that lead to no state; those of inner menus are left out."""
    known = STATE_KINDS.get(kind)
    for key, _, target in known.list_own_keys(written[kind]) if known else ():
        if target in SPECIAL_TARGETS:
            yield key, str(target)


def format_state_label(name: str, written: Mapping[str, Any]) -> str:
    """What a state does, as short as its author would say it."""
    said = extract_first_words(written.get("say"))
    kind = STATE_KINDS.get(name)
    if kind is None or (said and not kind.is_summary_first):
        return said
    return extract_first_words(kind.summarise(written[name]))


def extract_first_words(prompt: Any) -> str:
    """The first words of a prompt, in the first of its locales; what is played only where nothing
    is spoken.
    """
    if isinstance(prompt, list):
        spoken = [
            part
            for part in prompt
            if not (isinstance(part, dict) and {"audio", "pause"} & part.keys())
        ]
        return next(filter(None, map(extract_first_words, spoken or prompt)), "")
    if not isinstance(prompt, dict):
        return str(prompt or "")
    if "each" in prompt:
        return extract_first_words(prompt["each"])
    text = next(
        (prompt[kind] for kind in ("text", "ssml", "audio", "message") if kind in prompt), ""
    )
    return str(next(iter(text.values()), "")) if isinstance(text, dict) else str(text)


def shorten_label(text: str) -> str:
    line = " ".join(text.split())
    return (
        line
        if len(line) <= MAX_LABEL_LENGTH
        else line[: MAX_LABEL_LENGTH - 1].rsplit(" ", 1)[0] + "…"
    )
