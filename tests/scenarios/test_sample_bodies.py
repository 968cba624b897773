"""Whatever `into:` says, scenarios are written for it that pass, and a call can be made by hand."""

from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from flowengine.cli import main
from flowengine.scenarios.sample_bodies import to_body
from flowengine.scenarios.trial_inputs import TRIAL_VALUES, list_nearby_values
from tests.scenarios.scenario_project import FLOW, one, write

BODIES = {
    "nested after its parent": (["body.a", "body.a.b"], ["x", "y"], {"a": {"b": "y"}}),
    "nested before its parent": (["body.a.b", "body.a"], ["x", "y"], {"a": {"b": "x"}}),
    "the whole body too": (["body", "body.a"], ["x", "y"], {"a": "y"}),
    "the whole body": (["body"], ["x"], "x"),
    "items of a list": (["body.l[0].n", "body.l[2]"], ["x", 2], {"l": [{"n": "x"}, None, 2]}),
    "a list as the whole": (["body[0].n"], ["x"], [{"n": "x"}]),
    "hyphens and blanks": (['body["x-y"]["a b"]', "body['z']"], ["q", 1], {"x-y": {"a b": "q"}, "z": 1}),
    "size of a list": (["size(body.l)", "body.k.size()"], [2, 0], {"l": ["one", "one"], "k": []}),
    "size into a text": (["size(body.l)", "size(body.k)"], ["Ann", "2026-12-24"], {"l": ["one"], "k": ["one"]}),
    "size into anything": (["size(body.l)", "size(body.k)"], [-3, 10**9], {"l": [], "k": ["one"] * 20}),
    "a list and its size": (["size(body.l)", "body.l[0].n"], [2, "x"], {"l": [{"n": "x"}, {"n": "x"}]}),
    "gone through": (["body.l.map(i, i.n)[0]"], ["x"], {"l": [{"n": "x"}]}),
    "gone through with a test": (['body.l.filter(i, i.k == "x").size()'], [5], {"l": [{"k": "x"}]}),
    "an item by a counter": (["body.l[vars.i].n", "size(body.l)"], ["x", 2], {"l": [{"n": "x"}, {"n": "x"}]}),
    "part of a list": (["slice(body.l, 0, 3).map(i, i.n)", "slice(body.k, 1, 2)[0].m"], ["x", 1], {"l": [{"n": "x"}], "k": [{"m": 1}]}),
    "said as a list": (["list_words(body.l)", "list_words(slice(body.k, 0, 2))"], ["x", "y"], {"l": ["x"], "k": ["y"]}),
    "parts said as a list": (['body.l.map(i, i.n).join(", ")', 'body.k.join("; ")'], ["x", "y"], {"l": [{"n": "x"}], "k": ["y"]}),
    "compared": (['body.a == "x"', "body.n != 3"], [True, True], {"a": "x", "n": 4}),
    "twice the same": (["body.a", "body.a"], ["x", "y"], {"a": "y"}),
    "no body": (["status", "string(status)", "'body.a'"], [1, "x", "y"], {}),
}  # fmt: skip


@pytest.mark.parametrize("row", BODIES)
def test_body_has_what_the_expressions_look_at(row: str) -> None:
    texts, values, expected = BODIES[row]
    assert to_body(texts, values) == expected


NAMES = st.sampled_from(["a", "b", "l"])
STEPS = st.one_of(
    NAMES.map(lambda name: f".{name}"),
    NAMES.map(lambda name: f'["{name}-{name}"]'),
    st.integers(0, 3).map(lambda number: f"[{number}]"),
    st.just(".map(x, x.a)[0]"),
    st.just(".size()"),
)
PATHS = st.lists(STEPS, max_size=4).map(lambda steps: "body" + "".join(steps))
TEXTS = PATHS.flatmap(
    lambda path: st.sampled_from(
        [path, f"size({path})", f'{path} == "x"', f"has({path}) ? {path} : 1", f"int({path}) + 1"]
    )
)
VALUES = st.sampled_from([value for values in TRIAL_VALUES.values() for value in values] + ["", -1])


