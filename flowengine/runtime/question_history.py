"""The questions that a call was asked, so that `back` can lead to each of them again."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from flowengine.limits import MAX_HISTORY_BYTES


class SubflowVisit(msgspec.Struct, frozen=True, array_like=True):
    """A subflow that has returned: the state that entered it, and its questions with the values
    that they need.
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
    """The flow and the values of each subflow that has returned, and of the subflows in it."""
    for item in history:
        if isinstance(item, SubflowVisit):
            yield item.flow, item.values
            yield from iter_flow_values(item.history)


def is_small(history: Sequence[str | SubflowVisit]) -> bool:
    """Whether a history surely fits into the stored call. A quick test that errs by some bytes
    towards False.
    """
    return len(encode_item(history)) <= MAX_HISTORY_BYTES


def drop_oldest_questions(levels: Sequence[Sequence[str | SubflowVisit]]) -> list[History]:
    """The histories of a call, outermost first, without the oldest questions where all together are
    too large to store.
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
