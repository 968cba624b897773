"""A project out of exported flows."""

from collections.abc import Mapping
from typing import Any, Final

from flowengine.importers.connect.action_import import (
    ActionImport,
    FlowImport,
    FlowLink,
    ProjectImport,
)
from flowengine.importers.connect.construct_table import find_construct
from flowengine.importers.connect.flow_document import ConnectFlow, read_connect_flow
from flowengine.importers.connect.references import ANSWER_ROOT, ConnectReference
from flowengine.importers.flow_parts import DONE, ImportResult, is_reaching
from flowengine.importers.import_report import Conversion, ReportEntry
from flowengine.importers.project_draft import FlowDraft, ProjectDraft, StateDraft
from flowengine.importers.source_files import (
    read_source_files,
    report_left_out,
    sort_by_call_order,
)

# they need the groups that all other actions have named
_LATE_TYPES: Final = frozenset(
    ("TransferContactToQueue", "DequeueContactAndTransferToQueue", "CreateCallbackContact")
)
_MAX_INPUTS: Final = 40
_SHARED_ROOTS: Final = frozenset(("Attributes", ANSWER_ROOT))


def import_connect(files: Mapping[str, bytes], name: str) -> ImportResult:
    """Import all files that can be read, by name, into one project."""
    project = ProjectImport(ProjectDraft(name))
    sources, problems = read_source_files(files, read_connect_flow)
    for source in sources.values():
        project.flows.append(begin_flow(project, source))
    for flow in project.flows:
        import_flow(flow)
    link_flows(project)
    return ImportResult(project.draft, problems)


def begin_flow(project: ProjectImport, source: ConnectFlow) -> FlowImport:
    wanted = source.title or source.stem
    name = project.flow_names.get_name(f"{source.file}\n{len(project.flows)}", wanted, "flow")
    draft = FlowDraft(name, source.title, comment=f"imported from Amazon Connect: {source.file}")
    if source.is_module:
        draft.head["outcomes"] = [DONE]
    project.draft.flows[name] = draft
    return FlowImport(draft=draft, project=project, source=source)


def import_flow(flow: FlowImport) -> None:
    """Translate each action, then put the states in the order in which a call meets them."""
    draft = flow.draft
    draft.start = flow.get_state_name(flow.source.start)
    actions = flow.source.actions
    order = sort_by_call_order(
        [flow.source.start], actions, lambda name: actions[name].list_targets()
    )
    imports = {name: begin_action(flow, name) for name in order}
    for action in sorted(imports.values(), key=lambda each: each.action.type in _LATE_TYPES):
        find_construct(action.action.type).translate(action)
    end = draft.states.copy()
    draft.states.clear()
    for action in imports.values():
        draft.states[action.state] = action.states.pop(action.state)
        draft.states |= action.states
    draft.states |= end
    report = flow.project.draft.report
    report_left_out(report, flow.source.file, draft.name, flow.source.slips)


def begin_action(flow: FlowImport, identifier: str) -> ActionImport:
    action = flow.source.actions[identifier]
    state = flow.get_state_name(identifier)
    entry = ReportEntry(
        flow.source.file, action.path, identifier[:80], action.type, flow.draft.name, state
    )
    flow.project.draft.report.entries.append(entry)
    for target in action.list_targets():
        if target not in flow.source.actions:
            entry.add_remark(f'it leads to "{target[:60]}", which is no action', Conversion.CHANGED)
    return ActionImport(key=identifier, state=state, flow=flow, entry=entry, action=action)


def link_flows(project: ProjectImport) -> None:
    """Hand attributes over to the flows that are used, and undo modules that use each other in a
    loop.
    """
    used: dict[str, set[str]] = {}
    flows = {flow.draft.name: flow for flow in project.flows}
    for link in sorted(project.links, key=lambda each: not each.is_module):
        caller = link.action.flow.draft.name
        target = flows.get(link.target)
        if not link.is_module:
            go_over(link, target)
            continue
        if caller == link.target or is_reaching(used, link.target, caller):
            cut_link(link)
            continue
        used.setdefault(caller, set()).add(link.target)
        if target:
            target.draft.head.setdefault("outcomes", [DONE])
            share_attributes(link, target, get_body(link)["subflow"])


def get_body(link: FlowLink) -> dict[str, Any]:
    return link.action.flow.draft.states[link.state].body


def go_over(link: FlowLink, target: FlowImport | None) -> None:
    """The call goes on in the other flow for good, in a loop if need be."""
    body = get_body(link)
    if target and "outcomes" in target.draft.head:
        link.action.note_loss(
            f"{link.target} is a module, which nothing goes over to: the call goes on"
        )
        failed = link.action.get_failure()
        body.clear()
        body["next"] = failed
        return
    link.action.flow.draft.leads_to.append(link.target)
    if target:
        share_attributes(link, target, body["next_flow"])
    if body["next_flow"].keys() == {"flow"}:
        body["next_flow"] = link.target


def cut_link(link: FlowLink) -> None:
    """No flow can use itself as a subflow: the call leaves this state as after an error."""
    action = link.action
    action.note_loss(
        f"{link.target} leads here itself, and a flow cannot use itself: the call goes on"
    )
    failed = action.action.get_error("NoMatchingError") or action.action.next
    states = action.flow.draft.states
    states[link.state] = StateDraft({"next": action.get_target(failed)}, action.entry)


def share_attributes(link: FlowLink, target: FlowImport, body: dict[str, Any]) -> None:
    """Attributes and answers are of the whole call there: what both flows know is handed in, and what
    a module has set comes back.
    """
    caller = link.action.flow
    known = {each for each in caller.read | caller.written if is_shared(each)}
    handed = sorted(known & (target.read | target.written), key=lambda each: each.parts)
    for reference in handed[:_MAX_INPUTS]:
        own, inner = caller.get_variable(reference), target.get_variable(reference)
        inputs = target.draft.head.setdefault("inputs", [])
        if inner not in inputs:
            inputs.append(inner)
            target.draft.variables[inner].setdefault("default", "")
        body.setdefault("with", {})[inner] = f"${{vars.{own}}}"
        if link.is_module and reference in target.written:
            outputs = target.draft.head.setdefault("outputs", [])
            if inner not in outputs:
                outputs.append(inner)
            body.setdefault("into", {})[own] = inner


def is_shared(reference: ConnectReference) -> bool:
    return reference.root in _SHARED_ROOTS and len(reference.parts) > 1
