"""Scenarios for whatever none has taken yet, written from calls that were tried."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from textwrap import shorten
from typing import Any

import yaml

from flowengine.limits import MAX_INTEGER_DIGITS
from flowengine.model.folder import PROJECT_FILE
from flowengine.runtime.step import Entry
from flowengine.scenarios.coverage import Item, coverage
from flowengine.scenarios.doubles import Made
from flowengine.scenarios.explore import Explorer, Lookup, Trial
from flowengine.scenarios.inputs import Inputs, Json
from flowengine.scenarios.play import play, where
from flowengine.scenarios.project import Project
from flowengine.scenarios.verdict import ender
from flowengine.source import read
from flowengine.states.subflow import CompiledSubflow
from flowengine.switch.happenings import Asked, Ended, Heard, Joined, Ringing, Role

HEAD = "# Written by `flowengine test --generate`: what the flow does, not what it should do. Read it before you keep it.\n"
MAX_NAME = 110
MISHAPS = {
    "again: no input": "silence", "again: no match": "a wrong key", "again: invalid": "a wrong "
                                                                                      "entry",
    "again: not confirmed": "a correction", "otherwise": "too many attempts", "repeat": "a "
                                                                                        "repetition", "back": "going back",
    "failed": "a failed lookup", "on timeout": "a timeout", "on 404": "status 404", "on "
                                                                                    "5xx": "status "
                                                                                           "500", "error": "a mishap",
}  # fmt: skip
CHOICE = re.compile(r"(key|choice|share|outcome|on) |person|machine|unsure|beep")


class Dumper(yaml.SafeDumper):
    """YAML as flows are written: lists stand in, and nothing is abbreviated."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002  # the signature of PyYAML
        """Whether to write a value out each time."""
        return True

    # the signature of PyYAML
    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002
        """Lists stand in."""
        super().increase_indent(flow, indentless=False)


@dataclass(frozen=True, slots=True)
class Generated:
    """A file of scenarios for one flow, and how many are in it."""

    flow: str
    text: str
    number: int


def generate(project: Project, trace: Sequence[Entry]) -> Iterator[Generated]:
    """Files for the flows that can be called, one by one; `trace` is all that scenarios have taken
    so far.
    """
    release = project.compiled().release
    assert release  # noqa: S101  # whoever asks has checked the project
    inputs = Inputs.of(release, tables(project), project.variables)
    missing = {
        (flow.flow, item) for flow in coverage(release.programs, trace) for item in flow.missing
    }
    verbs = (
        state.verb for program in release.programs.values() for state in program.states.values()
    )
    inner = {verb.flow for verb in verbs if isinstance(verb, CompiledSubflow)}
    for flow in (name for name in release.programs if name not in inner):
        wanted = {(name, item) for name, item in missing if name in (flow, *inner)}
        trials = Explorer(flow, project, inputs, wanted).explore() if wanted else []
        scenarios = named(trials, inputs.hidden)
        text = written(flow, scenarios)
        if kept := holding(project, flow, scenarios, text):
            yield Generated(flow, written(flow, kept), len(kept))
        missing -= {item for trial in trials for item in trial.taken}


def tables(project: Project) -> dict[str, Any]:
    """The tables of a project as they stand in its files."""
    found: dict[str, Any] = {}
    for name, content in project.files.items():
        document, _ = read(content, name)
        data = document.data if document and isinstance(document.data, dict) else {}
        if name.startswith("tables/"):
            found[name] = data
        elif name == PROJECT_FILE:
            found |= data.get("tables") or {}
    return found


def holding(project: Project, flow: str, scenarios: dict[str, Json], text: str) -> dict[str, Json]:
    """Those that pass when they are read back: what depends on an id of a call may not."""
    cases, _ = Project(
        project.files,
        {f"scenarios/{flow}.yaml": text.encode()},
        project.zone,
        project.variables,
        project.known,
    ).cases()
    return {case.name: scenarios[case.name] for case in cases if not play(case, project).failures}


def written(flow: str, scenarios: dict[str, Json]) -> str:
    data = {"flow": flow, "scenarios": scenarios}
    return HEAD + yaml.dump(
        data, Dumper=Dumper, sort_keys=False, allow_unicode=True, width=1_000_000
    )


def named(trials: Sequence[Trial], hidden: Sequence[str] = ()) -> dict[str, Json]:
    found: dict[str, Json] = {}
    for trial in sorted(trials, key=lambda trial: (len(trial.plan.moves), len(trial.asked))):
        name = title(trial)
        alike = sum(other == name or other.startswith(f"{name} (") for other in found)
        found[f"{name} ({alike + 1})" if alike else name] = scenario(trial, hidden)
    return found


