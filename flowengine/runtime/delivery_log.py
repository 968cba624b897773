"""Which deliveries of a call were answered lately: a column of the call's row in the store."""

import time
from collections.abc import Iterable
from itertools import starmap
from struct import Struct
from typing import NamedTuple

from flowengine.limits import SIGNATURE_WINDOW_SECONDS
from flowengine.runtime.delivery import DICE_IDENTITY, IDENTITY_BYTES, CallbackDelivery
from flowengine.storage.sessions import SavedCall

# Whoever presses keys faster than this for minutes may find one of them done twice.
MAX_ENTRIES = 32
_PRUNE_FROM_ENTRIES = 6  # entries: most calls never get so far, and pruning takes a microsecond
_ENTRY = Struct(f">{IDENTITY_BYTES}sqqIB")  # never as long as a digest alone
_SPOKEN_FLAG, _SETS_COOKIE_FLAG, _UNDELIVERED_FLAG, _PLAIN_FLAG = 1, 2, 4, 8
_ENTRY_BYTES, _FLAGS_OFFSET = _ENTRY.size, _ENTRY.size - 1
# lengths of logs that only grow: most calls have no longer one
_SHORT_LOGS = frozenset(range(0, _PRUNE_FROM_ENTRIES * _ENTRY_BYTES, _ENTRY_BYTES))
_MAX_TOOK_MICROS = 2**32 - 1


class AnsweredDelivery(NamedTuple):
    """A delivery that was answered, and how long that `took`. Times are in microseconds, `stamp` by
    the platform's clock.

    `is_spoken` says that the platform went on by its answer; `sets_cookie` that its answer has the
    call's state; `is_undelivered` that its connection broke before the answer was written;
    `is_plain` that a server of before has noted it, by a digest without a key.
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
            self.is_spoken * _SPOKEN_FLAG
            | self.sets_cookie * _SETS_COOKIE_FLAG
            | self.is_undelivered * _UNDELIVERED_FLAG
            | self.is_plain * _PLAIN_FLAG
        )


def may_hold(saved: SavedCall, identity: bytes) -> bool:
    """Whether a log must be looked through for an event: quick, and hardly ever yes for nothing."""
    log = saved.deliveries
    if identity in log or len(log) == IDENTITY_BYTES:
        return True
    # the highest of the flags, so no other makes the byte as large
    return len(log) > _FLAGS_OFFSET and log[_FLAGS_OFFSET] >= _PLAIN_FLAG


def append_entry(
    saved: SavedCall | None, delivery: CallbackDelivery, *, spoken: bool, cookie: bool
) -> bytes:
    """The log of a call with this delivery as the latest."""
    flags = spoken * _SPOKEN_FLAG | cookie * _SETS_COOKIE_FLAG
    took = int((time.perf_counter() - delivery.started_at) * 1_000_000)
    took = min(took, _MAX_TOOK_MICROS)
    arrived = int(delivery.arrived_at * 1_000_000)
    entry = _ENTRY.pack(delivery.identity, delivery.stamp, arrived, took, flags)
    if saved is None:
        return entry
    log = saved.deliveries
    if len(log) in _SHORT_LOGS:
        return log + entry
    if len(log) % _ENTRY_BYTES:  # of a server of before, or none
        return encode_log(decode_log(saved)) + entry
    return encode_log(_drop_old_entries(decode_log(saved), delivery.arrived_at)) + entry


def decode_log(saved: SavedCall) -> list[AnsweredDelivery]:
    """The entries of a log, the latest last; that of a store of before is one digest."""
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


def mark_undelivered(saved: SavedCall, delivery: CallbackDelivery) -> bytes | None:
    """The log, with the note that the answer to this delivery was not delivered; None where the
    delivery is not in it.
    """
    arrived = int(delivery.arrived_at * 1_000_000)
    entries = decode_log(saved)
    for index, entry in enumerate(entries):
        if (entry.identity, entry.stamp, entry.arrived_at) == (
            delivery.identity,
            delivery.stamp,
            arrived,
        ):
            entries[index] = entry._replace(is_undelivered=True)
            return encode_log(entries)
    return None


def mark_repeated(saved: SavedCall, delivery: CallbackDelivery) -> bytes:
    """The log after the answer was given to a second delivery: whoever has the answer sends that
    event no third time.
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
        bool(flags & _SPOKEN_FLAG),
        bool(flags & _SETS_COOKIE_FLAG),
        bool(flags & _UNDELIVERED_FLAG),
        bool(flags & _PLAIN_FLAG),
    )


def _drop_old_entries(entries: list[AnsweredDelivery], now: float) -> list[AnsweredDelivery]:
    """Those that may come again, as an older request has a signature that is refused; and those
    that tell how far the call has gone.
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
