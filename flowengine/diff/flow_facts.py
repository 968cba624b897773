"""A flow as facts."""

from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import UNSET
from msgspec.structs import asdict, replace

from flowengine.diff import normalisation
from flowengine.diff.project_facts import Fact, FlowFacts
from flowengine.diff.prompt_facts import PromptReader
from flowengine.diff.state_facts import (
    INHERITED_FIELDS,
    FactContext,
    FactReader,
    find_shared_error,
    read_state_facts,
)
from flowengine.model import Defaults, EventEntries, Flow, Project, Var
from flowengine.source import Document

ENGINE_DEFAULTS = {"attempts": 3, "timeout": "5s"}  # as states.asking has them
DEFAULT_SIZES = {"text": 64, "digits": 64}  # as compile.build has them


def read_written_defaults(defaults: Any) -> dict[str, Any]:
    """The defaults that an author wrote."""
    return (
        {name: value for name, value in asdict(defaults).items() if value is not UNSET}
        if isinstance(defaults, Defaults)
        else {}
    )


def read_flow_facts(flow: Flow, document: Document, project: Project) -> FlowFacts:
    wording = PromptReader(project, flow.locale or project.locale, flow.voice or project.voice)
    around = FactContext(
        flow,
        project,
        wording,
        {
            **ENGINE_DEFAULTS,
            **read_written_defaults(project.defaults),
            **read_written_defaults(flow.defaults),
        },
    )
    facts = [
        *read_speech_settings(around),
        *read_entries(flow),
        *read_flow_fallbacks(around),
        *read_variables(flow.vars),
        *read_signature(flow),
    ]
    states = {name: read_state_facts(name, state, around) for name, state in flow.states.items()}
    return FlowFacts(flow.flow, document, {fact.label: fact for fact in facts}, states)


def read_speech_settings(context: FactContext) -> Iterator[Fact]:
    for name in ("locale", "voice"):
        own = getattr(context.flow, name)
        yield Fact(
            "setting",
            name,
            own or getattr(context.project, name),
            (name,),
            own="" if own else f"=project {name}",
            uses=to_project_topics(name),
        )


def to_project_topics(name: str) -> frozenset[str]:
    return frozenset({f"project {name}"})


def read_entries(flow: Flow) -> Iterator[Fact]:
    on = flow.on or EventEntries()
    if flow.start:
        yield Fact("entry", "start", flow.start, ("start",), refers_to="state")
    for name in ("answered", "machine", "pressed", "ended"):
        if state := getattr(on, name):
            yield Fact("entry", name, state, ("on", name), refers_to="state")
    for kind, state in (on.notified or {}).items():
        yield Fact("entry", f"notified {kind}", state, ("on", "notified", kind), refers_to="state")


def read_flow_fallbacks(context: FactContext) -> Iterator[Fact]:
    """What states fall back to: the flow's defaults, or else the project's."""
    own = read_written_defaults(context.flow.defaults)
    for name in INHERITED_FIELDS:
        if name in context.defaults:
            yield from read_flow_default(context, name, written=name in own)
    for key, leads in context.flow.keys.items():
        yield Fact("key", f"key {key}", leads, ("keys", key), refers_to="state")
    if state := find_shared_error(context):
        written = bool(context.flow.error) or "error" in own
        yield Fact(
            "exit",
            "error",
            state,
            ("error",),
            refers_to="state",
            own="" if written else "=default error",
            uses=to_project_topics("default error"),
        )


def read_flow_default(context: FactContext, name: str, *, written: bool) -> Iterator[Fact]:
    topic = f"default {name}"
    reader = FactReader(context)
    reader.read_field(name, context.defaults[name], ("defaults", name), "default ")
    for fact in reader.facts.values():
        made = replace(fact, part="default", topic=topic)
        yield (
            made
            if written
            else replace(made, own=f"={topic}", uses=made.uses | to_project_topics(topic))
        )


def read_variables(declared: Mapping[str, Var]) -> Iterator[Fact]:
    for name, var in declared.items():
        size = (var.max or DEFAULT_SIZES[var.type]) if var.type in DEFAULT_SIZES else ""
        words = [
            var.type,
            f"at most {size}" if size else "",
            f"at first {normalisation.format_scalar(var.default)}"
            if var.default is not UNSET
            else "",
            f"one of {', '.join(sorted(var.choices))}" if var.choices else "",
            "secret" if var.secret else "",
        ]
        yield Fact("variable", f"variable {name}", ", ".join(filter(None, words)), ("vars", name))


def read_signature(flow: Flow) -> Iterator[Fact]:
    for name in ("inputs", "outputs", "outcomes"):
        if found := getattr(flow, name):
            yield Fact("setting", name, ", ".join(sorted(found)), (name,))
