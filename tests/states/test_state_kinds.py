"""Each kind of state by its data: `<kind>.yaml` holds its cases. A registered kind without data
fails.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from flowengine.source import read_document
from flowengine.states import STATE_KINDS, Verb
from tests.states.conversation import Conversation, compiled

FOLDER = Path(__file__).parent
BESIDE_KINDS = {"preamble", "prompts", "events"}


def cases() -> Iterator[Any]:
    for file in sorted(FOLDER.glob("*.yaml")):
        document, problems = read_document(file.read_bytes(), file.name)
        assert document, problems
        for case in document.data["cases"]:
            yield pytest.param(case, id=f"{file.stem}: {case['title']}")


@pytest.mark.parametrize("case", list(cases()))
def test_conversation_of_a_case_goes_as_written(case: Mapping[str, Any]) -> None:
    made = compiled(case)
    codes = [problem.code for problem in made.problems]
    assert codes == case.get("problems", []), [problem.message for problem in made.problems]
    if "calls" in case:
        conversation = Conversation(made)
        for turn in case["calls"]:
            conversation.turn(turn)


def test_state_kinds_all_have_cases() -> None:
    assert {file.stem for file in FOLDER.glob("*.yaml")} == set(STATE_KINDS) | BESIDE_KINDS


@pytest.mark.parametrize("file", sorted(FOLDER.glob("*.yaml")), ids=lambda file: file.stem)
def test_titles_are_unique(file: Path) -> None:
    document, _ = read_document(file.read_bytes(), file.name)
    assert document
    titles = [case["title"] for case in document.data["cases"]]
    assert len(set(titles)) == len(titles)


def test_verbs_all_begin_by_themselves() -> None:
    """A struct can have no abstract base that would refuse one without it."""
    verbs = Verb.__subclasses__()
    assert len(verbs) >= len(STATE_KINDS) - 2  # hangup, done and continue share one
    assert [verb for verb in verbs if verb.enter is Verb.enter] == []
