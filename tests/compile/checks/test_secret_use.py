"""Secrets that are not used, or written as a shell has them."""

import pytest

from tests.compile.project_texts import compiled

LINE = """\
# project.yaml
project: acme
secrets: {crm: CRM_TOKEN}
services: {crm: {url: "https://crm.example.com", headers: {Authorization: "Bearer TOKEN"}}}
# main.yaml
flow: line
start: welcome
states:
  welcome: {say: It costs 5 dollars., hangup: }
"""


def found(text: str) -> list[tuple[str, str, str]]:
    problems = [one for one in compiled(text).problems if one.code != "FE905"]
    return [
        (one.code, f"{one.span.file} {one.span.line}:{one.span.column}", one.hint)
        for one in problems
    ]


@pytest.mark.parametrize(
    ("token", "cures"),
    [
        ("${secrets.crm}", []),
        ("$CRM_TOKEN", ["write ${secrets.crm}"]),
        ("$crm", ["write ${secrets.crm}"]),
        ("$OTHER", ["declare secrets: {name: OTHER} and write ${secrets.name}"]),
        ("$other", []),
    ],
)
def test_header_with_a_shell_variable_is_reported_with_the_cure(
    token: str, cures: list[str]
) -> None:
    told = found(LINE.replace('TOKEN"}}}', f'{token}"}}}}}}'))
    unused = [
        ("FE911", "project.yaml 2:11", "write ${secrets.crm} where it is needed, or remove it")
    ]
    assert told == ([] if "{" in token else unused) + [
        ("FE910", "project.yaml 3:83", cure) for cure in cures
    ]


def test_prices_are_no_secrets() -> None:
    text = LINE.replace('Authorization: "Bearer TOKEN"', "Accept: text/plain")
    assert [code for code, _, _ in found(text.replace("5 dollars", "$FIVE or US$5"))] == ["FE911"]


def test_secret_is_not_called_unused_beside_another_error() -> None:
    assert "FE911" not in {code for code, _, _ in found(LINE.replace("hangup: }", "hangpu: }"))}
