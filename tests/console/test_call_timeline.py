"""One call as a timeline: what was said in it, and what was not."""

from typing import Any

import pytest

from flowengine.console.call_timeline import split_answer

MENUS: dict[str, Any] = {
    "action": {
        "name": "runMenu",
        "mainMenu": "main",
        "locale": "en-US",
        "menus": [
            {"id": "main", "mainPrompt": "#tts[For sales press 1.]"},
            {"id": "line.ask", "mainPrompt": "#tts[For sales press 1.]"},
            {"id": "line.sales", "mainPrompt": "#tts[Which product?]"},
            {"id": "line.silent"},
        ],
    }
}


@pytest.mark.parametrize(
    ("heard_menu", "said"),
    [
        ("", ["For sales press 1."]),
        ("main", ["For sales press 1."]),
        ("line.ask", ["For sales press 1."]),
        ("line.sales", ["For sales press 1.", "Which product?"]),
        ("line.silent", ["For sales press 1."]),
    ],
)
def test_prompt_of_a_submenu_is_said_where_its_input_came(heard_menu: str, said: list[str]) -> None:
    assert [text for text, _ in split_answer(MENUS, heard_menu)[0]] == said
