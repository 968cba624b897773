"""choose: go on by conditions, from the first that holds."""

from dataclasses import dataclass
from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from flowengine.expr import EvalError, Expression
from flowengine.source import Path
from flowengine.states.builder import Builder
from flowengine.states.fields import Condition, StateName
from flowengine.states.move import Exit, Failed, Move
from flowengine.states.run import Run

EXAMPLE = """
welcome:
  say: Thank you for calling.
  choose:
    - when: hours.support.open
      next: main
    - next: closed
"""


class Choice(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One way to go; without `when` it is taken always, so it comes last."""

    next: Annotated[StateName, Meta(description="The state to go to.", examples=["main"])]
    when: Condition | UnsetType = UNSET


Choose = Annotated[
    list[Choice],
    Meta(
        title="choose",
        description="Conditions from top to bottom; the first that holds decides.",
        examples=[[{"when": "hours.support.open", "next": "main"}, {"next": "closed"}]],
        min_length=1,
    ),
]


@dataclass(frozen=True, slots=True)
class CompiledChoose:
    """Conditions with their exits. The last is without a condition."""

    branches: tuple[tuple[Expression | None, Exit], ...]
    actions = frozenset[str]()
    waits = False

    def enter(self, run: Run) -> Move:
        try:
            for condition, leads in self.branches:
                if condition is None or condition.evaluate(run.names):
                    return leads
        except EvalError as error:
            return Failed(error.message)
        return Failed("no condition held")

    def resume(self, run: Run) -> Move:
        return self.enter(run)


def compile_choose(builder: Builder, path: Path, choices: list[Choice]) -> CompiledChoose:
    if choices[-1].when is not UNSET:
        builder.problem(
            "FE206",
            (*path, len(choices) - 1),
            "nothing says where the call goes when no condition holds",
            "end with `- next: <state>`",
        )
    for index, choice in enumerate(choices[:-1]):
        if choice.when is UNSET:
            builder.problem(
                "FE211",
                (*path, index),
                "the choices below this one are never looked at",
                "move this one, which has no `when`, to the end",
            )
    return CompiledChoose(
        tuple(
            branch(builder, (*path, index), index, choice) for index, choice in enumerate(choices)
        )
    )


def branch(
    builder: Builder, path: Path, index: int, choice: Choice
) -> tuple[Expression | None, Exit]:
    name = f"choice {index + 1}"
    builder.exit(name, choice.next, (*path, "next"))
    condition = (
        builder.condition((*path, "when"), choice.when) if isinstance(choice.when, str) else None
    )
    return condition, Exit(name)
