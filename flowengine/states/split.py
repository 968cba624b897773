"""split: send shares of the callers different ways, the same way each time they call."""

from collections.abc import Iterator
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType

from flowengine.source import KeyPath
from flowengine.states.builder import StateBuilder
from flowengine.states.field_types import StateName
from flowengine.states.state_kind import AuthoredFact, StateKind
from flowengine.states.state_results import Exit, StateResult
from flowengine.states.step_context import CALLER_NAMES, StepContext
from flowengine.states.verb import NoEffect, Verb

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


class CompiledSplit(Verb, msgspec.Struct, frozen=True):
    """Upper bounds in per cent with their exits; `salt` keeps different splits independent."""

    salt: str
    bounds: tuple[tuple[float, Exit], ...]
    actions = frozenset[str]()
    waits = False

    def enter(self, run: StepContext) -> StateResult:
        place = run.compute_share(self.salt)
        return next((leads for bound, leads in self.bounds if place < bound), self.bounds[-1][1])

    def find_no_effects(self, _authored: Any, _deadline: float) -> Iterator[NoEffect]:
        """Shares of 0%."""
        before = 0.0
        for index, (bound, _) in enumerate(self.bounds):
            if bound <= before:
                yield NoEffect(
                    (index,),
                    "no caller is sent here: its share is 0%",
                    "give it a share, or remove it",
                )
            before = max(before, bound)


def compile_split(builder: StateBuilder, path: KeyPath, shares: list[SplitShare]) -> CompiledSplit:
    # the draw is by the caller, so these names travel with the call
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
        name = builder.add_exit(
            f"share {index + 1}", share.next, (*path, index, "next"), label=share.share or "else"
        )
        bounds.append((total, Exit(name)))
    # thirds cannot be written exactly
    if abs(total - 100) > 1e-6:
        builder.add_problem(
            "FE212",
            path,
            f"the shares make {total:g}%, not 100%",
            "leave out the share of the last entry: it takes the rest",
        )
    # not by release, so that a new version of the flows sends nobody elsewhere
    return CompiledSplit(f"{builder.context.flow}/{builder.state}", tuple(bounds))


def list_split_facts(authored: list[SplitShare]) -> Iterator[AuthoredFact]:
    given = [float(share.share.rstrip("%")) if share.share else None for share in authored]
    rest = max(0.0, 100 - sum(share or 0 for share in given))
    for index, (share, size) in enumerate(zip(authored, given, strict=True)):
        value = f"{rest if size is None else size:g}%"
        yield AuthoredFact("share", "", value, (index,), target=share.next)


SPLIT_KIND = StateKind(
    "split",
    "Send shares of the callers different ways",
    EXAMPLE,
    Split,
    compile_split,
    "none",
    shape="decision",
    list_facts=list_split_facts,
    splits_callers=True,
)
