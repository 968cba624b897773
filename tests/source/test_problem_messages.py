"""Every file in bad/ and shape/ has its messages beside it, as an author sees them."""

import json
from pathlib import Path

import pytest

from flowengine.problems import to_text
from flowengine.source import read_document
from flowengine.source.schema_validation import validate_document

HERE = Path(__file__).parent
SCHEMA = json.loads((HERE / "shape/schema.json").read_text(encoding="utf-8"))


def named(folder):
    return [pytest.param(file, id=file.stem) for file in sorted((HERE / folder).glob("*.yaml"))]


@pytest.mark.parametrize("file", named("bad"))
def test_syntax_problem_reads_as_its_golden_file(file, golden):
    content = file.read_bytes()
    _, problems = read_document(content, file.name)
    assert problems
    golden(file.with_suffix(".txt"), to_text(problems, {file.name: content}))


@pytest.mark.parametrize("file", named("shape"))
def test_schema_problem_reads_as_its_golden_file(file, golden):
    content = file.read_bytes()
    document, problems = read_document(content, file.name)
    assert document is not None
    golden(
        file.with_suffix(".txt"),
        to_text([*problems, *validate_document(document, SCHEMA)], {file.name: content}),
    )
