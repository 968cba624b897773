"""What the compilation of a state may use of its flow and project: variables, services, subflows."""

import re
from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from flowengine.expr import (
    Template,
    Type,
)
from flowengine.source import KeyPath
from flowengine.states.prompt import CompiledPrompt, LocalisedText
from flowengine.states.queue_plan import QueueOrder
from flowengine.states.ring_plan import RingMember, RingOrder

FILE_NAME_KIND = "file name"  # of a hidden variable: letters, digits, - and _
CallbackContext = Literal["same", "pie", "ace", "notify", "keys", "ice"]


class ExitTarget(msgspec.Struct, frozen=True):
    """Where an exit leads, under which callback the target is entered, and where the author wrote
    it. `label` is what its author would call it, in a diagram. The target may be entered under
    `also_via` as well.
    """

    state: str
    via: CallbackContext
    path: KeyPath
    label: str
    also_via: CallbackContext | None = None

    @property
    def contexts(self) -> tuple[CallbackContext, ...]:
        return (self.via, self.also_via) if self.also_via else (self.via,)


class Variable(msgspec.Struct, frozen=True):
    """A declared variable: its kind, the most characters it may hold, its choices and its first
    value.
    """

    name: str
    kind: str
    type: Type
    size: int
    secret: bool
    default: Any
    choices: tuple[str, ...] = ()


class FlowSignature(msgspec.Struct, frozen=True):
    """What a caller of a subflow must know of it."""

    inputs: tuple[Variable, ...]
    outputs: tuple[Variable, ...]
    outcomes: tuple[str, ...]


class UnreadNames(msgspec.Struct, frozen=True):
    """Names that authors have defined, by the part of the project, where the definition has a
    mistake: nothing that uses one is judged. `""` stands for all names of a part, or for all parts.
    """

    names: frozenset[tuple[str, str]] = frozenset()

    def has_name(self, part: str, name: str) -> bool:
        """Whether this name may be one that could not be read."""
        return not self.names.isdisjoint({("", ""), (part, ""), (part, name)})

    def has_part(self, part: str) -> bool:
        """Whether any name of this part may be one that could not be read."""
        return any(each in ("", part) for each, _ in self.names)

    def is_read_by(self, text: str) -> bool:
        """Whether an expression in this text may read such a name."""
        return bool(self.names) and any(
            self.has_name(_PARTS_BY_NAMESPACE[found[1]], found[2])
            for found in _SHARED_NAME.finditer(text)
        )


_PARTS_BY_NAMESPACE = {"hours": "calendars", "tables": "tables", "secrets": "secrets"}
_SHARED_NAME = re.compile(r"\b(hours|tables|secrets)\s*\.\s*(\w+)")


class CompiledService(msgspec.Struct, frozen=True):
    """An HTTP service of the project, ready to call."""

    name: str
    url: str
    headers: Mapping[str, Template]
    timeout: float
    retries: int


class RecordingStorage(msgspec.Struct, frozen=True):
    """Where the recordings of the project go, and the tone before a message."""

    to: Template
    credentials: Template | None
    beep: CompiledPrompt | None


class RingGroup(msgspec.Struct, frozen=True):
    """People who are rung as a group, and what holds for its rings and queues that say nothing else.
    Times are in seconds. At most `most_waiting` callers wait in its queue, 0 is any number. A member
    who has not taken a call of the queue is offered none for `pause`.
    """

    name: str
    members: tuple[RingMember, ...]
    order: RingOrder
    each: int
    wrap_up: int
    most_waiting: int = 0
    pause: int = 10

    @property
    def queue_order(self) -> QueueOrder:
        """One member is offered a call at a time, so phones that ring all at once have no order."""
        return "longest idle" if self.order == "all at once" else self.order


class ContextNotes(msgspec.Struct):
    """What states have done with their context: whether they asked for the name of their flow, and
    the hidden variables that they added.
    """

    has_read_flow_name: bool = False
    shadow_variables: dict[str, Variable] = msgspec.field(default_factory=dict)

    def clear(self) -> None:
        """Forget what states have done so far."""
        self.has_read_flow_name, self.shadow_variables = False, {}


class FlowContext(msgspec.Struct, frozen=True):
    """What the project and the flow offer to every state of a flow."""

    flow_name: str
    locale: str
    voice: str
    variables: Mapping[str, Variable]
    messages: Mapping[str, LocalisedText]
    services: Mapping[str, CompiledService]
    secrets: Mapping[str, str]
    subflows: Mapping[str, FlowSignature]
    groups: Mapping[str, RingGroup]
    global_keys: Mapping[str, str]
    defaults: Mapping[str, Any]
    unread: UnreadNames
    menu_ids: str = "named"
    goes_back: bool = False
    storage: RecordingStorage | None = None
    notes: ContextNotes = msgspec.field(default_factory=ContextNotes)

    @property
    def flow(self) -> str:
        """The name of the flow. A state that asks for it is compiled for this flow alone."""
        self.notes.has_read_flow_name = True
        return self.flow_name

    def add_shadow_variables(self, added: Mapping[str, Variable]) -> None:
        """Add hidden variables to those of the flow."""
        assert isinstance(self.variables, dict)  # noqa: S101  one per flow, made for its states to share
        self.variables.update(added)
        self.notes.shadow_variables.update(added)
