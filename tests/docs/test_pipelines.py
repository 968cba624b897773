"""The workflow of the page on pipelines really runs: its shell lines, on a shallow clone as a
runner has it.
"""

import os
import re
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from tests.compiled_release import compile_release
from tests.docs.docs_examples import ROOT, examples
from tests.fork_server import run_flowengine
from tests.journal.journal_line import (
    FLOW,
    PROJECT,
    Clock,
    answered,
    ended,
    files,
    keyed,
    press,
    record,
    ring,
)
from tests.sources.git_repository import commit, git, new_repository

(WORKFLOW,) = (
    yaml.safe_load(example.text)
    for example in examples(ROOT / "docs" / "ci.md")
    if example.mark == "workflow"
)
# the line says numbers as they stand, for the tests of what the journal masks
STRICT_FLOW = re.sub(
    r"(say: .*\$\{(?:vars\.account|call\.from)\}\.)",
    r"\1  # accept FE461: masked in the journal",
    FLOW,
)
STEPS: dict[str, str] = {
    step["name"]: step["run"] for step in WORKFLOW["jobs"]["flows"]["steps"] if "run" in step
}
CHECK, FETCH, DIFF, REPLAY = [*STEPS][1:]
BILL = [
    ring("bill"),
    press("1", "bill"),
    keyed("12345674", "bill"),
    answered("bill"),
    ended("bill"),
]


@dataclass
class Runner:
    """A clone of a pull request, and what the steps of the workflow did in it."""

    clone: Path
    summary: Path

    def run(self, command: str) -> "subprocess.CompletedProcess[str]":
        """As a runner does: in bash that stops at the first failure."""
        given = {
            "GITHUB_BASE_REF": "main",
            "GITHUB_STEP_SUMMARY": str(self.summary),
            "FLOWENGINE_COOKIE_KEYS": "the secret",
        }
        environment = {
            **os.environ,
            **given,
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        }
        return subprocess.run(
            ["bash", "-e", "-c", command],
            cwd=self.clone,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )

    def run_flowengine(self, command: str) -> "subprocess.CompletedProcess[str]":
        """A command that needs no shell, without the start of an interpreter."""
        program, *arguments = command.split()
        assert program == "flowengine"
        return run_flowengine(
            *arguments,
            cwd=self.clone,
            env={**os.environ, "FLOWENGINE_COOKIE_KEYS": "the secret"},
        )

    def steps(self) -> dict[str, int]:
        """The exit codes of the steps, up to the first that fails."""
        codes: dict[str, int] = {}
        for name in (CHECK, FETCH, DIFF, REPLAY):
            codes[name] = self.run(STEPS[name]).returncode
            if codes[name]:
                break
        return codes


def pull_request(folder: Path, flow: str) -> Runner:
    """What was merged in the end of a branch, as a runner has it: one commit, no branch."""
    mine = new_repository(folder / "mine")
    commit(mine, {"flows/line.yaml": STRICT_FLOW, "flows/project.yaml": PROJECT}, "Begin")
    git(mine, "checkout", "-q", "-b", "change")
    commit(mine, {"flows/line.yaml": flow, "README.md": "Read me."}, "Change")
    made = folder / "clone"
    git(folder, "clone", "-q", "--depth=1", "--branch=change", f"file://{mine}", str(made))
    git(made, "checkout", "-q", "--detach")
    git(made, "branch", "-q", "-D", "change")
    (folder / "summary.md").touch()
    return Runner(made, folder / "summary.md")


PASSED = {CHECK: 0, FETCH: 0, DIFF: 0, REPLAY: 0}


@pytest.mark.parametrize(
    ("old", "new", "codes", "told"),
    [
        (
            "start: welcome",
            "start:  welcome  # first",
            PASSED,
            ["### Call flows: no change in meaning", "1 as before"],
        ),
        (
            "say: Welcome.",
            "say: Welcome!",
            PASSED | {REPLAY: 1},
            ["“Welcome!”", "```mermaid", "0 as before, 1 differently"],
        ),
        ("start: welcome", "start: nowhere", {CHECK: 1}, []),
    ],
    ids=["reformatted", "changed", "broken"],
)
def test_workflow_of_the_page_checks_a_pull_request(
    tmp_path: Path, old: str, new: str, codes: dict[str, int], told: list[str]
) -> None:
    runner = pull_request(tmp_path, STRICT_FLOW.replace(old, new))
    yesterday = Clock(time.time() - 86_400)  # the page asks for calls of the last 30 days
    record(runner.clone / "journal.db", compile_release(files()), BILL, clock=yesterday)
    assert runner.steps() == codes
    summary = runner.summary.read_text()
    assert [words for words in told if words not in summary] == []


