"""A question answers what generation, coverage, `diff` and liveness ask of it."""

import pytest

from flowengine.states import STATE_KINDS
from tests.states.question_kinds import find_missing_fields


@pytest.mark.parametrize("kind", STATE_KINDS)
def test_question_kind_answers_what_other_modules_ask(kind: str) -> None:
    missing = find_missing_fields(STATE_KINDS[kind])
    assert not missing, "\n".join(["see CONTRIBUTING.md, 'Add a kind of state'", *missing])
