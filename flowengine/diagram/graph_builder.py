"""The graph of a compiled flow."""

from collections.abc import Iterator, Mapping
from typing import Any

from flowengine.compile import CompiledState, Program
from flowengine.diagram.flow_graph import Edge, EntryPoint, FlowGraph, Node

MAX_LABEL_LENGTH = 60
CONNECT_LABEL_KEYS = ("phone", "sip", "app", "conference", "stream")
FETCH_METHODS = ("get", "post", "put")


def build_graph(program: Program) -> FlowGraph:
    """What can happen in a flow. Failures that many states share are one entry, or they would hide
    everything else.
    """
    data = program.document.data
    failing = (
        EntryPoint("when something fails", data["error"], failing=True)
        if data.get("error") in program.states
        else None
    )
    entries = tuple(EntryPoint(name, state) for name, state in program.list_entries().items())
    return FlowGraph(
        flow=program.flow,
        title=data.get("title", ""),
        entries=(*entries, failing) if failing else entries,
        nodes=tuple(
            Node(
                state.name,
                state.kind,
                shorten_label(format_state_label(state.kind, get_authored_state(program, state))),
            )
            for state in program.states.values()
        ),
        edges=tuple(
            edge for state in program.states.values() for edge in build_edges(program, state)
        ),
    )


def get_authored_state(program: Program, state: CompiledState) -> Mapping[str, Any]:
    found: Mapping[str, Any] = program.document.get_value(state.path) or {}
    return found


def build_edges(program: Program, state: CompiledState) -> Iterator[Edge]:
    """Exits that lead to the same state are one edge."""
    written = get_authored_state(program, state)
    gathered: dict[str, list[str]] = {}
    for name, target in state.exits.items():
        gathered.setdefault(target.state, []).append(format_exit_label(name, written))
    for key, does in find_special_keys(written):
        if does == "repeat":
            gathered.setdefault(state.name, []).append(f"key {key}")
    if state.error and "error" in written:
        gathered.setdefault(state.error, []).append("error")
    for target_name, labels in gathered.items():
        yield Edge(state.name, target_name, tuple(shorten_label(one) for one in labels if one))


def find_special_keys(written: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Keys of the menu itself that lead to no state."""
    menu = written.get("menu")
    for key, option in (menu["options"] if isinstance(menu, dict) else {}).items():
        does = option.get("next") if isinstance(option, dict) else option
        if does in ("repeat", "back"):
            yield key, does


def format_exit_label(name: str, written: Mapping[str, Any]) -> str:
    """An exit as the author thinks of it: `next` needs no word, a choice is its condition."""
    word, _, rest = name.partition(" ")
    if word in ("choice", "share"):
        chosen = written["choose" if word == "choice" else "split"][int(rest) - 1]
        return str(chosen.get("when") or chosen.get("share") or "else")
    return {"next": "", "outcome": rest}.get(word, name)


def format_state_label(kind: str, written: Mapping[str, Any]) -> str:
    """What a state does, as short as its author would say it."""
    verb = written.get(kind)
    said = extract_first_words(written.get("say"))
    if kind in ("menu", "collect") and isinstance(verb, dict):
        return said or extract_first_words(verb.get("prompt"))
    if kind == "connect":
        return format_connect_label(verb)
    if isinstance(verb, dict):
        return {
            "fetch": format_fetch_label,
            "subflow": format_subflow_label,
            "set": format_set_label,
            "park": format_park_label,
        }.get(kind, lambda _: said)(verb)
    return said or (str(verb) if isinstance(verb, str) else "")


def format_connect_label(verb: Any) -> str:
    if not isinstance(verb, dict):
        return str(verb)
    return next((f"{target} {verb[target]}" for target in CONNECT_LABEL_KEYS if target in verb), "")


def format_fetch_label(verb: Mapping[str, Any]) -> str:
    return next(
        (
            f"{verb['service']}: {method} {verb[method]}"
            for method in FETCH_METHODS
            if method in verb
        ),
        "",
    )


def format_subflow_label(verb: Mapping[str, Any]) -> str:
    return str(verb["flow"])


def format_set_label(verb: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} = {value}" for name, value in verb.items())


def format_park_label(verb: Mapping[str, Any]) -> str:
    return extract_first_words(verb.get("intro"))


def extract_first_words(prompt: Any) -> str:
    """The first words of a prompt, in the first of its locales; what is played only where nothing
    is spoken.
    """
    if isinstance(prompt, list):
        spoken = [part for part in prompt if not (isinstance(part, dict) and "audio" in part)]
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
