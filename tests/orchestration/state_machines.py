"""What the properties of rings, queues, conferences and parkings share: how long they run, and the
proof that they would find a fault.
"""

import pytest
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test

from tests.thoroughness import examples


def choose_settings(count: int) -> settings:
    """For a machine that tries so many runs when the properties run in full."""
    return settings(max_examples=examples(count), stateful_step_count=40, deadline=None)


def assert_finds_fault(
    machine: type[RuleBasedStateMachine],
    *errors: type[Exception],
    max_examples: int = 300,
) -> None:
    """Some run fails, and the same one each time; nothing is shrunk or remembered."""
    quick = settings(
        max_examples=max_examples, stateful_step_count=30, deadline=None, database=None,
        derandomize=True, report_multiple_bugs=False, phases=[*settings().phases][:3],
    )  # fmt: skip
    with pytest.raises((AssertionError, *errors)):
        run_state_machine_as_test(machine, settings=quick)
