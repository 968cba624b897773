"""Where a cursor is, in texts that are no YAML yet."""

import pytest

from flowengine.lsp.cursor import TextCursor, find_cursor, list_keys_below


def find_marked(text: str) -> TextCursor:
    before, _, after = text.partition("|")
    column = len(before) - (before.rfind("\n") + 1)
    return find_cursor((before + after).split("\n"), before.count("\n"), column)


@pytest.mark.parametrize(
    ("text", "path", "is_key", "word"),
    [
        ("fl|", (), True, "fl"),
        ("states:\n  main:\n    me|", ("states", "main"), True, "me"),
        ("states:\n  main:\n    next: b\n  |", ("states",), True, ""),
        ("a:\n  - b: 1\n    c: |", ("a", 0, "c"), False, ""),
        ("a:\n- b: 1\n  |", ("a", 0), True, ""),
        ("a:\n  - - b: |", ("a", 0, 0, "b"), False, ""),
        ("a: {b: {c: x|", ("a", "b", "c"), False, "x"),
        ("a: {b: 1, |}", ("a",), True, ""),
        ("a: [x, y|]", ("a", 1), False, "y"),
        ("a: {\n  b: 1,\n  c: {d: |\n", ("a", "c", "d"), False, ""),
        ("a:\n  b: 'x {y', c|", ("a", "b"), False, "'x {y', c"),
        ('"*":\n  |', ("*",), True, ""),
        ("a:\n  # b:\n\n  c|", ("a",), True, "c"),
    ],
)
def test_cursor_is_found_by_indentation_and_brackets(
    text: str, path: tuple[str | int, ...], is_key: bool, word: str
) -> None:
    found = find_marked(text)
    assert (found.path, found.is_key, found.word) == (path, is_key, word)


def test_cursor_knows_the_other_keys_of_its_mapping() -> None:
    assert find_marked("a:\n  b: 1\n  |\n  c:\n    d: 2\ne: 3").siblings == {"b", "c"}
    assert find_marked("a:\n  - b: 1\n    |\n  - c: 1\n").siblings == {"b"}
    assert find_marked("a:\n  - b: 1\n  - |\n    c: 1\n  - d: 1\n").siblings == {"c"}
    assert find_marked("a: {b: 1, c: 2, |").siblings == {"b", "c"}


@pytest.mark.parametrize(
    ("text", "expression"),
    [
        ("say: Hello ${vars.|", "vars."),
        ("say: ${a} ${b|", "b"),
        ("say: ${a} and|", None),
        ("say: $${a|", None),
        ("a: {b: '${x|", "x"),
    ],
)
def test_cursor_in_an_expression_has_its_text(text: str, expression: str | None) -> None:
    assert find_marked(text).expression == expression


def test_keys_below_a_key_are_those_of_its_first_level() -> None:
    lines = ["flow: x", "states:", "  a:", "    b: {", "  # c:", "  d:", "vars:", "  e: 1"]
    assert list_keys_below(lines, "states") == ["a", "d"]
