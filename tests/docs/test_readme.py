"""The README does what it says: its serve command, its call and its answer, its first flow."""

import json
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.docs.docs_examples import ROOT, examples
from tests.waiting import PATIENCE_SECONDS, can_connect, find_free_port, wait_until

README = ROOT / "README.md"
SHELL = [example.text for example in examples(README) if example.language == "sh"]
SERVE, CALL, TEST = SHELL[:3]


def served_by(command: str) -> list[str]:
    """The last command of a chain, run by this Python, with its folder of flows as it lies in the
    clone.
    """
    words = shlex.split(command.rsplit("&&", maxsplit=1)[-1])
    assert words[0] == ".venv/bin/flowengine"
    return [
        sys.executable,
        "-m",
        "flowengine",
        *(str(ROOT / word) if (ROOT / word).exists() else word for word in words[1:]),
    ]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[int]:
    port = find_free_port()
    with subprocess.Popen(
        [*served_by(SERVE), "--port", str(port)], cwd=tmp_path, env={"PYTHONPATH": str(ROOT)}
    ) as process:
        wait_until(lambda: process.poll() is not None or can_connect(port))
        assert process.poll() is None, "the server has ended"
        yield port
        process.terminate()


def called(command: str, port: int) -> Any:
    """What the README's curl posts and gets."""
    words = shlex.split(command.split("|", maxsplit=1)[0])
    url = next(word for word in words if word.startswith("http")).replace(":8080", f":{port}")
    header, body = words[words.index("-H") + 1], words[words.index("-d") + 1]
    name, _, value = header.partition(": ")
    return (
        httpx.post(
            url, headers={name: value}, content=body, trust_env=False, timeout=PATIENCE_SECONDS
        )
        .raise_for_status()
        .json()
    )


def without_cookie(answer: Any) -> Any:
    return json.loads(
        re.sub(r'("key": "fe", "value": )"[^"]*"', r'\1"…"', json.dumps(answer, ensure_ascii=False))
    )


def test_readme_call_gets_the_answer_of_the_readme(server: int) -> None:
    shown = next(
        json.loads(example.text) for example in examples(README) if example.language == "json"
    )
    answer = called(CALL, server)
    assert answer["instructions"][-1]["value"].isascii()
    assert without_cookie(answer) == shown


def test_readme_commands_need_nothing_but_python() -> None:
    for command in (SERVE, TEST):
        assert command.startswith("python3 -m venv .venv && .venv/bin/pip install -q -e ")
        assert command.count("\n") == 1


def test_readme_flow_has_no_problems(tmp_path: Path) -> None:
    flow = next(example.text for example in examples(README) if example.language == "yaml")
    (tmp_path / "hello.yaml").write_text(flow)
    checks = next(text for text in SHELL if "flowengine check hello.yaml" in text).splitlines()
    for line in checks[:2]:
        command = [sys.executable, "-m", "flowengine", *shlex.split(line, comments=True)[1:]]
        done = subprocess.run(
            command,
            cwd=tmp_path,
            env={"PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert "no problems" in done.stdout or "welcome" in done.stdout


def test_options_of_console_are_all_in_its_page() -> None:
    from flowengine.cli.console import console
    from flowengine.cli.console_address import DEFAULT_CONSOLE

    text = (ROOT / "docs/console.md").read_text(encoding="utf-8")
    for parameter in console.params[1:]:
        shown = parameter.show_default if parameter.default == "" else f"`{parameter.default}`"
        assert f"| `{parameter.opts[0]}` | {shown} |" in text, parameter.name
    host, port = DEFAULT_CONSOLE
    assert f"<http://{host}:{port}>" in README.read_text(encoding="utf-8")


def test_metrics_are_all_in_their_page() -> None:
    from flowengine.server.metrics import Metrics

    text = (ROOT / "docs/operations/health-and-metrics.md").read_text(encoding="utf-8")
    kinds = {"counter": "_total", "gauge": "", "histogram": ""}
    for family in Metrics().registry.collect():
        assert f"`{family.name}{kinds[family.type]}" in text, family.name


def test_fields_of_the_log_are_all_in_their_page() -> None:
    import msgspec

    from flowengine.server.log import CallbackLogLine

    text = (ROOT / "docs/operations/health-and-metrics.md").read_text(encoding="utf-8")
    assert all(
        f"`{field.encode_name}`" in text for field in msgspec.structs.fields(CallbackLogLine)
    )


def test_options_of_go_live_are_all_in_its_page() -> None:
    from flowengine.cli.go_live import go_live

    text = (ROOT / "docs/operations/go-live.md").read_text(encoding="utf-8")
    for parameter in go_live.params:
        assert f"| `{parameter.opts[0]}` |" in text, parameter.name


def test_commands_of_the_api_are_all_in_their_page() -> None:
    import click

    from flowengine.cli import main

    text = (ROOT / "docs/operations/api.md").read_text(encoding="utf-8")
    with click.Context(main) as context:
        api = main.get_command(context, "api")
        assert isinstance(api, click.Group)
        for name in api.list_commands(context):
            group = api.get_command(context, name)
            assert isinstance(group, click.Group)
            assert f"`{name} " in text
            for command in group.commands:
                assert f"`{name} {command}`" in text or f"`{command}`" in text, (name, command)
