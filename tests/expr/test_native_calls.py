"""Functions called without CEL yield what they yield when CEL calls them."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, reject
from hypothesis import strategies as st

from flowengine.cli.read_project import read_project
from flowengine.expr import EvalError, ExprError, Expression, cel, collect_remarks
from flowengine.expr.native_calls import compile_native
from tests.expr.expression_strategies import EXPRESSIONS, SCOPE, VALUES


def compile_both(text: str) -> tuple[Expression, Expression]:
    """The expression as it is compiled, and as CEL evaluates all of it."""
    native = SCOPE.compile_expression(text)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cel, "compile_native", lambda *_: None)
        return native, SCOPE.compile_expression(text)


def evaluate(expression: Expression, values: dict[str, Any]) -> tuple[str, Any]:
    collect_remarks()
    try:
        value = expression.evaluate(values)
    except EvalError as error:
        return f"error: {error.message}", None
    return repr(value), collect_remarks()


@given(EXPRESSIONS, st.lists(VALUES, min_size=1, max_size=4))
def test_native_calls_yield_what_cel_yields(text, samples):
    try:
        native, by_cel = compile_both(text)
    except ExprError:
        reject()  # such as a part that always fails
    for values in samples:
        assert evaluate(native, values) == evaluate(by_cel, values)


LONG = {"list": ["79927398713"] * 9_999}
TOO_LONG = {"list": ["79927398713"] * 10_000}
SQUARE = {"list": ["1"] * 100}


@pytest.mark.parametrize(
    ("text", "body"),
    [
        ("body.list.all(i, luhn(i))", LONG),
        ("body.list.all(i, luhn(i))", TOO_LONG),
        ("true || body.list.all(i, luhn(i))", TOO_LONG),
        ("body.list.all(i, luhn(i)) || true", TOO_LONG),
        ("size(body.list.map(i, i)) > 1 || luhn(vars.text)", TOO_LONG),
        ("body.list.exists(i, body.list.all(j, text(j) == i))", {"list": ["1"] * 99}),
        ("body.list.all(i, body.list.all(j, text(j) == i))", {"list": ["1"] * 99}),
        ("body.list.all(i, body.list.all(j, text(j) == i))", SQUARE),
        ("body.list.map(i, body.list.filter(j, j == text(i)).size())", SQUARE),
        ("body.list.all(i, luhn(i)) && body.list.exists(i, i == 'x')", {"list": ["0"] * 5_000}),
        # a loop that calls its item as a part of the answer
        ("[body].map(body, body.list[0] + text(1))", SQUARE),
        ("body.list.map(list, [list] + [text(list)])", {"list": [1, None]}),
        ("body.list.map(i, i.list + [upper('a')])", {"list": [{"list": ["b"]}]}),
        (".body.list.map(i, text(i)) + [string(.body.list[0])]", {"list": [2]}),
        # a point in time in a value of any type
        ("text(dyn(timestamp(vars.date + 'T00:00:00.123456789Z')))", {}),
        ("dyn(timestamp('2026-01-01T00:00:00Z')) < (luhn('1') ? body.x : body.y)", {"y": 1}),
        ("[timestamp('2026-01-01T00:00:00Z')].map(t, text(t))", {}),
        ("body.list.map(i, timestamp(parse_date(i, 'DDMMYYYY') + 'T00:00:00Z').getHours())", {}),
        # types that only CEL has
        ("text(uint(vars.count)) + text(b'a')", {}),
        ("body.list.filter(i, uint(i) > 0u && luhn(text(i)))", {"list": [1, 18]}),
        ("type(body.x) == int && luhn(text(body.x))", {"x": 18}),
        ("text('a\\x00b') + vars.text", {}),
        (
            "tables.rows.name(body.k) + tables.rows.name(vars.text.replace('79927398713', 'a'))",
            {"k": "a"},
        ),
        ("tables.rows.floor(body.k) > 1 || vars.flag && false", {"k": "a"}),
        # an error is absorbed, or one of several is chosen
        ("luhn(body.x) || true", {}),
        ("luhn(body.x) && integer('x') > 1", {}),
        ("body.x + integer('x')", {}),
        ("integer('x') + body.x", {}),
        ("[integer(vars.date), 1 / (vars.count - 2)][0]", {}),
        ("[1 / (vars.count - 2), integer(vars.date)][0]", {}),
        ("{'a': integer(vars.date), 'b': 1 / (vars.count - 2)}.a", {}),
        ("1 / (vars.count - 2) + size(vars.text.split(text(body.x)))", {}),
        ("body.list.exists(i, integer(i) == 1)", {"list": ["x", "1"]}),
        ("body.list.exists(i, integer(i) == 1)", {"list": ["x", "2", "y"]}),
        ("body.list.exists_one(i, integer(i) == 1)", {"list": ["1", "x"]}),
        ("body.list.map(i, integer(i))", {"list": ["1", "x", "y"]}),
        ("(luhn(vars.text) ? 1 / (vars.count - 2) : integer('1')) == 1 || vars.flag", {}),
        ("body.none && luhn(vars.text)", {"none": None}),
        ("luhn('0') && body.none", {"none": None}),
        ("!(luhn('0') ? body.none : body.x)", {"none": None}),
        ("9223372036854775807 + integer(vars.text)", {}),
        ("vars.count - integer(vars.text) * 9223372036854775807", {}),
        ("body.a * 2.5 + body.a / 0.0", {"a": 3}),
        ("has(body.x.y) && luhn(body.x.y)", {"x": 1}),
    ],
)
def test_native_calls_at_the_edge_yield_what_cel_yields(text: str, body: dict[str, Any]) -> None:
    values = {
        "vars.text": "79927398713",
        "vars.date": "2026-02-28",
        "vars.count": 2,
        "vars.price": 1.5,
        "vars.flag": True,
        "event.headers": {},
        "call.locale": "en-US",
        "body": body,
    }
    native, by_cel = compile_both(text)
    assert evaluate(native, values) == evaluate(by_cel, values)


@pytest.mark.parametrize(
    "text", ["luhn(vars.text)", "luhn(vars.text) || true", "true || luhn(vars.text)"]
)
def test_native_calls_with_half_a_character_yield_what_cel_yields(text: str) -> None:
    native, by_cel = compile_both(text)
    values = {"vars.text": "a\ud800"}
    assert evaluate(native, values) == evaluate(by_cel, values)


def test_functions_of_the_sample_flows_are_all_called_without_cel(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    compiled: list[bool] = []

    def compile_and_note(checked, names, overloads, load):
        evaluator = compile_native(checked, names, overloads, load)
        if checked.overload_ids & overloads.keys():
            compiled.append(evaluator is not None)
        return evaluator

    monkeypatch.setattr(cel, "compile_native", compile_and_note)
    assert not read_project(Path(__file__).parents[2] / "flows").report.errors
    assert len(compiled) > 20
    assert all(compiled)
