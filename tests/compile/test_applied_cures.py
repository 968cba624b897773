"""The cures that `flowengine fix` applies."""

from flowengine.compile import compile_project
from flowengine.compile.applied_cures import apply_cures

BROKEN = """\
flow: hello
start: welcom
vars:
  tier: {type: text, max: 10}
states:
  welcome:
    say: Hello ${vars.teir}. å 😀
    nxt: "goodbey"
  goodbye:
    hangup:
"""
MENDED = """\
flow: hello
start: welcome
vars:
  tier: {type: text, max: 10}
states:
  welcome:
    say: Hello ${vars.tier}. å 😀
    next: "goodbye"
  goodbye:
    hangup:
"""


def test_mistyped_words_are_replaced_until_nothing_is_left() -> None:
    cured = apply_cures({"hello.yaml": BROKEN.encode()}, {})
    assert cured.changed == {"hello.yaml": MENDED.encode()}
    assert [(one.old, one.new) for one in cured.cures][:1] == [("welcom", "welcome")]
    assert not [
        problem
        for problem in compile_project(dict(cured.changed), {}).problems
        if problem.severity == "error"
    ]


def test_file_without_a_cure_stays_as_it_is() -> None:
    text = MENDED.replace("hangup:", "connect: nobody in particular")
    assert apply_cures({"hello.yaml": text.encode()}, {}).changed == {}


def test_line_breaks_and_byte_order_mark_stay() -> None:
    content = b"\xef\xbb\xbf" + MENDED.replace("start: welcome", "start: welcom").encode()
    cured = apply_cures({"hello.yaml": content.replace(b"\n", b"\r\n")}, {})
    expected = b"\xef\xbb\xbf" + MENDED.encode()
    assert cured.changed == {"hello.yaml": expected.replace(b"\n", b"\r\n")}


def test_word_of_one_problem_is_replaced_wherever_it_stands() -> None:
    text = (
        "flow: line\nlocale: en-SU\nstart: a\nstates:\n"
        "  a: {say: {en-SU: Hello., sv-SE: Hej.}, hangup: }\n"
    )
    cured = apply_cures({"line.yaml": text.encode()}, {})
    assert cured.changed == {"line.yaml": text.replace("en-SU", "en-US").encode()}
    assert [(one.problem.span.line, one.old) for one in cured.cures] == [(2, "en-SU"), (5, "en-SU")]
