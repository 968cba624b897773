"""The flows of a project to programs. A flow that cannot come out otherwise than last time is not
compiled again.
"""

from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

import msgspec
from msgspec import UNSET
from msgspec.structs import asdict

from flowengine.compile import expression_names, interprocedural_liveness
from flowengine.compile.dependencies import (
    Dependencies,
    Fingerprints,
    UsedFingerprints,
    track_dependencies,
)
from flowengine.compile.flow_compiler import FlowCompiler, compile_flow
from flowengine.compile.flow_variables import compile_signature, compile_variables
from flowengine.compile.name_domains import build_domains, list_flow_locales
from flowengine.compile.program import Program
from flowengine.compile.shared_definitions import SharedDefinitions
from flowengine.compile.shared_parts import SharedParts
from flowengine.expr import Scope, Type
from flowengine.model import AuthoredProject, CompileCache, Flow, Project
from flowengine.problems import Problem
from flowengine.source import INTERNAL_CODE, Document, report_internal_errors
from flowengine.states import STATE_KINDS, FlowContext, FlowSignature, Variable
from flowengine.states.flow_context import UnreadNames

UNREAD_FINGERPRINT = "unread"
LOOKUP_NAMES: Mapping[str, Type] = {"body": Type.ANY, "status": Type.INTEGER}


class FlowDeclaration(msgspec.Struct, frozen=True):
    """What other flows may know of a flow."""

    variables: Mapping[str, Variable]
    signature: FlowSignature
    problems: tuple[Problem, ...]


class FlowBuild(msgspec.Struct, frozen=True):
    """A compiled flow, with what it looked up meanwhile."""

    program: Program
    problems: tuple[Problem, ...]
    used_fingerprints: Mapping[str, UsedFingerprints]

    def is_unchanged(self, offers: Dependencies) -> bool:
        """Whether compiling again would have the same result. A flow that failed by an internal
        error is compiled again.
        """
        return all(
            asked.is_unchanged(offers.fingerprints[part])
            for part, asked in self.used_fingerprints.items()
        ) and not any(problem.code == INTERNAL_CODE for problem in self.problems)


def compile_flows(
    authored: AuthoredProject,
    common: SharedDefinitions,
    memory: CompileCache,
    *,
    is_whole: bool,
) -> tuple[dict[str, Program], list[Problem]]:
    """All programs, and the problems of each by itself. `is_whole` says that no part of the project
    is left out, as it could not be read.
    """
    problems: list[Problem] = []
    declared: dict[str, FlowDeclaration] = {}
    for name, (flow, document) in authored.flows.items():
        with report_internal_errors(problems, partial(document.find_key_span, ())):
            declared[name] = memory.get_or_compute(
                ("declared", name), document, partial(declare, flow, document)
            )
    # all flows are declared before any is compiled, so that subflows may be used in any order
    signatures = {name: own.signature for name, own in declared.items()}
    offers = Dependencies(
        authored.project.messages,
        common.services,
        common.groups,
        signatures,
        {**common.fingerprints, "subflows": {**mark_unread_flows(authored.unread), **signatures}},
        UnreadNames(authored.unread.names | common.unread.names),
    )
    back = can_go_back(authored, memory)
    locales = list_call_locales(authored, declared, memory) if is_whole else ()
    scope = build_shared_scope(declared.values(), common, memory)
    make = partial(build_flow, authored.project, common, offers, SharedParts(), scope, back)
    found: dict[str, FlowBuild] = {}
    for name, own in declared.items():
        flow, document = authored.flows[name]
        # few flows ask for the locale, and the others are not compiled again for a new one
        spoken = locales if "call.locale" in document.text else ()
        with report_internal_errors(problems, partial(document.find_key_span, ())):
            found[name] = memory.get_or_compute(
                ("program", name),
                # what a flow looks up by name is compared after this key, as it is only known once
                # the flow was compiled
                (document, common.cache_key, back, spoken, common.unread),
                partial(make, spoken, flow, document, own),
                lambda known: known.is_unchanged(offers),
            )
    problems += [problem for own in declared.values() for problem in own.problems]
    problems += [problem for made in found.values() for problem in made.problems]
    return interprocedural_liveness.add_subflow_facts(
        {name: made.program for name, made in found.items()}, memory
    ), problems


