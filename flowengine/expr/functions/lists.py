"""Helper functions for lists, such as those in the answers of other systems."""

from typing import Any

from flowengine.expr import cldr
from flowengine.expr.functions.function_registry import declare_function
from flowengine.expr.value_format import format_value


@declare_function(
    "The items of a list as a voice should say them: the word for *and* stands before the last one. "
    "Items without words are left out.",
    'list_words(["red", "green", "blue"])',
    "red, green, and blue",
)
def list_words(items: list[Any], locale: str = "en-US") -> str:
    texts = [format_value(item).strip() for item in items]
    return cldr.join_list([text for text in texts if text], locale)


@declare_function(
    "The items of a list from one place up to another, fewer where the list is shorter. The first "
    "item has the place 0.",
    'slice(["a", "b", "c"], 0, 2)',
    ["a", "b"],
    name="slice",
)
def slice_list(items: list[Any], start: int, end: int) -> list[Any]:
    return items[max(0, start) : max(0, end)]
