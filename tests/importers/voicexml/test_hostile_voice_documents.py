"""Whatever stands in a file: a project, or a problem; never a traceback."""

from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape, quoteattr

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flowengine.importers.source_json import MAX_SOURCE_BYTES
from flowengine.importers.voicexml.element_table import ELEMENTS
from flowengine.importers.voicexml.voice_document import MAX_ELEMENTS
from flowengine.importers.voicexml.voicexml_project import import_voicexml
from tests.importers.imported_project import check_odd_import
from tests.thoroughness import examples

SAMPLE = (Path(__file__).parent / "documents" / "museum.vxml").read_bytes()
NASTY = [
    *("", " ", "yes", "null", "1", "-1", "007", "+46", "12:30", "=", "<<", "{{x}}", "#a", "#b", "a.vxml"),
    *("${vars.x}", "$${", "${", "{{x}}", "x", "x + 1", "x == 'a' && y", "x$.confidence > 0.5", "a.b.c"),
    *("'it''s'", "'a\\'b'", "((((1))))", "!" * 60 + "x", "(" * 60, "x ? 1 : 'b'", "x.length > 3", "f(x)"),
    *("true", "undefined", "1.5", "1 / 0", "x % y", "parseInt(x)", "x.toUpperCase()", "'😀'", "é\u2028"),
    *("digits", "digits?length=4", "boolean", "date", "phone?x=1;y=2", "builtin:dtmf/digits?length=99"),
    *("builtin:grammar/boolean", "builtin:x", "[yes no (may be)]", "a | b {c}", "#JSGF V1.0; a = b | c;"),
    *("2s", "500ms", "99999999s", "-1s", "tel:+14045550103", "sip:a@b.c", "phone:1", "http://[::1", "noinput"),
    *("noinput nomatch", "error", "error.badfetch", ".", "connection.disconnect.hangup", "help", "*", "en-GB"),
    *("https://a.example.com/x?y=1", "x y", "true false", "in", "x" * 700, "<b>", "session.callerid"),
]  # fmt: skip
TEXTS = st.sampled_from(NASTY) | st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=6
)
NAMES = (
    *("name", "id", "expr", "cond", "next", "nextitem", "src", "type", "event", "dtmf", "count"),
    *(
        "namelist",
        "dest",
        "bridge",
        "timeout",
        "bargein",
        "mode",
        "repeat",
        "value",
        "method",
        "lang",
    ),
)
INNER = (*ELEMENTS, "item", "one-of", "rule", "tag", "break", "say-as", "unknown", "count")


def write_element(tag: str, attributes: dict[str, str], content: list[str]) -> str:
    written = "".join(f" {key}={quoteattr(value)}" for key, value in attributes.items())
    return f"<{tag}{written}>{''.join(content)}</{tag}>"


TREES = st.recursive(
    TEXTS.map(escape),
    lambda inner: st.builds(
        write_element,
        st.sampled_from(INNER),
        st.dictionaries(st.sampled_from(NAMES), TEXTS, max_size=4),
        st.lists(inner, max_size=4),
    ),
    max_leaves=14,
)
DIALOGS = st.builds(
    write_element,
    st.sampled_from(["form", "form", "menu"]),
    st.dictionaries(st.sampled_from(["id"]), st.sampled_from(["a", "b"])),
    st.lists(TREES, max_size=5),
)
DOCUMENTS = st.builds(
    lambda loose, dialogs: f"<vxml>{''.join([*loose, *dialogs])}</vxml>",
    st.lists(TREES, max_size=2),
    st.lists(DIALOGS, min_size=1, max_size=3),
)


def import_one(content: bytes) -> Any:
    return import_voicexml({"hostile.vxml": content}, "imported")


def check_files(contents: dict[str, bytes]) -> None:
    check_odd_import(import_voicexml(contents, "imported"), contents)


@settings(max_examples=examples(100), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(DOCUMENTS, min_size=1, max_size=2))
def test_import_of_odd_documents_gives_files_of_right_shape(documents: list[str]) -> None:
    check_files(
        {f"{name}.vxml": text.encode() for name, text in zip("ab", documents, strict=False)}
    )


@settings(max_examples=examples(60), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_import_of_a_mutated_document_gives_a_problem_or_files(data: st.DataObject) -> None:
    lines = SAMPLE.splitlines(keepends=True)
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(lines) - 1))
        change = data.draw(st.sampled_from(["drop", "double", "swap"]))
        if change == "drop":
            lines[place] = b""
        elif change == "double":
            lines.insert(place, lines[place])
        else:
            lines[place], lines[-1 - place] = lines[-1 - place], lines[place]
    check_files({"mutated.vxml": b"".join(lines)})


BOMB = b'<!DOCTYPE vxml [<!ENTITY a "aa"><!ENTITY b "&a;&a;">]><vxml><form>&b;</form></vxml>'
OUTSIDE = b'<!DOCTYPE vxml [<!ENTITY a SYSTEM "file:///etc/passwd">]><vxml><form>&a;</form></vxml>'


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (BOMB, "DOCTYPE declares something"),
        (OUTSIDE, "DOCTYPE declares something"),
        (b"<vxml>" + b"<a>" * 100_000, "nested too deep"),
        (b"<vxml>" + b"<a/>" * (MAX_ELEMENTS + 1) + b"</vxml>", "more than 8,000 elements"),
        (b" " * (MAX_SOURCE_BYTES + 1), "at most 4,000,000 bytes are read"),
        (b"<vxml><form></vxml>", "mismatched tag, line 1, column 15"),
        (b"<html/>", "its first element is no <vxml>"),
        (b"<vxml/>", "no <form> and no <menu>"),
        (b'<?xml version="1.0" encoding="x-none"?><vxml/>', "it is no XML"),
    ],
)
def test_import_of_a_file_that_is_no_document_says_why(content: bytes, told: str) -> None:
    result = import_one(content)
    assert told in result.problems["hostile.vxml"]
    assert not result.draft.flows


def test_import_of_a_document_with_a_public_doctype_reads_no_dtd() -> None:
    doctype = b'<!DOCTYPE vxml PUBLIC "-//W3C//DTD VOICEXML 2.1//EN" "http://127.0.0.1:1/vxml.dtd">'
    result = import_one(doctype + b"<vxml><form><block>Hello.&nbsp;</block></form></vxml>")
    assert result.draft.report.count_conversions() == {"converted": 2, "changed": 0, "lost": 0}


@pytest.mark.parametrize(
    "document",
    [
        "<vxml>" + "<form id='a'><subdialog src='#a'/>" * 1
        + "<subdialog src='#a'/>" * 300 + "</form></vxml>",
        "<vxml>" + "<noinput><if cond='x'><throw event='noinput'/></if></noinput>" * 150
        + "<form>" + "<field name='x'><prompt>a</prompt></field>" * 300 + "</form></vxml>",
        "<vxml>" + "<form><var name='x1' expr='1'/></form>"
        + "".join(f"<form><var name='x{n + 1}' expr='x{n}'/></form>" for n in range(1, 500)) + "</vxml>",
        "<vxml><form><block>" + "<if cond='x == 1'>" * 50 + "a" + "</if>" * 50 + "</block></form></vxml>",
    ],
)  # fmt: skip
def test_import_of_a_document_that_repeats_itself_ends(document: str) -> None:
    assert import_one(document.encode()).draft.flows
