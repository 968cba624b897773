"""Credentials that stand in the files of a project."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowengine.problems import credentials
from flowengine.problems.credentials import (
    blank_credentials,
    is_credential,
    may_hold_credential,
)
from flowengine.problems.terminal_text import to_text
from tests.compile.project_texts import compiled, files

PROJECT = """# project.yaml
project: acme
secrets: {crm: CRM_TOKEN}
services: {crm: {url: https://crm.example.com, headers: {HEADER}}}
# line.yaml
flow: line
start: note
vars: {token: {type: text}}
states:
  note: {fetch: {service: crm, post: /calls, headers: {X-Line: one}, BODY, failed: bye}, next: bye}
  bye: {say: "Goodbye ${vars.token}.", hangup: }
"""
PLAIN = {
    "a token of a service": ("Authorization: Bearer 3f9d21c07ab5", "into: {token: body.token}"),
    "a key by its form": ("X-Line: sk_live_4eC39HqLyjWDarjtT1zdp7dc", "into: {token: body.token}"),
    "a key in a body": ("X-Line: one", "body: {api_key: 3f9d21c07ab5}, into: {token: body.token}"),
}
REFERENCES = {
    "a secret": ("Authorization: 'Bearer ${secrets.crm}'", "into: {token: body.access_token}"),
    "a part of an answer": ("X-Line: one", "into: {token: body.api_key}"),
}


def build(header: str, body: str) -> str:
    return PROJECT.replace("HEADER", header).replace("BODY", body)


@pytest.mark.parametrize(("header", "body"), PLAIN.values(), ids=PLAIN)
def test_credential_in_plain_is_told_without_it(header: str, body: str) -> None:
    text = build(header, body)
    told = [one for one in compiled(text).problems if one.code == "FE950"]
    assert len(told) == 1
    shown = to_text(told, files(text), colour=False)
    assert "3f9d21c07ab5" not in shown
    assert "4eC39HqLyjWDarjtT1zdp7dc" not in shown


@pytest.mark.parametrize(("header", "body"), REFERENCES.values(), ids=REFERENCES)
def test_reference_is_no_credential_in_plain(header: str, body: str) -> None:
    assert "FE950" not in {one.code for one in compiled(build(header, body)).problems}


def test_excerpt_shows_no_key_by_its_name_and_no_part_behind_a_colon() -> None:
    shown = blank_credentials(
        "credentials: AKIAIOSFODNN7EXAMPLE:wJalrXUtnFEMI, secret: BeIukql3pTK=="
    )
    assert "wJalr" not in shown
    assert "BeIukql3" not in shown
    kept = "secret: ACME_SECRET, credentials: ${secrets.s3}, token: body.access_token"
    assert blank_credentials(kept) == kept


@given(st.text(max_size=20), st.from_regex(credentials._CREDENTIAL), st.text(max_size=20))
def test_text_with_a_credential_is_never_passed_over(before: str, found: str, after: str) -> None:
    text = before + found + after
    assert may_hold_credential(text) or not is_credential(text)


def test_credential_with_an_escape_in_a_flow_without_requests_is_told() -> None:
    text = "flow: line\nstart: a\nstates: {a: {say: 'sk_live_4eC39HqLyjWDarjtT1', hangup: }}\n"
    for written in (text, text.replace("'sk_live", '"\\x73k_live').replace("T1'", 'T1"')):
        assert "FE950" in {one.code for one in compiled(written).problems}, written
