"""Commands that write several files: a disk that fills up half-way leaves none of them."""

import errno
import json
import os
from pathlib import Path

import pytest
from click.testing import CliRunner

from flowengine.cli import main
from flowengine.cli.file_set import write_file_set

FERRY = Path(__file__).parents[1] / "importers" / "connect" / "flows"
FLOW = """\
flow: {name}
start: greet
states:
    greet:
        say: Hello.
        next: by
    bye: {{hangup: }}
"""


@pytest.fixture(params=["write_bytes", "replace"])
def full_disk(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second file cannot be written, or cannot take its place."""
    name = request.param
    real, calls = getattr(Path, name), []

    def fail_once(path: Path, value: object) -> object:
        calls.append(path)
        if len(calls) == 2:  # later ones put back what was there
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), os.fspath(path))
        return real(path, value)

    monkeypatch.setattr(Path, name, fail_once)


def list_contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() if path.is_file() else b""
        for path in folder.rglob("*")
    }


@pytest.mark.usefixtures("full_disk")
@pytest.mark.parametrize(
    "arguments",
    [
        ["new", "shop/line"],
        ["import", str(FERRY / "reception.json"), "--from", "connect", "--to", "shop/line"],
        ["fix", "flows"],
        ["fmt", "flows"],
        ["rename", "flows", "state", "one.bye", "end"],
    ],
    ids=lambda arguments: arguments[0],
)
def test_command_whose_second_file_cannot_be_written_leaves_the_folder_as_it_was(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "flows"
    (folder / "scenarios").mkdir(parents=True)
    for name in ("one", "two"):
        (folder / f"{name}.yaml").write_text(FLOW.format(name=name))
    scenario = "flow: one\nscenarios:\n  ends:\n    when: [caller calls]\n    then: {state: bye}\n"
    (folder / "scenarios" / "one.yaml").write_text(scenario)
    before = list_contents(tmp_path)
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 1, result.output
    assert "No space left on device" in result.output
    assert list_contents(tmp_path) == before


def test_file_set_with_a_link_writes_where_it_leads_and_keeps_the_mode(tmp_path: Path) -> None:
    target = tmp_path / "target.yaml"
    target.write_text("before")
    target.chmod(0o640)
    link = tmp_path / "link.yaml"
    link.symlink_to(target)
    write_file_set({link: b"after", tmp_path / "new" / "deep" / "file.yaml": b"new"})
    assert link.is_symlink()
    assert (target.read_text(), target.stat().st_mode & 0o777) == ("after", 0o640)
    assert (tmp_path / "new" / "deep" / "file.yaml").read_bytes() == b"new"
    assert list(tmp_path.rglob(".*")) == []


def test_command_whose_output_cannot_be_written_says_so_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> str:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    (tmp_path / "one.yaml").write_text(FLOW.format(name="one"))
    monkeypatch.setattr(json, "dumps", fail)
    result = CliRunner().invoke(main, ["schema", str(tmp_path)])
    assert result.exit_code == 1
    assert result.output == "Error: No space left on device\n"
