"""The log of the latest answered deliveries of a call, a column of its row in the store."""

from collections.abc import Iterable
from itertools import starmap
from struct import Struct
from time import perf_counter
from typing import NamedTuple

from flowengine.limits import SIGNATURE_WINDOW_SECONDS
from flowengine.runtime.delivery import DICE_IDENTITY, IDENTITY_BYTES, CallbackDelivery
from flowengine.storage.sessions import SavedCall

# A caller who presses keys faster than this for minutes may see one of them processed twice.
MAX_ENTRIES = 32
_PRUNE_FROM_ENTRIES = 6  # entries: few calls have more, and pruning takes a microsecond
_ENTRY = Struct(f">{IDENTITY_BYTES}sqqIB")  # an entry has another length than a bare digest
SPOKEN_FLAG, SETS_COOKIE_FLAG, _UNDELIVERED_FLAG, _PLAIN_FLAG = 1, 2, 4, 8
_ENTRY_BYTES = _ENTRY.size
# the flags of the first entry, and what they are where it has no plain digest
_FLAGS = slice(_ENTRY_BYTES - 1, _ENTRY_BYTES)
_KEYED = frozenset(bytes([flags]) for flags in range(_PLAIN_FLAG))
# lengths of logs that are never pruned, as nearly all are
_SHORT_LOGS = frozenset(range(0, _PRUNE_FROM_ENTRIES * _ENTRY_BYTES, _ENTRY_BYTES))
_MAX_TOOK_MICROS = 2**32 - 1


class AnsweredDelivery(NamedTuple):
    """An answered delivery. Times are in microseconds; `took` is the time until the answer, `stamp`
    is by the platform's clock. `is_spoken` says that the platform followed the answer;
    `sets_cookie` that the answer holds the state of the call; `is_undelivered` that the connection
    broke before the answer was written; `is_plain` that an earlier version of the server wrote the
    entry, with a digest without a key.
    """

    identity: bytes
    stamp: int
    arrived_at: int
    took: int = 0
    is_spoken: bool = False
    sets_cookie: bool = False
    is_undelivered: bool = False
    is_plain: bool = False

    @property
    def flags(self) -> int:
        return (
            self.is_spoken * SPOKEN_FLAG
            | self.sets_cookie * SETS_COOKIE_FLAG
            | self.is_undelivered * _UNDELIVERED_FLAG
            | self.is_plain * _PLAIN_FLAG
        )


def may_hold(saved: SavedCall, identity: bytes) -> bool:
    """Whether the log may hold an event. A quick test: False is certain, True is nearly always
    right.
    """
    log = saved.deliveries
    # `identity in log` would first try the identity as a number; a log of an earlier version has
    # other flags, or is too short to have any
    return log.find(identity) >= 0 or log[_FLAGS] not in _KEYED


def append_entry(saved: SavedCall | None, delivery: CallbackDelivery, flags: int) -> bytes:
    """The log of a call with this delivery as the latest. `flags` are SPOKEN_FLAG and
    SETS_COOKIE_FLAG, where they hold for its answer.
    """
    took = min(int((perf_counter() - delivery.started_at) * 1_000_000), _MAX_TOOK_MICROS)
    entry = _ENTRY.pack(
        delivery.identity, delivery.stamp, int(delivery.arrived_at * 1_000_000), took, flags
    )
    if saved is None:
        return entry
    log = saved.deliveries
    if len(log) in _SHORT_LOGS:
        return log + entry
    if len(log) % _ENTRY_BYTES:  # written by an earlier version, or empty
        return encode_log(decode_log(saved)) + entry
    return encode_log(_drop_old_entries(decode_log(saved), delivery.arrived_at)) + entry


def decode_log(saved: SavedCall) -> list[AnsweredDelivery]:
    """The entries of a log, the latest last. A log of an earlier version is one digest."""
    log = saved.deliveries
    if len(log) == IDENTITY_BYTES:
        spoken = b'"action"' in saved.answer or saved.answer[:1].isdigit()
        arrived = round(saved.claimed * 1_000_000)
        return [AnsweredDelivery(log, 0, arrived, is_spoken=spoken, is_plain=True)]
    if len(log) % _ENTRY_BYTES:
        return []
    return list(starmap(_to_entry, _ENTRY.iter_unpack(log)))


def encode_log(entries: Iterable[AnsweredDelivery]) -> bytes:
    """The bytes of these entries."""
    return b"".join(
        _ENTRY.pack(entry.identity, entry.stamp, entry.arrived_at, entry.took, entry.flags)
        for entry in entries
    )


def is_latest_answer(saved: SavedCall, identity: bytes) -> bool:
    """Whether the platform has followed no answer since that to this event."""
    spoken = [entry.identity for entry in decode_log(saved) if entry.is_spoken]
    return spoken[-1:] == [identity]


def is_over(saved: SavedCall) -> bool:
    """Whether the platform has told the end of the call."""
    return any(entry.identity == DICE_IDENTITY for entry in decode_log(saved))


def mark_undelivered(saved: SavedCall, delivery: CallbackDelivery) -> bytes | None:
    """The log with the delivery marked as undelivered; None where the log does not hold it, or a
    later delivery of the event has got the answer.
    """
    arrived = int(delivery.arrived_at * 1_000_000)
    entries = decode_log(saved)
    for index, entry in enumerate(entries):
        if (entry.identity, entry.stamp, entry.arrived_at) == (
            delivery.identity,
            delivery.stamp,
            arrived,
        ):
            if any(later.identity == entry.identity for later in entries[index + 1 :]):
                return None
            entries[index] = entry._replace(is_undelivered=True)
            return encode_log(entries)
    return None


def was_in_flight(entry: AnsweredDelivery, delivery: CallbackDelivery) -> bool:
    """Whether the entry was still being answered when this delivery arrived. Nobody knows yet whether
    that answer will reach the platform.
    """
    return int(delivery.arrived_at * 1_000_000) < entry.arrived_at + entry.took


def mark_repeated(saved: SavedCall, delivery: CallbackDelivery) -> bytes:
    """The log after a second delivery got the answer: the platform has it now and sends the event
    no third time.
    """
    entries = [
        entry._replace(is_undelivered=False) if entry.identity == delivery.identity else entry
        for entry in decode_log(saved)
    ]
    entry = AnsweredDelivery(
        delivery.identity, delivery.stamp, int(delivery.arrived_at * 1_000_000)
    )
    return encode_log([*entries, entry])


def _to_entry(identity: bytes, stamp: int, arrived: int, took: int, flags: int) -> AnsweredDelivery:
    return AnsweredDelivery(
        identity,
        stamp,
        arrived,
        took,
        bool(flags & SPOKEN_FLAG),
        bool(flags & SETS_COOKIE_FLAG),
        bool(flags & _UNDELIVERED_FLAG),
        bool(flags & _PLAIN_FLAG),
    )


def _drop_old_entries(entries: list[AnsweredDelivery], now: float) -> list[AnsweredDelivery]:
    """The entries that still matter: those recent enough to be delivered again (the signature of an
    older request is refused), and those that show how far the call has gone.
    """
    oldest = round((now - SIGNATURE_WINDOW_SECONDS) * 1_000_000)
    spoken = [index for index, entry in enumerate(entries) if entry.is_spoken][-1:]
    newest = len(entries) - MAX_ENTRIES
    return [
        entry
        for index, entry in enumerate(entries)
        if (index >= newest and entry.arrived_at >= oldest)
        or index in spoken
        or entry.identity == DICE_IDENTITY
    ]
