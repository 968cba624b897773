"""Comments that were not meant as comments."""

import re
from bisect import bisect_right
from collections.abc import Sequence
from typing import Final

from flowengine.problems import quote_value
from flowengine.source.source_text import ProblemCollector, SourceText

_COMMENT: Final = re.compile(r"[ \t]+#[^\r\n]*")
_HASH_KEY_LINE: Final = re.compile(r"^[ \t]*(#)[ \t]*:(?:[ \t]|\r?$)", re.MULTILINE)
_SENTENCE_ENDS: Final = tuple(".!?…:;)\"'")  # a sentence that has ended is not waiting for a #
_EXPRESSION: Final = re.compile(r"[=<>&|()\[\]/\\]|\$\{[^}]*\}$")


def report_swallowed_text(
    text: SourceText, start: int, end: int, findings: ProblemCollector
) -> None:
    """A # right behind plain words that read as an unfinished sentence: `Press # to go on`."""
    comment = _COMMENT.match(text.text, end)
    if comment is None or not _is_unfinished(text.text[start:end], comment[0].strip()):
        return
    cut = comment.end() - len(comment[0].lstrip())
    lost = quote_value(comment[0].strip())
    cure = "if it belongs to the text, put quotes around the whole text; if not, put the comment on a line of its own"
    findings.add(
        "FE130",
        cut,
        comment.end(),
        f"everything from the # on is a comment: {lost} is not part of the text",
        cure,
    )


def _is_unfinished(words: str, comment: str) -> bool:
    if words.endswith(_SENTENCE_ENDS) or _EXPRESSION.search(words):
        return False
    dialled = len(comment) == 1 or comment[1].isdigit()  # "Press #", "Press #1"
    return " " in words or dialled or words.istitle()


def report_hash_keys(
    text: SourceText, blocks: Sequence[tuple[int, int]], findings: ProblemCollector
) -> None:
    """`#: back` among the options of a menu."""
    for match in _HASH_KEY_LINE.finditer(text.text):
        place = match.start(1)
        nearest = bisect_right(blocks, place, key=lambda block: block[0]) - 1
        if nearest < 0 or place >= blocks[nearest][1]:
            findings.add(
                "FE131",
                place,
                place + 1,
                "this line is a comment, not the key #",
                'put quotes around the key: "#":',
            )