@given(st.lists(st.tuples(st.one_of(TEXTS, st.text(max_size=30)), VALUES), max_size=5))
def test_body_of_any_expressions_is_json(pairs: list[tuple[str, object]]) -> None:
    found = to_body([text for text, _ in pairs], [value for _, value in pairs])
    assert msgspec.json.decode(msgspec.json.encode(found)) == found


def test_numbers_near_a_literal_of_any_length_can_be_written() -> None:
    for text in ("9" * 5000, "-" + "9" * 30, "9" * 400 + ".5"):
        msgspec.json.encode(list_nearby_values(text))


KINDS = """{
  name: {type: text, max: 40}, tier: {type: choice, choices: [gold, iron]}, many: {type: integer, max: 9},
  price: {type: decimal}, open: {type: boolean}, day: {type: date}, at: {type: time}, pin: {type: digits, max: 6}}
"""
INTO = {
    "one of each type": "{name: body.name, tier: body.tier, many: body.many, price: body.price, "
    "open: body.open, day: body.day, at: body.at, pin: body.pin}",
    "nested and its parent": '{name: body.a.b, tier: "has(body.a) ? \\"gold\\" : \\"iron\\""}',
    "a list": "{name: 'body.items[0].name', many: size(body.items)}",
    "a list as the whole": "{name: 'body[0].name', many: size(body)}",
    "hyphens": "{name: 'body[\"first-name\"]'}",
    "a size into a text": "{name: string(size(body.items))}",
    "a size into a date": "{day: size(body.items)}",
    "wrong types": "{many: body.name, name: body.name, open: body.name}",
    "gone through": "{name: 'body.items.map(i, i.name)[0]', many: 'body.items.filter(i, i.open).size()'}",
    "a list that is said": "{name: 'list_words(body.items.map(i, i.name))', tier: 'list_words(body.tiers)'}",
    "an item by a counter": "{name: 'body.items[vars.many].name'}",
    "a part of a list": "{name: 'list_words(slice(body.items, 0, 3).map(i, i.name))', many: size(body.items)}",
    "compared": "{open: 'body.tier == \"gold\"', many: 'body.many > 3 ? 1 : 0'}",
    "status alone": "{many: status, open: status == 200}",
    "the whole body": "{name: body}",
    "a sum": "{many: int(body.many) + 1, name: 'string(body.a) + string(body.b)'}",
}


NEVER_TAKEN = {"a size into a date", "wrong types"}
"""No body fits these"""


def project(folder: Path, into: str) -> Path:
    flow = FLOW.replace("{name: body.name}}", f"{into}}}")
    flow = flow.replace("  name: {type: text, max: 40}\n", "").replace(
        "vars:\n", f"vars: {KINDS}\n"
    )
    return write(folder, one("    when: [{press: 0}]\n"), flow=flow)


@pytest.mark.parametrize("row", INTO)
def test_generated_scenarios_for_any_into_pass_when_they_are_run(row: str, tmp_path: Path) -> None:
    flows = project(tmp_path, INTO[row])
    made = CliRunner().invoke(main, ["test", str(flows), "--generate"], catch_exceptions=False)
    assert made.exit_code == 0, made.output
    again = CliRunner().invoke(main, ["test", str(flows), "--coverage"], catch_exceptions=False)
    assert again.exit_code == 0, again.output
    assert ("find: next" in again.output) is (row in NEVER_TAKEN)


@pytest.mark.parametrize("row", INTO)
def test_call_offers_an_answer_for_any_into(row: str, tmp_path: Path) -> None:
    flows = project(tmp_path, INTO[row])
    command = ["call", str(flows), "--keys", "1,,hang up"]
    made = CliRunner().invoke(main, command, catch_exceptions=False)
    assert "answers 200" in made.output, made.output