def test_without_a_journal_nothing_is_replayed(tmp_path: Path) -> None:
    assert (
        pull_request(tmp_path, STRICT_FLOW.replace("say: Welcome.", "say: Welcome!")).steps()
        == PASSED
    )


@pytest.mark.parametrize(
    ("command", "code"),
    [
        ("flowengine check flows", 0),
        ("flowengine check nowhere", 2),
        ("flowengine diff HEAD HEAD --exit-code", 0),
        ("flowengine diff HEAD flows --exit-code", 0),
        ("flowengine diff HEAD other --exit-code", 1),
        ("flowengine diff HEAD other", 0),
        ("flowengine diff HEAD nowhere", 2),
        ("flowengine diff HEAD", 2),
        ("flowengine diff HEAD broken --exit-code", 1),
        ("flowengine replay journal.db --on HEAD --exit-code", 0),
        ("flowengine replay journal.db --on other --exit-code", 1),
        ("flowengine replay journal.db --on other", 0),
        ("flowengine replay journal.db --on broken --exit-code", 2),
        ("flowengine replay journal.db --on nowhere --exit-code", 2),
        ("flowengine replay nowhere.db --on HEAD --exit-code", 2),
        ("flowengine replay flows/line.yaml --on HEAD --exit-code", 2),
        ("flowengine replay journal.db", 2),
    ],
)
def test_exit_codes(runner: Runner, command: str, code: int) -> None:
    done = runner.run_flowengine(command)
    assert done.returncode == code, done.stderr
    assert bool(done.stdout) == (code < 2), "a pipeline puts what is found into a file"
    assert bool(done.stderr) == (code == 2 or "broken" in command)


@pytest.fixture(scope="module")
def runner(tmp_path_factory: pytest.TempPathFactory) -> Runner:
    made = pull_request(tmp_path_factory.mktemp("codes"), STRICT_FLOW)
    record(made.clone / "journal.db", compile_release(files()), BILL)
    for name, flow in (
        ("other", STRICT_FLOW.replace("say: Welcome.", "say: Hi!")),
        ("broken", STRICT_FLOW.replace("start: welcome", "start: nowhere")),
    ):
        (made.clone / name).mkdir()
        (made.clone / name / "line.yaml").write_text(flow)
        (made.clone / name / "project.yaml").write_text(PROJECT)
    return made


@pytest.mark.parametrize(
    ("command", "ref"),
    [
        ("diff {ref} HEAD", "origin/main"),
        ("diff {ref} HEAD", "v1"),
        ("replay journal.db --on {ref}", "main"),
    ],
)
def test_shallow_clone_gets_what_it_lacks_by_the_named_command(
    tmp_path: Path, command: str, ref: str
) -> None:
    runner = pull_request(tmp_path, STRICT_FLOW)
    record(runner.clone / "journal.db", compile_release(files()), BILL)
    git(tmp_path / "mine", "tag", "v1", "main")
    refused = runner.run_flowengine(f"flowengine {command.format(ref=ref)}")
    assert refused.returncode == 2
    told = " ".join(refused.stderr.split())
    cure, _, rest = told.partition("the clone is shallow: ")[2].partition(" brings it, as ")
    assert runner.run(cure).returncode == 0, told
    assert (
        runner.run_flowengine(f"flowengine {command.format(ref=rest.split()[0])}").returncode == 0
    )


def test_diff_in_a_shallow_clone_names_the_missing_history(tmp_path: Path) -> None:
    runner = pull_request(tmp_path, STRICT_FLOW)
    told = " ".join(runner.run_flowengine("flowengine diff HEAD~1 HEAD").stderr.split())
    assert "the clone is shallow: git fetch --unshallow brings what came before" in told
    assert runner.run("git fetch --unshallow").returncode == 0
    assert runner.run_flowengine("flowengine diff HEAD~1 HEAD").returncode == 0


def test_diff_of_a_branch_only_at_its_origin_names_it(tmp_path: Path) -> None:
    runner = pull_request(tmp_path, STRICT_FLOW)
    runner.run(STEPS[FETCH])
    assert ", but origin/main" in " ".join(
        runner.run_flowengine("flowengine diff main HEAD").stderr.split()
    )
