"""Markers that git and its like leave in a file whose merge is not finished."""

import re
from typing import Final

from flowengine.problems import quote_value
from flowengine.source.source_text import ProblemCollector, SourceText

CONFLICT_CODE: Final = "FE120"
_MARKER: Final = re.compile(r"^(?:([<>|])\1{6}(?: [^\n]*?)?|={7})(?=\r?$)", re.MULTILINE)


def refuse_conflict(text: SourceText, findings: ProblemCollector) -> None:
    """Stop at the first marker: what two versions say at once is no mistake of either.

    A line of =, alone, may be part of a text in quotes: see `refuse_divider`.
    """
    markers = list(_MARKER.finditer(text.text))
    if any(marker[1] for marker in markers):
        _refuse_marker(markers[0], findings)


def refuse_divider(text: SourceText, findings: ProblemCollector) -> None:
    """Where the file is no YAML: a marker that was forgotten as the others were removed."""
    if (marker := _MARKER.search(text.text)) is not None:
        _refuse_marker(marker, findings)


def _refuse_marker(marker: re.Match[str], findings: ProblemCollector) -> None:
    raise findings.add_fatal(
        CONFLICT_CODE,
        *marker.span(),
        f"an unresolved merge conflict: {quote_value(marker[0])}",
        "keep one of the two versions, or what is right of both, and delete the marker lines "
        "(<<<<<<<, =======, >>>>>>>)",
    )
