"""Loops over maps go by the alphabet of the keys."""

import pytest

from flowengine.expr import Scope, Type
from flowengine.expr.map_order import order_maps

SCOPE = Scope({"body": Type.ANY, "call.locale": Type.TEXT})
BODY = {
    "regions": {letter: ord(letter) for letter in "qwertyuiopasdfghjkl"},
    "list": [{"n": 2}, {"n": 1}],
    "deep": {"b": {"y": 1, "x": 2}, "a": {"z": 3}},
}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("body.regions.map(k, k)[0]", "a"),
        ("body . regions . map (k, k)[1]", "d"),
        ("dyn(body['regions']).filter(k, k > 'r')[0]", "s"),
        ("body.regions.filter(k, k < 'e').map(k, k + '!').join(',')", "a!,d!"),
        ("{'b': 1, 'a': 2, 'c': 3}.map(k, k)", ["a", "b", "c"]),
        ("body.deep.map(k, body.deep[k].map(j, j)[0])", ["z", "x"]),
        ("body.list.map(one, one.n)", [2, 1]),
        ("[3, 1, 2].map(n, n * 2)[0] + 1", 7),
        ("true ? body.regions.map(k, k)[0] : 'x'", "a"),
        ("'.map(' + body.regions.map(k, k)[0]", ".map(a"),
        ("body.regions.exists(k, k == 'q') && 'q' in body.regions.map(k, k)", True),
    ],
)
def test_expression_over_a_map_goes_by_its_sorted_keys(text, expected):
    assert (
        SCOPE.compile_expression(text).evaluate({"body": BODY, "call.locale": "en-US"}) == expected
    )


def test_expression_that_is_a_map_keeps_the_order_of_its_keys_the_same():
    found = SCOPE.compile_expression("{'b': 1, 'a': {'d': 1, 'c': 2}}").evaluate({})
    assert list(found) == ["a", "b"]
    assert list(found["a"]) == ["c", "d"]


@pytest.mark.parametrize(
    "text",
    ["vars.map + 1", "a.exists(k, k)", "'.map(k, k)'.size()", "b // .map(k, k)", "map(k, k)"],
)
def test_order_maps_without_a_list_making_loop_returns_the_same_text(text):
    assert order_maps(text) == text
