"""choose: go on by conditions, from the first that holds."""

from collections.abc import Iterator
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType

from flowengine.expr import EvalError, Expression
from flowengine.source import KeyPath
from flowengine.states.builder import StateBuilder
from flowengine.states.field_types import Condition, StateName
from flowengine.states.state_kind import AuthoredFact, StateKind
from flowengine.states.state_results import Exit, StateFailure, StateResult
from flowengine.states.step_context import StepContext
from flowengine.states.verb import ConditionalExit, NoEffect, Verb

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


class CompiledChoose(Verb, msgspec.Struct, frozen=True):
    """Takes the exit of the first condition that holds. The last has none."""

    branches: tuple[ConditionalExit, ...]
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

    @property
    def conditional_exits(self) -> tuple[ConditionalExit, ...]:
        return self.branches

    def find_no_effects(self, _authored: Any, _deadline: float) -> Iterator[NoEffect]:
        """Conditions that repeat an earlier one, and those that are the same in every call."""
        seen: dict[str, int] = {}
        for index, (condition, _) in enumerate(self.branches[:-1]):
            text = " ".join(condition.text.split()) if condition else ""
            if text in seen:
                yield NoEffect(
                    (index,),
                    f"this is the condition of entry {seen[text] + 1}, which is taken first",
                    "remove it, or ask for something else",
                )
            seen.setdefault(text, index)
            always = evaluate_constant(condition) if condition else None
            if always is not None:
                yield NoEffect(
                    (index,),
                    f"this condition is {'always' if always else 'never'} true",
                    "compare a value of the call, or remove it",
                )


def evaluate_constant(condition: Expression) -> bool | None:
    """The value of a condition that reads nothing of the call and no table."""
    if condition.names or "tables." in condition.text:
        return None
    try:
        return bool(condition.evaluate({}))
    except EvalError:
        return None


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
) -> ConditionalExit:
    name = f"choice {index + 1}"
    builder.add_exit(name, choice.next, (*path, "next"), label=choice.when or "else")
    condition = (
        builder.compile_condition((*path, "when"), choice.when)
        if isinstance(choice.when, str)
        else None
    )
    return condition, Exit(name)


def list_choose_facts(authored: list[Choice]) -> Iterator[AuthoredFact]:
    for index, choice in enumerate(authored):
        yield AuthoredFact("condition", "", choice.when or "", (index,), target=choice.next)


CHOOSE_KIND = StateKind(
    "choose",
    "Go on by conditions",
    EXAMPLE,
    Choose,
    compile_choose,
    "none",
    shape="decision",
    list_facts=list_choose_facts,
)
