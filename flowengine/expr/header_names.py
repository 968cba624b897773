"""Call headers as expressions read them. Names ignore case: `event.headers` holds them in small
letters, and a name that stands in an expression is read in small letters too. A header that a call
does not have reads as an empty text, like a variable that nobody has set.
"""

import re
from collections.abc import Sequence
from typing import Any, Final

from flowengine.expr.expression_tree import ExpressionNode
from flowengine.expr.map_order import TOKENS

EVENT_HEADERS: Final = "event.headers"
READ_HEADER: Final = "read_header"
_FIELD_TOKEN: Final = re.compile(r"\.\s*([A-Za-z_]\w*)")
_NAME_TOKEN: Final = re.compile(
    r"""[rR]?(?:\'\'\'.*?\'\'\'|\"{3}.*?\"{3}|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')|\.\s*\w+""",
    re.DOTALL,
)


def fold_header_names(text: str, tree: ExpressionNode) -> str:
    """The expression with the names of headers in lower case."""
    for offset in sorted(_find_header_names(tree), reverse=True):
        if found := _NAME_TOKEN.match(text, offset):
            text = text[:offset] + found[0].lower() + text[found.end() :]
    return text


def read_header(headers: Any, name: Any) -> Any:
    """The value of a header, "" where the call has none of this name.

    >>> read_header({"x-tier": "gold"}, "X-Tier"), read_header({}, "x-tier")
    ('gold', '')
    """
    return headers.get(str(name).lower(), "") if isinstance(headers, dict) else ""


def default_missing_headers(text: str) -> str:
    """The expression with `read_header` in place of what fails where a call has no such header; it
    must be one that compiles. `in` and `has` stay, as they ask whether there is one.

    >>> default_missing_headers('event.headers["x-tier"] + event.headers.tier')
    'read_header(event.headers, "x-tier") + read_header(event.headers, "tier")'
    """
    tokens = [token for token in TOKENS.finditer(text) if not token[0].startswith("//")]
    pieces, done = [], 0
    for index, token in enumerate(tokens):
        if token.start() < done or not _is_headers(tokens, index):
            continue
        last, name = _read_name(tokens, index + 2)
        if name:
            pieces += [text[done : token.start()], f"{READ_HEADER}({EVENT_HEADERS}, {name})"]
            done = last
    return "".join([*pieces, text[done:]])


def _is_headers(tokens: Sequence[re.Match[str]], index: int) -> bool:
    """Whether `event.headers` begins here, outside of `has(…)`."""
    signs = [token[0] for token in tokens[max(0, index - 2) : index + 2]]
    name = _FIELD_TOKEN.fullmatch(signs[-1])
    return (
        tokens[index][0] == "event"
        and bool(name and name[1] == "headers")
        and signs[:-2] != ["has", "("]
    )


def _read_name(tokens: Sequence[re.Match[str]], index: int) -> tuple[int, str]:
    """Where reading one header ends, and its name as an expression; nothing where none is read."""
    if index >= len(tokens):
        return 0, ""
    first = tokens[index]
    # `event.headers.tier`; with `(` behind it is a method, such as `.size()`
    if first[0] != "[":
        field = _FIELD_TOKEN.fullmatch(first[0])
        is_method = index + 1 < len(tokens) and tokens[index + 1][0] == "("
        return (first.end(), f'"{field[1]}"') if field and not is_method else (0, "")
    depth = 0
    for token in tokens[index:]:
        depth += (token[0] in "([{") - (token[0] in ")]}")
        if not depth:
            inside = first.string[first.end() : token.start()]
            return token.end(), default_missing_headers(inside)
    return 0, ""


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
