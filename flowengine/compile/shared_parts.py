"""Parts that programs have in common: compiled once, and held in memory once.

A company with many lines has flows that differ in little. Their equal states compile to equal ones,
where all is equal that a state may look at.
"""

from collections.abc import Callable, Hashable, Mapping
from typing import Any, Final, NamedTuple, TypeVar

import msgspec

from flowengine.compile.dependencies import UsedFingerprints
from flowengine.compile.program import CompiledState
from flowengine.expr import Scope
from flowengine.source import Document, KeyPath
from flowengine.states import Variable

FactsT = TypeVar("FactsT", bound=Hashable)
ResultT = TypeVar("ResultT")
# what no state looks at: other states it knows by their names only, and that it asked for the name
# of its flow is noted
_UNREAD_KEYS: Final = frozenset({"flow", "title", "states"})
_encode: Final = msgspec.json.Encoder().encode


class StateKey(NamedTuple):
    """All that a state depends on, but for what is the same in a whole project. The text tells
    whether somebody wrote `null` or nothing; it is empty where nobody wrote `null`.
    """

    head: bytes
    name: str
    text: str
    data: bytes


class SharedState(msgspec.Struct, frozen=True):
    """A compiled state without problems; the hidden variables that it adds to its flow, and what it
    looked up meanwhile.
    """

    state: CompiledState
    added: Mapping[str, Variable]
    used: Mapping[str, UsedFingerprints]


class SharedParts:
    """What the flows of one project share in one compilation."""

    def __init__(self) -> None:
        self.states: dict[StateKey, SharedState] = {}
        self.scopes: dict[bytes, Scope] = {}
        self._heads: dict[bytes, bytes] = {}
        self._results: dict[Hashable, Any] = {}
        self._described: dict[tuple[object, int], tuple[CompiledState, Any]] = {}

    def compute_once(self, compute: Callable[[FactsT], ResultT], facts: FactsT) -> ResultT:
        """The result of this function for these facts, which nothing else may go into."""
        key = (compute, facts)
        if key not in self._results:
            self._results[key] = compute(facts)
        result: ResultT = self._results[key]
        return result

    def describe(
        self, describe: Callable[[CompiledState], ResultT], state: CompiledState
    ) -> ResultT:
        """The result of this function for this very state."""
        key = (describe, id(state))
        if key not in self._described:
            # it is kept with its state, so that no other one takes its id
            self._described[key] = (state, describe(state))
        result: ResultT = self._described[key][1]
        return result

    def encode_head(self, document: Document, spoken_locales: tuple[str, ...]) -> bytes | None:
        """What the states of a flow may know of it; None where nothing can be said of that."""
        if document.broken:
            return None
        head = {name: value for name, value in document.data.items() if name not in _UNREAD_KEYS}
        encoded = encode_exactly((head, list(document.data["states"]), spoken_locales))
        return None if encoded is None else self._heads.setdefault(encoded, encoded)


def build_state_key(head: bytes | None, document: Document, path: KeyPath) -> StateKey | None:
    """The key of the state at this path; None where it cannot be shared."""
    data = None if head is None else encode_exactly(document.get_value(path))
    if head is None or data is None:
        return None
    text = "" if document.is_plain else document.get_source_text(path)
    return StateKey(head, str(path[-1]), text, data)


def encode_exactly(value: Any) -> bytes | None:
    """A value as JSON, which tells 1 from 1.0 and from true; None where JSON cannot hold it."""
    try:
        return _encode(value)
    except (ValueError, TypeError, OverflowError):
        return None
