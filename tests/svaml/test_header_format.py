"""The names of headers."""

from hypothesis import given
from hypothesis import strategies as st

from flowengine.states.lookup_headers import find_header_fault
from flowengine.svaml.header_format import find_header_name_fault, is_token


@given(st.text(max_size=3) | st.sampled_from(["X-Line", "X\n", "é", "", "*'!"]))
def test_name_of_a_header_is_a_token_for_calls_and_lookups_alike(name: str) -> None:
    assert is_token(name) == (find_header_name_fault(name) == "")
    fault = find_header_fault(name, {name: None})
    assert is_token(name) == (fault is None or "no header can be called" not in fault[0])


def test_token_has_no_separators() -> None:
    assert is_token("X-Line_2.a~")
    for separator in ' ()<>@,;:\\"/[]?={}\t\r\n\0\x7f':
        assert not is_token(f"X{separator}A")
