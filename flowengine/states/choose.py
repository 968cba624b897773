"""choose: go on by conditions, from the first that holds."""

from dataclasses import dataclass
from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from flowengine.expr import EvalError, Expression
from flowengine.source import KeyPath
from flowengine.states.builder import StateBuilder
from flowengine.states.field_types import Condition, StateName
from flowengine.states.state_results import Exit, StateFailure, StateResult
from flowengine.states.step_context import StepContext

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

    def enter(self, run: StepContext) -> StateResult:
        try:
            for condition, leads in self.branches:
                if condition is None or condition.evaluate(run.names):
                    return leads
        except EvalError as error:
            return StateFailure(error.message)
        return StateFailure("no condition held")

    def resume(self, run: StepContext) -> StateResult:
        return self.enter(run)


def compile_choose(builder: StateBuilder, path: KeyPath, choices: list[Choice]) -> CompiledChoose:
    if choices[-1].when is not UNSET:
        builder.add_problem(
            "FE206",
            (*path, len(choices) - 1),
            "nothing says where the call goes when no condition holds",
            "end with `- next: <state>`",
        )
    for index, choice in enumerate(choices[:-1]):
        if choice.when is UNSET:
            builder.add_problem(
                "FE211",
                (*path, index),
                "the choices below this one are never looked at",
                "move this one, which has no `when`, to the end",
            )
    return CompiledChoose(
        tuple(
            compile_branch(builder, (*path, index), index, choice)
            for index, choice in enumerate(choices)
        )
    )


def compile_branch(
    builder: StateBuilder, path: KeyPath, index: int, choice: Choice
) -> tuple[Expression | None, Exit]:
    name = f"choice {index + 1}"
    builder.add_exit(name, choice.next, (*path, "next"))
    condition = (
        builder.compile_condition((*path, "when"), choice.when)
        if isinstance(choice.when, str)
        else None
    )
    return condition, Exit(name)
