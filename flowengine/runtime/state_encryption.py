"""Seals what the store keeps of calls that may hold secrets. Other calls are kept in clear, as
sealing costs some microseconds.
"""

from flowengine.runtime.cookie import Codec

_ANSWER_SUFFIX = (
    "\nanswer"  # joined to the call's id, so that neither can be passed off as the other
)


class StateEncryption:
    """What is sealed begins with a digit, as the count of steps stands in front; no state and no
    answer in clear does.
    """

    __slots__ = ("_codec",)

    def __init__(self, codec: Codec | None) -> None:
        self._codec = codec

    def seal_state(self, state: bytes, call_id: str, steps: int, cookie: str = "") -> bytes:
        """The state, sealed. `cookie` is the sealed state, where it has been made already."""
        if self._codec is None:
            return state
        return (cookie or self._codec.seal(state, call_id, steps)).encode()

    def seal_answer(self, answer: bytes, call_id: str, steps: int) -> bytes:
        """The answer, sealed."""
        if self._codec is None:
            return answer
        return self._codec.seal(answer, call_id + _ANSWER_SUFFIX, steps).encode()

    def open_state(self, stored: bytes, call_id: str) -> bytes | None:
        """The state in clear; None if its key is gone."""
        return self._open_sealed(stored, call_id) if stored[:1].isdigit() else stored

    def open_answer(self, stored: bytes, call_id: str) -> bytes | None:
        """The answer in clear; None if its key is gone."""
        return (
            self._open_sealed(stored, call_id + _ANSWER_SUFFIX) if stored[:1].isdigit() else stored
        )

    def _open_sealed(self, stored: bytes, associated: str) -> bytes | None:
        return (
            self._codec.open(stored.decode(errors="replace"), associated) if self._codec else None
        )
