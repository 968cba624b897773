"""The canonical form of files: what it is, and that nothing else changes."""

import random
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from flowengine.compile import compile_project
from flowengine.problems import CATALOGUE
from flowengine.source import read_document
from flowengine.source.canonical_form import format_content
from flowengine.source.layout_gaps import UnformattableError
from flowengine.source.layout_scalars import needs_quotes
from tests.thoroughness import THOROUGH, examples

ROOT = Path(__file__).parents[2]

CASES = {
    "indentation and blanks": (
        "a:\n    b:   1 \n    c : two # why\n\n\n    d:\n        -   x\n        -    - z\n",
        "a:\n  b: 1\n  c: two  # why\n\n  d:\n    - x\n    - - z\n",
    ),
    "dashes below their key": ("a:\n- b: 1\n  c: 2\n- d\ne: 3\n", "a:\n  - b: 1\n    c: 2\n  - d\ne: 3\n"),
    "an entry below its dash": ("a:\n  -\n    b: 1\n  - # c\n    d\n", "a:\n  - b: 1\n  -  # c\n    d\n"),
    "brackets": ("a: { b: [ 1,2 ], c:  , d: }\n", "a: {b: [1, 2], c: , d: }\n"),
    "brackets over lines": (
        "a: {\n b: 1, # x\n      c: [\n 2 ]\n}\nd: 1\n",
        "a: {\n    b: 1,  # x\n    c: [\n      2]\n  }\nd: 1\n",
    ),
    "ends of lines and of the file": ("\ufeffa: 1\r\n\r\nb: 2\r\n\r\n\r\n", "a: 1\n\nb: 2\n"),
    "no end of the last line": ("a: 1", "a: 1\n"),
    "comments go with what they stand in": (
        "# top\n\na:\n     # b is\n     b: 1\n     # still in a\n# on c\nc: 2\n   # end",
        "# top\n\na:\n  # b is\n  b: 1\n  # still in a\n# on c\nc: 2\n# end\n",
    ),
    "a block of text": (
        "a:\n      b: |\n           one \n             two\n\n      c: >2-\n          x\n",
        "a:\n  b: |\n    one \n      two\n\n  c: >2-\n      x\n",
    ),
    "empty lines that are kept": ("a:\n    b: |+\n      x\n\n\n    c: 1\n", "a:\n  b: |+\n    x\n\n\n  c: 1\n"),
    "a text without an end": ("a: |\n    x", "a: |\n  x"),
    "text over lines": (
        'a:\n    b: one\n         two\n    c: "x\n\n        y \\\n      z"\n',
        'a:\n  b: one\n    two\n  c: "x\n\n    y \\\n    z"\n',
    ),
    "quotes that others need": (
        "a: +4670\nb: [on, 9:30, 007, 20s, 1.2.3]\n2026-12-24: closed\non: {no: 1}\n",
        'a: "+4670"\nb: ["on", "9:30", "007", 20s, 1.2.3]\n"2026-12-24": closed\non: {"no": 1}\n',
    ),
    "states": (
        "flow: f\nstates:\n\n  a:\n    say: x\n  # on b\n  b:\n    hangup:\n\n\n  c: {hangup: }\n  d: {hangup: }\n",
        "flow: f\n\nstates:\n  a:\n    say: x\n\n  # on b\n  b:\n    hangup:\n\n  c: {hangup: }\n  d: {hangup: }\n",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_format_brings_a_file_into_its_form(case: str) -> None:
    before, after = CASES[case]
    assert format_content(before.encode(), "f.yaml") == (after.encode(), [])
    assert format_content(after.encode(), "f.yaml") == (after.encode(), [])


def test_format_of_a_file_with_an_error_changes_nothing_and_tells_it() -> None:
    for content in (b"a: [1\nb:   2\n", b"a:   1\na:   2\n", b"", b"a: \xff\n"):
        after, problems = format_content(content, "f.yaml")
        assert after == content
        assert problems


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("? a\n: b\n", "line 1 has a key behind a question mark"),
        ('a: "x\u2028 y"\n', "it has the character U\\+2028"),
        ("%YAML 1.2\n---\na: 1\n", "line 1 has a construct"),
    ],
)
def test_format_of_what_it_does_not_know_is_refused(text: str, why: str) -> None:
    with pytest.raises(UnformattableError, match=why):
        format_content(text.encode(), "f.yaml")


