"""The calls of all pages: in memory, bounded in number, and forgotten when nobody goes on with them."""

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from secrets import token_urlsafe
from threading import Lock

import msgspec

from flowengine.phone.browser_call import BrowserCall

MAX_CALLS = 200
IDLE_CALL_SECONDS = 3600.0


class CallForgottenError(LookupError):
    """A call is not known any more."""


class RegisteredCall(msgspec.Struct):
    """A call of a page. Hold its lock to use it."""

    id: str
    call: BrowserCall
    used_at: float
    lock: Lock = msgspec.field(default_factory=Lock)


@dataclass
class CallRegistry:
    """Calls by their ids, which nobody can guess; the one that was used last is at the end."""

    get_seconds: Callable[[], float] = time.monotonic
    most: int = MAX_CALLS
    _calls: OrderedDict[str, RegisteredCall] = field(default_factory=OrderedDict)
    _lock: Lock = field(default_factory=Lock)

    def add(self, call: BrowserCall) -> RegisteredCall:
        """Keep a call; the one that nobody has used for the longest time makes room."""
        added = RegisteredCall(token_urlsafe(12), call, self.get_seconds())
        with self._lock:
            self._drop_idle()
            while len(self._calls) >= self.most:
                self._calls.popitem(last=False)
            self._calls[added.id] = added
        return added

    def find(self, name: str) -> RegisteredCall:
        """The call with this id. Raises CallForgottenError where there is none any more."""
        with self._lock:
            self._drop_idle()
            found = self._calls.get(name)
            if found is None:
                raise CallForgottenError(name)
            found.used_at = self.get_seconds()
            self._calls.move_to_end(name)
            return found

    def _drop_idle(self) -> None:
        limit = self.get_seconds() - IDLE_CALL_SECONDS
        while self._calls and next(iter(self._calls.values())).used_at < limit:
            self._calls.popitem(last=False)