def mark_unread_flows(unread: UnreadNames) -> Fingerprints:
    """A fingerprint for each flow that could not be read, unlike that of one that is missing."""
    return {name: UNREAD_FINGERPRINT for part, name in unread.names if part == "flows"}


def list_call_locales(
    authored: AuthoredProject, declared: Mapping[str, FlowDeclaration], memory: CompileCache
) -> tuple[str, ...]:
    """The locales that a call may have in any flow, as flows use each other; none where only a call
    tells.
    """
    if authored.outside.call_locales is None:
        return ()
    found = {authored.project.locale, *authored.outside.call_locales}
    for name, own in declared.items():
        flow, document = authored.flows[name]
        spoken = memory.get_or_compute(
            ("authored locales", name), document, partial(list_flow_locales, flow, own.variables)
        )
        if spoken is None:
            return ()
        found.update(spoken)
    return tuple(sorted(found))


def can_go_back(authored: AuthoredProject, memory: CompileCache) -> bool:
    """Whether some key leads back. One anywhere is enough: a question of one flow may be asked again
    from another.
    """
    return authored.outside.leads_back or any(
        memory.get_or_compute(("goes back", name), document, partial(has_back_key, flow, document))
        for name, (flow, document) in authored.flows.items()
    )


def has_back_key(flow: Flow, document: Document) -> bool:
    """Whether a key of this flow leads back to the question before."""
    # an escape may write any word
    if "back" not in document.text and "\\" not in document.text:
        return False
    return "back" in flow.keys.values() or any(
        target == "back"
        for state in document.data["states"].values()
        for name, kind in STATE_KINDS.items()
        if name in state
        for _, target in kind.list_keys(state[name])
    )


def declare(flow: Flow, document: Document) -> FlowDeclaration:
    problems: list[Problem] = []
    own = compile_variables(flow, document, problems)
    return FlowDeclaration(own, compile_signature(flow, document, own, problems), tuple(problems))


def build_shared_scope(
    declared: Iterable[FlowDeclaration], common: SharedDefinitions, memory: CompileCache
) -> Scope:
    """A scope with the names of all flows, so that most of their expressions share one environment."""
    own = {item.name: item.type for each in declared for item in each.variables.values()}
    known = {
        **expression_names.list_name_types(own, common.calendars),
        **dict.fromkeys(common.secrets, Type.TEXT),
        **LOOKUP_NAMES,
    }
    return memory.get_or_compute(
        ("scope",), (known, common.cache_key), lambda: Scope(known, common.tables)
    )


def build_flow(
    project: Project,
    common: SharedDefinitions,
    offers: Dependencies,
    shared: SharedParts,
    wide: Scope,
    back: bool,  # handed on by a partial
    locales: tuple[str, ...],
    flow: Flow,
    document: Document,
    declared: FlowDeclaration,
) -> FlowBuild:
    problems: list[Problem] = []
    used = track_dependencies(offers)
    own = dict(declared.variables)  # its states add to it
    around = FlowContext(
        flow_name=flow.flow,
        locale=flow.locale or project.locale,
        voice=flow.voice or project.voice,
        variables=own,
        secrets=common.secrets,
        global_keys=flow.keys,
        defaults=merge_defaults(project, flow),
        unread=offers.unread,
        menu_ids=project.platform.menu_ids,
        goes_back=back,
        storage=common.storage,
        **used,
    )
    head = shared.encode_head(document, locales)
    scope = shared.scopes.get(head) if head else None
    if scope is None:
        scope = wide.narrow(
            expression_names.list_name_types(
                {key: item.type for key, item in declared.variables.items()}, common.calendars
            ),
            build_domains(declared.variables, common.calendars, locales),
        )
    if head:
        shared.scopes[head] = scope
    made = compile_flow(FlowCompiler(flow, document, scope, around, used, problems, shared, head))
    asked = {part: tracker.get_used_fingerprints() for part, tracker in used.items()}
    return FlowBuild(made, tuple(problems), asked)


def merge_defaults(project: Project, flow: Flow) -> dict[str, Any]:
    """The defaults of a state: those of the flow before those of the project."""
    layers = (project.defaults, flow.defaults)
    return {
        name: value
        for layer in layers
        if layer
        for name, value in asdict(layer).items()
        if value is not UNSET
    }
