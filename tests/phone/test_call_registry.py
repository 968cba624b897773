"""Calls of pages are bounded in number, and forgotten."""

import pytest

from flowengine.phone.call_registry import IDLE_CALL_SECONDS, CallForgottenError, CallRegistry
from tests.phone.test_browser_call import call


def test_calls_make_room_for_new_ones_and_expire() -> None:
    now = [0.0]
    known, made = CallRegistry(lambda: now[0], most=2), call()
    first, second = known.add(made), known.add(made)
    assert known.find(first.id) is first
    third = known.add(made)
    with pytest.raises(CallForgottenError):
        known.find(second.id)
    now[0] = IDLE_CALL_SECONDS
    assert known.find(third.id) is third
    now[0] = IDLE_CALL_SECONDS + 1
    with pytest.raises(CallForgottenError):
        known.find(first.id)
    assert known.find(third.id) is third
