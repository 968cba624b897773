"""Encrypts the state and the answer of calls that may hold secrets. The store keeps other calls in
clear, as encryption costs some microseconds.
"""

from flowengine.runtime.cookie import Codec

_ANSWER_SUFFIX = (
    # bound into the encryption with the id of the call, so that a state cannot pass as an answer
    "\nanswer"
)


class StateEncryption:
    """An encrypted text begins with a digit, the number of steps; no state and no answer in clear
    does.
    """

    __slots__ = ("_codec",)

    def __init__(self, codec: Codec | None) -> None:
        self._codec = codec

    def seal_state(self, state: bytes, call_id: str, steps: int, cookie: str = "") -> bytes:
        """The encrypted state. `cookie` is the same, where the caller has encrypted it already."""
        if self._codec is None:
            return state
        return (cookie or self._codec.seal(state, call_id, steps)).encode()

    def seal_answer(self, answer: bytes, call_id: str, steps: int) -> bytes:
        """The encrypted answer."""
        if self._codec is None:
            return answer
        return self._codec.seal(answer, call_id + _ANSWER_SUFFIX, steps).encode()

    def open_state(self, stored: bytes, call_id: str) -> bytes | None:
        """The state in clear; None where no key decrypts it."""
        return self._open_sealed(stored, call_id) if stored[:1].isdigit() else stored

    def open_answer(self, stored: bytes, call_id: str) -> bytes | None:
        """The answer in clear; None where no key decrypts it."""
        return (
            self._open_sealed(stored, call_id + _ANSWER_SUFFIX) if stored[:1].isdigit() else stored
        )

    def _open_sealed(self, stored: bytes, associated: str) -> bytes | None:
        return (
            self._codec.open(stored.decode(errors="replace"), associated) if self._codec else None
        )
