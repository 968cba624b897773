"""Expressions: types, names, values, and what happens when there is none."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowengine.expr import EvalError, ExprError, LookupTable, Scope, Type

NAMES = {
    "vars.account": Type.TEXT,
    "vars.n": Type.INTEGER,
    "vars.d": Type.DECIMAL,
    "vars.vip": Type.BOOLEAN,
    "body": Type.ANY,
    "hours.support.open": Type.BOOLEAN,
}
SCOPE = Scope(NAMES)
VALUES = {
    "vars.account": "79927398713",
    "vars.n": 3,
    "vars.d": 2.5,
    "vars.vip": True,
    "body": {"a": [1, {"b": None}], "ok": True},
    "hours.support.open": False,
}


def value(text, expects=None):
    return SCOPE.compile_expression(text, expects).evaluate(VALUES)


@pytest.mark.parametrize(
    ("text", "kind", "result"),
    [
        ("vars.account", Type.TEXT, "79927398713"),
        (" vars.n ", Type.INTEGER, 3),
        ("vars.n + 1", Type.INTEGER, 4),
        ("vars.d * 2.0", Type.DECIMAL, 5.0),
        ("vars.vip && !hours.support.open", Type.BOOLEAN, True),
        ("body.a[1].b", Type.ANY, None),
        ("body", Type.ANY, VALUES["body"]),
        ("body.a", Type.ANY, [1, {"b": None}]),
        ('"a".upperAscii()', Type.TEXT, "A"),
        ("[1, 2].map(x, x * vars.n)", Type.LIST, [3, 6]),
        ("null", Type.ANY, None),
        ('{"a": vars.n}', Type.MAP, {"a": 3}),
        ('vars.account.matches(r"^[0-9]+$")', Type.BOOLEAN, True),
        ("vars . // the caller's\n account", Type.TEXT, "79927398713"),
    ],
)
def test_values_keep_their_types(text, kind, result):
    made = SCOPE.compile_expression(text)
    assert made.type is kind
    found = made.evaluate(VALUES)
    assert found == result
    assert type(found) is type(result)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("vars.n", {"vars.n"}),
        ('vars.n > 1 || vars.account == "vars.d"', {"vars.n", "vars.account"}),
        ("vars . // c\n n + 1", {"vars.n"}),
        (".vars.n + 1", {"vars.n"}),
        ("body.a.vars.n == 1", {"body"}),
        ("true ? 1 : vars.n", {"vars.n"}),
        ('"x"', set()),
    ],
)
def test_names_are_exactly_those_read(text, names):
    assert SCOPE.compile_expression(text).names == names


def test_evaluation_asks_only_for_names_that_it_reads():
    class Asked(dict):
        asked = ()

        def __getitem__(self, name):
            self.asked += (name,)
            return super().__getitem__(name)

    values = Asked(VALUES)
    SCOPE.compile_expression("vars.n + 1").evaluate(values)
    assert values.asked == ("vars.n",)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1 / (vars.n - 3)", "divide by zero"),
        ("body.nothing", 'there is no "nothing" in it'),
        ("integer(vars.account + 'x')", "'79927398713x' is no whole number"),
        ("1.0 / (vars.d - 2.5)", "a number without end, as of a division by zero"),
        (
            "vars.account.substring(99)",
            "<string>.substring(<start>, <end>): <start> is greater than <string>.size()",
        ),
        ("9223372036854775807 + vars.n", "integer overflow"),
        ("body.a[2].b", "there is no item 2: the list has 2, from 0 to 1"),
        ("body.a[vars.n - 4]", "there is no item -1: the list"),
        ("body.a[1].b[0]", "nothing has no items"),
        ("body.a['b']", "an item of a list has a number, not a text"),
        ("body.ok[0]", "a boolean has no items"),
        ("body.ok.yes", "only a group of values has parts to name"),
        ("size(body.ok)", "size does not take a boolean"),
        ("body.a + body.ok", "+ does not work on a list and a boolean"),
        ("!body.a", "! does not work on these values"),
        ("body.ok.map(x, x)", "only a list or a group of values has items"),
        ("body.a ? 1 : 2", "what stands before ? is neither"),
        ("list_words(body.ok)", "list_words does not take a boolean"),
        ("list_words(body.a)", "a group of values cannot be put into a text"),
        ("dyn(timestamp(vars.n))", "a value that a flow cannot hold"),
    ],
)
def test_expression_without_a_value_is_an_eval_error(text, message):
    with pytest.raises(EvalError) as caught:
        value(text)
    assert message.split("(<start>)")[0][:30] in caught.value.message


@pytest.mark.parametrize(
    "text", ["INVALID_ARGUMENT: divide by zero", "NOT_FOUND: ", "UNKNOWN: No value"]
)
def test_text_that_looks_like_an_error_is_a_text(text):
    assert (
        SCOPE.compile_expression("trim(vars.account + '')").evaluate({"vars.account": text + "."})
        == text + "."
    )
    assert SCOPE.compile_expression("body.x").evaluate({"body": {"x": text}}) == text


@pytest.mark.parametrize("text", ["vars.n", "vars.n + 1"])
@pytest.mark.parametrize("values", [{}, {"vars.n": None}, {"vars.n": "3"}, {"vars.n": [1]}])
def test_missing_or_wrong_value_is_an_eval_error(text, values):
    with pytest.raises(EvalError):
        SCOPE.compile_expression(text).evaluate(values)


def test_text_that_is_no_unicode_is_an_eval_error():
    with pytest.raises(EvalError):
        SCOPE.compile_expression("vars.account + 'a'").evaluate({"vars.account": "\ud800"})


def test_result_beyond_the_limit_is_an_eval_error():
    with pytest.raises(EvalError, match="is the limit"):
        SCOPE.compile_expression('vars.account.replace("a", vars.account)').evaluate(
            {"vars.account": "a" * 500}
        )


def test_expected_types():
    assert value("vars.n", Type.DECIMAL) == 3.0
    assert type(value("vars.n + 1", Type.DECIMAL)) is float
    assert value("body.ok", Type.BOOLEAN) is True
    assert (
        type(SCOPE.compile_expression("body.x", Type.INTEGER).evaluate({"body": {"x": 3.0}})) is int
    )
    assert SCOPE.compile_expression("vars.n", Type.ANY).type is Type.INTEGER
    with pytest.raises(EvalError, match=r"body\.ok is not a text"):
        value("body.ok", Type.TEXT)
    with pytest.raises(EvalError):
        SCOPE.compile_expression("body.x", Type.INTEGER).evaluate({"body": {"x": 3.5}})


def test_condition_gives_a_boolean():
    assert SCOPE.compile_condition("hours.support.open").evaluate(VALUES) is False
    assert SCOPE.compile_condition("body.ok").evaluate(VALUES) is True
    with pytest.raises(EvalError):
        SCOPE.compile_condition("body.a").evaluate(VALUES)
    with pytest.raises(ExprError) as caught:
        SCOPE.compile_condition(" vars.n")
    assert (caught.value.code, caught.value.offset, caught.value.hint) == (
        "FE303",
        1,
        "compare it, for example vars.n > 0",
    )


def test_extended_leaves_the_scope_alone():
    assert SCOPE.extend({"event.key": Type.TEXT}).compile_expression("event.key").type is Type.TEXT
    with pytest.raises(ExprError):
        SCOPE.compile_expression("event.key")


TABLE = LookupTable(
    {"phone": Type.TEXT, "cost": Type.DECIMAL, "level": Type.INTEGER},
    {"sales": {"phone": "+1", "cost": 2}, "7": {"level": 4}},
    {"phone": "+0"},
)
TABLES = Scope(NAMES, {"dep": TABLE})


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ('tables.dep.phone("sales")', "+1"),
        ('tables.dep.phone("none")', "+0"),
        ('tables.dep.cost("sales") + 0.5', 2.5),
        ("tables.dep.level(7)", 4),
        ('tables.dep.has("sales") && !tables.dep.has("none")', True),
    ],
)
def test_tables_are_typed_functions(text, result):
    assert TABLES.compile_expression(text).evaluate(VALUES) == result


def test_table_row_that_is_missing_is_an_eval_error():
    with pytest.raises(EvalError, match="table dep has no cost for 'gold', and no default"):
        TABLES.compile_expression("tables.dep.cost(vars.account)").evaluate(
            {"vars.account": "gold"}
        )


def mistake(text):
    try:
        SCOPE.compile_expression(text)
    except ExprError as error:
        return error
    return None


@given(st.text(max_size=60))
def test_text_of_any_kind_compiles_or_says_why_not(text):
    error = mistake(text)
    if error:
        assert 0 <= error.offset <= len(text)
        assert error.message
        assert "Syntax error" not in error.message
        assert error.code.startswith("FE3")
    else:
        assert SCOPE.compile_expression(text).names <= set(NAMES)


WORDS = st.sampled_from(
    [
        "vars.n",
        "vars.account",
        "body",
        ".a",
        "(",
        ")",
        "[",
        "]",
        '"x"',
        "1",
        "2.5",
        "+",
        "==",
        "&&",
        "!",
        "?",
        ":",
        "luhn",
        "has",
        ",",
        " ",
    ]
)


@given(st.lists(WORDS, max_size=9).map("".join))
def test_expression_gives_a_value_or_an_eval_error(text):
    error = mistake(text)
    if error:
        assert 0 <= error.offset <= len(text)
        return
    made = SCOPE.compile_expression(text)
    with contextlib.suppress(EvalError):
        found = made.evaluate(VALUES)
        assert (
            made.type is Type.ANY
            or type(found).__name__
            == {
                "text": "str",
                "integer": "int",
                "decimal": "float",
                "boolean": "bool",
                "list": "list",
            }[made.type]
        )


@pytest.mark.parametrize("body", ["gold\0x", {"a": ["gold\0"]}, {"a\0": 1}])
def test_nul_cannot_hide_the_rest_of_a_text(body):
    with pytest.raises(EvalError, match="NUL"):
        SCOPE.compile_expression('body != ""').evaluate({"body": body})


@given(st.text(max_size=40))
def test_text_of_any_kind_passes_through_unharmed(text):
    text = text.encode(errors="ignore").decode().replace("\0", "")
    assert SCOPE.compile_expression("vars.account + ''").evaluate({"vars.account": text}) == text
