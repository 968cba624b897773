"""The calls of the page on the phone go as it shows them."""

import shlex

import pytest
from click.testing import CliRunner

from flowengine.cli import main
from tests.docs.docs_examples import ROOT, examples

COMMANDS = [
    line
    for example in examples(ROOT / "docs" / "phone.md")
    if example.language == "sh"
    for line in example.text.splitlines()
    if line.startswith("flowengine call flows")
]


@pytest.mark.parametrize("command", COMMANDS)
def test_calls_of_the_phone_page_end_well(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    made = CliRunner().invoke(main, shlex.split(command, comments=True)[1:], input="")
    assert made.exit_code == 0, made.output
    assert "platform   ends the call" in made.output
