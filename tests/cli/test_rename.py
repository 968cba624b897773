"""`flowengine rename`."""

from pathlib import Path

from click.testing import CliRunner, Result

from flowengine.cli import main

FLOW = """\
flow: {flow}
start: welcome
states:
  welcome:
    say: Hello.
    next: goodbye
  goodbye:
    hangup:
"""


def run_rename(folder: Path, *arguments: str) -> Result:
    for flow in ("first", "second"):
        (folder / f"{flow}.yaml").write_text(FLOW.format(flow=flow))
    routes = "[{to: '+14045550100', flow: first}, {to: '+14045550101', flow: second}]"
    (folder / "project.yaml").write_text(f"project: acme\nroutes: {routes}\n")
    return CliRunner().invoke(main, ["rename", str(folder), *arguments])


def test_rename_changes_and_shows_each_place(tmp_path: Path) -> None:
    result = run_rename(tmp_path, "state", "first.goodbye", "ending")
    assert result.output == (
        f"{tmp_path}/first.yaml:6:11\n{tmp_path}/first.yaml:7:3\n"
        "state goodbye is ending now, in 2 places of 1 file\n"
    )
    assert (tmp_path / "first.yaml").read_text() == FLOW.format(flow="first").replace(
        "goodbye", "ending"
    )
    assert run_rename(tmp_path, "flow", "first", "front-desk").exit_code == 0


def test_rename_that_is_refused_changes_nothing(tmp_path: Path) -> None:
    for arguments, why in (
        (("state", "goodbye", "ending"), "write one of first.goodbye, second.goodbye"),
        (("state", "first.goodbye", "welcome"), "there is a state welcome already"),
        (("variable", "nobody", "other"), "no flow has a variable nobody"),
    ):
        result = run_rename(tmp_path, *arguments)
        assert result.exit_code == 1
        assert why in result.output
        assert (tmp_path / "first.yaml").read_text() == FLOW.format(flow="first")
