"""Warnings that authors have decided on: accepted by a comment, or raised to errors."""

import pytest

from flowengine.compile import compile_project

FLOW = """\
flow: line
start: welcome
vars:
  tier: {type: text}
  spare: {type: text}
states:
  welcome: {say: Hello., hangup: }
"""
TIER, SPARE = "  tier: {type: text}", "  spare: {type: text}"


def check(flow: str, project: str = "") -> list[str]:
    files = {"line.yaml": flow.encode(), "project.yaml": f"project: acme\n{project}".encode()}
    return [
        f"{one.severity} {one.code} {one.span.line}:{one.span.column} {one.message}"
        for one in compile_project(files, {}).problems
    ]


def test_comment_on_the_line_accepts_the_warning() -> None:
    before = check(FLOW)
    assert [one.split()[1] for one in before] == ["FE902", "FE902"]
    assert check(FLOW.replace(TIER, f"{TIER}  # accept FE902: May's survey reads it")) == before[1:]


def test_comment_above_the_line_accepts_the_warning() -> None:
    text = f"  # accept FE902: it is filled by the desk\n\n  # and read there\n{TIER}"
    found = check(FLOW.replace(TIER, text))
    assert [one.split()[:3] for one in found] == [["warning", "FE902", "8:3"]]


@pytest.mark.parametrize("codes", ["FE902, FE905", "FE902 FE905", "FE902,FE905"])
def test_comment_accepts_several_codes_at_once(codes: str) -> None:
    flow = FLOW.replace(SPARE, "").replace(TIER, f"{TIER}  # accept {codes}: for May")
    assert check(flow) == []


def test_comment_that_accepts_nothing_can_be_raised_too() -> None:
    flow = FLOW.replace(TIER, f"{TIER}  # accept FE932: so")
    found = check(flow, "strict: [FE941]\n")
    assert [one.split()[0] for one in found if "FE941" in one] == ["error"]


@pytest.mark.parametrize(
    ("comment", "message"),
    [
        ("# accept FE902", "nothing says why FE902 is accepted"),
        ("# accept FE902:", "nothing says why FE902 is accepted"),
        ("# accept FE203: so", "FE203 is an error: a flow that has it cannot be served"),
        ("# accept FE9999: so", "there is no FE9999"),
        ("# accept FE932: so", "there is no FE932 on line 4"),
    ],
)
def test_comment_that_accepts_nothing_is_told(comment: str, message: str) -> None:
    found = check(FLOW.replace(TIER, f"{TIER}  {comment}"))
    assert [one for one in found if "FE941" in one] == [
        f"warning FE941 4:33 {message}".replace(
            "4:33", f"4:{len(TIER) + 2 + comment.index('FE') + 1}"
        )
    ]
    assert any("FE902 4:" in one for one in found)


def test_error_elsewhere_may_hide_what_a_comment_accepts() -> None:
    flow = FLOW.replace(TIER, f"{TIER}  # accept FE932: so").replace("hangup:", "next: nowhere")
    assert not any("FE941" in one for one in check(flow))


def test_text_with_the_words_accepts_nothing() -> None:
    flow = FLOW.replace("say: Hello.", 'say: "Press#accept FE902: now."')
    assert [one.split()[1] for one in check(flow)] == ["FE902", "FE902"]


def test_raised_warning_keeps_a_flow_from_being_served() -> None:
    files = {"line.yaml": FLOW.encode(), "project.yaml": b"project: acme\nstrict: [FE902]\n"}
    compiled = compile_project(files, {})
    assert compiled.release is None
    assert {one.severity for one in compiled.problems} == {"error"}
    accepted = FLOW.replace(SPARE, "").replace(TIER, f"{TIER}  # accept FE902: for May")
    assert compile_project({**files, "line.yaml": accepted.encode()}, {}).release is not None


@pytest.mark.parametrize(
    ("code", "message"),
    [("FE999", "there is no FE999"), ("FE203", "FE203 is an error without this")],
)
def test_code_that_cannot_be_raised_is_told(code: str, message: str) -> None:
    found = check(FLOW, f"strict: [{code}]\n")
    assert f"error FE516 2:10 {message}" in found
