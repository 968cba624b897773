"""What to do about each refusal of the platform."""

import doctest

import pytest

from flowengine.sinch.client import CallingApiError, ServerError, UnreachableApiError, error_cures
from flowengine.sinch.client.api_errors import to_api_error
from flowengine.sinch.client.error_cures import find_cure
from flowengine.switch.api.error_replies import ERROR_MESSAGES


@pytest.mark.parametrize("code", ERROR_MESSAGES)
def test_code_of_the_platform_has_a_cure_of_its_own(code: int) -> None:
    error = to_api_error(code // 100, b'{"errorCode": %d, "message": "m"}' % code)
    assert find_cure(error) != find_cure(CallingApiError(418, 41800, "m"))


def test_errors_without_a_known_code_have_a_cure() -> None:
    assert "repeat" in find_cure(UnreachableApiError(0, 0, "no answer"))
    assert "wait" in find_cure(ServerError(502, 50200, "the platform answers 502"))
    assert "38188074" in find_cure(CallingApiError(418, 41800, "m", "38188074"))


def test_docstring_examples_of_cures_run() -> None:
    assert doctest.testmod(error_cures).failed == 0
