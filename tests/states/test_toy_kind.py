"""A kind that only this file knows works in every command: no other module names a kind.

Run as a program, this file is `flowengine` with one kind more; as `question-fields` it prints what
the kind does not answer.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar

import msgspec
import pytest
from msgspec import UNSET, Meta
from msgspec.structs import replace

from flowengine.sinch import Pie
from flowengine.source import KeyPath
from flowengine.states import (
    STATE_KINDS,
    AnswerCallback,
    AuthoredFact,
    Exit,
    StateBuilder,
    StateKind,
    StateResult,
    StepContext,
    Verb,
)
from flowengine.states.field_types import StateName
from flowengine.states.prompt import Prompt, join_prompts
from flowengine.states.question import (
    Question,
    RetryPrompts,
    add_otherwise_exit,
    compile_question,
)
from flowengine.states.state_kind import get_text, list_no_facts
from flowengine.states.verb import PromptSequence
from flowengine.svaml import Menu, MenuOption, RunMenu
from tests.waiting import PATIENCE_SECONDS

QUESTION_FIELDS = "question-fields"
ROOT = Path(__file__).parents[2]
SCHEMAS = ROOT / "schemas"
EXITS = {"1": "yes", "2": "no"}
EXAMPLE = """
sure:
  confirm: {prompt: Shall we ship it?, yes: shipped, no: kept, otherwise: kept}
shipped: {hangup: }
kept: {hangup: }
"""


class AuthoredConfirm(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Ask for a yes or a no."""

    prompt: Annotated[Prompt, Meta(description="What the caller hears.", examples=["Sure?"])]
    yes: Annotated[StateName, Meta(description="Where key 1 leads.", examples=["order"])]
    no: Annotated[StateName, Meta(description="Where key 2 leads.", examples=["goodbye"])]
    otherwise: Annotated[StateName, Meta(description="After silence.", examples=["goodbye"])]
    again: ClassVar[Any] = UNSET
    no_input: ClassVar[Any] = UNSET
    attempts: ClassVar[Any] = 2
    barge: ClassVar[bool] = True


class CompiledConfirm(Verb, msgspec.Struct, frozen=True):
    """A yes-or-no question at work."""

    question: Question
    actions = frozenset({"runMenu"})
    waits = True
    is_question = True

    def enter(self, run: StepContext) -> StateResult:
        run.attempts = 1
        return AnswerCallback(self.ask(run, join_prompts([self.question.first], run)))

    def resume(self, run: StepContext) -> StateResult:
        if not isinstance(run.event, Pie):
            return self.enter(run)
        if run.event.value in EXITS:
            return Exit(EXITS[run.event.value])
        settled = self.question.handle_unanswered(run, run.event, "otherwise", self.ask)
        return settled or Exit("otherwise")

    def ask(self, run: StepContext, prompt: str) -> RunMenu:
        options = tuple(MenuOption(dtmf=key, action=f"return({key})") for key in EXITS)
        menu = Menu(id="main", main_prompt=prompt, options=options)
        return self.question.build_run_menu([menu], run, self.question.first)

    @property
    def key_targets(self) -> Mapping[str, str]:
        return EXITS

    def list_prompts(self) -> PromptSequence:
        return self.question.list_prompts()

    def list_answers(self) -> list[PromptSequence]:
        return self.question.list_answers(self.question.no_input)

    def list_menu_ids(self) -> Iterator[str]:
        return self.question.list_menu_ids()

    def list_repeat_reasons(self) -> list[str]:
        return ["no input", "no match"]

    def list_sample_keys(self, _words: Iterable[str], _attempts: int) -> Iterator[str]:
        """Each choice, and a key that is none."""
        yield from (*EXITS, "9")


def compile_confirm(
    builder: StateBuilder, path: KeyPath, authored: AuthoredConfirm
) -> CompiledConfirm:
    for key, exit_ in EXITS.items():
        target = getattr(authored, exit_)
        builder.add_exit(exit_, target, (*path, exit_), "pie", label=f"{exit_} ({key})")
    add_otherwise_exit(builder, path, authored.otherwise)
    nothing = RetryPrompts(())
    return CompiledConfirm(
        compile_question(builder, path, authored, accepts_voice=False, no_match=nothing)
    )


def list_confirm_facts(authored: AuthoredConfirm) -> Iterator[AuthoredFact]:
    for exit_ in EXITS.values():
        yield AuthoredFact("target", exit_, getattr(authored, exit_), (exit_,))


CONFIRM_KIND = StateKind(
    "confirm",
    "Ask for a yes or a no",
    EXAMPLE,
    Annotated[AuthoredConfirm, Meta(title="confirm", description="Ask for a yes or a no.")],
    compile_confirm,
    "none",
    shape="question",
    actions={"": "runMenu"},
    summarise=lambda authored: authored["prompt"],
    list_facts=list_confirm_facts,
)


class BareConfirm(Verb):
    """The toy as a newcomer may leave it: it runs, and keeps what others ask at its default."""

    __slots__ = ("whole",)
    actions = frozenset({"runMenu"})
    waits = True

    def __init__(self, whole: CompiledConfirm) -> None:
        self.whole = whole

    def enter(self, run: StepContext) -> StateResult:
        return self.whole.enter(run)

    def resume(self, run: StepContext) -> StateResult:
        return self.whole.resume(run)


