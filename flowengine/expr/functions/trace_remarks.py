"""Remarks of functions for the trace: the function returns a value all the same, and a person who
looks for the reason finds it there.

Functions do not know the call that they are evaluated for, so remarks wait here until the step,
which runs in one go on one thread, collects them.
"""

import threading
from collections.abc import Sequence
from typing import Final


class _PendingRemarks(threading.local):
    def __init__(self) -> None:
        self.texts: list[str] = []


_REMARKS: Final = _PendingRemarks()
_MAX_REMARKS: Final = 20  # of one step; a list of a thousand numbers would fill the trace


def add_remark(text: str) -> None:
    if len(_REMARKS.texts) < _MAX_REMARKS:
        _REMARKS.texts.append(text)


def collect_remarks() -> Sequence[str]:
    """The remarks since the last call, on this thread, each once."""
    if not _REMARKS.texts:
        return ()
    found, _REMARKS.texts = _REMARKS.texts, []
    return tuple(dict.fromkeys(found))
