"""Checks over whole programs: one rule per file, all run, all problems reported."""

from collections.abc import Mapping

from flowengine.compile.program import Program
from flowengine.model import Authored
from flowengine.problems import Problem


def check(programs: Mapping[str, Program], authored: Authored, *, cookies_only: bool) -> list[Problem]:
    """Every problem that only the whole project shows."""
    return []
