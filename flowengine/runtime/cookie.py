"""The state of a call as one SVAML cookie, which nobody can change or use for another call. An
encrypted cookie cannot be read, either.
"""

import binascii
from collections.abc import Sequence
from hashlib import blake2b
from hmac import compare_digest

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from flowengine.limits import MAX_COOKIE_BYTES

COOKIE_KEY = "fe"
_SEALED, _SIGNED = b"\x01", b"\x02"  # the version of the format
_TAG_BYTES = 16
_COOKIE_KEY_BYTES = 64  # AES-256-SIV takes two keys of 32 bytes
_TO_URL = bytes.maketrans(b"+/", b"-_")
# Characters outside of the alphabet become bytes that no encoded text has, so the comparison with
# the exact spelling fails.
_FROM_URL = bytes.maketrans(b"-_+/=", b"+/!!!")


_COUNT_DIGITS = 6  # a call of four hours has a thousand callbacks at the most


class Codec:
    """Encrypts and signs with the first key, and opens with any of them: put a new key first, and
    keep the old one until its last call has ended. AES-SIV is deterministic, so a repeated delivery
    gets the same bytes, and no nonce can be used twice by accident.
    """

    __slots__ = ("_ciphers", "_fingerprints", "_signers")

    def __init__(self, keys: Sequence[bytes]) -> None:
        if not keys:
            raise ValueError("a cookie needs at least one key")
        self._ciphers = tuple(AESSIV(key) for key in keys)
        own = (
            blake2b(key, person=b"fe cookie signed").digest() for key in keys
        )  # derived, so that no key serves two purposes
        self._signers = tuple(blake2b(key=key, digest_size=_TAG_BYTES) for key in own)
        fingerprint_key = blake2b(keys[0], person=b"fe fingerprint").digest()
        self._fingerprints = blake2b(key=fingerprint_key, digest_size=_TAG_BYTES)

    def seal(self, payload: bytes, call_id: str, steps: int = 0) -> str:
        """The encrypted payload as text, after the number of steps in clear."""
        count = str(steps)
        sealed = _SEALED + self._ciphers[0].encrypt(payload, _build_associated_data(call_id, count))
        return f"{count}.{_encode_base64(sealed)}"

    def sign(self, payload: bytes, call_id: str, steps: int = 0) -> str:
        """The payload as text, signed but not encrypted. It takes a third of the time of `seal`,
        and anyone who has the text can read the payload.
        """
        tag = _compute_tag(self._signers[0], payload, call_id, b"%d" % steps)
        return f"{steps}.{_encode_base64(_SIGNED + tag + payload)}"

    def compute_fingerprint(self, content: bytes) -> bytes:
        """A keyed digest of 16 bytes. Without the key nobody can find the content by trying."""
        fingerprint = self._fingerprints.copy()  # quicker than to begin with the key
        fingerprint.update(content)
        return fingerprint.digest()

    def open(self, text: str, call_id: str, counted: int = -1) -> bytes | None:
        """The payload of a cookie of this call with more than `counted` steps, else None. The
        number of steps is authenticated with the payload, so a changed number only costs one
        attempt to open the cookie.
        """
        count, _, encoded = text.partition(".")
        if (
            not (count.isascii() and count.isdigit() and len(count) <= _COUNT_DIGITS)
            or int(count) <= counted
        ):
            return None
        sealed = _decode_base64(encoded)
        if sealed is None or len(sealed) < 1 + _TAG_BYTES:
            return None
        if sealed[:1] == _SIGNED:
            return self._verify(
                sealed[1 : 1 + _TAG_BYTES], sealed[1 + _TAG_BYTES :], call_id, count
            )
        return (
            self._decrypt(sealed[1:], _build_associated_data(call_id, count))
            if sealed[:1] == _SEALED
            else None
        )

    def _verify(self, tag: bytes, payload: bytes, call_id: str, count: str) -> bytes | None:
        for signer in self._signers:
            if compare_digest(tag, _compute_tag(signer, payload, call_id, count.encode())):
                return payload
        return None

    def _decrypt(self, sealed: bytes, associated: list[bytes]) -> bytes | None:
        for cipher in self._ciphers:
            try:
                return cipher.decrypt(sealed, associated)
            except InvalidTag:
                continue
        return None


def derive_key(application_secret: str) -> bytes:
    """A cookie key out of any secret text, so that the application secret alone is enough
    configuration.
    """
    return HKDF(
        algorithm=SHA256(), length=_COOKIE_KEY_BYTES, salt=None, info=b"flowengine cookie"
    ).derive(application_secret.encode())


def calculate_cookie_size(payload_length: int) -> int:
    """The most bytes that a payload takes of the platform's allowance for cookies, key and value."""
    return (
        len(COOKIE_KEY)
        + _COUNT_DIGITS
        + 1
        + -(-(len(_SEALED) + _TAG_BYTES + payload_length) * 4 // 3)
    )


# Computed once, because each callback asks whether its state fits.
MAX_PAYLOAD_BYTES = max(
    length
    for length in range(MAX_COOKIE_BYTES)
    if calculate_cookie_size(length) <= MAX_COOKIE_BYTES
)


def _build_associated_data(call_id: str, count: str) -> list[bytes]:
    return [_SEALED, call_id.encode("utf-8", "surrogatepass"), count.encode()]


def _compute_tag(signer: blake2b, payload: bytes, call_id: str, count: bytes) -> bytes:
    call = call_id.encode("utf-8", "surrogatepass")
    tag = signer.copy()  # quicker than to begin with the key
    tag.update(b"%b.%d.%b%b" % (count, len(call), call, payload))
    return tag.digest()


def _encode_base64(sealed: bytes) -> str:
    return binascii.b2a_base64(sealed).translate(_TO_URL, b"=\n").decode()


def _decode_base64(text: str) -> bytes | None:
    try:
        encoded = text.encode("ascii").translate(_FROM_URL)
        encoded += b"=" * (-len(encoded) % 4)
        sealed = binascii.a2b_base64(encoded)
    except (UnicodeEncodeError, binascii.Error):
        return None
    # Base64 decoders ignore foreign characters and unused bits of the last character, so only the
    # exact spelling is accepted.
    return sealed if binascii.b2a_base64(sealed, newline=False) == encoded else None
