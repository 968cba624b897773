"""What a function has to say about its call: it gives a value all the same, and a person who looks
for the reason finds it in the trace.

CEL calls functions without the call that they are evaluated for, so remarks wait here until the
step, which runs in one go on one thread, collects them.
"""

import threading
from collections.abc import Sequence
from typing import Final


class _Remarks(threading.local):
    def __init__(self) -> None:
        self.waiting: list[str] = []


_REMARKS: Final = _Remarks()
_MOST_REMARKS: Final = 20  # of one step; a list of a thousand numbers would fill the trace


def add_remark(text: str) -> None:
    if len(_REMARKS.waiting) < _MOST_REMARKS:
        _REMARKS.waiting.append(text)


def collect_remarks() -> Sequence[str]:
    """The remarks since the last time, on this thread; each only once."""
    if not _REMARKS.waiting:
        return ()
    found, _REMARKS.waiting = _REMARKS.waiting, []
    return tuple(dict.fromkeys(found))
