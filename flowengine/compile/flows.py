"""The flows of a project to programs. A flow that cannot come out otherwise than last time is not
compiled again.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from msgspec import UNSET
from msgspec.structs import asdict

from flowengine.compile import facts, names
from flowengine.compile.build import program, signature, variables
from flowengine.compile.common import Common
from flowengine.compile.domains import domains
from flowengine.compile.program import Program
from flowengine.expr import Scope, Type
from flowengine.model import Authored, Flow, Memory, Project
from flowengine.problems import Problem
from flowengine.source import INTERNAL_CODE, Document, internal_errors_reported
from flowengine.states import Signature, Surroundings, Variable
from flowengine.states.builder import Service
from flowengine.states.menu import Menu, Option
from flowengine.states.prompt import Localised

V = TypeVar("V")
Marks = Mapping[str, object]
FETCHED: Mapping[str, Type] = {"body": Type.ANY, "status": Type.INTEGER}


@dataclass(frozen=True, slots=True)
class Declared:
    """What a flow says of itself to others."""

    variables: Mapping[str, Variable]
    signature: Signature
    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class Offers:
    """What flows ask for by name, and the marks that tell whether it is still the same."""

    messages: Mapping[str, Localised]
    services: Mapping[str, Service]
    subflows: Mapping[str, Signature]
    marks: Mapping[str, Marks]


@dataclass(frozen=True, slots=True)
class Asked:
    """The marks of what a flow was given, None where there was nothing; and all names, where it
    looked at them all.
    """

    marks: Marks
    listed: tuple[str, ...] | None

    def still(self, marks: Marks) -> bool:
        """Whether it would be answered alike."""
        listed = self.listed is None or self.listed == tuple(marks)
        return listed and all(marks.get(name) == mark for name, mark in self.marks.items())


class Asking(Mapping[str, V]):
    """An offer that notes what is asked of it."""

    def __init__(self, offered: Mapping[str, V], marks: Marks) -> None:
        self._offered = offered
        self._marks = marks
        self._seen: dict[str, object] = {}
        self._listed: tuple[str, ...] | None = None

    def __getitem__(self, name: str) -> V:
        self._seen[name] = self._marks.get(name)
        return self._offered[name]

    def __iter__(self) -> Iterator[str]:
        self._listed = tuple(self._offered)
        return iter(self._listed)

    def __len__(self) -> int:
        return len(list(self))

    def asked(self) -> Asked:
        return Asked(self._seen, self._listed)


@dataclass(frozen=True, slots=True)
class Built:
    """A flow compiled, with what it asked for while it was."""

    program: Program
    problems: tuple[Problem, ...]
    asked: Mapping[str, Asked]

    def still(self, offers: Offers) -> bool:
        """Whether it would come out alike; what failed by a mistake of ours is tried again."""
        return all(
            asked.still(offers.marks[part]) for part, asked in self.asked.items()
        ) and not any(problem.code == INTERNAL_CODE for problem in self.problems)


def programs(
    authored: Authored, common: Common, memory: Memory
) -> tuple[dict[str, Program], list[Problem]]:
    """All programs, and what is wrong with each by itself."""
    problems: list[Problem] = []
    declared: dict[str, Declared] = {}
    for name, (flow, document) in authored.flows.items():
        with internal_errors_reported(problems, document.key_span(())):
            declared[name] = memory.recall(
                ("declared", name), document, partial(declare, flow, document)
            )
    signatures = {name: own.signature for name, own in declared.items()}
    offers = Offers(
        authored.project.messages,
        common.services,
        signatures,
        {**common.marks, "subflows": signatures},
    )
    back = any(
        memory.recall(("goes back", name), document, partial(has_back_key, flow))
        for name, (flow, document) in authored.flows.items()
    )
    scope = widest(declared.values(), common, memory)
    make = partial(built, authored.project, common, offers, scope, back)
    found: dict[str, Built] = {}
    for name, own in declared.items():
        flow, document = authored.flows[name]
        with internal_errors_reported(problems, document.key_span(())):
            found[name] = memory.recall(
                ("program", name),
                (document, common.asked, back),
                partial(make, flow, document, own),
                lambda known: known.still(offers),
            )
    problems += [problem for own in declared.values() for problem in own.problems]
    problems += [problem for made in found.values() for problem in made.problems]
    return facts.shared({name: made.program for name, made in found.items()}, memory), problems


def has_back_key(flow: Flow) -> bool:
    """Whether a key of this flow leads back to the question before."""
    menus = [state.menu for state in flow.states.values() if isinstance(state.menu, Menu)]
    return "back" in flow.keys.values() or any(leads_back(menu.options) for menu in menus)


def leads_back(options: Mapping[str, str | Option]) -> bool:
    return any(
        option == "back"
        if isinstance(option, str)
        else option.next == "back" or (option.menu is not UNSET and leads_back(option.menu.options))
        for option in options.values()
    )


def declare(flow: Flow, document: Document) -> Declared:
    problems: list[Problem] = []
    own = variables(flow, document, problems)
    return Declared(own, signature(flow, document, own, problems), tuple(problems))


def widest(declared: Iterable[Declared], common: Common, memory: Memory) -> Scope:
    """A scope with the names of all flows, so that most of their expressions share one environment."""
    own = {item.name: item.type for each in declared for item in each.variables.values()}
    known = {
        **names.types(own, common.calendars),
        **dict.fromkeys(common.secrets, Type.TEXT),
        **FETCHED,
    }
    return memory.recall(("scope",), (known, common.asked), lambda: Scope(known, common.tables))


def built(
    project: Project,
    common: Common,
    offers: Offers,
    wide: Scope,
    back: bool,  # handed on by a partial
    flow: Flow,
    document: Document,
    declared: Declared,
) -> Built:
    problems: list[Problem] = []
    messages = Asking(offers.messages, offers.marks["messages"])
    services = Asking(offers.services, offers.marks["services"])
    subflows = Asking(offers.subflows, offers.marks["subflows"])
    own = dict(declared.variables)  # its states add to it
    around = Surroundings(
        flow=flow.flow,
        locale=flow.locale or project.locale,
        voice=flow.voice or project.voice,
        variables=own,
        messages=messages,
        services=services,
        secrets=common.secrets,
        subflows=subflows,
        global_keys=flow.keys,
        defaults=defaults(project, flow),
        menu_ids=project.platform.menu_ids,
        goes_back=back,
    )
    scope = wide.narrowed(
        names.types({key: item.type for key, item in own.items()}, common.calendars),
        domains(own, common.calendars),
    )
    made = program(flow, document, scope, around, problems)
    asked = {
        "messages": messages.asked(),
        "services": services.asked(),
        "subflows": subflows.asked(),
    }
    return Built(made, tuple(problems), asked)


def defaults(project: Project, flow: Flow) -> dict[str, Any]:
    """What a state falls back to: the flow's defaults before the project's."""
    layers = (project.defaults, flow.defaults)
    return {
        name: value
        for layer in layers
        if layer
        for name, value in asdict(layer).items()
        if value is not UNSET
    }
