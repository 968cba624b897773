"""Files in which a worker keeps its metrics, also while their disk is full.

Prometheus' client maps files whose space it has not taken. On a full disk the first touch of such a
page ends the process by SIGBUS, and with it the calls that it answers. So space is taken before it is
mapped, and what finds none stays in memory until there is some.
"""

import logging
import mmap
import os
from contextlib import suppress
from pathlib import Path

from prometheus_client import values
from prometheus_client.mmap_dict import MmapedDict

from flowengine.runtime.log_once import LogOnce

INITIAL_BYTES = 1 << 16  # as the library begins
ENTRY_BYTES = 4 + 8 + 16  # at most, around the key: its length, padding, value and time
WAITING_METRICS = "metrics wait in memory, and /metrics lacks them: %s"
log = logging.getLogger(__name__)


class MetricFile:
    """In place of the library's `MmapedDict`, for its values."""

    def __init__(self, filename: str) -> None:
        self._name = filename
        self._file: _ReservedFile | None = None
        self._waiting: dict[str, tuple[float, float]] = {}
        self._log_once = LogOnce(log)

    def read_value(self, key: str) -> tuple[float, float]:
        if key not in self._waiting:
            try:
                found: tuple[float, float] = self._open().read_value(key)  # type: ignore[no-untyped-call]
            except OSError as error:
                self._keep_waiting(key, (0.0, 0.0), error)
            else:
                return found
        return self._waiting[key]

    def write_value(self, key: str, value: float, timestamp: float) -> None:
        try:
            self._open().write_value(key, value, timestamp)  # type: ignore[no-untyped-call]
        except OSError as error:
            self._keep_waiting(key, (value, timestamp), error)
        else:
            if self._waiting.pop(key, None) is not None and not self._waiting:
                self._log_once.end_all((WAITING_METRICS,), "metrics are in their file again")

    def close(self) -> None:
        if self._file is not None:
            self._file.close()  # type: ignore[no-untyped-call]
            self._file = None

    def _open(self) -> "_ReservedFile":
        if self._file is None:
            self._file = _ReservedFile(self._name)
        return self._file

    def _keep_waiting(self, key: str, value: tuple[float, float], error: OSError) -> None:
        self._waiting[key] = value
        self._log_once.error(WAITING_METRICS, error)


class _ReservedFile(MmapedDict):
    """A file whose pages all have space."""

    def __init__(self, filename: str) -> None:
        reserve_space(Path(filename), INITIAL_BYTES)
        super().__init__(filename)  # type: ignore[no-untyped-call]

    def _init_value(self, key: str) -> None:
        needed, capacity = self._used + len(key.encode()) + ENTRY_BYTES, self._capacity
        while needed > capacity:
            capacity *= 2
        if capacity > self._capacity:
            reserve_space(Path(self._fname), capacity)
        super()._init_value(key)  # type: ignore[no-untyped-call]


def reserve_space(path: Path, size: int) -> None:
    """Make a file so long, with zeros that have their place on the disk. Raises OSError where there
    is no space; the file is then as it was.
    """
    if not path.exists():
        # Other workers read what ends in .db, and an empty file is no proper one.
        draft = path.with_suffix(".new")
        try:
            draft.write_bytes(bytes(size))
            draft.rename(path)
        except OSError:
            with suppress(OSError):
                draft.unlink()
            raise
        return
    with path.open("ab", buffering=0) as file:
        before = os.fstat(file.fileno()).st_size
        missing = size - before
        try:
            while missing > 0:
                missing -= file.write(bytes(min(missing, mmap.PAGESIZE)))
        except OSError:
            file.truncate(before)
            raise


def keep_metrics_without_disk() -> None:
    """Let Prometheus' client use these files for all values of this process."""
    values.MmapedDict = MetricFile  # type: ignore[assignment,attr-defined]
