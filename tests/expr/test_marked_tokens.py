"""How far the mark of an error reaches."""

import pytest

from flowengine.expr.marked_tokens import measure_token

MARKED = {
    "a name in its full length": ("vars.nme + 1", "vars.nme"),
    "a name without its method": ('vars.nme.contains("a")', "vars.nme"),
    "a name with blanks": ("hours . offce . open", "hours . offce . open"),
    "a function": ("mony(vars.a)", "mony"),
    "a cell of a table": ("tables.flors.phone(event.digits)", "tables.flors.phone"),
    "a text with its quotes": ('"a \\" b" == x', '"a \\" b"'),
    "a text in single quotes": ("'a b' == x", "'a b'"),
    "a text that is not closed": ('"a b', '"'),
    "a number": ("12.50 * 2", "12.50"),
    "an operator": ("=< 5", "=<"),
    "the beginning of a hole": ("${vars.a", "${"),
    "a bracket": ("[0]", "["),
    "the end": ("", ""),
}


@pytest.mark.parametrize(("text", "marked"), MARKED.values(), ids=MARKED)
def test_token_at_an_error_is_measured_to_its_end(text: str, marked: str) -> None:
    assert measure_token(f"x {text}", 2) == max(1, len(marked))
