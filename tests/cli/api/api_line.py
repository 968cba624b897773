"""A switch, and commands that call its APIs as somebody types them."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from click.testing import CliRunner, Result

from flowengine.cli import main
from tests.switch import switch_process
from tests.switch.switch_process import KEY, SECRET, Backend, Switch

UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
MOMENT = re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(\.\d+)?(Z| UTC|\+00:00)?")


class ApiLine:
    """Commands on one switch; `transcript` is what a person sees of them."""

    def __init__(self, switch: Switch, backend: Backend) -> None:
        self.switch = switch
        self.backend = backend
        self.transcript: list[str] = []
        self.names: dict[str, str] = {}

    def run(self, *words: str) -> Result:
        """The command with these words."""
        return CliRunner().invoke(main, [*words, "--switch", self.switch.url])

    def show(self, *words: str, exit_code: int = 0) -> str:
        """What the command prints, which is written down."""
        result = self.run(*words)
        assert result.exit_code == exit_code, (words, result.output, result.exception)
        said = "".join(f"{line}\n" for line in result.output.splitlines())
        self.transcript.append(f"$ flowengine {' '.join(words)}\n{said}")
        return result.output.strip()

    def load(self, *words: str, exit_code: int = 0) -> Any:
        """What the command prints as JSON."""
        return json.loads(self.show(*words, "--json", exit_code=exit_code))

    def format_transcript(self) -> str:
        """The transcript with fixed values in place of ids, times and ports."""
        text = "\n".join(self.transcript)
        for value, name in {**self.names, self.switch.url: "SWITCH"}.items():
            text = replace_value(re.compile(re.escape(value)), name, text)
        return replace_value(UUID, "ID", replace_value(MOMENT, "TIME", text))


def replace_value(pattern: re.Pattern[str], name: str, text: str) -> str:
    """Replace what the pattern finds; in a column of a table by a text as long."""
    text = re.sub(rf"(?:{pattern.pattern})(?=  )", lambda found: name.ljust(len(found[0])), text)
    return pattern.sub(name, text)


@contextmanager
def open_line(
    monkeypatch: pytest.MonkeyPatch, key: str = KEY, secret: str = SECRET, **answers: Any
) -> Iterator[ApiLine]:
    """A switch with a backend, and the credentials in the environment."""
    monkeypatch.setenv("SINCH_APPLICATION_KEY", key)
    monkeypatch.setenv("SINCH_APPLICATION_SECRET", secret)
    with switch_process.backend(**answers) as backend, switch_process.switch(backend.url) as switch:
        yield ApiLine(switch, backend)
