"""`flowengine fmt`."""

from pathlib import Path

from click.testing import CliRunner, Result

from flowengine.cli import main

UNFORMED = "flow: hello\nstates:\n  welcome:\n    say:   Hello.\n    hangup:\n"
FORMED = "flow: hello\n\nstates:\n  welcome:\n    say: Hello.\n    hangup:\n"


def run_fmt(*arguments: str | Path, text: bytes | None = None) -> Result:
    return CliRunner().invoke(main, ["fmt", *map(str, arguments)], input=text)


def test_fmt_of_a_folder_formats_its_flows_and_scenarios_alone(tmp_path: Path) -> None:
    (tmp_path / "scenarios").mkdir()
    for name in ("hello.yaml", "scenarios/hello.yaml"):
        (tmp_path / name).write_text(UNFORMED)
    (tmp_path / "compose.yaml").write_text("services:   {}\n")
    result = run_fmt(tmp_path)
    assert result.output == (
        f"changed {tmp_path}/hello.yaml\nchanged {tmp_path}/scenarios/hello.yaml\n"
        "2 files of 2 changed\n"
    )
    assert result.exit_code == 0
    assert (tmp_path / "hello.yaml").read_text() == FORMED
    assert (tmp_path / "compose.yaml").read_text() == "services:   {}\n"
    assert run_fmt(tmp_path, "--check").output == "0 files of 2 would change\n"


def test_fmt_check_and_diff_write_nothing(tmp_path: Path) -> None:
    file = tmp_path / "hello.yaml"
    file.write_text(UNFORMED)
    checked = run_fmt("--check", file)
    assert (checked.exit_code, checked.output) == (
        1,
        f"would change {file}\n1 file of 1 would change\n",
    )
    shown = run_fmt("--diff", file)
    assert shown.exit_code == 0
    assert shown.stdout.endswith("-    say:   Hello.\n+    say: Hello.\n     hangup:\n")
    assert file.read_text() == UNFORMED


def test_fmt_of_a_file_that_cannot_be_read_leaves_it_and_exits_1(tmp_path: Path) -> None:
    (tmp_path / "hello.yaml").write_text(UNFORMED)
    (tmp_path / "broken.yaml").write_text("flow: [hello\n")
    (tmp_path / "keys.yaml").write_text("flow: hello\n? states\n: {}\n")
    result = run_fmt(tmp_path)
    assert result.exit_code == 1
    assert f"{tmp_path}/broken.yaml:1:7: error FE" in result.stderr
    assert f"{tmp_path}/keys.yaml is left as it is: line 2 has a key" in result.stderr
    assert result.stdout.endswith("1 file of 3 changed\n")
    assert (tmp_path / "broken.yaml").read_text() == "flow: [hello\n"


def test_fmt_of_standard_input_writes_to_standard_output() -> None:
    assert run_fmt("-", text=UNFORMED.encode()).stdout == FORMED
    broken = run_fmt("-", text=b"flow: [hello\n")
    assert (broken.exit_code, broken.stdout) == (1, "flow: [hello\n")
