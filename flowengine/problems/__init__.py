"""Mistakes in files: codes with explanations, places, cures; as text, JSON, SARIF and GitHub
annotations.
"""

from flowengine.problems.catalogue import CATALOGUE, format_explanation
from flowengine.problems.catalogue_entry import CatalogueEntry, Severity
from flowengine.problems.message_format import (
    abbreviate,
    find_nearest,
    format_count,
    in_cure,
    join_with_and,
    join_with_or,
    quote_value,
    suggest_name,
    suggest_or_list_names,
    to_printable,
)
from flowengine.problems.problem import Problem, Span, sort_problems
from flowengine.problems.report_formats import to_github, to_json, to_sarif
from flowengine.problems.terminal_text import to_text

__all__ = [
    "CATALOGUE",
    "CatalogueEntry",
    "Problem",
    "Severity",
    "Span",
    "abbreviate",
    "find_nearest",
    "format_count",
    "format_explanation",
    "in_cure",
    "join_with_and",
    "join_with_or",
    "quote_value",
    "sort_problems",
    "suggest_name",
    "suggest_or_list_names",
    "to_github",
    "to_json",
    "to_printable",
    "to_sarif",
    "to_text",
]
