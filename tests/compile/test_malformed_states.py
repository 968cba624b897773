"""A state that is not well formed hides nothing of what is wrong elsewhere, and causes no
follow-ups.
"""

from flowengine.compile import compile_project

FLOW = b"""\
flow: a
start: s
vars: {d: {type: date}}
states:
  s: {sai: hi, next: e}
  e: {say: "${vars.nope}", next: nowhere}
  f:
    menu: {prompt: x, options: {1: s, 2: zz}, otherwise: e}
"""


def found(flow: bytes) -> list[str]:
    return [
        f"{problem.code} {problem.span.line}:{problem.span.column}"
        for problem in compile_project({"a.yaml": flow}, {}).problems
    ]


def test_states_beside_a_malformed_one_are_checked_and_may_lead_to_it() -> None:
    assert found(FLOW) == ["FE150 5:7", "FE301 6:15", "FE203 6:34", "FE203 8:42"]


def test_mistake_outside_the_states_is_reported_alone() -> None:
    assert found(FLOW.replace(b"start: s", b"strat: s")) == ["FE150 2:1", "FE150 5:7"]
