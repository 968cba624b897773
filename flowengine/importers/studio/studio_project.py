"""A project out of exported flows."""

from collections.abc import Mapping

from flowengine.importers.flow_parts import DONE, ImportResult, is_reaching
from flowengine.importers.import_report import Conversion, ReportEntry
from flowengine.importers.project_draft import FlowDraft, ProjectDraft, StateDraft
from flowengine.importers.source_files import (
    read_source_files,
    report_left_out,
    sort_by_call_order,
)
from flowengine.importers.studio.spoken_widgets import choose_voice
from flowengine.importers.studio.studio_flow import StudioFlow, read_studio_flow
from flowengine.importers.studio.widget_import import (
    StudioFlowImport,
    StudioProject,
    WidgetImport,
)
from flowengine.importers.studio.widget_table import find_widget_construct


def import_studio(files: Mapping[str, bytes], name: str) -> ImportResult:
    """Import all files that can be read, by name, into one project."""
    project = StudioProject(ProjectDraft(name))
    sources, problems = read_source_files(files, read_studio_flow)
    for source in sources.values():
        project.flows.append(begin_flow(project, source))
    for flow in project.flows:
        import_flow(flow)
    for flow in project.flows:
        # a call that is placed into the flow has no flow to go back to
        if "outcomes" in flow.draft.head and "on" not in flow.draft.head:
            return_at_the_end(flow.draft)
    cut_cycles(project)
    return ImportResult(project.draft, problems)


def begin_flow(project: StudioProject, source: StudioFlow) -> StudioFlowImport:
    wanted = source.title or source.stem
    name = project.flow_names.get_name(f"{source.file}\n{len(project.flows)}", wanted, "flow")
    draft = FlowDraft(name, source.title, comment=f"imported from Twilio Studio: {source.file}")
    project.draft.flows[name] = draft
    return StudioFlowImport(draft=draft, project=project, source=source)


def import_flow(flow: StudioFlowImport) -> None:
    """Translate each widget, then put the states in the order in which a call meets them."""
    draft = flow.draft
    draft.start = flow.get_start_state()
    choose_voice(flow)
    imports = [begin_widget(flow, name) for name in list_in_call_order(flow.source)]
    for widget in imports:
        find_widget_construct(widget.widget.type).translate(widget)
    end = draft.states.copy()
    draft.states.clear()
    for widget in imports:
        if widget.state in widget.states:
            draft.states[widget.state] = widget.states.pop(widget.state)
        draft.states |= widget.states
    draft.states |= end
    if "on" in draft.head and not flow.source.trigger.has_transition("incomingCall"):
        draft.start = ""
    if draft.start and draft.start not in draft.states:
        flow.draft.states[draft.start] = StateDraft({"hangup": None})
    report = flow.project.draft.report
    report_left_out(report, flow.source.file, draft.name, flow.source.slips)


def return_at_the_end(draft: FlowDraft) -> None:
    """A flow that another one uses goes back where it ends."""
    for state in draft.states.values():
        if state.body == {"hangup": None}:
            state.body = {"return": DONE}


def list_in_call_order(source: StudioFlow) -> list[str]:
    """The widgets from the trigger on, and then those that no call reaches. What follows the trigger
    is what follows an incoming call.
    """
    trigger = source.trigger
    first = trigger.get_next("incomingCall", "incomingParent", "incomingRequest")
    targets = {name: widget.list_targets() for name, widget in source.widgets.items()}
    targets[trigger.name] = []
    return sort_by_call_order([trigger.name, first], source.widgets, targets.__getitem__)


def begin_widget(flow: StudioFlowImport, name: str) -> WidgetImport:
    widget = flow.source.widgets[name]
    state = flow.get_state_name(name)
    entry = ReportEntry(
        flow.source.file, widget.path, name[:80], widget.type, flow.draft.name, state
    )
    flow.project.draft.report.entries.append(entry)
    for target in widget.list_targets():
        if target not in flow.source.widgets:
            entry.add_remark(f'it leads to "{target[:60]}", which is no widget', Conversion.CHANGED)
    return WidgetImport(key=name, state=state, flow=flow, entry=entry, widget=widget)


def cut_cycles(project: StudioProject) -> None:
    """No flow can use itself: such a state goes on as after an error."""
    used: dict[str, set[str]] = {}
    for use in project.uses:
        caller = use.widget.flow.draft.name
        if caller == use.target or is_reaching(used, use.target, caller):
            remark = (
                f"{use.target} leads here itself, and a flow cannot use itself: the call goes on"
            )
            use.widget.note_loss(remark)
            failed = use.widget.get_target("failed")
            states = use.widget.flow.draft.states
            states[use.widget.state] = StateDraft({"next": failed}, use.widget.entry)
        else:
            used.setdefault(caller, set()).add(use.target)
