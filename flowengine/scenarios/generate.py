"""Generates scenarios for what none has taken yet, from trial calls."""

import re
from collections.abc import Iterator, Mapping, Sequence
from textwrap import shorten
from typing import Any, TypeGuard

import msgspec
import yaml

from flowengine.compile import CompiledState, Release
from flowengine.limits import MAX_INTEGER_DIGITS
from flowengine.runtime.step_outcome import TraceEntry
from flowengine.scenarios.conversation import Conversation
from flowengine.scenarios.coverage import CoverageItem
from flowengine.scenarios.doubles import MadeRequest
from flowengine.scenarios.explore import Explorer, Trial, find_missing_items
from flowengine.scenarios.scenario_parties import CALLS_FIRST
from flowengine.scenarios.scenario_project import ScenarioProject
from flowengine.scenarios.scenario_run import get_position, list_trace, run_scenario
from flowengine.scenarios.then_checks import find_ender
from flowengine.scenarios.trial_inputs import JsonObject, TrialInputs
from flowengine.scenarios.trial_plan import TrialLookup
from flowengine.scenarios.uncalled_flows import find_uncalled_flows
from flowengine.source import read_document
from flowengine.sources.project_folder import PROJECT_FILE
from flowengine.switch.switch_events import (
    CallEnded,
    LegJoined,
    LegRinging,
    MenuListening,
    Role,
    SoundStarted,
    SwitchEvent,
)

GENERATED_HEADER = "# Written by `flowengine test --generate`: what the flow does, not what it should do. Read it before you keep it.\n"
MAX_NAME = 110
EXIT_PHRASES = {
    "again: no input": "silence",
    "again: no match": "a wrong key",
    "again: invalid": "a wrong entry",
    "again: not confirmed": "a correction",
    "otherwise": "too many attempts",
    "silent": "lasting silence",
    "empty": "an empty input",
    "repeat": "a repetition",
    "back": "going back",
    "failed": "a failed lookup",
    "on timeout": "a timeout",
    "on 404": "status 404",
    "on 5xx": "status 500",
    "error": "a failure",
    "nobody": "nobody taking the call",
    "busy": "all being busy",
    "no_answer": "no answer",
    "after": "the other end hanging up",
}
CHOICE_EXIT = re.compile(r"(key|choice|share|outcome|on) |person|machine|unsure|beep")