def title(trial: Trial) -> str:
    """Where a call ends, and what it was written for: `agent, after silence in ask order`."""
    end = spoken(local(trial, ".".join(where(trial.talk))))
    entries = (
        entry
        for step in (trial.talk.known.steps if trial.talk.known else ())
        for entry in step.trace
    )
    new = [
        entry
        for entry in dict.fromkeys(entries)
        if (entry.flow, Item(entry.state, entry.what)) in trial.gained
    ]
    mishaps = [
        f"{MISHAPS[entry.what]} in {spoken(entry.state)}" for entry in new if entry.what in MISHAPS
    ]
    choices = [
        f"{entry.what} in {spoken(entry.state)}" for entry in new if CHOICE.match(entry.what)
    ]
    bare = [f"without {name}" for name in trial.plan.way.get("environment", {})]
    why = f"after {' and '.join(mishaps)}" if mishaps else f"by {choices[-1]}" if choices else ""
    return shorten(", ".join([end, *filter(None, [why]), *bare]), MAX_NAME, placeholder=" …")


def spoken(name: str) -> str:
    """The name of a state as words."""
    return name.replace("_", " ").replace(".", " ")


def scenario(trial: Trial, hidden: Sequence[str] = ()) -> Json:
    """A tried call as its author would write it, without values of secret variables and without
    what is hidden.
    """
    known = trial.talk.known
    given = {**trial.plan.way}
    if trial.asked:
        given["lookups"] = [lookup(asked, trial.talk.call.id, hidden) for asked in trial.asked]
    steps: list[Json | str] = []
    for number, (begin, end) in enumerate(zip([0, *trial.marks], trial.marks, strict=False)):
        steps += [plain(trial.plan.moves[number - 1])] if number else []
        steps += observed(trial, begin, end, hidden)
    ended = trial.talk.call.ended
    then: Json = {"ended by": ender(trial.talk), "result": ended.result} if ended else {}
    secret = secret_names(trial)
    values = {
        name: value
        for name, value in (known.values if known else {}).items()
        if value not in ("", 0, False) and name not in secret
    }
    then |= {"state": local(trial, ".".join(where(trial.talk)))} | (
        {"vars": values} if values else {}
    )
    then |= {"reported": trial.talk.call.report[0]} if trial.talk.call.report[0] else {}
    apology = any(
        entry.what == "apology" for step in (known.steps if known else ()) for entry in step.trace
    )
    return {
        **({"given": given} if given else {}),
        **({"when": steps} if steps else {}),
        "then": then | ({"apology": True} if apology else {}),
    }


def secret_names(trial: Trial) -> set[str]:
    """The names of variables that are secret in any flow."""
    backend = trial.talk.backend
    programs = backend.release.programs.values() if backend else ()
    return {name.removeprefix("vars.") for program in programs for name in program.secret}


def plain(move: Json | str) -> Json | str:
    """A move as one writes it: keys without quotes where they are a number."""
    keys = move.get("press", "") if isinstance(move, dict) else ""
    return (
        {"press": int(keys)}
        if keys.isdigit() and len(keys) < MAX_INTEGER_DIGITS and str(int(keys)) == keys
        else move
    )


def local(trial: Trial, place: str) -> str:
    """A state of the flow itself needs no flow in front."""
    return place.removeprefix(f"{trial.flow}.")


def observed(trial: Trial, begin: int, end: int, hidden: Sequence[str] = ()) -> Iterator[Json]:
    """What could be heard and seen between two moves."""
    stretch = trial.talk.happenings[begin:end]
    near: Role = "callee" if "placed" in trial.plan.way else "caller"
    heard = [
        item
        for item in stretch
        if isinstance(item, Heard) and item.sound.text and item.sound.kind != "ringing"
    ]
    texts = [item.sound.text for item in heard if item.role == near]
    spelled = re.sub(r"[^\w]", "", "".join(texts))
    if texts and not any(
        word in "".join(texts) or word in spelled for word in (trial.talk.call.id, *hidden)
    ):
        yield {"hears only": texts[0] if len(texts) == 1 else texts}
    reached = [item.to for item in stretch if isinstance(item, (Ringing, Joined)) and item.to]
    if reached:
        yield {"connected to": reached[-1]}
    last = next(
        (item for item in reversed(stretch) if isinstance(item, (Asked, Ringing, Joined, Ended))),
        None,
    )
    if isinstance(last, Asked) and "." in last.menu:
        yield {"asked": local(trial, ".".join(last.menu.split(".")[:2]))}


def lookup(asked: Lookup, call_id: str, hidden: Sequence[str] = ()) -> Json:
    """The double that stands for a lookup. The id of a call is anybody's guess; anything may stand
    where something is hidden.
    """
    made: Made = asked.made
    words = (call_id, *hidden)
    found: Json = {"service": made.service, made.method.lower(): starred(made.path, words)}
    if made.body:
        found["body"] = starred(made.body, words)
    return {**found, **asked.answer}


def starred(value: Any, words: Sequence[str]) -> Any:
    """The value with a star in place of each of these words."""
    if isinstance(value, Mapping):
        return {name: starred(part, words) for name, part in value.items()}
    for word in words if isinstance(value, str) else ():
        value = value.replace(word, "*")
    return value
