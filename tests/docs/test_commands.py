"""The commands of the pages exist, with the options that the pages give them."""

import re

import click
import pytest

from flowengine.cli import main
from tests.docs.docs_examples import PAGES, Example, examples

SHELL = [example for page in PAGES for example in examples(page) if example.language == "sh"]
COMMAND = re.compile(
    r"(?:^|&& |/)flowengine ([a-z][\w-]+)((?:'[^']*'|\"[^\"]*\"|[^\n&|>#'\"])*)", re.MULTILINE
)


@pytest.mark.parametrize(
    "example",
    [pytest.param(example, id=f"{example.page}:{example.line}") for example in SHELL],
)
def test_commands_of_a_page_exist_with_their_options(example: Example) -> None:
    with click.Context(main) as context:
        for name, words in COMMAND.findall(example.text):
            command = main.get_command(context, name)
            assert command, f"there is no command {name}"
            for word in words.split():
                if not isinstance(command, click.Group) or word.startswith("-"):
                    break
                command = command.get_command(context, word)
                assert command, f"{name} has no command {word}"
            known = {option for parameter in command.params for option in parameter.opts}
            given = re.findall(
                r"(?:^|\s)(--?[a-z][\w-]*)", re.sub(r"'[^']*'|\"[^\"]*\"", "", words)
            )
            assert set(given) - {"--help"} <= known, f"{name} has no such option"


def test_pages_show_most_commands() -> None:
    shown = {name for example in SHELL for name, _ in COMMAND.findall(example.text)}
    assert {"serve", "publish", "rollback", "calls", "replay", "load", "check", "test"} <= shown
