"""Mistakes in files: codes with explanations, places, cures; as text, JSON, SARIF and GitHub
annotations.
"""

from flowengine.problems.catalogue import CATALOGUE, explain_text
from flowengine.problems.entry import Entry, Severity
from flowengine.problems.machine import to_github, to_json, to_sarif
from flowengine.problems.problem import Problem, Span, in_order
from flowengine.problems.text import to_text
from flowengine.problems.words import abbreviate, in_cure, nearest, one_of, quoted, suggest

__all__ = [
    "CATALOGUE",
    "Entry",
    "Problem",
    "Severity",
    "Span",
    "abbreviate",
    "explain_text",
    "in_cure",
    "in_order",
    "nearest",
    "one_of",
    "quoted",
    "suggest",
    "to_github",
    "to_json",
    "to_sarif",
    "to_text",
]
