"""What replay needs of a callback beyond what everybody may read: encrypted, and bound to its call."""

import zlib
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import msgspec

from flowengine.journal.event_parts import EventParts, merge_fields
from flowengine.runtime.cookie import COOKIE_KEY
from flowengine.runtime.engine import CallbackRecord
from flowengine.states import LookupRequest, LookupResult

TraceTriples = tuple[tuple[str, str, str], ...]
"""Flow, state and what happened in it"""
_SMALL_WINDOW, _LARGE_WINDOW = -12, -15  # logarithms of bytes; raw deflate
_SMALL_WINDOW_BYTES = 2000  # of an answer: it and its readable form share the window
MAX_CACHED_EXPANSIONS = 256
MAX_PACKED_INTEGER = 2**63 - 1
_DEFLATE_MEMORY_LEVEL = 4  # 1 to 9; making the compressor costs more than using it
_to_json = msgspec.json.Encoder().encode
_to_bytes = msgspec.msgpack.Encoder().encode


class LookupRow(msgspec.Struct, frozen=True, array_like=True):
    """A request that a step has made, and what came of it. Headers are not kept: secrets stand
    there. Bodies are JSON.
    """

    service: str
    method: str
    url: str
    body: bytes
    status: int
    answer: bytes
    error: str


class EncryptedPart(msgspec.Struct, frozen=True, array_like=True):
    """All that it takes to take a step again. `is_known` says that the call was found as the step
    before had left it; otherwise `lost_flow` is what the step was told of it.

    Rows of version 2 have it encrypted as it is here; their `answer` is empty where it could be
    shown as it was.
    """

    event: bytes
    application: str
    answer: bytes
    trace: TraceTriples
    lookups: tuple[LookupRow, ...]
    at: float
    is_known: bool
    lost_flow: str | None
    format: int = 1


class HiddenFields(msgspec.Struct, frozen=True, array_like=True):
    """What an encrypted part has that the readable part of its row has not. `event` are the values
    that are redacted, `more` the fields that are left out; `answer` is compressed, with the redacted one as dictionary. An
    empty `answer` or `trace`, and an `at` of None, are as they can be read.
    """

    event: Mapping[str, Any]
    timestamp: str
    more: dict[str, Any]
    answer: bytes
    trace: TraceTriples
    lookups: tuple[LookupRow, ...]
    at: float | None
    is_known: bool
    lost_flow: str | None
    format: int = 2


_decode_hidden_fields = msgspec.msgpack.Decoder(HiddenFields).decode
_decode_part = msgspec.msgpack.Decoder(EncryptedPart).decode


def encode_hidden_fields(
    record: CallbackRecord,
    values: Mapping[str, Any],
    answer: bytes,
    trace: TraceTriples,
    at: float,
) -> bytes:
    """What is hidden of a callback: these values of its event, and what belongs to them."""
    event, found = record.event, record.located
    more: dict[str, Any] = {}
    if event.version != 1:
        # MessagePack has integers of 64 bits, and the platform's JSON any; a text is read as a number
        is_packable = -MAX_PACKED_INTEGER <= event.version <= MAX_PACKED_INTEGER
        more["version"] = event.version if is_packable else str(event.version)
    cookies = event.cookies
    if cookies and len(cookies) > (COOKIE_KEY in cookies):
        more["cookies"] = {name: value for name, value in cookies.items() if name != COOKIE_KEY}
    lookups = tuple(to_lookup_row(*asked) for asked in record.lookups) if record.lookups else ()
    is_known, lost_flow = (found.call is not None, found.lost_flow) if found else (False, None)
    kept_at = None if at == record.at else record.at
    return _to_bytes(
        HiddenFields(
            values, event.timestamp, more, answer, trace, lookups, kept_at, is_known, lost_flow
        )
    )


def to_lookup_row(request: LookupRequest, fetched: LookupResult) -> LookupRow:
    return LookupRow(
        request.service, request.method, request.url, request.body, fetched.status,
        _to_json(fetched.body), fetched.error,
    )  # fmt: skip


def compress_answer(answer: bytes, redacted: bytes) -> bytes:
    """An answer, for those who have it redacted."""
    window = _SMALL_WINDOW if len(answer) < _SMALL_WINDOW_BYTES else _LARGE_WINDOW
    packer = zlib.compressobj(
        zlib.Z_BEST_SPEED, zlib.DEFLATED, window, _DEFLATE_MEMORY_LEVEL, zdict=redacted
    )
    return packer.compress(answer) + packer.flush()


@lru_cache(maxsize=MAX_CACHED_EXPANSIONS)
def expand_answer(compressed: bytes, redacted: bytes) -> bytes:
    return zlib.decompressobj(_LARGE_WINDOW, zdict=redacted).decompress(compressed)


def decode_part(content: bytes, answer: str) -> EncryptedPart | None:
    """The part as a row of version 2 has it, with the answer that is read beside it; None where
    another version wrote it.
    """
    try:
        part = _decode_part(content)
    except msgspec.MsgspecError:
        return None
    return part if part.answer else msgspec.structs.replace(part, answer=answer.encode())


def restore_part(
    content: bytes,
    kind: str,
    call_id: str,
    event: EventParts,
    answer: str,
    trace: TraceTriples,
    at: float,
) -> EncryptedPart | None:
    """The part, from what was hidden of a row and what can be read of it; None where another
    version wrote it.
    """
    try:
        hidden = _decode_hidden_fields(content)
        said = answer.encode()
        whole = expand_answer(hidden.answer, said) if hidden.answer else said
    except (msgspec.MsgspecError, zlib.error):
        return None
    parts = EventParts(event.shared, event.own, hidden.event)
    fields = merge_fields(call_id, parts, is_whole=True)
    fields |= {"event": kind, "callid": call_id, "timestamp": hidden.timestamp, **hidden.more}
    return EncryptedPart(
        _to_json(fields), fields.get("applicationKey", ""), whole, hidden.trace or trace,
        hidden.lookups, at if hidden.at is None else hidden.at, hidden.is_known, hidden.lost_flow,
    )  # fmt: skip
