"""Projects as one text: a line `# name.yaml` begins a file; without one it is main.yaml."""

import re

from flowengine.compile import CompileResult, compile_project

HEADING = re.compile(r"^# (\S+\.yaml)\n", re.MULTILINE)


def files(text: str) -> dict[str, bytes]:
    first, *rest = HEADING.split(text)
    found = {"main.yaml": first.encode()} if first.strip() else {}
    return found | {
        name: content.encode() for name, content in zip(rest[::2], rest[1::2], strict=True)
    }


def compiled(text: str, *, cookies_only: bool = False) -> CompileResult:
    return compile_project(files(text), {}, cookies_only=cookies_only)


def codes(text: str, *, cookies_only: bool = False) -> list[str]:
    return [problem.code for problem in compiled(text, cookies_only=cookies_only).problems]
