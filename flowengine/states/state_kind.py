"""An entry of the registry of kinds: what other modules know of a kind before a state is compiled."""

import keyword
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property
from typing import Any, Literal

import msgspec

from flowengine.source import KeyPath
from flowengine.states.builder import StateBuilder
from flowengine.states.flow_context import CallbackContext
from flowengine.states.variable_values import Assignment

OWN_KEY_DEPTH = 2  # `options`, key
Shape = Literal["action", "question", "decision", "end", "subflow", "connection", "lookup"]
FactForm = Literal[
    "text",  # a setting of an option
    "number",
    "target",  # where a key leads
    "flow",  # the name of a flow
    "prompt",
    "value",  # a value for a variable
    "condition",  # a branch that is taken when it holds; the first that holds is taken
    "share",  # a branch that takes this share of the callers
    "global keys",  # those of the flow, but for the ones in `value`; `label` stands before each
    "topic",  # `label` is something that the state draws on
    "service",  # the settings in `value`, where the state has none, are those of service `label`
]


class AuthoredFact(msgspec.Struct, frozen=True):
    """One thing that an author wrote, for the comparison of two versions. `path` is below the kind;
    `topics` are what it draws on; a condition or a share leads to `target`.
    """

    form: FactForm
    label: str
    value: Any
    path: KeyPath = ()
    topics: frozenset[str] = frozenset()
    target: str = ""


def get_text(authored: Any) -> Any:
    """The authored part, where it is a text."""
    return authored if isinstance(authored, str) else ""


def keep_form(authored: Any) -> Any:
    """The authored part as it is."""
    return authored


def list_no_facts(_authored: Any) -> Iterable[AuthoredFact]:
    return ()


def list_no_keys(_authored: Any) -> Iterator[tuple[KeyPath, str | None]]:
    yield from ()


class StateKind(msgspec.Struct, frozen=True, dict=True):
    """One kind of state. What is known of a compiled state is asked of its `Verb`; this is about
    the kind, and about what an author wrote.

    `next` says whether it takes `next:` and under which callback that is entered; `authored` is the
    type of what stands below the kind, with its title, description and examples for the schema.
    """

    name: str
    title: str
    example: str
    authored: Any
    compile: Callable[[StateBuilder, KeyPath, Any], Any]
    next: CallbackContext | Literal["none"]
    # the variables that it sets before anything else; such a kind may stand beside another one
    compile_assignments: Callable[[StateBuilder, KeyPath, Any], tuple[Assignment, ...]] | None = (
        None
    )
    # its form in diagrams
    shape: Shape = "action"
    # what it does in its author's words, a text or a prompt, from the YAML below the kind; and
    # whether that says more than what the state says before
    summarise: Callable[[Any], Any] = get_text
    is_summary_first: bool = False
    # keys that the author leads somewhere, from the YAML below the kind: where (below the kind),
    # and the target, None where it is no state
    list_keys: Callable[[Any], Iterator[tuple[KeyPath, str | None]]] = list_no_keys
    # the platform's actions that it answers with, by what they lead to; "" where there is one
    actions: Mapping[str, str] = msgspec.field(default_factory=dict)
    # keys below which an author's data stands, where a key such as `text` means nothing
    data_keys: frozenset[str] = frozenset()
    # for the comparison of versions: the long form of a short one, what its options do not say by
    # themselves, whether `defaults:` step in, and whether its branches are shares of the callers
    expand: Callable[[Any], Any] = keep_form
    list_facts: Callable[[Any], Iterable[AuthoredFact]] = list_no_facts
    has_defaults: bool = False
    splits_callers: bool = False
    # the options that tell best whether a state under another name is the same
    identifying_options: frozenset[str] = frozenset()

    @cached_property
    def attribute(self) -> str:
        """Its field in the model: a keyword of Python gets a `_`."""
        return f"{self.name}_" if keyword.iskeyword(self.name) else self.name

    def list_own_keys(self, authored: Any) -> Iterator[tuple[str, KeyPath, str | None]]:
        """The keys of a question itself, without those of menus inside it: key, path, target."""
        for path, target in self.list_keys(authored):
            if len(path) <= OWN_KEY_DEPTH:
                yield str(path[-1]), path, target
