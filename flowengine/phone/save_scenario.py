"""Saves a call as a scenario."""

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
import yaml
from msgspec.structs import replace

from flowengine.phone.phone_call import CallProgress, PhoneCall
from flowengine.phone.phone_steps import PhoneStep, describe_step
from flowengine.problems import abbreviate
from flowengine.scenarios.explore import Trial
from flowengine.scenarios.generate import (
    MAX_NAME,
    ScenarioDumper,
    build_lookup,
    build_parties,
    format_move,
)
from flowengine.scenarios.generate import build_scenario as judged
from flowengine.scenarios.scenario_project import ScenarioProject
from flowengine.scenarios.scenario_run import run_scenario
from flowengine.scenarios.trial_plan import TrialLookup, TrialPlan
from flowengine.switch.switch_events import (
    CallEnded,
    LegJoined,
    LegRinging,
    MenuListening,
    SwitchEvent,
)

SCENARIO_HEADER = "# Kept by `flowengine call --save`: a call as it went. Read it, and leave out what does not matter to you.\n"
ScenarioData = dict[str, Any]


class SavedScenario(msgspec.Struct, frozen=True):
    """What a scenario is made of, besides the call itself. `hidden` are secrets, which must not be
    in a file. Without a `name` it is called after what happens in it.
    """

    flow: str
    given: ScenarioData
    lookups: Sequence[TrialLookup]
    hidden: Sequence[str] = ()
    name: str = ""
    header: str = SCENARIO_HEADER


def format_scenario_file(call: PhoneCall, kept: SavedScenario) -> str:
    """The file with this one scenario."""
    data = {
        "flow": kept.flow,
        "scenarios": {kept.name or format_title(call.steps): build_saved_scenario(call, kept)},
    }
    return kept.header + yaml.dump(
        data, Dumper=ScenarioDumper, sort_keys=False, allow_unicode=True, width=1_000_000
    )


def build_saved_scenario(call: PhoneCall, kept: SavedScenario) -> ScenarioData:
    lookups = [build_lookup(asked, call.talk.call.id, kept.hidden) for asked in kept.lookups]
    given = {**kept.given, **({"lookups": lookups} if lookups else {})}
    steps: list[PhoneStep] = list(
        build_observations(call, kept.flow, CallProgress(), call.marks[0])
    )
    for step, begin, end in zip(call.steps, call.marks[:-1], call.marks[1:], strict=True):
        steps += [format_move(step), *build_observations(call, kept.flow, begin, end)]
    then = judged(Trial(kept.flow, TrialPlan({}), call.talk, [], []))["then"]
    parties = build_parties(call.talk)
    return {**({"given": given} if given else {}), **parties, "when": steps, "then": then}


def build_observations(
    call: PhoneCall, flow: str, begin: CallProgress, end: CallProgress
) -> Iterator[PhoneStep]:
    """What was heard and what became of the call between two deeds."""
    near, far = (
        call.talk.sounds["near"][begin.near : end.near],
        call.talk.sounds["far"][begin.far : end.far],
    )
    if near:
        yield {"hears only": unwrap_single(near)}
    if far:
        yield {"callee": {"hears only": unwrap_single(far)}}
    stretch = call.talk.events[begin.event_count : end.event_count]
    if reached := [
        item.to
        for item in stretch
        if isinstance(item, LegRinging)
        or (isinstance(item, LegJoined) and is_destination(call, item))
    ]:
        yield {"connected to": call.talk.parties.get_name(reached[-1])}
    if said := describe_call_state(stretch, flow, end.phase):
        yield said


def is_destination(call: PhoneCall, joined: LegJoined) -> bool:
    """Whether nothing has rung before: a conference, or a party of a ring."""
    return joined.kind == "conference" or call.talk.parties.has(joined.to)


def describe_call_state(stretch: Sequence[SwitchEvent], flow: str, phase: str) -> PhoneStep | None:
    """Where the call stands at the end of a stretch. A caller who waits in a queue hears its menu,
    and is asked no more when the music begins.
    """
    last = next(
        (
            item
            for item in reversed(stretch)
            if isinstance(item, (MenuListening, LegRinging, LegJoined, CallEnded))
        ),
        None,
    )
    if isinstance(last, MenuListening) and "." in last.menu and phase == "asked":
        return {"asked": ".".join(last.menu.split(".")[:2]).removeprefix(f"{flow}.")}
    return "parked" if isinstance(last, LegJoined) and last.kind == "park" else None


def unwrap_single(texts: list[str]) -> str | list[str]:
    return texts[0] if len(texts) == 1 else texts


def format_title(steps: Sequence[PhoneStep]) -> str:
    """What is special about a call, in a few words."""
    words = (f"callee {what}" if far else what for far, what in map(describe_step, steps))
    return abbreviate(", ".join(words), MAX_NAME) or "somebody calls"


def find_faults(text: str, project: ScenarioProject) -> list[str]:
    """Why this scenario does not pass as it stands, if it does not."""
    kept = replace(project, scenarios={"scenarios/kept.yaml": text.encode()})
    cases, problems = kept.load_cases()
    wrong = [problem.message for problem in problems if problem.severity == "error"]
    found = [failure for case in cases for failure in run_scenario(case, project).failures]
    return wrong + [
        " ".join(filter(None, (item.message, item.expected, item.found and f"but {item.found}")))
        for item in found
    ]
