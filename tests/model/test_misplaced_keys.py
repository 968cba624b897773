"""Keys in a wrong place are shown where they belong."""

import pytest

from flowengine.compile import compile_project

AFTER_WORDS = (
    "the question is asked again after these words; where the call goes in the end stands beside them: "
    "silent: after silence, otherwise: after a wrong answer"
)
FLOW = "flow: a\nstart: s\nstates:\n  s: {%s}\n"


@pytest.mark.parametrize(
    ("state", "cure"),
    [
        ('connect: "+14045009000", transport: tls', "transport: belongs inside connect:"),
        (
            "say: Hello., transcribe: true, hangup: ",
            "transcribe: belongs inside record: or record_message:",
        ),
        ('when: "true", next: s', "when: belongs inside choose: or place:"),
        ("say: Hello., goto: s", "use next:"),
        ("menu: {prompt: Press 1., options: {1: {goto: s}}, otherwise: s}", "use next:"),
        ("say: Hello., nxet: s", 'did you mean "next"?'),
        ("menu: {prompt: A, options: {1: s}, otherwise: s, no_input: {next: s}}", AFTER_WORDS),
        ("menu: {prompt: A, options: {1: s}, otherwise: s, no_match: {goto: s}}", AFTER_WORDS),
        ("say: {text: Hello., next: s}", "next: belongs one level further out, beside say:"),
    ],
)
def test_misplaced_key_is_reported_with_its_place(state: str, cure: str) -> None:
    problem = compile_project({"a.yaml": (FLOW % state).encode()}, {}).problems[0]
    assert (problem.code, problem.hint) == ("FE150", cure)
