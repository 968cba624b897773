"""Metrics go on while the disk of their files is full."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from prometheus_client.mmap_dict import MmapedDict

from flowengine.server.metric_file import INITIAL_BYTES, MetricFile, reserve_space

LONG_NAMES = [f"{number:02}" + "k" * 5000 for number in range(20)]  # more than a file begins with


@contextmanager
def limited_files(size: int) -> Iterator[None]:
    """No file of this process grows beyond this size: the write fails, as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def read_file(path: Path) -> dict[str, float]:
    found = MmapedDict.read_all_values_from_file(str(path))  # type: ignore[no-untyped-call]
    return {key: value for key, value, *_ in found}


def test_metric_file_on_a_full_disk_keeps_values_in_memory_until_there_is_space(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "counter_1.db"
    file = MetricFile(str(path))
    with limited_files(1000):
        file.write_value("calls", 3.0, 1.0)
        assert file.read_value("calls") == (3.0, 1.0)
        assert file.read_value("other") == (0.0, 0.0)
        assert list(tmp_path.iterdir()) == []
    assert "metrics wait in memory" in caplog.text
    file.write_value("calls", 4.0, 1.0)
    assert read_file(path) == {"calls": 4.0}
    file.close()


def test_metric_file_that_cannot_grow_keeps_what_it_has(tmp_path: Path) -> None:
    path = tmp_path / "counter_1.db"
    file = MetricFile(str(path))
    with limited_files(INITIAL_BYTES + 1000):
        for name in LONG_NAMES:
            file.write_value(name, 1.0, 0.0)
        assert path.stat().st_size == INITIAL_BYTES
        assert 0 < len(read_file(path)) < len(LONG_NAMES)
        assert [file.read_value(name) for name in LONG_NAMES] == [(1.0, 0.0)] * len(LONG_NAMES)
    for name in LONG_NAMES:
        file.write_value(name, 2.0, 0.0)
    assert read_file(path) == dict.fromkeys(LONG_NAMES, 2.0)
    file.close()


def test_metric_file_takes_its_space_before_it_is_used(tmp_path: Path) -> None:
    path = tmp_path / "counter_1.db"
    reserve_space(path, INITIAL_BYTES)
    assert path.stat().st_blocks * 512 >= INITIAL_BYTES
