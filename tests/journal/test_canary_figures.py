"""What a canary is judged by."""

from pathlib import Path

from flowengine.journal import CanaryFigures, read_figures
from tests.compiled_release import compile_release
from tests.journal.journal_line import FLOW, answered, ended, files, press, record, ring


def test_canary_figures_of_two_releases_are_counted_side_by_side(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    good, bad = (
        compile_release(files()),
        compile_release(files(FLOW.replace('phone: "+14045009000"', 'phone: "${vars.name}"'))),
    )
    record(path, good, [
        *(ring("a"), press("0", "a"), answered("a"), ended("a", seconds=30)),
        *(ring("b"), press("0", "b"), answered("b"), ended("b", "CALLEEHANGUP", seconds=50)),
        *(ring("c"), ended("c", seconds=4)),
        *(ring("d"), press("9", "d"), press("", "d", "hangup"), ended("d", seconds=8)),
        *(ring("e"), press("2", "e")),
    ])  # fmt: skip
    record(path, bad, [ring("f"), press("0", "f"), ended("f", "MANAGERHANGUP", seconds=10)])
    found = read_figures(path, [good.id, bad.id, "nobody"])
    assert found[good.id] == CanaryFigures(
        calls=5, errors=0, abandoned=2, ended=4, seconds=23.0,
        exits={"line/main: key 0": 2, "line/welcome: next": 2, "line/main: key 2": 1},
    )  # fmt: skip
    assert (found[bad.id].calls, found[bad.id].errors, found[bad.id].abandoned) == (1, 1, 0)
    assert found["nobody"] == CanaryFigures()


def test_canary_figures_count_only_calls_that_began_since_then(tmp_path: Path) -> None:
    path, release = tmp_path / "journal.db", compile_release(files())
    replies = record(path, release, [ring("a"), ring("b"), ended("a"), ended("b")])
    assert read_figures(path, [release.id], replies[1].record.at)[release.id].calls == 1
