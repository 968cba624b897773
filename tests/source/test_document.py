"""What plain words become, and that every place is exact."""

import json

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from flowengine.problems import Severity, Span
from flowengine.source import read_document

TEXT = [
    "+4670123",
    "on",
    "no",
    "yes",
    "off",
    "y",
    "12:30",
    "0123",
    "2026-12-24",
    "1_000",
    "0x1F",
    "0o7",
    ".5",
    "1.",
    "+1",
    ".inf",
    ".nan",
]
TEXT += ["1e999", "9" * 30, "00", "-01", "${vars.name}", "١٢", "5.5.5", "TRUE!", "nulL"]
TYPED = [
    ("true", True),
    ("TRUE", True),
    ("False", False),
    ("", None),
    ("~", None),
    ("Null", None),
    ("0", 0),
    ("-7", -7),
    ("42", 42),
]
TYPED += [("1.5", 1.5), ("-0.2", -0.2), ("1e3", 1000.0), ("0.0", 0.0), ("9" * 18, 10**18 - 1)]


def data(text):
    document, problems = read_document(text.encode(), "f.yaml")
    assert problems == []
    return document.data


@pytest.mark.parametrize("written", TEXT)
def test_stays_text(written):
    assert data(f"value: {written}\n") == {"value": written}


@pytest.mark.parametrize(("written", "value"), TYPED)
def test_is_typed(written, value):
    found = data(f"value: {written}\n")["value"]
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize("written", ["1", "true", "null", "1.5", "on", "'1'"])
def test_keys_are_text(written):
    assert data(f"{written}: x") == {written.strip("'"): "x"}


@pytest.mark.parametrize("written", ["'1'", '"true"', "'~'", '""'])
def test_quoted_is_text(written):
    assert data(f"value: {written}") == {"value": yaml.safe_load(written)}


def test_byte_order_mark_and_crlf_move_nothing():
    document, problems = read_document(b"\xef\xbb\xbfa: 1\r\nb: two\r\n", "f.yaml")
    assert problems == []
    assert document.data == {"a": 1, "b": "two"}
    assert document.find_span(("b",)) == Span("f.yaml", 2, 4, 2, 7)


FLOW = """\
# a comment
states:
  main:
    say: Hello 😀 there
    options: {1: sales, '2': [a, "b c"]}
    list:
      - next: x
      - |
        two
        lines
  empty:
"""


@pytest.mark.parametrize(
    ("path", "value", "key"),
    [
        (("states", "main", "say"), (4, 10, 4, 23), (4, 5, 4, 8)),
        (("states", "main", "options"), (5, 14, 5, 41), (5, 5, 5, 12)),
        (("states", "main", "options", "1"), (5, 18, 5, 23), (5, 15, 5, 16)),
        (("states", "main", "options", "2"), (5, 30, 5, 40), (5, 25, 5, 28)),
        (("states", "main", "options", "2", 1), (5, 34, 5, 39), (5, 34, 5, 39)),
        (("states", "main", "list", 0), (7, 9, 7, 16), (7, 9, 7, 16)),
        (("states", "main", "list", 1), (8, 9, 10, 14), (8, 9, 10, 14)),
        (("states", "main"), (4, 5, 10, 14), (3, 3, 3, 7)),
        (("states", "empty"), (11, 9, 11, 9), (11, 3, 11, 8)),
        (("states", "main", "nothing", "here"), (4, 5, 10, 14), (3, 3, 3, 7)),
        (("nothing",), (2, 1, 11, 9), (2, 1, 2, 8)),
    ],
)
def test_values_and_keys_have_their_places(path, value, key):
    document, _ = read_document(FLOW.encode(), "f")
    assert document.find_span(path) == Span("f", *value)
    assert document.find_key_span(path) == Span("f", *key)


STYLES = {
    "plain": "say: Hello ${vars.x} there\n",
    "plain over lines": "say: Hello\n   ${vars.x}\n   there\n",
    "single": "say: 'It''s ${vars.x}'\n",
    "single over lines": "say: 'It''s\n\n  ${vars.x}'\n",
    "double": 'say: "\\u0041\\n\\x41\\"${vars.x}\\t"\n',
    "double over lines": 'say: "a\n  ${vars.x}"\n',
    "block": "say: |\n    Hello\n      ${vars.x}\n\n    there\n",
    "folded": "say: >-\n    Hello\n    ${vars.x}\n\n    there\n",
    "indented block": "say: |2-\n    Hello\n  ${vars.x}\n",
    "wide": "say: 日本 😀 ${vars.x}\n",
}


@pytest.mark.parametrize("style", STYLES)
def test_inner_places(style):
    text = STYLES[style]
    document, _ = read_document(text.encode(), "f")
    value = document.data["say"]
    span = document.find_inner_span(("say",), value.index("vars"), 6)
    line = text.split("\n")[span.line - 1]
    assert line[span.column - 1 : span.end_column - 1] == "vars.x"
    assert span.line == span.end_line


def test_inner_falls_back_to_the_value():
    document, _ = read_document(b'say: "a\\n\n  b"\nn: 5\n', "f")
    assert document.find_inner_span(("say",), 2, 1) == document.find_span(("say",))
    assert document.find_inner_span(("n",), 0, 1) == document.find_span(("n",))
    assert document.find_inner_span(("zzz",), 0, 1) == document.find_span(("zzz",))


WORDS = st.text(st.characters(codec="utf-8", exclude_categories=["C"]), max_size=30)


@given(
    st.recursive(
        WORDS, lambda inner: st.lists(inner) | st.dictionaries(WORDS, inner), max_leaves=12
    )
)
def test_json_is_read_as_json(value):
    text = json.dumps({"value": value}, ensure_ascii=False)
    document, problems = read_document(text.encode(), "f")
    assert [problem for problem in problems if problem.severity is Severity.ERROR] == []
    assert document.data == {"value": value}


@given(st.lists(WORDS, min_size=1), st.sampled_from(["'", "|", ">", None]), st.data())
def test_visible_characters_have_their_places(words, style, choose):
    text = yaml.safe_dump({"say": words}, default_style=style, allow_unicode=True, width=20)
    document, _ = read_document(text.encode(), "f")
    if (
        document is None or document.broken
    ):  # with a style given, PyYAML writes some words with a tag
        return
    place = choose.draw(st.integers(0, len(words) - 1))
    raw = document.get_source_text(("say", place))
    for at, character in enumerate(words[place]):
        span = document.find_inner_span(("say", place), at, 1)
        exact = (
            span != document.find_span(("say", place))
            and not character.isspace()
            and raw[:1] != '"'
        )
        line = document.source.text.split("\n")[span.line - 1]
        assert not exact or line[span.column - 1 : span.end_column - 1] in (character, "''")


@given(st.text() | st.text(alphabet="a:-#!&*{}[]'\"|>?% \n\t,"))
def test_text_of_any_kind_is_read_or_reported(text):
    document, problems = read_document(text.encode("utf-8", "surrogatepass"), "f")
    assert document is not None or problems
    assert problems == sorted(problems, key=lambda problem: (problem.span, problem.code))


@given(st.binary())
def test_bytes_of_any_kind_are_read_or_reported(content):
    document, problems = read_document(content, "f")
    assert document is not None or problems
