"""What a scenario says of its parties against what it has: names, addresses and what they do."""

from collections.abc import Mapping
from typing import Protocol

import msgspec
from msgspec import UNSET

from flowengine.expr.value_domains import suggest_words
from flowengine.problems import quote_value, suggest_name
from flowengine.scenarios.scenario_parties import (
    PARTY_VERBS,
    PARTY_WORDS,
    AuthoredParty,
    Parties,
    parse_party_act,
)
from flowengine.scenarios.scenario_steps import CalleeStep, ScenarioStep, StepPartyAct
from flowengine.source import KeyPath

STEP_KEYS = frozenset(item.encode_name for item in msgspec.structs.fields(ScenarioStep))
NOT_ACTS = frozenset({"parties", "after"})


class ReportProblem(Protocol):
    """Notes a problem at a value, or at its key."""

    def __call__(
        self, code: str, path: KeyPath, message: str, hint: str = "", *, key: bool = False
    ) -> None: ...


def check_parties(report: ReportProblem, path: KeyPath, own: Parties, merged: Parties) -> None:
    """The parties that stand here; `merged` are all that hold here."""
    for name in own:
        if name in STEP_KEYS:
            hint = "take another name"
            report("FE709", (*path, name), f"{name}: is a step, so no party has it", hint, key=True)
        if not merged[name].is_:
            report(
                "FE709",
                (*path, name),
                f"nobody knows who {name} is",
                'say their address: is: "+14045009001"',
                key=True,
            )
        elif other := find_namesake(name, merged):
            message = f"{name} is {merged[name].is_}, and so is {other}"
            report("FE709", (*path, name), message, "one party has one name", key=True)


def find_namesake(name: str, parties: Parties) -> str:
    """A party before this one with the same address."""
    before = list(parties)[: list(parties).index(name)]
    return next((other for other in before if parties[other].is_ == parties[name].is_), "")


def check_party_step(
    report: ReportProblem, path: KeyPath, step: ScenarioStep, parties: Mapping[str, AuthoredParty]
) -> None:
    """What a step says of parties, and how long after it is to be so."""
    acts = step.parties or {}
    for name, written in acts.items():
        if name not in parties:
            hint = suggest_name(name, parties) or "name them under parties:"
            report("FE709", (*path, name), f"this scenario has no party {name}", hint, key=True)
        check_act(report, (*path, name), written)
    if step.after is not UNSET and list(acts.values()) != ["is rung"]:
        report(
            "FE702",
            (*path, "after"),
            "after: says how long it takes until a party is rung",
            "write it beside one: {after: 20s, anna: is rung}",
            key=True,
        )


def check_act(report: ReportProblem, path: KeyPath, written: StepPartyAct) -> None:
    act = parse_party_act(written)
    if act is None:
        words = [*PARTY_WORDS, *(f"{verb} …" for verb in PARTY_VERBS)]
        keys = str(written).startswith("presses ")
        hint = "keys are 0-9 * #" if keys else suggest_words(str(written), words)
        report("FE315", path, f"a party never {quote_value(str(written))}", hint)
    elif isinstance(act, CalleeStep) and len(list_fields(act)) != 1:
        report("FE702", path, "a step is one thing", "write one step for each, in their order")


def list_fields(struct: msgspec.Struct) -> list[str]:
    return [name for name in struct.__struct_fields__ if getattr(struct, name) is not UNSET]


def list_step_keys(step: ScenarioStep) -> list[str]:
    """What a step does, by the keys in the file."""
    written = [
        item.encode_name
        for item in msgspec.structs.fields(step)
        if item.encode_name not in NOT_ACTS and getattr(step, item.name) is not UNSET
    ]
    return [*written, *(step.parties or {})]