class ScenarioDumper(yaml.SafeDumper):
    """YAML as flows are written: lists stand in, and nothing is abbreviated."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002  # the signature of PyYAML
        """Whether to write a value out each time."""
        return True

    # the signature of PyYAML
    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002
        """Lists stand in."""
        super().increase_indent(flow, indentless=False)


class GeneratedScenarios(msgspec.Struct, frozen=True):
    """A file of scenarios for one flow, and how many are in it; none is written for 0. `was_cut` says
    that not all calls were tried which might take more, `uncalled` why no call comes to the flow.
    """

    flow: str
    text: str
    number: int
    was_cut: bool = False
    uncalled: str = ""


def generate_scenarios(
    project: ScenarioProject, trace: Sequence[TraceEntry]
) -> Iterator[GeneratedScenarios]:
    """Files for the flows that can be called, one by one, after those that cannot; `trace` is all that
    scenarios have taken so far.
    """
    release = project.compile().release
    assert release  # noqa: S101  # the caller has checked the project
    inputs = TrialInputs.from_release(release, read_tables(project), project.variables)
    missing = find_missing_items(release, trace)
    for flow, reason in find_uncalled_flows(inputs).items():
        if any(name == flow for name, _ in missing):
            yield GeneratedScenarios(flow, "", 0, uncalled=reason)
    subflows, entered = find_subflows(release), find_entered_flows(release)
    for flow in (name for name in release.programs if name not in subflows):
        wanted = {(name, item) for name, item in missing if name in (flow, *entered)}
        explorer = Explorer(flow, project, inputs, wanted)
        trials = explorer.explore() if wanted else []
        scenarios = name_scenarios(trials, inputs.hidden)
        text = to_yaml(flow, scenarios)
        kept = keep_passing(project, flow, scenarios, text)
        if kept or explorer.was_cut:
            yield GeneratedScenarios(flow, to_yaml(flow, kept), len(kept), explorer.was_cut)
        # what one flow takes of another, the next flow need not take again
        missing -= {item for trial in trials for item in trial.taken}


def find_subflows(release: Release) -> set[str]:
    """The flows that other flows use."""
    return {state.verb.callee for state in list_linking_states(release) if state.verb.callee}


def find_entered_flows(release: Release) -> set[str]:
    """The flows that other flows use or go over to."""
    return {state.verb.entered_flow for state in list_linking_states(release)}


def list_linking_states(release: Release) -> list[CompiledState]:
    return [state for program in release.programs.values() for state in program.linking_states]


def read_tables(project: ScenarioProject) -> dict[str, Any]:
    """The tables of a project as they stand in its files."""
    found: dict[str, Any] = {}
    for name, content in project.files.items():
        document, _ = read_document(content, name)
        data = document.data if document and isinstance(document.data, dict) else {}
        if name.startswith("tables/"):
            found[name] = data
        elif name == PROJECT_FILE:
            found |= data.get("tables") or {}
    return found


def keep_passing(
    project: ScenarioProject, flow: str, scenarios: dict[str, JsonObject], text: str
) -> dict[str, JsonObject]:
    """Those that pass when they are read back: what depends on an id of a call may not."""
    cases, _ = ScenarioProject(
        project.files,
        {f"scenarios/{flow}.yaml": text.encode()},
        project.zone,
        project.variables,
        project.known,
    ).load_cases()
    return {
        case.name: scenarios[case.name]
        for case in cases
        if not run_scenario(case, project).failures
    }


def to_yaml(flow: str, scenarios: dict[str, JsonObject]) -> str:
    data = {"flow": flow, "scenarios": scenarios}
    return GENERATED_HEADER + yaml.dump(
        data, Dumper=ScenarioDumper, sort_keys=False, allow_unicode=True, width=1_000_000
    )


def name_scenarios(trials: Sequence[Trial], hidden: Sequence[str] = ()) -> dict[str, JsonObject]:
    found: dict[str, JsonObject] = {}
    for trial in sorted(trials, key=lambda trial: (len(trial.plan.moves), len(trial.lookups))):
        name = make_title(trial)
        alike = sum(other == name or other.startswith(f"{name} (") for other in found)
        found[f"{name} ({alike + 1})" if alike else name] = build_scenario(trial, hidden)
    return found


def make_title(trial: Trial) -> str:
    """Where a call ends, and what it was written for: `agent, after silence in ask order`."""
    end = to_words(strip_flow(trial, ".".join(get_position(trial.talk))))
    new = [
        entry
        for entry in dict.fromkeys(list_trace(trial.talk))
        if (entry.flow, CoverageItem(entry.state, entry.what)) in trial.gained
    ]
    bare = [f"without {name}" for name in trial.plan.entry.get("environment", {})]
    return shorten(
        ", ".join([end, *filter(None, [explain_reason(new)]), *bare]), MAX_NAME, placeholder=" …"
    )


def explain_reason(new: Sequence[TraceEntry]) -> str:
    """What a scenario is written for: what went wrong, else the last choice; nothing where it has
    neither.
    """
    failures = [
        f"{EXIT_PHRASES[entry.what]} in {to_words(entry.state)}"
        for entry in new
        if entry.what in EXIT_PHRASES
    ]
    if failures:
        return f"after {' and '.join(failures)}"
    choices = [entry for entry in new if CHOICE_EXIT.match(entry.what)]
    return f"by {choices[-1].what} in {to_words(choices[-1].state)}" if choices else ""


def to_words(name: str) -> str:
    """The name of a state as words."""
    return name.replace("_", " ").replace(".", " ")


def build_scenario(trial: Trial, hidden: Sequence[str] = ()) -> JsonObject:
    """A tried call as its author would write it, without values of secret variables and without
    what is hidden.
    """
    given = {**trial.plan.entry}
    if trial.lookups:
        given["lookups"] = [
            build_lookup(asked, trial.talk.call.id, hidden) for asked in trial.lookups
        ]
    steps: list[JsonObject | str] = []
    for number, (begin, end) in enumerate(zip([0, *trial.marks], trial.marks, strict=False)):
        steps += [format_move(trial.plan.moves[number - 1])] if number else []
        steps += list_observations(trial, begin, end, hidden)
    return {
        **({"given": given} if given else {}),
        **build_parties(trial.talk),
        **({"when": steps} if steps else {}),
        "then": build_then(trial),
    }


def build_parties(talk: Conversation) -> JsonObject:
    """The parties whose phones have rung or who have called, with what they do by themselves."""
    named = {
        party.name: {
            "is": party.address,
            **({"does": party.does} if party.does else {}),
            **({"to": party.dials} if party.dials else {}),
        }
        for party in talk.parties.list_named()
        if party.rings or party.does == CALLS_FIRST or talk.parties.has_called(party)
    }
    return {"parties": named} if named else {}


def build_then(trial: Trial) -> JsonObject:
    """What holds at the end of a tried call."""
    call = trial.talk.call
    then: JsonObject = {}
    if call.ended:
        then |= {"ended by": find_ender(trial.talk), "result": call.ended.result}
    place = get_position(trial.talk)
    if place[0]:  # nobody has answered a placed call: then no flow has begun
        then["state"] = strip_flow(trial, ".".join(place))
    if values := list_shown_values(trial):
        then["vars"] = values
    if reported := call.status_report[0]:
        then["reported"] = reported
    if any(entry.what == "apology" for entry in list_trace(trial.talk)):
        then["apology"] = True
    return then


def list_shown_values(trial: Trial) -> JsonObject:
    """The variables of a call that have a value and are no secret."""
    known, secret = trial.talk.backend_call, secret_names(trial)
    return {
        name: value
        for name, value in (known.values if known else {}).items()
        if value not in ("", 0, False) and name not in secret
    }


def secret_names(trial: Trial) -> set[str]:
    """The names of variables that are secret in any flow."""
    backend = trial.talk.backend
    programs = backend.release.programs.values() if backend else ()
    return {name.removeprefix("vars.") for program in programs for name in program.secret_names}


def format_move(move: JsonObject | str) -> JsonObject | str:
    """A move as one writes it: keys without quotes where they are a number."""
    keys = move.get("press", "") if isinstance(move, dict) else ""
    return (
        {"press": int(keys)}
        if keys.isdigit() and len(keys) < MAX_INTEGER_DIGITS and str(int(keys)) == keys
        else move
    )


def strip_flow(trial: Trial, place: str) -> str:
    """A state of the flow itself needs no flow in front."""
    return place.removeprefix(f"{trial.flow}.")


def list_observations(
    trial: Trial, begin: int, end: int, hidden: Sequence[str] = ()
) -> Iterator[JsonObject]:
    """What could be heard and seen between two moves."""
    stretch = trial.talk.events[begin:end]
    near: Role = "callee" if "placed" in trial.plan.entry else "caller"
    texts = [item.sound.text for item in stretch if is_speech(item) and item.role == near]
    if texts and not has_any_word("".join(texts), (trial.talk.call.id, *hidden)):
        yield {"hears only": texts[0] if len(texts) == 1 else texts}
    if reached := list_reached_addresses(stretch):
        yield {"connected to": trial.talk.parties.get_name(reached[-1])}
    if asked := find_asking_state(stretch):
        yield {"asked": strip_flow(trial, asked)}


def list_reached_addresses(stretch: Sequence[SwitchEvent]) -> list[str]:
    """The addresses that rang or were connected, in order."""
    return [item.to for item in stretch if isinstance(item, (LegRinging, LegJoined)) and item.to]


def find_asking_state(stretch: Sequence[SwitchEvent]) -> str:
    """The state whose question waits at the end of these events; nothing where none does."""
    changes = (MenuListening, LegRinging, LegJoined, CallEnded)
    last = next((item for item in reversed(stretch) if isinstance(item, changes)), None)
    if not isinstance(last, MenuListening) or "." not in last.menu:
        return ""
    flow, state, *_ = last.menu.split(".")
    return f"{flow}.{state}"


def is_speech(event: SwitchEvent) -> TypeGuard[SoundStarted]:
    return (
        isinstance(event, SoundStarted) and bool(event.sound.text) and event.sound.kind != "ringing"
    )


def has_any_word(text: str, words: Sequence[str]) -> bool:
    """Whether a text holds one of these words, be it spelled out with blanks or dots."""
    spelled = re.sub(r"[^\w]", "", text)
    return any(word in text or word in spelled for word in words)


def build_lookup(asked: TrialLookup, call_id: str, hidden: Sequence[str] = ()) -> JsonObject:
    """The double that stands for a lookup. The id of a call is anybody's guess; anything may stand
    where something is hidden.
    """
    made: MadeRequest = asked.made
    words = (call_id, *hidden)
    found: JsonObject = {"service": made.service, made.method.lower(): mask_words(made.path, words)}
    if made.body:
        found["body"] = mask_words(made.body, words)
    return {**found, **asked.answer}


def mask_words(value: Any, words: Sequence[str]) -> Any:
    """The value with a star in place of each of these words."""
    if isinstance(value, Mapping):
        return {name: mask_words(part, words) for name, part in value.items()}
    if isinstance(value, list):
        return [mask_words(part, words) for part in value]
    for word in words if isinstance(value, str) else ():
        value = value.replace(word, "*")
    return value
