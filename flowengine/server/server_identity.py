"""The identity of a server, which it tells in its answer to a probe."""

import socket
from hashlib import sha256

import msgspec

from flowengine.server.server_settings import ServerSettings
from flowengine.sinch.probe import ProbeReply
from flowengine.storage.sessions.store_url import redact_password


class ServerIdentity(msgspec.Struct, frozen=True):
    """The machine, the start of the server, and a digest of the store where several machines may
    have the same.
    """

    machine: str = ""
    instance: str = ""
    store: str = ""

    @classmethod
    def from_settings(cls, settings: ServerSettings) -> "ServerIdentity":
        has_others = settings.is_shared or settings.is_cookies_only
        digest = sha256(redact_password(settings.store).encode()).hexdigest()[:16]
        return cls(socket.gethostname(), settings.instance, digest if has_others else "")

    def encode_probe_reply(self, nonce: str, application: str, path: str, release: str) -> bytes:
        """The answer to a probe that this application has signed."""
        return msgspec.json.encode(
            ProbeReply(nonce, application, path, self.machine, self.instance, self.store, release)
        )
