"""The graph of a compiled flow."""

from collections.abc import Iterator, Mapping
from typing import Any

from flowengine.compile import CompiledState, Program
from flowengine.diagram.graph import Edge, Entry, Graph, Node

LONGEST = 60
TARGETS = ("phone", "sip", "app", "conference", "stream")
METHODS = ("get", "post", "put")


def graph(program: Program) -> Graph:
    """What can happen in a flow. Failures that many states share are one entry, or they would hide
    everything else.
    """
    data = program.document.data
    failing = (
        Entry("when something fails", data["error"], failing=True)
        if data.get("error") in program.states
        else None
    )
    entries = tuple(Entry(name, state) for name, state in program.entries().items())
    return Graph(
        flow=program.flow,
        title=data.get("title", ""),
        entries=(*entries, failing) if failing else entries,
        nodes=tuple(
            Node(state.name, state.kind, shortened(label(state.kind, authored(program, state))))
            for state in program.states.values()
        ),
        edges=tuple(edge for state in program.states.values() for edge in edges(program, state)),
    )


def authored(program: Program, state: CompiledState) -> Mapping[str, Any]:
    found: Mapping[str, Any] = program.document.at(state.path) or {}
    return found


def edges(program: Program, state: CompiledState) -> Iterator[Edge]:
    """Exits that lead to the same state are one edge."""
    written = authored(program, state)
    gathered: dict[str, list[str]] = {}
    for name, target in state.exits.items():
        gathered.setdefault(target.state, []).append(exit_label(name, written))
    for key, does in special_keys(written):
        if does == "repeat":
            gathered.setdefault(state.name, []).append(f"key {key}")
    if state.error and "error" in written:
        gathered.setdefault(state.error, []).append("error")
    for target_name, labels in gathered.items():
        yield Edge(state.name, target_name, tuple(shortened(one) for one in labels if one))


def special_keys(written: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Keys of the menu itself that lead to no state."""
    menu = written.get("menu")
    for key, option in (menu["options"] if isinstance(menu, dict) else {}).items():
        does = option.get("next") if isinstance(option, dict) else option
        if does in ("repeat", "back"):
            yield key, does


def exit_label(name: str, written: Mapping[str, Any]) -> str:
    """An exit as the author thinks of it: `next` needs no word, a choice is its condition."""
    word, _, rest = name.partition(" ")
    if word in ("choice", "share"):
        chosen = written["choose" if word == "choice" else "split"][int(rest) - 1]
        return str(chosen.get("when") or chosen.get("share") or "else")
    return {"next": "", "outcome": rest}.get(word, name)


def label(kind: str, written: Mapping[str, Any]) -> str:
    """What a state does, as short as its author would say it."""
    verb = written.get(kind)
    said = words(written.get("say"))
    if kind in ("menu", "collect") and isinstance(verb, dict):
        return said or words(verb.get("prompt"))
    if kind == "connect":
        return connected(verb)
    if isinstance(verb, dict):
        return {"fetch": fetched, "subflow": called, "set": assigned, "park": parked}.get(
            kind, lambda _: said
        )(verb)
    return said or (str(verb) if isinstance(verb, str) else "")


def connected(verb: Any) -> str:
    if not isinstance(verb, dict):
        return str(verb)
    return next((f"{target} {verb[target]}" for target in TARGETS if target in verb), "")


def fetched(verb: Mapping[str, Any]) -> str:
    return next(
        (f"{verb['service']}: {method} {verb[method]}" for method in METHODS if method in verb), ""
    )


def called(verb: Mapping[str, Any]) -> str:
    return str(verb["flow"])


def assigned(verb: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} = {value}" for name, value in verb.items())


def parked(verb: Mapping[str, Any]) -> str:
    return words(verb.get("intro"))


def words(prompt: Any) -> str:
    """The first words of a prompt, in the first of its locales; what is played only where nothing
    is spoken.
    """
    if isinstance(prompt, list):
        spoken = [part for part in prompt if not (isinstance(part, dict) and "audio" in part)]
        return next(filter(None, map(words, spoken or prompt)), "")
    if not isinstance(prompt, dict):
        return str(prompt or "")
    if "each" in prompt:
        return words(prompt["each"])
    text = next(
        (prompt[kind] for kind in ("text", "ssml", "audio", "message") if kind in prompt), ""
    )
    return str(next(iter(text.values()), "")) if isinstance(text, dict) else str(text)


def shortened(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= LONGEST else line[: LONGEST - 1].rsplit(" ", 1)[0] + "…"
