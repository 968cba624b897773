"""Seals what the store keeps of calls that may hold secrets. Other calls are kept in clear, as
sealing costs some microseconds.
"""

from flowengine.runtime.cookie import Codec
from flowengine.runtime.store import Saved

_ANSWER = "\nanswer"  # joined to the call's id, so that neither can be passed off as the other


class Vault:
    """What is sealed begins with a digit, as the count of steps stands in front; no state and no
    answer in clear does.
    """

    __slots__ = ("_codec",)

    def __init__(self, codec: Codec | None) -> None:
        self._codec = codec

    def sealed(self, saved: Saved, call_id: str, cookie: str = "") -> Saved:
        """The same step, sealed. `cookie` is the sealed state, where it has been made already."""
        if self._codec is None:
            return saved
        state = cookie or self._codec.seal(saved.state, call_id, saved.counter)
        answer = self._codec.seal(saved.answer, call_id + _ANSWER, saved.counter)
        return saved._replace(state=state.encode(), answer=answer.encode())

    def state(self, kept: bytes, call_id: str) -> bytes | None:
        """The state in clear; None if its key is gone."""
        return self._opened(kept, call_id) if kept[:1].isdigit() else kept

    def answer(self, kept: bytes, call_id: str) -> bytes | None:
        """The answer in clear; None if its key is gone."""
        return self._opened(kept, call_id + _ANSWER) if kept[:1].isdigit() else kept

    def _opened(self, kept: bytes, associated: str) -> bytes | None:
        return self._codec.open(kept.decode(errors="replace"), associated) if self._codec else None
