"""What evaluations leave behind in the memory of the process."""

import gc
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from flowengine.expr import FUNCTIONS, EvalError, LookupTable, Scope, Type
from tests.thoroughness import THOROUGH

_ROUNDS = 2_000 if THOROUGH else 1_000
_MOST_BLOCKS = 500  # CEL keeps two and more for each round
_NAMES = {
    "vars.text": Type.TEXT,
    "vars.date": Type.TEXT,
    "vars.integer": Type.INTEGER,
    "vars.decimal": Type.DECIMAL,
    "vars.boolean": Type.BOOLEAN,
    "event.headers": Type.ANY,
    "call.locale": Type.TEXT,
    "body": Type.ANY,
}
_TABLE = LookupTable({"name": Type.TEXT}, {"1": {"name": "one"}})
_ARGUMENTS = {kind: f"vars.{kind}" for kind in Type} | {
    Type.ANY: "body.any",
    Type.LIST: "body.names",
}
_CALLS = [
    f"{one.name}({', '.join(map(_ARGUMENTS.__getitem__, one.parameters))})"
    for function in FUNCTIONS.values()
    for one in function.overloads
]
_EXPRESSIONS = [
    *_CALLS,
    "age(vars.date, '2026-01-01')",
    "tables.rows.name(vars.text)",
    "tables.rows.name(body.id)",
    "tables.rows.has(vars.integer)",
    "event.headers['X-Tier']",
    "event.headers[vars.text]",
    "body.price * 1.5",
    "body.price + body.id",
    "luhn(vars.text) && digits(vars.text) == '12'",
    "luhn(vars.text) || integer(vars.text) > 2 || vars.boolean",
    "vars.boolean ? upper(vars.text) : lower(vars.text)",
    "mask(vars.text) + string(timestamp(vars.date + 'T00:00:00Z'))",
    "timestamp(parse_date(vars.date, 'YYYY-MM-DD') + 'T00:00:00Z').getHours() + size(vars.text)",
    "timestamp(vars.date + 'T00:00:00Z').getHours() < 12 && tables.rows.has(body.id)",
    "body.list.map(i, upper(i.name)).join(', ')",
    "body.list.filter(i, tables.rows.has(i.id)).map(i, i.name)",
    "body.list.exists(i, digits(i.name) == vars.text)",
    "body.list.map(i, i.name)",
    "{'a': digits(vars.text), 'b': [trim(vars.text), body.any]}",
    "integer(vars.text.replace('1', 'x')) / size(digits(vars.text))",
    "body.list.map(i, date_words(i.name))",
    "list_words(slice(body.list.filter(i, i.id > 0).map(i, i.name), 0, 1))",
]


def make_values(number: int) -> dict[str, Any]:
    text = f"{number:06}-{'k' * 600}"  # apart for each evaluation, and no small object
    item = {"id": number, "name": text}
    return {
        "vars.text": text,
        "vars.date": "2001-02-03",
        "vars.integer": 1_000_000 + number,
        "vars.decimal": 0.5 + number,
        "vars.boolean": number % 2 == 0,
        "event.headers": {"x-tier": text},
        "call.locale": "en-US",
        "body": {
            "any": text,
            "id": number,
            "price": number + 0.5,
            "list": [item, item],
            "names": [text, text],
        },
    }


@pytest.mark.parametrize("text", _EXPRESSIONS)
def test_expression_with_functions_evaluated_often_leaves_no_object_behind(text: str) -> None:
    expression = Scope(_NAMES, {"rows": _TABLE}).compile_expression(text)

    def evaluate(rounds: int) -> None:
        for number in range(rounds):
            with suppress(EvalError):
                expression.evaluate(make_values(number))

    evaluate(_ROUNDS)
    gc.collect()
    before = sys.getallocatedblocks()
    # without a collection, as a server seldom has one
    gc.disable()
    try:
        evaluate(_ROUNDS)
        assert sys.getallocatedblocks() - before < _MOST_BLOCKS
    finally:
        gc.enable()


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("text", ["first(body.text, 3)", "body.list.map(i, mask(i, 2))[0]"])
def test_function_of_long_texts_evaluated_often_leaves_none_behind(text: str) -> None:
    expression = Scope({"body": Type.ANY}).compile_expression(text)

    def evaluate_and_measure(rounds: int) -> int:
        for number in range(rounds):
            long = f"{number:06}".ljust(20_000, "x")
            with suppress(EvalError):  # longer than a text may be
                expression.evaluate({"body": {"text": long, "list": [long]}})
        pages = Path("/proc/self/statm").read_text().split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE")

    before = evaluate_and_measure(500)
    assert evaluate_and_measure(1000) - before < 4_000_000  # it was 20 MB


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="None is immortal from 3.12 on")
def test_reference_count_of_none_is_more_than_the_library_can_give_back() -> None:
    assert sys.getrefcount(None) > 1 << 39
