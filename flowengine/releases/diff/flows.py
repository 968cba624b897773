"""A flow as facts."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from msgspec import UNSET
from msgspec.structs import asdict

from flowengine.model import Defaults, Flow, On, Project, Var
from flowengine.releases.diff import normal
from flowengine.releases.diff.facts import Fact, FlowFacts
from flowengine.releases.diff.reading import INHERITED, Around, Reader, read_state, shared_error
from flowengine.releases.diff.wording import Wording
from flowengine.source import Document

ENGINE = {"attempts": 3, "timeout": "5s"}  # as states.asking has them
SIZED = {"text": 64, "digits": 64}  # as compile.build has them


def given(defaults: Any) -> dict[str, Any]:
    """The defaults that somebody wrote."""
    return (
        {name: value for name, value in asdict(defaults).items() if value is not UNSET}
        if isinstance(defaults, Defaults)
        else {}
    )


def read_flow(flow: Flow, document: Document, project: Project) -> FlowFacts:
    wording = Wording(project, flow.locale or project.locale, flow.voice or project.voice)
    around = Around(
        flow, project, wording, {**ENGINE, **given(project.defaults), **given(flow.defaults)}
    )
    facts = [
        *spoken(around),
        *entries(flow),
        *shared(around),
        *variables(flow.vars),
        *signature(flow),
    ]
    states = {name: read_state(name, state, around) for name, state in flow.states.items()}
    return FlowFacts(flow.flow, document, {fact.label: fact for fact in facts}, states)


def spoken(around: Around) -> Iterator[Fact]:
    for name in ("locale", "voice"):
        own = getattr(around.flow, name)
        yield Fact(
            "setting",
            name,
            own or getattr(around.project, name),
            (name,),
            own="" if own else f"=project {name}",
            uses=project(name),
        )


def project(name: str) -> frozenset[str]:
    return frozenset({f"project {name}"})


def entries(flow: Flow) -> Iterator[Fact]:
    on = flow.on or On()
    if flow.start:
        yield Fact("entry", "start", flow.start, ("start",), leads="state")
    for name in ("answered", "pressed", "ended"):
        if state := getattr(on, name):
            yield Fact("entry", name, state, ("on", name), leads="state")
    for kind, state in (on.notified or {}).items():
        yield Fact("entry", f"notified {kind}", state, ("on", "notified", kind), leads="state")


def shared(around: Around) -> Iterator[Fact]:
    """What states fall back to: the flow's defaults, or else the project's."""
    own = given(around.flow.defaults)
    for name in INHERITED:
        if name in around.defaults:
            yield from default(around, name, written=name in own)
    for key, leads in around.flow.keys.items():
        yield Fact("key", f"key {key}", leads, ("keys", key), leads="state")
    if state := shared_error(around):
        written = bool(around.flow.error) or "error" in own
        yield Fact(
            "exit",
            "error",
            state,
            ("error",),
            leads="state",
            own="" if written else "=default error",
            uses=project("default error"),
        )


def default(around: Around, name: str, *, written: bool) -> Iterator[Fact]:
    topic = f"default {name}"
    reader = Reader(around)
    reader.part(name, around.defaults[name], ("defaults", name), "default ")
    for fact in reader.facts.values():
        made = replace(fact, part="default", topic=topic)
        yield made if written else replace(made, own=f"={topic}", uses=made.uses | project(topic))


def variables(declared: Mapping[str, Var]) -> Iterator[Fact]:
    for name, var in declared.items():
        size = (var.max or SIZED[var.type]) if var.type in SIZED else ""
        words = [
            var.type,
            f"at most {size}" if size else "",
            f"at first {normal.scalar(var.default)}" if var.default is not UNSET else "",
            f"one of {', '.join(sorted(var.choices))}" if var.choices else "",
            "secret" if var.secret else "",
        ]
        yield Fact("variable", f"variable {name}", ", ".join(filter(None, words)), ("vars", name))


def signature(flow: Flow) -> Iterator[Fact]:
    for name in ("inputs", "outputs", "outcomes"):
        if found := getattr(flow, name):
            yield Fact("setting", name, ", ".join(sorted(found)), (name,))
