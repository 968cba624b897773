"""The examples of the pages: found by their fences, and compiled in a world that supplies what a
snippet leaves out.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from flowengine.compile import compile_project
from flowengine.problems import Problem

ROOT = Path(__file__).parents[2]
WORLD = Path(__file__).parent / "world"
PAGES = sorted(
    [
        ROOT / "README.md",
        *(ROOT / "docs").glob("*.md"),
        *(ROOT / "docs/operations").glob("*.md"),
        *(ROOT / "docs/recipes").glob("*.md"),
    ]
)
SECRETS = {"CRM_TOKEN": "token", "S3_KEY": "key"}
LOST = re.compile(r"there is no state (\w+)")


@dataclass(frozen=True, slots=True)
class Example:
    """A fenced example: ```yaml, or ```yaml MARK for what is no whole file."""

    page: str
    line: int
    language: str
    mark: str
    text: str


def examples(page: Path) -> Iterator[Example]:
    text = page.read_text(encoding="utf-8")
    for found in re.finditer(r"^```(\w+) ?(\w*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        yield Example(
            page.name, text[: found.start()].count("\n") + 1, found[1], found[2], found[3]
        )


def world(*leave_out: str) -> dict[str, bytes]:
    return {
        file.name: file.read_bytes()
        for file in sorted(WORLD.glob("*.yaml"))
        if file.stem not in leave_out
    }


def problems(files: Mapping[str, bytes]) -> list[Problem]:
    return list(compile_project(files, SECRETS).problems)


def snippet(text: str) -> tuple[list[Problem], str]:
    """Problems of state snippets inside a flow that leads to them and has whatever states they lead
    to, and that flow.
    """
    first = re.findall(r"^(\w+):", text, re.MULTILINE)[0]
    head = (WORLD / "snippet.yaml").read_text()
    flow = head + "".join(f"  {line}\n" for line in (text + arrival(text, first)).splitlines())
    if re.search(r"^  done:", text, re.MULTILINE):
        flow = flow.replace("start: arrival\n", f"start: arrival\non: {{ended: {first}}}\n")
    found = problems({**world("snippet"), "snippet.yaml": flow.encode()})
    lost = {name[1] for problem in found if (name := LOST.match(problem.message))}
    whole = flow + "".join(f"  {name}: {{hangup: }}\n" for name in sorted(lost))
    return problems({**world("snippet"), "snippet.yaml": whole.encode()}), whole


def arrival(text: str, first: str) -> str:
    """How a call comes to the snippet: directly, by an answered connection, or only by its end."""
    if re.search(r"^  done:", text, re.MULTILINE):
        return "arrival: {hangup: }\n"
    if re.search(r"^  continue:", text, re.MULTILINE):
        return f'arrival:\n  connect: {{phone: "+14045009000", answered: {first}}}\n'
    return f"arrival:\n  say: Hello.\n  next: {first}\n"


def files(text: str) -> dict[str, str]:
    """The files of an example that shows several, each after a comment with its name."""
    parts = re.split(r"^# (\S+\.yaml)\n", text, flags=re.MULTILINE)
    named = dict(zip(parts[1::2], parts[2::2], strict=True))
    return {"main.yaml": parts[0], **named} if parts[0].strip() else named
