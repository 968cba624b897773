"""Prompts that are a bare map of texts by locale."""

import re
from pathlib import Path

import yaml
from click.testing import CliRunner
from jsonschema import Draft202012Validator

from flowengine.cli import main
from flowengine.model.json_schemas import read_published_schema
from tests.compile.project_texts import compiled

BARE = """\
flow: line
locale: en-US
start: ask
vars: {name: {type: text, max: 20, default: Ann}}
defaults:
  no_input: {each: [{en-US: Sorry., sv-SE: Förlåt.}, {en-US: Pardon., sv-SE: Ursäkta.}]}
  no_match: {en-US: Wrong key., sv-SE: Fel tangent.}
states:
  ask:
    locale: sv-SE
    say:
      - {audio: jingle.mp3}
      - en-US: Hello ${vars.name}.
        sv-SE: Hej ${vars.name}.
    menu:
      prompt: {en-US: Press 1., sv-SE: Tryck ett.}
      options: {1: bye}
      otherwise: bye
  bye: {say: {en-US: Bye., sv-SE: "Hej då, ${vars.name}."}, hangup: }
"""
LONG = re.sub(r"(\{en-US: (?:[^{}]|\{[^{}]*\})*\})", r"{text: \1}", BARE).replace(
    "- en-US: Hello ${vars.name}.\n       ",
    "- text:\n          en-US: Hello ${vars.name}.\n         ",
)


def test_bare_locales_compile_to_the_same_release_as_the_long_form() -> None:
    bare, long = compiled(BARE), compiled(LONG)
    assert (bare.problems, long.problems) == ((), ())
    for name, state in long.programs["line"].states.items():
        other = bare.programs["line"].states[name]
        assert repr((other.verb, other.preamble)) == repr((state.verb, state.preamble))


def test_problem_in_a_bare_map_is_told_at_its_own_characters() -> None:
    (wrong,) = compiled(BARE.replace("Hej ${vars.name}", "Hej ${vars.nmae}")).problems
    assert (wrong.code, wrong.span.line, wrong.span.column) == ("FE301", 14, 22)
    (number,) = compiled(BARE.replace("Fel tangent.", "12")).problems
    assert (number.code, number.span.line, number.span.column) == ("FE152", 7, 40)


def test_published_schema_takes_bare_locales() -> None:
    flow = Draft202012Validator(read_published_schema("flow"))
    assert not list(flow.iter_errors(yaml.safe_load(BARE)))
    assert list(flow.iter_errors(yaml.safe_load(BARE.replace("en-US: Bye.", "voice: Bye."))))


def test_variable_in_a_bare_map_is_renamed_and_the_form_stays(tmp_path: Path) -> None:
    file = tmp_path / "line.yaml"
    file.write_text(BARE, encoding="utf-8")
    done = CliRunner().invoke(main, ["rename", str(tmp_path), "variable", "name", "who"])
    assert done.exit_code == 0, done.output
    renamed = file.read_text(encoding="utf-8")
    assert renamed == BARE.replace("{name:", "{who:").replace("vars.name", "vars.who")
    assert CliRunner().invoke(main, ["fmt", str(tmp_path)]).exit_code == 0
    assert CliRunner().invoke(main, ["check", str(tmp_path)]).exit_code == 0
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "line.yaml").write_text(
        LONG.replace("vars.name", "vars.who").replace("{name:", "{who:")
    )
    same = CliRunner().invoke(main, ["diff", str(tmp_path / "old"), str(file), "--exit-code"])
    assert same.exit_code == 0, same.output


def test_locales_beside_other_keys_of_a_prompt_have_a_cure() -> None:
    text = BARE.replace("{en-US: Press 1., sv-SE: Tryck ett.}", "{en-US: Press 1., voice: male}")
    (mixed,) = compiled(text).problems
    assert mixed.code == "FE150"
    assert mixed.hint == "write text: around its locales: {text: {en-US: …}}"
