"""Words in scenarios that never come."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from flowengine.cli import main

FLOW = """\
flow: line
start: a
vars: {tier: {type: choice, choices: [gold, silver], default: gold}}
states:
  a: {say: "${vars.tier}", hangup: }
"""


@pytest.mark.parametrize(
    ("part", "code"),
    [
        ("then: {result: BUSSY}", 'write "busy"'),
        ("then: {reason: hungup}", "it can be"),
        ("then: {vars: {tier: platinum}}", '"gold" or "silver"'),
        ("when: [{notified: recording_done}]", "it can be"),
        ("when: [{notified: {type: recording_done}}]", "it can be"),
    ],
)
def test_scenario_with_a_word_that_never_comes_is_an_error(
    tmp_path: Path, part: str, code: str
) -> None:
    done = run_scenario(tmp_path, part)
    assert done.exit_code == 2, done.output
    assert "FE315" in done.output
    assert code in done.output


@pytest.mark.parametrize("result", ["MANAGERHANGUP", "managerhangup"])
def test_scenario_takes_the_words_of_the_platform_in_any_case(tmp_path: Path, result: str) -> None:
    done = run_scenario(tmp_path, f"then: {{reason: {result}}}")
    assert done.exit_code == 0, done.output


def run_scenario(folder: Path, part: str) -> Result:
    (folder / "scenarios").mkdir()
    (folder / "line.yaml").write_text(FLOW)
    (folder / "scenarios" / "line.yaml").write_text(
        f"flow: line\nscenarios:\n  it:\n    {part}\n    given: {{}}\n"
    )
    return CliRunner().invoke(main, ["test", str(folder)])


ASKING_FLOW = """\
flow: line
start: a
states:
  a: {fetch: {service: crm, patch: /a, body: {b: [{c: null}]}}, next: b}
  b: {hangup: }
"""


@pytest.mark.parametrize(("value", "status"), [("null", 0), ("~", 0), ("", 2)])
def test_value_of_an_expected_body_that_is_left_empty_is_an_error(
    tmp_path: Path, value: str, status: int
) -> None:
    (tmp_path / "scenarios").mkdir()
    (tmp_path / "line.yaml").write_text(ASKING_FLOW)
    (tmp_path / "project.yaml").write_text(
        "project: test\nservices: {crm: {url: https://crm.example.com}}\n"
    )
    (tmp_path / "scenarios" / "line.yaml").write_text(
        "flow: line\nscenarios:\n  it:\n    given:\n      lookups:\n"
        f"        - service: crm\n          patch: /a\n          body: {{b: [{{c: {value}}}]}}\n"
    )
    done = CliRunner().invoke(main, ["test", str(tmp_path)])
    assert done.exit_code == status, done.output
    assert ("FE152: c is empty: a value is expected" in done.output) is bool(status)