BARE_KIND = replace(
    CONFIRM_KIND,
    compile=lambda builder, path, authored: BareConfirm(compile_confirm(builder, path, authored)),
    shape="action",
    actions={},
    summarise=get_text,
    list_facts=list_no_facts,
)
FLOW = """
flow: line
start: sure
locale: en-US
states:
  sure:
    confirm: {prompt: Shall we ship it?, yes: shipped, no: kept, otherwise: kept}
  shipped:
    say: It is on its way.
    hangup:
  kept:
    say: We keep it.
    hangup:
"""


def run_command(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    schemas = folder.parent / "schemas"
    shutil.copytree(SCHEMAS, schemas, dirs_exist_ok=True)
    return subprocess.run(  # this very file
        [sys.executable, __file__, *arguments],
        env={**os.environ, "TOY_SCHEMAS": str(schemas), "COLUMNS": "200", "PYTHONPATH": str(ROOT)},
        cwd=folder.parent,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_SECONDS,
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    found = tmp_path / "flows"
    found.mkdir()
    (found / "line.yaml").write_text(FLOW)
    return found


def test_toy_kind_is_unknown_without_its_file() -> None:
    assert "confirm" not in STATE_KINDS


def test_toy_kind_without_mistakes_passes_the_check(folder: Path) -> None:
    checked = run_command(folder, "check", "flows", "--strict")
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_toy_kind_with_mistakes_has_the_problems_of_its_options(folder: Path) -> None:
    text = FLOW.replace("no: kept,", "no: kpet,").replace("Shall we ship it?", '"${vars.x}"')
    (folder / "line.yaml").write_text(text)
    checked = run_command(folder, "check", "flows")
    assert checked.returncode == 1
    assert "FE203" in checked.stdout
    assert "FE301" in checked.stdout
    (folder / "line.yaml").write_text(FLOW.replace("yes: shipped", "yess: shipped"))
    checked = run_command(folder, "check", "flows")
    assert 'did you mean "yes"' in checked.stdout


def test_toy_kind_is_covered_by_generated_scenarios(folder: Path) -> None:
    made = run_command(folder, "test", "flows", "--generate", "-j", "1")
    assert made.returncode == 0, made.stdout + made.stderr
    written = (folder / "scenarios" / "line.yaml").read_text()
    assert "press: 1" in written
    assert "press: 2" in written
    covered = run_command(folder, "test", "flows", "--coverage", "-j", "1")
    assert covered.returncode == 0, covered.stdout + covered.stderr
    assert "100.0%" in covered.stdout


def test_toy_kind_without_scenarios_has_missing_exits(folder: Path) -> None:
    (folder / "scenarios").mkdir()
    (folder / "scenarios" / "line.yaml").write_text(
        "flow: line\nscenarios:\n  yes:\n    when: [press: 1]\n    then: {state: shipped}\n"
    )
    covered = run_command(folder, "test", "flows", "--coverage", "-j", "1")
    assert "sure: no" in covered.stdout
    assert "sure: otherwise" in covered.stdout
    assert "sure: again: no input" in covered.stdout


def test_toy_kind_has_its_shape_and_words_in_diagrams(folder: Path) -> None:
    drawn = run_command(folder, "diagram", "flows")
    assert 's_sure{{"sure<br>Shall we ship it?"}}' in drawn.stdout
    assert 's_sure -->|"yes (1)"| s_shipped' in drawn.stdout


def test_toy_kind_is_compared_by_its_options(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder, tmp_path / "old")
    text = FLOW.replace("yes: shipped", "yes: kept").replace("ship it", "send it")
    (folder / "line.yaml").write_text(text)
    compared = run_command(folder, "diff", "old", "flows")
    assert compared.returncode == 0, compared.stderr
    assert "Shall we send it?" in compared.stdout
    assert "yes" in compared.stdout
    assert "shipped" in compared.stdout


def test_toy_kind_is_explained_by_what_it_sends(folder: Path) -> None:
    told = run_command(folder, "explain", "flows")
    assert "sure: confirm; incoming call (ice)" in told.stdout
    assert "runMenu" in told.stdout


def test_toy_kind_answers_what_other_modules_ask(folder: Path) -> None:
    asked = run_command(folder, QUESTION_FIELDS, "whole")
    assert asked.returncode == 0, asked.stderr
    assert asked.stdout == ""


def test_question_kind_without_optional_members_names_each_of_them(folder: Path) -> None:
    asked = run_command(folder, QUESTION_FIELDS, "bare")
    assert asked.returncode == 0, asked.stderr
    missing = [line.split(": ", 2) for line in asked.stdout.splitlines()]
    assert {kind for kind, _, _ in missing} == {"confirm"}
    assert {field for _, field, _ in missing} == {
        *("Verb.is_question", "Verb.list_prompts", "Verb.list_answers", "Verb.list_menu_ids"),
        *("Verb.list_sample_keys", "Verb.key_targets", "Verb.list_repeat_reasons"),
        *("StateKind.shape", "StateKind.actions", "StateKind.summarise", "StateKind.list_facts"),
    }
    assert "generated scenarios press these keys" in asked.stdout


if __name__ == "__main__":
    bare = sys.argv[1:] == [QUESTION_FIELDS, "bare"]
    STATE_KINDS[CONFIRM_KIND.name] = BARE_KIND if bare else CONFIRM_KIND

    from flowengine.cli import main
    from flowengine.model import json_schemas
    from tests.states.question_kinds import find_missing_fields

    json_schemas.INSTALLED_SCHEMAS = Path(os.environ["TOY_SCHEMAS"])
    json_schemas.write_schemas(json_schemas.INSTALLED_SCHEMAS)
    if sys.argv[1] == QUESTION_FIELDS:
        sys.stdout.write("\n".join(find_missing_fields(STATE_KINDS[CONFIRM_KIND.name])))
    else:
        main()
