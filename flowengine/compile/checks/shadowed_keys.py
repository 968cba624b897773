"""Options that hide a key that works everywhere."""

from collections.abc import Iterator

from flowengine.model import Flow
from flowengine.problems import Problem
from flowengine.source import Document, KeyPath
from flowengine.states import STATE_KINDS


def check(flow: Flow, document: Document) -> Iterator[Problem]:
    for path, key in find_shadowed_keys(flow, document):
        message = f"key {key} leads to {flow.keys[key]} everywhere else in this flow"
        span = document.find_key_span(path)
        yield Problem("FE906", span, message, "choose another key here, or leave this one out")


def find_shadowed_keys(flow: Flow, document: Document) -> Iterator[tuple[KeyPath, str]]:
    """The keys of questions themselves: those of inner menus hide nothing."""
    for name, state in document.data["states"].items() if flow.keys else ():
        for kind in STATE_KINDS.values():
            keys = kind.list_own_keys(state[kind.name]) if kind.name in state else ()
            for key, path, target in keys:
                if key in flow.keys and target != flow.keys[key]:
                    yield ("states", name, kind.name, *path), key
