"""The words of the house: one name for one thing, exceptions that say so, functions that do something."""

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.house_modules import ROOT, list_nodes, parse_module

GLOSSARY = (ROOT.parent / "GLOSSARY.md").read_text()
EXEMPT_CONSTANTS = {
    "T": "a type variable",
    "EXAMPLE": "each kind of state has an example",
    "_LOAD": "the same statement in the dialects of SQLite and of PostgreSQL, like the next ones",
    "_SAVE": "",
    "_CLAIM": "",
    "_ADD_REPORT": "",
    "_CLAIM_REPORT": "",
    "_RETRY_REPORT": "",
    "_DELETE_REPORT": "",
    "_ALL_ORCHESTRATIONS": "",
    "_LOAD_ORCHESTRATION": "",
    "_OF_A_KIND": "",
    "_CALLED_ENTRIES": "",
    "_SAVE_ORCHESTRATION": "",
    "_DELETE_ORCHESTRATION": "",
    "_RETRY_TASK": "",
    "_NEXT_DUE": "",
    "_ALL_ENTRIES": "",
    "_ALL_AGENT_STATUSES": "",
    "_ENDED": "",
    "_COUNT_WAITING": "",
    "_WAITING": "",
    "_UNOFFERED": "",
    "_WAKE_QUEUES": "",
}
# Irregular participles, and other words that say nothing about what a function does.
NO_VERBS = {
    *("apart", "aside", "beside", "elsewhere", "mine", "past", "sorry", "whoever"),
    *("born", "bound", "bought", "brought", "built", "caught", "done", "drawn", "fallen", "felt"),
    *("found", "given", "gone", "grown", "had", "heard", "held", "kept", "known", "laid", "led"),
    *("left", "lost", "made", "meant", "met", "said", "seen", "sent", "shown", "sought", "spent"),
    *("spoken", "taken", "taught", "thought", "told", "understood", "won", "worn", "written"),
}
# Words that end like a participle, and are verbs.
VERBS = {"proceed", "need", "embed", "feed", "read", "seed", "speed", "open", "listen"}
# Words that begin a sentence instead of naming what a test is about.
NO_SUBJECTS = {
    *("a", "all", "an", "another", "any", "anything", "both", "each", "every", "he", "how", "in"),
    *(
        "it",
        "its",
        "neither",
        "no",
        "nobody",
        "none",
        "nothing",
        "of",
        "on",
        "one",
        "only",
        "other",
    ),
    *("she", "some", "somebody", "something", "such", "that", "the", "their", "there", "these"),
    *("they", "this", "those", "two", "we", "what", "whatever", "when", "where", "whether"),
    *("which", "who", "whoever", "whose"),
}
DEMANDED = {"batched"}  # after itertools.batched, which Python 3.11 lacks


@cache
def list_modules() -> dict[str, Path]:
    return {path.relative_to(ROOT).as_posix(): path for path in sorted(ROOT.rglob("*.py"))}


def duplicates(names: Iterator[tuple[str, str]]) -> dict[str, list[str]]:
    found: defaultdict[str, list[str]] = defaultdict(list)
    for name, file in names:
        found[name].append(file)
    return {name: files for name, files in found.items() if len(files) > 1}


def classes() -> Iterator[tuple[str, str, ast.ClassDef]]:
    for file, path in list_modules().items():
        for node in list_nodes(path):
            if isinstance(node, ast.ClassDef):
                yield node.name, file, node


def constants() -> Iterator[tuple[str, str]]:
    for file, path in list_modules().items():
        for node in parse_module(path).body:
            targets: list[ast.expr] = []
            if isinstance(node, ast.Assign):
                targets = node.targets
            elif isinstance(node, ast.AnnAssign):
                targets = [node.target]
            for target in targets:
                if isinstance(target, ast.Name) and target.id.isupper():
                    yield target.id, file


def functions() -> Iterator[tuple[str, str]]:
    for file, path in list_modules().items():
        for node in list_nodes(path):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield node.name, file


def is_participle(name: str) -> bool:
    word = name.strip("_")
    if word in VERBS | DEMANDED or "_" in word or name.startswith("__"):
        return False
    return word in NO_VERBS or word.endswith("ed")


def name_tests() -> Iterator[tuple[str, str]]:
    folder = Path(__file__).parent
    for path in sorted(folder.rglob("test_*.py")):
        for subject in re.findall(r"^(?:async )?def test_(\w+)", path.read_text(), re.MULTILINE):
            yield subject, path.relative_to(folder).as_posix()


def begins_with_its_subject(name: str) -> bool:
    first, _, rest = name.partition("_")
    return bool(rest) and first not in NO_SUBJECTS


def test_class_names_stand_once() -> None:
    assert duplicates((name, file) for name, file, _ in classes()) == {}


def test_constant_names_stand_once() -> None:
    found = duplicates(constants())
    assert {name: files for name, files in found.items() if name not in EXEMPT_CONSTANTS} == {}
    assert EXEMPT_CONSTANTS.keys() <= found.keys()


def test_exceptions_end_in_error() -> None:
    exceptions = {"Exception", "BaseException"}
    size = 0
    while size != len(exceptions):  # exceptions of exceptions
        size = len(exceptions)
        exceptions |= {
            name
            for name, _, node in classes()
            if any(
                ast.unparse(base) in exceptions or ast.unparse(base).endswith("Error")
                for base in node.bases
            )
        }
    ours = {name for name, _, _ in classes()} & exceptions
    assert len(ours) > 20
    assert sorted(name for name in ours if not name.endswith("Error")) == []


def test_functions_are_no_bare_participles() -> None:
    assert [(file, name) for name, file in functions() if is_participle(name)] == []


def test_names_of_tests_begin_with_their_subject() -> None:
    found = list(name_tests())
    assert len(found) > 1000
    assert [(file, name) for name, file in found if not begins_with_its_subject(name)] == []


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("replay_gate_without_replayable_calls_exits_2", True),
        ("what_cannot_fail_fails", False),
        ("a_call_goes_its_way", False),
        ("stale", False),
    ],
)
def test_subjects_of_tests_are_recognised(name: str, expected: bool) -> None:
    assert begins_with_its_subject(name) is expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [("kept", True), ("_told", True), ("carried", True), ("save_call", False), ("read", False)],
)
def test_participles_are_recognised(name: str, expected: bool) -> None:
    assert is_participle(name) is expected


def test_glossary_has_each_term_once_and_names_modules_that_exist() -> None:
    rows = re.findall(r"^\| \*\*(.+?)\*\* \| .+ \| .*\((\S+)\) \|$", GLOSSARY, re.MULTILINE)
    assert len(rows) == GLOSSARY.count("\n| **")
    assert [file for _, file in rows if not (ROOT.parent / file).is_file()] == []
    terms = [term.casefold() for term, _ in rows]
    assert terms == sorted(set(terms))
