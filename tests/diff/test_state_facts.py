"""Bodies of lookups are compared value by value, however deep they nest."""

import pytest

from flowengine.compile import CompileResult, compile_project
from flowengine.diff import compare_projects, to_text

PROJECT = b"project: test\nservices: {crm: {url: https://crm.example.com}}\n"
BODY = 'body: {room: {number: "${vars.room}", tags: [a, "${vars.room}"]}, sure: true}'


def compile_body(body: str, method: str = "post") -> CompileResult:
    flow = (
        "flow: line\nstart: first\nvars: {room: {type: digits}}\nstates:\n  first:\n    fetch:\n"
        f"      service: crm\n      {method}: /rooms\n      {body}\n    next: over\n"
        "  over: {hangup: }\n"
    )
    found = compile_project({"project.yaml": PROJECT, "line.yaml": flow.encode()}, {})
    assert found.release, [problem.message for problem in found.problems]
    return found


def list_changes(new: CompileResult) -> list[str]:
    text = to_text(compare_projects(compile_body(BODY), new))
    return [line.partition("  [")[0].strip() for line in text.splitlines() if "body" in line]


@pytest.mark.parametrize(
    ("old", "new", "changes"),
    [
        ("tags: [a,", "tags: [b,", ["~ body room.tags[0]: a -> b"]),
        (
            "[a, ",
            "[{a: 1}, null, ",
            [
                "+ body room.tags[0].a: 1",
                "~ body room.tags[1]: ${vars.room} -> null",
                "+ body room.tags[2]: ${vars.room}",
                "- body room.tags[0]: a",
            ],
        ),
        ('number: "${vars.room}", ', "", ["- body room.number: ${vars.room}"]),
        ("sure: true", "sure: {}", ["~ body sure: true -> {}"]),
    ],
)
def test_change_inside_of_a_body_is_described(old: str, new: str, changes: list[str]) -> None:
    assert BODY.count(old) == 1
    assert sorted(list_changes(compile_body(BODY.replace(old, new)))) == sorted(changes)


def test_list_in_place_of_a_body_is_described() -> None:
    changes = list_changes(compile_body('body: [{room: "${vars.room}"}]'))
    assert "+ body[0].room: ${vars.room}" in changes
    assert len(changes) == 5


def test_body_written_in_another_form_is_no_change() -> None:
    other = 'body: {"sure": true, room: {tags: ["a", "${ vars.room }"], number: "${vars.room}"}}'
    assert list_changes(compile_body(other)) == []


def test_change_of_the_method_is_described() -> None:
    text = to_text(compare_projects(compile_body(BODY), compile_body(BODY, "patch")))
    assert "patch" in text
