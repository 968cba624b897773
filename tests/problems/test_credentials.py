"""Keys that an author wrote in plain are in no message."""

import pytest

from flowengine.compile import compile_project
from flowengine.problems import Span
from flowengine.problems.credentials import mask_credentials
from flowengine.problems.source_excerpt import Excerpts

FLOW = b"flow: main\nstart: a\nstates: {a: {hangup: }}\n"
KEY = "sk_live_51H8xAbCdEfGhIjKl"


@pytest.mark.parametrize(
    "line",
    [
        f"services: {{booking: {KEY}}}",
        f"services: {{booking: {{url: {KEY}}}}}",
        f"secrets: {{booking: {KEY}}}",
        f"applications: [{{key: a, secret: {KEY}}}]",
        f"zone: {KEY}",
        f"{KEY}: x",
        "secrets: {booking: AKIAIOSFODNN7EXAMPLE}",
    ],
)
def test_message_about_a_credential_does_not_repeat_it(line: str) -> None:
    files = {"project.yaml": f"project: acme\n{line}\n".encode(), "main.yaml": FLOW}
    problems = compile_project(files, {}).problems
    assert problems
    for problem in problems:
        assert "51H8x" not in problem.message + problem.hint
        assert "IOSFODNN7" not in problem.message + problem.hint


def test_excerpt_with_a_credential_hides_it_and_keeps_its_columns() -> None:
    line = f"booking: {KEY}  # åäö"
    span = Span("project.yaml", 1, 10, 1, 10 + len(KEY))
    shown, carets = Excerpts({"project.yaml": line}).format_excerpt(span)
    assert shown == f"booking: sk_live_{'*' * 17}  # åäö"
    assert carets == " " * 9 + "^" * len(KEY)


@pytest.mark.parametrize("text", ["sk_customer_name", "there is no state ask_account", "SG.1"])
def test_text_that_is_no_credential_stays_as_it_is(text: str) -> None:
    assert mask_credentials(text) == text
