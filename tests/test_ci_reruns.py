"""The continuous integration runs a few failed tests once more, and names them: .ci/test."""

import os
import subprocess
import sys
from pathlib import Path

PROGRAM = Path(__file__).parents[1] / ".ci" / "test"
PYTEST = Path(sys.executable).with_name("pytest")
FAILS_ONCE = """
from pathlib import Path
def test_fails_once_{0}():
    seen = Path("seen-{0}")
    is_first, _ = not seen.exists(), seen.touch()
    assert not is_first
"""
FAILS = "\ndef test_fails(): assert False\n"
FAILS_WHEN_NOT_ALONE = """
import os
def test_fails_when_not_alone(): assert "PYTEST_XDIST_WORKER" not in os.environ
"""
CRASHES_ONCE = """
import os
from pathlib import Path
def test_crashes_once():
    if not Path("crashed").exists():
        Path("crashed").touch()
        os._exit(1)
"""
ON_TWO_WORKERS = ("-p", "xdist.plugin", "-n", "2")


def run_tests(folder: Path, *options: str, **files: str) -> tuple[int, str, list[str]]:
    """Run tests as .ci/run does; return the exit status, the output and the lines of the file."""
    for name, text in files.items():
        (folder / f"{name}.py").write_text(text)
    unreliable = folder / "unreliable"
    unreliable.touch()
    # this test may run on a worker of pytest itself
    environment = {name: os.environ[name] for name in os.environ if "PYTEST" not in name}
    done = subprocess.run(
        [PROGRAM, unreliable, PYTEST, PYTEST, *options],
        cwd=folder,
        env={**environment, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout, unreliable.read_text().splitlines()


def test_tests_that_pass_are_run_once(tmp_path: Path) -> None:
    status, output, unreliable = run_tests(tmp_path, test_a="def test_passes(): pass\n")
    assert (status, unreliable) == (0, [])
    assert "once more" not in output


def test_three_tests_that_fail_once_pass_and_are_named(tmp_path: Path) -> None:
    status, output, unreliable = run_tests(
        tmp_path,
        *ON_TWO_WORKERS,
        test_a=FAILS_ONCE.format(1) + FAILS_ONCE.format(2) + "def test_passes(): pass\n",
        test_b=FAILS_WHEN_NOT_ALONE,
    )
    assert status == 0, output
    assert sorted(unreliable) == [
        "UNRELIABLE: test_a.py::test_fails_once_1",
        "UNRELIABLE: test_a.py::test_fails_once_2",
        "UNRELIABLE: test_b.py::test_fails_when_not_alone",
    ]
    assert all(line in output for line in unreliable)
    assert output.partition("once more")[2].count("1 passed") == 3, "each runs alone"


def test_test_that_fails_twice_fails(tmp_path: Path) -> None:
    files = {"test_a": FAILS_ONCE.format(1), "test_b": FAILS}
    status, output, unreliable = run_tests(tmp_path, **files)
    assert (status, unreliable) == (1, [])
    assert "once more" in output


def test_four_tests_that_fail_are_not_run_again(tmp_path: Path) -> None:
    tests = "".join(FAILS_ONCE.format(number) for number in range(4))
    status, output, unreliable = run_tests(tmp_path, test_a=tests)
    assert (status, unreliable) == (1, [])
    assert "once more" not in output


def test_file_that_cannot_be_imported_is_not_run_again(tmp_path: Path) -> None:
    files = {"test_a": FAILS_ONCE.format(1), "test_b": "import missing_here\n"}
    for number, options in enumerate([(), ON_TWO_WORKERS]):
        folder = tmp_path / str(number)
        folder.mkdir()
        status, output, unreliable = run_tests(folder, *options, **files)
        assert (status, unreliable) == ([2, 1][number], [])
        assert "once more" not in output


def test_test_that_ends_its_process_is_not_run_again(tmp_path: Path) -> None:
    status, output, unreliable = run_tests(tmp_path, *ON_TWO_WORKERS, test_a=CRASHES_ONCE)
    assert (status, unreliable) == (1, [])
    assert "once more" not in output


def test_command_that_fails_before_its_tests_fails(tmp_path: Path) -> None:
    """The failures of an earlier run are not taken for those of this one."""
    assert run_tests(tmp_path, test_a=FAILS)[0] == 1
    done = subprocess.run(
        [PROGRAM, tmp_path / "unreliable", PYTEST, "false"],
        cwd=tmp_path,
        stdout=subprocess.DEVNULL,
        check=False,
    )
    assert done.returncode == 1
