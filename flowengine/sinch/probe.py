"""Test callbacks: how `go-live` proves that a callback URL reaches a server.

A probe is a signed notice of a type that the platform never sends. The marker is in the body, which
the signature covers, so only a holder of the application's secret can send one. The server verifies
it like any callback, and answers who it is; no call begins, and the journal gets no row. A backend
that knows no probes sees a notice of a call that it does not know.
"""

import os
from typing import Final

import msgspec

PROBE_TYPE: Final = "flowengine_probe"


class ProbeReply(
    msgspec.Struct, frozen=True, rename="camel", tag_field="answer", tag="flowengine_probe"
):
    """Who has answered a probe: the application whose signature was valid, the path that the server
    has seen, and the server. `instance` is new with each start; `store` is a digest of the store
    where several machines may have the same, else empty.
    """

    nonce: str
    application: str
    path: str
    machine: str
    instance: str
    store: str
    release: str


def build_probe(application: str) -> tuple[str, bytes]:
    """A number that is used once, and the body of a probe with it."""
    nonce = os.urandom(16).hex()
    body = {
        "event": "notify",
        "type": PROBE_TYPE,
        "callid": f"probe-{nonce}",
        "version": 1,
        "custom": nonce,
        "applicationKey": application,
    }
    return nonce, msgspec.json.encode(body)


def parse_probe_reply(body: bytes, nonce: str) -> ProbeReply | None:
    """The reply to a probe; None for what is none. Raises StaleReplyError for that to another
    probe.
    """
    try:
        reply = msgspec.json.decode(body, type=ProbeReply)
    except (ValueError, RecursionError):
        return None
    if reply.nonce != nonce:
        raise StaleReplyError
    return reply


class StaleReplyError(Exception):
    """The reply belongs to another probe, so something on the way has kept it."""
