"""The questions that a call was asked, so that `back` can lead to each of them again."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from flowengine.limits import MAX_HISTORY_BYTES


class SubflowVisit(msgspec.Struct, frozen=True, array_like=True):
    """A subflow that has returned: the state that used it, and the questions that it asked with the
    values that they need.
    """

    state: str
    flow: str
    values: dict[str, Any]
    history: "tuple[str | SubflowVisit, ...]"


History = tuple[str | SubflowVisit, ...]
encode_item = msgspec.msgpack.Encoder().encode


def list_questions(history: Sequence[str | SubflowVisit]) -> Iterator[str]:
    """The questions of the flow itself, without those of its subflows."""
    return (item for item in history if isinstance(item, str))


def iter_flow_values(
    history: Sequence[str | SubflowVisit],
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Flow and values of each subflow that was left, and of those that it used."""
    for item in history:
        if isinstance(item, SubflowVisit):
            yield item.flow, item.values
            yield from iter_flow_values(item.history)


def is_small(history: Sequence[str | SubflowVisit]) -> bool:
    """Whether a history may travel as it is: quick, and a no may be wrong by some bytes."""
    return len(encode_item(history)) <= MAX_HISTORY_BYTES


def drop_oldest_questions(levels: Sequence[Sequence[str | SubflowVisit]]) -> list[History]:
    """The histories of a call, outermost first, without their oldest questions as far as they are
    too large to travel.
    """
    found = [tuple(level) for level in levels]
    if not any(found):  # most flows have no key that leads back
        return found
    sizes = [[len(encode_item(item)) for item in level] for level in found]
    total = sum(map(sum, sizes))
    for place, level in enumerate(sizes):
        dropped = 0
        while total > MAX_HISTORY_BYTES and dropped < len(level):
            total -= level[dropped]
            dropped += 1
        found[place] = found[place][dropped:]
    return found
