"""Files that mean harm: a Problem, soon, in bounded memory, in a process that stays alive."""

import json

import pytest

from flowengine.limits import MAX_DEPTH, MAX_FILE_BYTES, MAX_PROBLEMS
from flowengine.source import read_document
from tests.fork_server import FlowengineProcess
from tests.waiting import PATIENCE_SECONDS

MIB = MAX_FILE_BYTES
HOSTILE = {
    "brackets": (b"[" * MIB, "FE107"),
    "braces": (b"{" * MIB, "FE107"),
    "dashes": (b"- " * (MIB // 2), "FE107"),
    "question marks": (b"? " * (MIB // 2), "FE107"),
    "indentation": (b"".join(b" " * depth + b"a:\n" for depth in range(1400)), "FE107"),
    "aliases": (b"[" + b"*a," * (MIB // 3 - 2) + b"]", "FE113"),
    "alias bomb": (
        b"a: &a [x,x]\n"
        + b"".join(b"%c: &%c [*%c,*%c]\n" % (c + 1, c + 1, c, c) for c in range(97, 121)),
        "FE112",
    ),
    "values": (b"[" + b"1," * (MIB // 2 - 2) + b"]", "FE108"),
    "keys": (b"".join(b"k%d: v\n" % number for number in range(80_000)), "FE108"),
    "the same key": (b"a: 1\n" * 150_000, "FE110"),
    "NUL": (b"a: b\0", "FE103"),
    "all NUL": (b"\0" * MIB, "FE103"),
    "no UTF-8": (b"a: \xff\xfe", "FE102"),
    "UTF-16": ("a: b".encode("utf-16"), "FE102"),
    "10 MB": (b"a" * 10_000_000, "FE101"),
    "nothing": (b"", "FE104"),
    "spaces": (b" " * MIB, "FE104"),
    "quotes": (b"a:\n" + b"  b: \"x\nc: 'y\n" * 70_000, "FE105"),
    "syntax errors": (b"a:\n  b: @x\nc:\n  d: `x\n" * 40_000, "FE117"),
    "unclosed quote": (b'a: "' + b"x\n" * (MIB // 2 - 9), "FE105"),
    "key comments": (b"#:\n" * (MIB // 3), "FE131"),
    "texts with key comments": (b"- 'x\n\n  #: '\n" * 30_000 + b"#:\n" * 1000, "FE131"),
    "documents": (b"---\n" * (MIB // 4), "FE109"),
    "tags": (b"- !a b\n" * 100_000, "FE111"),
}
DEPTHS = (33, 34, 900, 999, 1000, 1001, 1002, 5000)  # around the limits of ours and of libyaml
PROGRAM = """
import json, resource, sys, time
resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))
from flowengine.source import read_document
content = sys.stdin.buffer.read()
began = time.process_time()
document, problems = read_document(content, "f")
print(json.dumps([time.process_time() - began, len(problems), [problem.code for problem in problems]]))
"""


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_file_is_a_problem(tmp_path, name):
    content, code = HOSTILE[name]
    for file, given in (("program.py", PROGRAM.encode()), ("in", content)):
        (tmp_path / file).write_bytes(given)
    with (
        (tmp_path / "in").open("rb") as stdin,
        (tmp_path / "out").open("wb") as stdout,
        (tmp_path / "err").open("wb") as stderr,
    ):
        files = {"stdin": stdin, "stdout": stdout, "stderr": stderr}
        process = FlowengineProcess([], program=str(tmp_path / "program.py"), **files)
    assert process.wait(PATIENCE_SECONDS) == 0, (tmp_path / "err").read_text()
    seconds, count, codes = json.loads((tmp_path / "out").read_text())
    assert code in codes
    assert count <= MAX_PROBLEMS + 1
    assert seconds < 60  # of CPU: it grows with the size, not with its square


@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize(
    ("opening", "closing"),
    [("[", ""), ("[", "]"), ("{", ""), ("{a: ", "}"), ("[{a: ", "}]"), ("- ", ""), ("? ", "")],
)
def test_deep_nesting_is_one_problem_at_the_first_value_too_deep(depth, opening, closing):
    levels = len(opening.split(" ")[0].strip("-?a:")) or 1
    content = f"{opening * depth}{closing * depth}"
    document, problems = read_document(content.encode(), "f")
    assert document is None
    assert [problem.code for problem in problems] == ["FE107"]
    within = MAX_DEPTH % levels  # of an opening of two brackets, the second may be the one too deep
    column = len(opening) * (MAX_DEPTH // levels) + within + 1
    assert (problems[0].span.line, problems[0].span.column) == (1, column)


@pytest.mark.parametrize("depth", DEPTHS[:-1])  # the last would be too large a file
def test_deep_indentation_is_one_problem_at_the_first_value_too_deep(depth):
    content = "".join(f"{' ' * level}a:\n" for level in range(depth))
    _, problems = read_document(content.encode(), "f")
    assert [(problem.code, problem.span.line) for problem in problems] == [("FE107", MAX_DEPTH + 1)]
