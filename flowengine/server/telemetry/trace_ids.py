"""Ids of traces and spans. The trace of a call follows from the id of the call, so that its
callbacks on several workers and machines belong to one trace, without asking anybody
(docs/decisions/0144).
"""

import random
from hashlib import blake2b
from typing import NamedTuple

_TRACE_BYTES, _SPAN_BYTES = 16, 8
SAMPLED_FLAG = 1  # of the W3C header


class TraceIds(NamedTuple):
    """The trace of a call, and the span of the callback that begins it."""

    trace: int
    root: int


def compute_trace_ids(call_id: str) -> TraceIds:
    """The ids of a call: a digest, in which no bit is more likely than another, as samplers that
    take a share of the traces need it.

    >>> compute_trace_ids("call-1") == compute_trace_ids("call-1") != compute_trace_ids("call-2")
    True
    """
    call = call_id.encode("utf-8", "surrogatepass")
    digest = blake2b(call, digest_size=_TRACE_BYTES + _SPAN_BYTES, person=b"fe trace").digest()
    trace, root = digest[:_TRACE_BYTES], digest[_TRACE_BYTES:]
    return TraceIds(int.from_bytes(trace) or 1, int.from_bytes(root) or 1)  # zero is no id


def create_span_id() -> int:
    """A random id of a span. Nobody gains by guessing one, and the system would take thirty times
    as long to make it.
    """
    return random.getrandbits(8 * _SPAN_BYTES) or 1  # see above


def format_trace_id(trace: int) -> str:
    """As logs and headers have it."""
    return f"{trace:032x}"


def format_span_id(span: int) -> str:
    """As logs and headers have it.

    >>> format_span_id(255)
    '00000000000000ff'
    """
    return f"{span:016x}"


def format_traceparent(trace: int, span: int, *, is_sampled: bool) -> str:
    """The W3C header for a service that is asked.

    >>> format_traceparent(1, 2, is_sampled=True)
    '00-00000000000000000000000000000001-0000000000000002-01'
    """
    flags = SAMPLED_FLAG if is_sampled else 0
    return f"00-{format_trace_id(trace)}-{format_span_id(span)}-{flags:02x}"
