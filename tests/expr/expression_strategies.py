"""Expressions that are valid by type, with values for the names in them."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final

from hypothesis import strategies as st

from flowengine.expr import FUNCTIONS, LookupTable, Scope, Type

NAMES: Final = {
    "vars.text": Type.TEXT,
    "vars.date": Type.TEXT,
    "vars.count": Type.INTEGER,
    "vars.price": Type.DECIMAL,
    "vars.flag": Type.BOOLEAN,
    "event.headers": Type.ANY,
    "call.locale": Type.TEXT,
    "body": Type.ANY,
}
TABLES: Final = {
    "rows": LookupTable(
        {"name": Type.TEXT, "floor": Type.INTEGER, "rate": Type.DECIMAL, "on": Type.BOOLEAN},
        {
            "1": {"name": "one", "floor": 1, "rate": 2, "on": True},
            "a": {"name": "a\0b", "floor": 2**70},
        },
        {"floor": 7},
    )
}
SCOPE: Final = Scope(NAMES, TABLES)
_KEYS: Final = ("name", "count", "price", "list", "map", "none", "missing")
_INFIX: Final = {
    "text": [("+", "text", "text")],
    "integer": [(sign, "integer", "integer") for sign in "+-*/%"],
    "decimal": [
        (sign, one, other)
        for sign in "+-*/"
        for one, other in (("decimal",) * 2, ("integer", "decimal"), ("decimal", "integer"))
    ],
    "boolean": [
        *((sign, "boolean", "boolean") for sign in ("&&", "||") * 3),
        *(
            (sign, kind, kind)
            for sign in ("==", "!=", "<", "<=", ">", ">=")
            for kind in ("text", "integer", "decimal")
        ),
        *((sign, "any", kind) for sign in ("==", "!=", "<") for kind in ("text", "any", "integer")),
        *((sign, "any", "any") for sign in ("&&", "||")),
        ("in", "text", "list"),
        ("in", "any", "any"),
    ],
    "any": [(sign, "any", kind) for sign in "+-*/" for kind in ("any", "integer", "decimal")],
    "list": [("+", "list", "list")],
}
_FORMS: Final = {
    "text": [
        "{text}.replace({text}, {text})",
        "string({integer})",
        "{text}.substring({integer})",
        "{list}.join('-')",
        "{list}[{integer}]",
        "string(timestamp({date} + 'T00:00:00Z'))",
        "{{'k': {text}}}.k",
    ],
    "date": [],
    "integer": [
        "size({text})",
        "size({list})",
        "-{integer}",
        "int({text})",
        "(timestamp(string({date}) + 'T00:00:00Z') - timestamp('2026-01-01T00:00:00Z')).getHours()",
        "size({any})",
    ],
    "decimal": ["double({integer})", "-({decimal})"],
    "boolean": [
        "!({boolean})",
        "!({any})",
        "{text}.startsWith({text})",
        "has(body.{key})",
        "has(body.map.{key})",
        "{list}.exists(i, {text} == i)",
        "{list}.all(i, luhn(i) || {boolean})",
        "{any}.exists(i, text(i) == {text})",
        "{any}.exists_one(i, integer(i) > {integer})",
        "timestamp({date} + 'T00:00:00Z') < timestamp(parse_date({date}, 'YYYY-MM-DD') + 'T00:00:00Z')",
        "({any}) ? {boolean} : {boolean}",
    ],
    "any": [
        "body.{key}",
        "body.map.{key}",
        "body['{key}']",
        "body.list[{integer}]",
        "event.headers['{key}']",
        "event.headers.name",
        "({boolean}) ? {any} : dyn({text})",
        "[{any}, {text}]",
        "dyn({list})",
        "dyn({decimal})",
        "{{{text}: {any}}}",
        "body.list.map(i, i + {any})",
        "body.list.map(i, {{'t': text(i)}})",
        "{any}.map(i, [i])",
    ],
    "list": [
        "[{text}, {text}]",
        "[]",
        "{text}.split({text})",
        "{list}.map(i, i + {text})",
        "{list}.map(i, {text})",
        "{list}.map(i, upper(i) + mask(i))",
        "{list}.filter(i, luhn(i) || {boolean})",
        "{list}.filter(i, size(i) > 1)",
        "body.list.filter(i, in_range({integer}, 1, 3)).map(i, text(i))",
        "body.list.map(i, text(i * 1.5))",
    ],
}  # fmt: skip
_LEAVES: Final = {
    "text": ["vars.text", "'a'", "'12'", '""'],
    "date": ["vars.date", "'2026-02-28'", "body.name"],
    "integer": ["vars.count", "0", "1", "-3"],
    "decimal": ["vars.price", "0.5", "2.0"],
    "boolean": ["vars.flag", "true", "false"],
    "any": ["body.name", "body.count", "body.price", "body.none", "body.list", "body.map"],
    "list": ["['b', 'a', '79927398713']", "vars.text.split('1')"],
}


def _list_calls() -> Mapping[str, list[tuple[str, tuple[str, ...]]]]:
    found: dict[str, list[tuple[str, tuple[str, ...]]]] = {kind: [] for kind in _LEAVES}
    overloads = [one for function in FUNCTIONS.values() for one in function.overloads]
    for one in overloads:
        found[one.returns].append((one.name, tuple(map(str, one.parameters))))
    for column, kind in TABLES["rows"].columns.items():
        found[kind] += [(f"tables.rows.{column}", (key,)) for key in ("text", "integer", "any")]
    found["date"].append(("parse_date", ("date", "text")))
    return found


_CALLS: Final = _list_calls()


@st.composite
def draw_expression(draw: Callable[..., Any], kind: str, depth: int) -> str:
    """An expression of this type, `any` among them."""
    inner = partial(draw_expression, depth=depth - 1)
    way = draw(st.sampled_from(["call", "call", "infix", "form", "choice"] if depth else ["leaf"]))
    if way == "call" and _CALLS[kind]:
        name, parameters = draw(st.sampled_from(_CALLS[kind]))
        # a value of any type, too, whose type only the call tells
        kinds = [draw(st.sampled_from([one, one, one, "any"])) for one in parameters]
        return f"{name}({', '.join(draw(inner(one)) for one in kinds)})"
    if way == "infix" and kind in _INFIX:
        sign, left, right = draw(st.sampled_from(_INFIX[kind]))
        return f"({draw(inner(left))} {sign} {draw(inner(right))})"
    if way == "form" and _FORMS[kind]:
        form = draw(st.sampled_from(_FORMS[kind]))
        parts = {name: draw(inner(name)) for name in _LEAVES if f"{{{name}}}" in form}
        return str(form.format(**parts, key=draw(st.sampled_from(_KEYS))))
    if way == "choice":
        condition = draw(inner("boolean"))
        return f"({condition} ? {draw(inner(kind))} : {draw(inner(kind))})"
    return str(draw(st.sampled_from(_LEAVES[kind])))


EXPRESSIONS: Final = st.sampled_from(
    ["text", "integer", "decimal", "boolean", "any", "list"]
).flatmap(lambda kind: st.integers(1, 3).flatmap(lambda depth: draw_expression(kind, depth)))
_TEXTS: Final = st.sampled_from(["", "a", "Äb-1", "12", "-7", "79927398713", "2026-02-28", "x y"])
_INTEGERS: Final = st.sampled_from([0, 1, -1, 2, 3, 100, 2**62, -(2**63), 2**63 - 1])
_DECIMALS: Final = st.sampled_from([0.0, -0.0, 0.5, -2.25, 1e18, 3.0])
# maps of one key: CEL goes through keys in an order of its own, so that errors would differ
_JSON: Final = st.recursive(
    st.none() | st.booleans() | _INTEGERS | _DECIMALS | _TEXTS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(_KEYS), inner, max_size=1)
    ),
    max_leaves=5,
)
# what no variable of this type holds, and CEL takes, converts or refuses
_ODD: Final = st.sampled_from([None, True, 3, 2.0, 2**70, "x", "a\0b", [], {}])


def _mostly(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.integers(0, 9).flatmap(lambda one: values if one else _ODD)


VALUES: Final = st.fixed_dictionaries(
    {
        "vars.text": _mostly(_TEXTS),
        "vars.date": st.sampled_from(["2026-02-28", "2000-01-01", "x"]),
        "vars.count": _mostly(_INTEGERS),
        "vars.price": _mostly(_DECIMALS),
        "vars.flag": _mostly(st.booleans()),
        "event.headers": st.dictionaries(st.sampled_from(["name", "x"]), _TEXTS, max_size=2),
        "call.locale": st.sampled_from(["en-US", "de-DE"]),
        "body": _mostly(st.dictionaries(st.sampled_from(_KEYS), _JSON, max_size=6)),
    }
)
