"""split: send shares of the callers different ways, the same way each time they call."""

from dataclasses import dataclass
from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from flowengine.source import KeyPath
from flowengine.states.builder import StateBuilder
from flowengine.states.field_types import StateName
from flowengine.states.state_results import Exit, StateResult
from flowengine.states.step_context import CALLER_NAMES, StepContext

EXAMPLE = """
try_new_greeting:
  split:
    - {share: 10%, next: new_greeting}
    - next: old_greeting
"""


class SplitShare(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A share of callers and where they go; the last entry takes the rest."""

    next: Annotated[StateName, Meta(description="The state to go to.", examples=["new_greeting"])]
    share: (
        Annotated[
            str,
            Meta(
                pattern=r"^[0-9]{1,3}(\.[0-9]+)?%$",
                description="The share of callers.",
                examples=["10%"],
                extra_json_schema={"x-hint": "write a percentage such as 10%"},
            ),
        ]
        | UnsetType
    ) = UNSET


Split = Annotated[
    list[SplitShare],
    Meta(
        title="split",
        description="Shares of callers; a caller is sent the same way at each call.",
        examples=[[{"share": "10%", "next": "new_greeting"}, {"next": "old_greeting"}]],
        min_length=2,
    ),
]


@dataclass(frozen=True, slots=True)
class CompiledSplit:
    """Upper bounds in per cent with their exits; `salt` keeps different splits independent."""

    salt: str
    bounds: tuple[tuple[float, Exit], ...]
    actions = frozenset[str]()
    waits = False

    def enter(self, run: StepContext) -> StateResult:
        place = run.compute_share(self.salt)
        return next((leads for bound, leads in self.bounds if place < bound), self.bounds[-1][1])

    def resume(self, run: StepContext) -> StateResult:
        return self.enter(run)


def compile_split(builder: StateBuilder, path: KeyPath, shares: list[SplitShare]) -> CompiledSplit:
    builder.reads |= set(CALLER_NAMES)
    bounds, total = [], 0.0
    for index, share in enumerate(shares):
        if share.share is UNSET and index < len(shares) - 1:
            builder.add_problem(
                "FE212",
                (*path, index),
                "only the last entry takes the rest",
                "give this one a share: such as 10%",
            )
        total = (
            max(total, 100.0) if share.share is UNSET else total + float(share.share.rstrip("%"))
        )
        bounds.append(
            (
                total,
                Exit(builder.add_exit(f"share {index + 1}", share.next, (*path, index, "next"))),
            )
        )
    if abs(total - 100) > 1e-6:
        builder.add_problem(
            "FE212",
            path,
            f"the shares make {total:g}%, not 100%",
            "leave out the share of the last entry: it takes the rest",
        )
    return CompiledSplit(f"{builder.context.flow}/{builder.state}", tuple(bounds))
