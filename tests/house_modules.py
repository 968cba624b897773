"""The modules of flowengine as syntax trees, each parsed and walked once."""

import ast
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[1] / "flowengine"


@cache
def parse_module(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


@cache
def list_nodes(path: Path) -> list[ast.AST]:
    """All nodes of a module."""
    return list(ast.walk(parse_module(path)))
