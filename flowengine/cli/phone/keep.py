"""A call as it went, kept as a scenario."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from flowengine.cli.phone.deeds import Deed, told
from flowengine.cli.phone.session import Mark, Session
from flowengine.problems import abbreviate
from flowengine.scenarios.explore import Lookup, Plan, Trial
from flowengine.scenarios.generate import MAX_NAME, Dumper, lookup, plain
from flowengine.scenarios.generate import scenario as judged
from flowengine.scenarios.play import play
from flowengine.scenarios.project import Project
from flowengine.switch.happenings import Asked, Ended, Happening, Joined, Ringing

HEAD = "# Kept by `flowengine call --save`: a call as it went. Read it, and leave out what does not matter to you.\n"
Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Kept:
    """What a scenario is made of, besides the call itself. `hidden` are secrets, which must not be
    in a file.
    """

    flow: str
    given: Json
    asked: Sequence[Lookup]
    hidden: Sequence[str] = ()


def file_of(session: Session, kept: Kept) -> str:
    """The file with this one scenario."""
    data = {"flow": kept.flow, "scenarios": {title(session.steps): scenario(session, kept)}}
    return HEAD + yaml.dump(
        data, Dumper=Dumper, sort_keys=False, allow_unicode=True, width=1_000_000
    )


def scenario(session: Session, kept: Kept) -> Json:
    lookups = [lookup(asked, session.talk.call.id, kept.hidden) for asked in kept.asked]
    given = {**kept.given, **({"lookups": lookups} if lookups else {})}
    steps: list[Deed] = list(observed(session, kept.flow, Mark(0, 0, 0), session.marks[0]))
    for step, begin, end in zip(session.steps, session.marks[:-1], session.marks[1:], strict=True):
        steps += [plain(step), *observed(session, kept.flow, begin, end)]
    then = judged(Trial(kept.flow, Plan({}), session.talk, [], []))["then"]
    return {**({"given": given} if given else {}), "when": steps, "then": then}


def observed(session: Session, flow: str, begin: Mark, end: Mark) -> Iterator[Deed]:
    """What was heard and what became of the call between two deeds."""
    near, far = (
        session.talk.sounds["near"][begin.near : end.near],
        session.talk.sounds["far"][begin.far : end.far],
    )
    if near:
        yield {"hears only": alone(near)}
    if far:
        yield {"callee": {"hears only": alone(far)}}
    stretch = session.talk.happenings[begin.happenings : end.happenings]
    if reached := [
        item.to
        for item in stretch
        if isinstance(item, Ringing) or (isinstance(item, Joined) and item.kind == "conference")
    ]:
        yield {"connected to": reached[-1]}
    if said := standing(stretch, flow):
        yield said


def standing(stretch: Sequence[Happening], flow: str) -> Deed | None:
    """Where the call stands at the end of a stretch."""
    last = next(
        (item for item in reversed(stretch) if isinstance(item, (Asked, Ringing, Joined, Ended))),
        None,
    )
    if isinstance(last, Asked) and "." in last.menu:
        return {"asked": ".".join(last.menu.split(".")[:2]).removeprefix(f"{flow}.")}
    return "parked" if isinstance(last, Joined) and last.kind == "park" else None


def alone(texts: list[str]) -> str | list[str]:
    return texts[0] if len(texts) == 1 else texts


def title(steps: Sequence[Deed]) -> str:
    """What is special about a call, in a few words."""
    words = (f"callee {what}" if far else what for far, what in map(told, steps))
    return abbreviate(", ".join(words), MAX_NAME) or "somebody calls"


def faults(text: str, project: Project) -> list[str]:
    """Why this scenario does not pass as it stands, if it does not."""
    cases, problems = Project(
        project.files, {"scenarios/kept.yaml": text.encode()}, project.zone, project.variables
    ).cases()
    wrong = [problem.message for problem in problems if problem.severity == "error"]
    found = [failure for case in cases for failure in play(case, project).failures]
    return wrong + [
        " ".join(filter(None, (item.message, item.expected, item.found and f"but {item.found}")))
        for item in found
    ]
