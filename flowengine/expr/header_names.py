"""Names of call headers ignore case: `event.headers` holds them in small letters, and a name that
stands in an expression is read in small letters too.
"""

import re
from typing import Final

from flowengine.expr.expression_tree import ExpressionNode

EVENT_HEADERS: Final = "event.headers"
_NAME_TOKEN: Final = re.compile(
    r"""[rR]?(?:\'\'\'.*?\'\'\'|\"{3}.*?\"{3}|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')|\.\s*\w+""",
    re.DOTALL,
)


def fold_header_names(text: str, tree: ExpressionNode) -> str:
    """The expression with the names of headers in small letters."""
    for offset in sorted(_find_header_names(tree), reverse=True):
        if found := _NAME_TOKEN.match(text, offset):
            text = text[:offset] + found[0].lower() + text[found.end() :]
    return text


def _find_header_names(tree: ExpressionNode) -> set[int]:
    """Where the names stand: in `[…]`, behind a point, and before `in`."""
    found = set()
    for node in tree.walk():
        first, *rest = node.arguments or (node,)
        if (
            node.function == "_[_]"
            and first.text == EVENT_HEADERS
            and isinstance(rest[0].value, str)
        ):
            found.add(rest[0].offset)
        elif (
            node.function == "@in"
            and rest[0].text == EVENT_HEADERS
            and isinstance(first.value, str)
        ):
            found.add(first.offset)
        elif node.kind == "field" and first.text == EVENT_HEADERS:
            found.add(node.offset)
    return found
