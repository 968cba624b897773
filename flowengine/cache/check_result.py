"""What `check` finds, as it is kept between commands."""

import msgspec

from flowengine.problems.problem import Problem


class CheckResult(msgspec.Struct, frozen=True):
    """The problems of a project, whose spans name its files from its folder, and its size."""

    problems: tuple[Problem, ...]
    flow_count: int
    state_count: int