def test_quotes_are_for_what_others_take_for_something_else() -> None:
    for text in ("+1", "0123", "1_000", "0x1F", "y", "No", "12:30", "12:30:00", ".5", "1.", ".inf"):
        assert needs_quotes(text, is_key=False), text
    for text in ("2026-12-24", "2026-12-24 10:00:00", "="):
        assert needs_quotes(text, is_key=True), text
    for text in (
        "1",
        "-1.5",
        "true",
        "null",
        "",
        "yesterday",
        "1.2.3",
        "2h",
        "09:00-17:00",
        "+1 40",
    ):
        assert not needs_quotes(text, is_key=False), text


Mutation = Callable[[random.Random, str], str]
MUTATIONS: tuple[Mutation, ...] = (
    lambda r, t: re.sub("^ +", r"\g<0>" * r.choice([2, 3]), t, flags=re.MULTILINE),
    lambda _, t: t.replace("\n", "\r\n"),
    lambda r, t: re.sub("\n", lambda _: r.choice(["\n", "  \n", "\n\n\n"]), t),
    lambda r, t: re.sub("\n", lambda _: r.choice(["\n"] * 4 + [f"\n{' ' * r.randrange(9)}# c\n"]), t),
    lambda r, t: re.sub("\n", lambda _: r.choice(["\n"] * 4 + ["   # c\n"]), t),
    lambda r, t: re.sub(
        r"[{}\[\],]", lambda m: m[0] + r.choice(["", " ", f"\n{' ' * r.randrange(9, 30)}"]), t
    ),
    lambda r, t: t.replace(": ", r.choice([":   ", " : "])),
    lambda r, t: re.sub(
        "(?<=[a-z]) (?=[a-z])", lambda _: r.choice([" "] * 9 + [f"\n{' ' * r.randrange(9, 20)}"]), t
    ),
    lambda r, t: re.sub(
        "^( *)- ", lambda m: m[1] + r.choice(["-   ", f"-\n{m[1]}  "]), t, flags=re.MULTILINE
    ),
    lambda _, t: t.rstrip(),
)  # fmt: skip


@cache
def list_texts() -> list[str]:
    """The samples and templates, and the examples of problems."""
    files = [*ROOT.glob("flows/**/*.y*ml"), *ROOT.glob("flowengine/templates/**/*.y*ml")]
    return [
        *(file.read_text() for file in sorted(files)),
        *(text for code in CATALOGUE.values() for text in (code.wrong, code.right)),
    ]


def test_format_of_changed_files_keeps_their_meaning_and_comments() -> None:
    chance = random.Random() if THOROUGH else random.Random(1)
    count = 0
    for text in list_texts():
        for _ in range(examples(12) // 10):
            changed = text
            for mutate in chance.sample(MUTATIONS, chance.choice([1, 1, 2])):
                changed = mutate(chance, changed)
            formatted, problems = format_content(changed.encode(), "f.yaml")
            if problems:
                assert formatted == changed.encode()
                continue
            count += 1
            assert format_content(formatted, "f.yaml")[0] == formatted, changed
            before, _ = read_document(changed.encode(), "f.yaml")
            after, _ = read_document(formatted, "f.yaml")
            assert before
            assert after
            assert repr(after.data) == repr(before.data)
            assert formatted.count(b"# c") == changed.count("# c")
    assert count > 300


def test_format_of_projects_with_mistakes_keeps_their_problems() -> None:
    checked = 0
    for code, entry in CATALOGUE.items():
        if not entry.wrong or not "FE2" <= code < "FE4":
            continue
        formatted, problems = format_content(entry.wrong.encode(), "main.yaml")
        if problems or "# project.yaml" in entry.wrong:
            continue
        found = [
            sorted(problem.code for problem in compile_project({"main.yaml": text}, {}).problems)
            for text in (entry.wrong.encode(), formatted)
        ]
        assert found[0] == found[1], code
        checked += 1
    assert checked > 20


def test_samples_and_templates_are_in_their_form() -> None:
    for file in (*ROOT.glob("flows/**/*.y*ml"), *ROOT.glob("flowengine/templates/**/*.y*ml")):
        assert format_content(file.read_bytes(), file.name) == (file.read_bytes(), []), file
