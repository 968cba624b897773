"""The quick way to read a file gives what the full loader gives, or nothing."""

import random
import sys
from pathlib import Path

import msgspec
import pytest

from flowengine.source.document_loader import DocumentLoader
from flowengine.source.plain_document import read_plain_document
from flowengine.source.source_text import ProblemCollector, SourceText

SAMPLES = sorted((Path(__file__).parents[2] / "flows").glob("*.yaml"))
PIECES = (
    *("flow: a\n", "states:\n", "  a:\n", "    say: Hello.\n", "    hangup:\n", "  b: {say: [x, "),
    *("{text: y}]}\n", "- ", "null", "~", "1", "1.0", "true", '"a\\n"', "'it''s'", "|\n  x\n"),
    *(" # why\n", "# why\n", "#: back\n", "&a ", "*a", "!!str ", "<<: ", "? ", ": ", "---\n"),
    *("...\n", "[", "]", "{", "}", ", ", "\n", "  ", '"', "%YAML 1.1\n", "\u00e9", "a: 1\na: 2\n"),
)
UNUSUAL = {
    "an anchor": "a: &b c\n",
    "an alias": "a: *b\n",
    "a tag": "a: !!str c\n",
    "a key twice": "a: 1\na: 2\n",
    "a merge key": "<<: 1\n",
    "an empty key": ": 1\n",
    "a list as a key": "[a]: 1\n",
    "a null in words": "a: ~\n",
    "a line break at the end of a text": "a: |\n  b\n",
    "a line break at the end of a key": '"a\\n": b\n',
    "a comment behind a value": "a: Press # to go on\n",
    "a hash as a key": "a:\n  #: back\n",
    "a second document": "a: 1\n---\nb: 2\n",
    "a list": "- a\n",
    "nothing": "",
    "a syntax error": "a: [\n",
    "a deep nest": "a: " + "[" * 40 + "]" * 40 + "\n",
}


def assert_loader_agrees(written: str) -> bool:
    """Whether the quick way reads this text; then the loader has the same, and nothing to report."""
    text = SourceText("a.yaml", written)
    plain = read_plain_document(text)
    if plain is None:
        return False
    findings = ProblemCollector(text)
    document = DocumentLoader(text, findings).load()
    assert document is not None
    assert not findings()
    # JSON tells 1 from 1.0 and from true
    assert msgspec.json.encode(plain.data) == msgspec.json.encode(document.data)
    assert plain.positions.get() == document.positions.get()
    assert not document.broken
    return True


@pytest.mark.parametrize("what", UNUSUAL)
def test_file_with_something_unusual_is_left_to_the_loader(what: str) -> None:
    assert not assert_loader_agrees(UNUSUAL[what])


def test_samples_are_read_the_quick_way_as_by_the_loader() -> None:
    read = [assert_loader_agrees(file.read_text()) for file in SAMPLES]
    assert sum(read) > len(read) / 2


def test_mutated_samples_are_read_the_quick_way_as_by_the_loader() -> None:
    chance = random.Random(1)
    text = min((file.read_text() for file in SAMPLES), key=len)
    for _ in range(300):
        at = chance.randrange(len(text))
        assert_loader_agrees(text[:at] + chance.choice(PIECES) + text[at + chance.randrange(4) :])


def test_texts_of_pieces_are_read_the_quick_way_as_by_the_loader() -> None:
    chance = random.Random(2)
    read = [
        assert_loader_agrees("flow: a\n" + "".join(chance.choices(PIECES, k=chance.randrange(9))))
        for _ in range(500)
    ]
    assert any(read)


def test_text_of_a_prompt_that_nothing_holds_any_more_is_freed() -> None:
    document = read_plain_document(SourceText("a.yaml", "a: Say so.\n"))
    assert document
    # an immortal object counts more than there can be
    assert sys.getrefcount(document.data["a"]) < 1_000
