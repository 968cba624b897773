"""Saved calls: each in a file of its own, whole or not at all."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from flowengine.phone.scenario_file import choose_scenario_file, create_scenario_file


def test_calls_saved_at_once_have_a_file_each(tmp_path: Path) -> None:
    texts = [f"text {number}" for number in range(40)]
    with ThreadPoolExecutor(8) as pool:
        files = list(pool.map(lambda text: create_scenario_file(tmp_path, "line", text), texts))
    assert [file.read_text() for file in files] == texts
    assert sorted(files) == sorted((tmp_path / "scenarios").iterdir())


def test_link_that_leads_nowhere_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "scenarios").mkdir()
    (tmp_path / "scenarios" / "line-call.yaml").symlink_to(tmp_path / "nowhere")
    assert create_scenario_file(tmp_path, "line", "text").name == "line-call-1.yaml"
    assert not (tmp_path / "nowhere").exists()


def test_file_after_a_thousand_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    taken = {"line-call.yaml", *(f"line-call-{number}.yaml" for number in range(1, 1500))}
    monkeypatch.setattr("os.path.lexists", lambda path: Path(path).name in taken)
    assert choose_scenario_file(tmp_path, "line").name == "line-call-1500.yaml"


def test_text_that_cannot_be_written_leaves_no_file(tmp_path: Path) -> None:
    with pytest.raises(UnicodeEncodeError):
        create_scenario_file(tmp_path, "line", "whole lines\n" * 10_000 + "\ud800")
    assert list((tmp_path / "scenarios").iterdir()) == []
