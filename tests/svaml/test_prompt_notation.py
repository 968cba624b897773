import json
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowengine import svaml
from flowengine.svaml import locales
from flowengine.svaml.prompt_notation import extract_spoken_text, split_prompt

any_text = st.text(alphabet=st.characters(exclude_categories=()))  # lone surrogates too
evil = st.lists(
    st.sampled_from(
        ["]", "[", ";", "#tts[", "#href[http://x/]", "\n", "\ud800", "a", "&", "<", "é"]
    )
).map("".join)
texts = any_text | evil


def parsed(prompt: str) -> list[tuple[str, str]]:
    """A reading of the notation of its own: it knows nothing of how prompts are written"""
    parts, kind, inside, opened = [], "", "", False
    for character in prompt + ";":
        if character == ";":
            parts.append((kind, inside))
            kind, inside, opened = "", "", False
        elif character == "[" and not opened:
            opened = True
        elif character == "]" and opened:
            opened = False
        elif opened:
            inside += character
        else:
            kind += character
    return parts


@given(texts)
def test_text_cannot_break_out_of_its_part(text):
    assert parsed(svaml.format_tts(text)) == [("#tts", svaml.to_speakable(text))]


@given(texts)
def test_speakable_never_makes_a_text_longer_and_is_settled(text):
    once = svaml.to_speakable(text)
    assert len(once) <= len(text)
    assert svaml.to_speakable(once) == once
    json.dumps(once).encode()
    once.encode()


@given(st.lists(texts, min_size=1))
def test_joined_parts_come_apart_again(said):
    prompt = svaml.join_prompt(map(svaml.format_tts, said))
    assert [extract_spoken_text(part) for part in split_prompt(prompt)] == [
        svaml.to_speakable(text) for text in said
    ]
    assert len(parsed(prompt)) == len(said)


def test_speakable_stays_readable():
    assert svaml.to_speakable("Hello Åsa, 5 € & more") is not None
    plain = "Hello Åsa, 5 € & more"
    assert svaml.to_speakable(plain) is plain
    assert svaml.to_speakable("a; b [c]\nd") == "a, b (c) d"


@given(texts)
def test_url_cannot_break_out_of_its_part(url):
    ((kind, _inside),) = parsed(svaml.format_href("https://example.com/" + url))
    assert kind == "#href"


def test_href_encodes():
    assert (
        svaml.format_href("https://example.com/a b;c]?x=é")
        == "#href[https://example.com/a%20b%3Bc%5D?x=é]"
    )


@given(texts)
def test_ssml_cannot_break_out_of_its_part(xml):
    ((kind, _inside),) = parsed(svaml.format_ssml(xml))
    assert kind == "#ssml"


@pytest.mark.parametrize(
    ("xml", "part"),
    [
        ("Hi", "#ssml[<speak>Hi</speak>]"),
        ('<speak>Wait<break time="1s"/>;</speak>', '#ssml[<speak>Wait<break time="1s"/>,</speak>]'),
        ("R&amp;D &eacute;t&#233; &lt;", "#ssml[<speak>R and D été</speak>]"),
        ("&#93;&#x3b;", "#ssml[<speak>),</speak>]"),
    ],
)
def test_ssml_becomes_a_prompt_part(xml, part):
    assert svaml.format_ssml(xml) == part
    assert not svaml.find_ssml_problem(xml)


@pytest.mark.parametrize(
    "xml",
    [
        "<speak>",
        "a & b",
        "<!DOCTYPE x>",
        "<![CDATA[x]]>",
        "&nosuchthing;",
        "<a b='&'/>",
        "<speak>a</speak>b",
    ],
)
def test_ssml_that_is_refused(xml):
    assert svaml.find_ssml_problem(xml)


@given(evil)
def test_accepted_ssml_is_well_formed_as_sent(xml):
    if not svaml.find_ssml_problem(xml):
        ET.fromstring(svaml.format_ssml(xml)[6:-1])


@pytest.mark.parametrize("url", ["https://example.com/a.mp3", "http://example.com:8080/ä b"])
def test_url_is_fine(url):
    assert not svaml.find_url_problem(url)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "a.mp3",
        "ftp://x/a",
        "https:///a",
        "https://u:p@x/a",
        "https://[::1]/a",
        "https://[bad",
        "javascript:1",
    ],
)
def test_url_is_refused(url):
    assert svaml.find_url_problem(url)


@pytest.mark.parametrize(
    ("locale", "name", "expected"),
    [
        ("en-US", "", "en-US"),
        ("sv-se", "", "sv-SE"),
        ("en-US", "Female", "en-US/female"),
        ("en-US", "Joanna", "Joanna"),
        ("xx-YY", "", "xx-YY"),
    ],
)
def test_voice_is_named_by_locale_and_name(locale, name, expected):
    assert svaml.format_voice(locale, name) == expected


@pytest.mark.parametrize(
    ("locale", "known"),
    [("en-us", True), ("sv-SE/male", True), ("xx-YY", False), ("Joanna", False)],
)
def test_locale_is_known(locale, known):
    assert locales.is_known_locale(locale) is known
