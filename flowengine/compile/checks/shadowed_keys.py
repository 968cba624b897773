"""Options that hide a key that works everywhere."""

from collections.abc import Iterator

from flowengine.model import Flow
from flowengine.problems import Problem
from flowengine.source import Document
from flowengine.states.menu import AuthoredMenu, AuthoredOption


def check(flow: Flow, document: Document) -> Iterator[Problem]:
    for name, key in find_shadowed_keys(flow):
        message = f"key {key} leads to {flow.keys[key]} everywhere else in this flow"
        span = document.find_key_span(("states", name, "menu", "options", key))
        yield Problem("FE906", span, message, "choose another key here, or leave this one out")


def find_shadowed_keys(flow: Flow) -> Iterator[tuple[str, str]]:
    for name, state in flow.states.items() if flow.keys else ():
        if isinstance(state.menu, AuthoredMenu):
            yield from (
                (name, key)
                for key, option in state.menu.options.items()
                if key in flow.keys and get_option_target(option) != flow.keys[key]
            )


def get_option_target(option: str | AuthoredOption) -> object:
    return option.next if isinstance(option, AuthoredOption) else option
