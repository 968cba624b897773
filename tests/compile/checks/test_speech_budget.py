"""What is said in one answer, over several states: each case is a project and the problems it has."""

import pytest

from tests.compile.project_texts import compiled

HALF = ("We say a lot of things. " * 20).strip()  # 479 characters
LINE = "# project.yaml\nproject: acme\nroutes: [{flow: line}]\n# main.yaml\nflow: line\nstart: a\nstates:\n"
PIN = """\
# pin.yaml
flow: pin
start: main
outcomes: [ready]
states:
  main:
    menu: {prompt: Press 1., options: {1: off}, otherwise: off}
  off: {return: ready}
"""
HELLO = f"""\
# pin.yaml
flow: pin
start: main
outcomes: [ready]
states:
  main: {{say: {HALF}, next: off}}
  off: {{return: ready}}
"""
CASES = {
    "three states in a row": (
        (
            f"{LINE}  a: {{say: {HALF}, next: b}}\n  b: {{say: {HALF}, next: c}}\n  c: {{say: {HALF}, "
            f"hangup: }}\n"
        ),
        ["FE404 c makes it 1437 characters at once; the platform takes 1000: a -> b -> c"],
    ),
    "two of them by a choice are enough": (
        f"""{LINE}  a: {{choose: [{{when: call.from == "", next: b}}, {{next: c}}]}}
  b: {{say: {HALF}, next: d}}
  c: {{say: {HALF}, next: d}}
  d: {{say: {HALF}, hangup: }}
""",
        [],
    ),
    "what is said after that is not told again": (
        f"{LINE}"
        + "".join(f"  {a}: {{say: {HALF}, next: {b}}}\n" for a, b in ("ab", "bc", "cd", "de"))
        + "  e: {hangup: }\n",
        ["FE404 c makes it 1437 characters at once; the platform takes 1000: a -> b -> c"],
    ),
    "a question ends the answer": (
        f"""{LINE}  a: {{say: {HALF}, next: b}}
  b: {{menu: {{prompt: {HALF}, options: {{1: c}}, otherwise: c}}}}
  c: {{say: {HALF}, hangup: }}
""",
        [],
    ),
    "the question counts": (
        f"""{LINE}  a: {{say: {HALF}, next: b}}
  b: {{say: {HALF}, menu: {{prompt: {HALF}, options: {{1: c}}, otherwise: c}}}}
  c: {{hangup: }}
""",
        ["FE404 b makes it 1437 characters at once; the platform takes 1000: a -> b"],
    ),
    "a loop is walked once": (
        f"""{LINE}  a: {{say: {HALF}, next: b}}
  b: {{choose: [{{when: call.from == "", next: a}}, {{next: c}}]}}
  c: {{hangup: }}
""",
        [],
    ),
    "a subflow that waits ends the answer": (
        f"""{LINE}  a: {{say: {HALF}, next: b}}
  b: {{say: {HALF}, subflow: {{flow: pin, outcomes: {{ready: c}}}}}}
  c: {{say: {HALF}, hangup: }}
{PIN}""",
        [],
    ),
    "a subflow that only speaks": (
        f"""{LINE}  a: {{say: {HALF}, next: b}}
  b: {{subflow: {{flow: pin, outcomes: {{ready: c}}}}}}
  c: {{say: {HALF}, hangup: }}
{HELLO}""",
        ["FE404 c makes it 1437 characters at once; the platform takes 1000: a -> main -> c"],
    ),
    "too many parts in a row": (
        (
            f"{LINE}  a: {{say: [{', '.join(['Hi.'] * 40)}], next: b}}\n  b: {{say: "
            f"[{', '.join(['Hi.'] * 30)}], hangup: }}\n"
        ),
        ["FE405 b makes it 70 prompts at once; the platform takes 64: a -> b"],
    ),
    "a long text with a name in it": (
        f'{LINE}  a: {{say: ["{HALF} ${{call.id}} {HALF[:200]}"], hangup: }}\n',
        ["FE410 this text has 681 characters besides its ${…}; the platform speaks at most 600"],
    ),
    "the platform repeats a prompt": (
        (
            f"{LINE}  a: {{menu: {{prompt: '{HALF + HALF[:90]}', repeats: 1, options: {{1: c}}, "
            f"otherwise: c}}}}\n  c: {{hangup: }}\n"
        ),
        ["FE404 a makes it 1138 characters at once; the platform takes 1000"],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_exactly_what_one_answer_cannot_hold_is_told(name):
    text, expected = CASES[name]
    assert [f"{problem.code} {problem.message}" for problem in compiled(text).problems] == expected


def test_long_text_is_reported_where_it_stands():
    (problem,) = compiled(CASES["a long text with a name in it"][0]).problems
    assert (problem.span.line, problem.span.column) == (4, 13)
