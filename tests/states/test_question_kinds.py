"""A question answers what generation, coverage, `diff` and liveness ask of it. The kind without any
optional member is in `test_toy_kind.py`.
"""

from typing import Any

import pytest
from msgspec.structs import replace

from flowengine.states import STATE_KINDS, StateBuilder
from flowengine.states.collect import CompiledCollect
from flowengine.states.state_kind import list_no_facts, list_no_keys
from tests.states.question_kinds import find_missing_fields


@pytest.mark.parametrize("kind", STATE_KINDS)
def test_question_kind_answers_what_other_modules_ask(kind: str) -> None:
    missing = find_missing_fields(STATE_KINDS[kind])
    assert not missing, "\n".join(["see CONTRIBUTING.md, 'Add a kind of state'", *missing])


@pytest.mark.parametrize(
    ("field", "value"),
    [("list_keys", list_no_keys), ("list_facts", list_no_facts), ("has_defaults", False)],
)
def test_menu_without_a_field_of_its_entry_names_the_field(
    field: str, value: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(STATE_KINDS, "menu", replace(STATE_KINDS["menu"], **{field: value}))
    missing = find_missing_fields(STATE_KINDS["menu"])
    assert missing
    assert all(line.startswith(f"menu: StateKind.{field}: ") for line in missing)


def test_question_that_does_not_hide_secrets_names_the_member(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(CompiledCollect, "asks_for_secret", False)
    (missing,) = find_missing_fields(STATE_KINDS["collect"])
    assert missing.startswith("collect: Verb.asks_for_secret: ")


def test_question_that_registers_no_late_reads_names_liveness(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    menu = STATE_KINDS["menu"]

    def compile_forgetfully(builder: StateBuilder, path: Any, authored: Any) -> Any:
        compiled = menu.compile(builder, path, authored)
        builder.late_reads.clear()
        return compiled

    monkeypatch.setitem(STATE_KINDS, "menu", replace(menu, compile=compile_forgetfully))
    (missing,) = find_missing_fields(STATE_KINDS["menu"])
    assert missing.startswith("menu: compile: ")
    assert "liveness" in missing
