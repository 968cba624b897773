"""What changed in a queue or in who signs in, in words."""

import pytest

from flowengine.compile import CompileResult, compile_project
from flowengine.diff import compare_projects
from tests.diff.test_project_comparison import lines

PROJECT = """
project: acme
routes: [{flow: line}]
groups: {support: {members: ["+14045550130", "+14045550131"], most_waiting: 9}}
"""
LINE = """
flow: line
start: sign_in
states:
  sign_in: {agent: {group: support, sign: in, unknown: wait}, next: bye}
  wait:
    queue:
      of: support
      wait: {say: You wait., estimate: Some time., every: 30s}
      keys: {2: bye}
      limit: 20m
      nobody: bye
  bye: {hangup: }
  other: {hangup: }
"""
EDITS = {
    ("You wait.", "Please wait."): ["~ wait (queue)", "~ wait say: “You wait.” -> “Please wait.”"],
    ("Some time.", "A while."): ["~ wait (queue)", "~ wait estimate: “Some time.” -> “A while.”"],
    ("every: 30s", "every: 1m"): ["~ wait (queue)", "~ wait every: 30s -> 1m"],
    ("limit: 20m", "limit: 30m"): ["~ wait (queue)", "~ limit: 20m -> 30m"],
    ("keys: {2: bye}", "keys: {2: wait}"): ["~ wait (queue)", "~ key 2: bye -> wait"],
    ("nobody: bye", "nobody: bye\n      priority: 3"): ["~ wait (queue)", "~ priority: 0 -> 3"],
    ("sign: in", "sign: out"): ["~ sign_in (agent)", "~ sign: in -> out"],
    ("unknown: wait", "unknown: wait, is: '+1 404 555 0130'"): ["~ sign_in (agent)", "+ is: +14045550130"],
}  # fmt: skip


def compile_line(text: str) -> CompileResult:
    return compile_project({"project.yaml": PROJECT.encode(), "line.yaml": text.encode()}, {})


@pytest.mark.parametrize(("edit", "words"), EDITS.items(), ids=[new for _, new in EDITS])
def test_edit_of_a_queue_is_described(edit: tuple[str, str], words: list[str]) -> None:
    found = lines(compare_projects(compile_line(LINE), compile_line(LINE.replace(*edit))))
    assert [line for line in words if line not in "\n".join(found)] == [], found
