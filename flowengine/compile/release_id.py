"""The id of a release: a digest of its files, so that the same files are the same release on every
machine.
"""

from bisect import bisect_left
from collections.abc import Mapping
from hashlib import sha256
from itertools import chain
from typing import Final

from flowengine.compile.changed_files import list_changed_names
from flowengine.cooperative import pause_if_due

# a copy of a digest takes as long as two files, and as much memory as a short one
_FILES_PER_CHECKPOINT: Final = 64


class ReleaseIds:
    """Computes the ids of one version of a project after the other. Of a digest over all files it
    keeps what it was at every 64th, and goes on from there. For one thread at a time.
    """

    def __init__(self) -> None:
        self._files: Mapping[str, bytes] = {}
        self._names: list[str] = []
        self._checkpoints = [sha256()]
        self._id = ""

    def compute(self, files: Mapping[str, bytes]) -> str:
        """The id of the release of these files; see `compute_release_id`."""
        changed = list_changed_names(self._files, files)
        if changed or not self._id:
            self._id = ""
            if files.keys() != self._files.keys():
                self._names, first = sorted(files), 0
            else:
                first = min((bisect_left(self._names, name) for name in changed), default=0)
            self._files = files
            self._id = self._digest_from(first // _FILES_PER_CHECKPOINT)
        return self._id

    def _digest_from(self, checkpoint: int) -> str:
        del self._checkpoints[checkpoint + 1 :]
        digest = self._checkpoints[checkpoint].copy()
        step = _FILES_PER_CHECKPOINT
        for begin in range(checkpoint * step, len(self._names), step):
            pause_if_due()
            some = self._names[begin : begin + step]
            # names and lengths are hashed, too, so that no two sets of files give the same bytes
            parts = (
                (f"{name}\0{len(self._files[name])}\0".encode(), self._files[name]) for name in some
            )
            digest.update(b"".join(chain.from_iterable(parts)))
            self._checkpoints.append(digest.copy())
        # 48 bits: short enough for people and cookies, and no project has millions of releases
        return digest.hexdigest()[:12]


def compute_release_id(files: Mapping[str, bytes]) -> str:
    """The id of a release: equal content has the same id on every machine."""
    return ReleaseIds().compute(files)
