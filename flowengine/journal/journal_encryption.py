"""Encrypts what must be kept whole for replay: the file alone tells nobody of it."""

import os
from collections.abc import Sequence
from itertools import chain
from struct import Struct

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_NONCE_BYTES = 12
_JOURNAL_KEY_BYTES = 32
_iter_nonces = Struct(f"{_NONCE_BYTES}s").iter_unpack


class JournalEncryption:
    """Seals with the first secret, opens with any; the secrets are those of the cookie. What is
    sealed opens for its own call only.

    A nonce of chance: rows are never sealed twice alike, so nothing shows that two callers said the
    same.
    """

    __slots__ = ("_ciphers",)

    def __init__(self, secrets: Sequence[str]) -> None:
        self._ciphers = tuple(AESGCM(_derive_key(secret)) for secret in secrets)

    def seal(self, content: bytes, call: bytes, nonce: bytes = b"") -> bytes:
        """The content, sealed for this call, with a nonce of `draw_nonces` or one of its own."""
        nonce = nonce or os.urandom(_NONCE_BYTES)
        return nonce + self._ciphers[0].encrypt(nonce, content, call)

    def open(self, sealed: bytes, call: bytes) -> bytes | None:
        """The content; None where none of the keys opens it."""
        nonce, content = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
        for cipher in self._ciphers:
            try:
                return cipher.decrypt(nonce, content, call)
            except (InvalidTag, ValueError):
                continue
        return None


def draw_nonces(count: int) -> list[bytes]:
    """Nonces, each for one use: drawing each by itself hands the interpreter to other threads."""
    return [*chain.from_iterable(_iter_nonces(os.urandom(_NONCE_BYTES * count)))]


def _derive_key(secret: str) -> bytes:
    return HKDF(
        algorithm=SHA256(), length=_JOURNAL_KEY_BYTES, salt=None, info=b"flowengine journal"
    ).derive(secret.encode())
