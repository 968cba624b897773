"""Every example in a docstring of the package runs."""

import ast
import doctest
import re
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
# needs a server: tests/sinch/test_sinch_client_routes.py runs it against one
ELSEWHERE = {"flowengine.sinch.client.calling_api.CallingApi"}
EXAMPLE = re.compile(r"^\s*>>> ", re.MULTILINE)


def has_examples(path: Path) -> bool:
    """Told from the docstrings, without importing the module."""
    text = path.read_text()
    if not EXAMPLE.search(text):  # as most modules: each process of a test run looks at all
        return False
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    return any(
        EXAMPLE.search(ast.get_docstring(node) or "")
        for node in ast.walk(ast.parse(text))
        if isinstance(node, documented)
    )


MODULES = [
    path.relative_to(ROOT).with_suffix("").as_posix().replace("/", ".").removesuffix(".__init__")
    for path in sorted((ROOT / "flowengine").rglob("*.py"))
    if has_examples(path)
]


@pytest.mark.parametrize("module", MODULES)
def test_docstring_examples_of_a_module_run(module: str) -> None:
    """An example that a formatter broke over two lines is found too: it does not compile."""
    examples = [
        found
        for found in doctest.DocTestFinder(exclude_empty=True).find(import_module(module))
        if found.examples
    ]
    assert examples
    for found in examples:
        if found.name not in ELSEWHERE:
            assert doctest.DocTestRunner().run(found).failed == 0, found.name


def test_examples_are_looked_for_where_they_are() -> None:
    assert len(MODULES) >= 15
