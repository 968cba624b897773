"""Actions that bring callers to people, and to other flows."""

from typing import Any, Final

from flowengine.importers.connect.action_import import ActionImport, FlowLink
from flowengine.importers.connect.references import (
    CALLBACK_NUMBER,
    TARGET_QUEUE,
    ConnectReference,
    parse_reference,
)
from flowengine.importers.flow_parts import DONE, build_stub_flow
from flowengine.importers.project_draft import FlowDraft, StateDraft
from flowengine.importers.source_json import get_number, get_text
from flowengine.importers.templates import PHONE, PLACEHOLDER_NUMBER

_QUEUE_VARIABLE: Final = ConnectReference(TARGET_QUEUE)
_PRIORITY: Final = "queue_priority"
_USUAL_PRIORITY: Final = 5
_ANY_QUEUE: Final = "agents"
_STAFFING: Final = frozenset(
    ("NumberOfAgentsAvailable", "NumberOfAgentsStaffed", "NumberOfAgentsOnline")
)


def import_target_queue(action: ActionImport) -> None:
    """The queue that later actions mean is noted in a variable."""
    group = declare_group(action)
    variable = action.flow.get_variable(_QUEUE_VARIABLE)
    action.add_state(action.add_next_and_error({"set": {variable: group}}))


def declare_group(action: ActionImport) -> str:
    """The group that stands for the queue of this action."""
    queue = get_text(action.action.parameters, "QueueId") or get_text(
        action.action.parameters, "AgentId"
    )
    label = action.action.labels.get("QueueId") or action.action.labels.get("", "")
    if parse_reference(queue):
        action.note_change("the queue is a value there: all of them are one group here")
        label = _ANY_QUEUE
    project = action.flow.project
    wanted = label or queue.rsplit("/", 1)[-1]
    key = label or queue or _ANY_QUEUE
    # an id of a queue says nothing to people
    readable = wanted if label or not looks_like_id(wanted) else "queue"
    group = project.group_names.get_name(key, readable, _ANY_QUEUE)
    project.draft.groups.setdefault(group, f"the queue {label or queue[:160] or '(not named)'}")
    if group not in action.flow.groups:
        action.flow.groups.append(group)
    return group


def looks_like_id(text: str) -> bool:
    return sum(each.isdigit() for each in text) > 4


def import_queue_transfer(action: ActionImport) -> None:
    """A queue of the group that was chosen before; where several may be, a choice comes first."""
    action.note_change(
        "callers who come when no member is signed in do not wait: they leave by nobody"
    )
    action.add_remark("fill in the members of the group")
    has_own = bool(get_text(action.action.parameters, "QueueId"))
    chosen = [] if has_own else action.flow.groups
    groups = chosen or [declare_group(action)]
    if len(groups) == 1:
        action.add_state(build_queue(action, groups[0]))
        return
    variable = action.flow.get_variable(_QUEUE_VARIABLE)
    states = [action.add_state(build_queue(action, each), f"to_{each}") for each in groups]
    ways = [
        {"when": f'vars.{variable} == "{group}"', "next": state}
        for group, state in zip(groups, states, strict=True)
    ]
    action.add_state({"choose": [*ways, {"next": states[-1]}]})


def build_queue(action: ActionImport, group: str) -> dict[str, Any]:
    body: dict[str, Any] = {"of": group, "nobody": action.get_failure("NoMatchingError")}
    if full := action.action.get_error("QueueAtCapacity"):
        body["full"] = action.get_target(full)
    if action.flow.has_action("UpdateContactRoutingBehavior"):
        priority = action.flow.declare_number(_PRIORITY, _USUAL_PRIORITY)
        body["priority"] = f"vars.{priority}"
    return action.add_error({"queue": body})


def import_routing(action: ActionImport) -> None:
    """The lowest number comes first there, the highest here."""
    parameters = action.action.parameters
    body: dict[str, Any] = {}
    if get_text(parameters, "QueuePriority"):
        if parse_reference(get_text(parameters, "QueuePriority")):
            action.note_change("the priority is a value there: it stays as it is")
        else:
            level = get_number(parameters, "QueuePriority", _USUAL_PRIORITY, 1, 10)
            priority = action.flow.declare_number(_PRIORITY, _USUAL_PRIORITY)
            body = {"set": {priority: 10 - level}}
    if get_text(parameters, "QueueTimeAdjustmentSeconds"):
        action.note_change("the time that callers have waited stays as it is")
    action.add_state(action.add_next_and_error(body))


def import_hours(action: ActionImport) -> None:
    """A calendar stands for the hours; those of a queue have its name."""
    project = action.flow.project
    hours = get_text(action.action.parameters, "HoursOfOperationId")
    labels = action.action.labels
    label = labels.get("HoursOfOperationId") or labels.get("", "")
    wanted = label or hours.rsplit("/", 1)[-1]
    if parse_reference(hours):
        action.note_change("the hours are a value there: all of them are one calendar here")
        wanted = "hours"
    elif not label and looks_like_id(wanted):
        wanted = "hours"
    calendar = project.calendar_names.get_name(label or hours or "hours", wanted, "hours")
    description = f"the hours {label or hours[:160] or 'of the queue'}"
    project.draft.calendars.setdefault(calendar, description)
    action.add_remark(f"fill in zone and hours of calendars.{calendar}")
    ways = {
        operand.lower(): each.target
        for each in action.action.conditions
        for operand in each.operands
    }
    closed = ways.get("false") or action.action.next or action.action.get_error("NoMatchingError")
    opened = ways.get("true") or action.action.next
    choices = [
        {"when": f"hours.{calendar}.open", "next": action.get_target(opened)},
        {"next": action.get_target(closed)},
    ]
    action.add_state({"choose": choices})


def import_staffing(action: ActionImport) -> None:
    """A queue itself sends callers on when nobody is signed in, so its check goes on to it."""
    metric = get_text(action.action.parameters, "MetricType")
    conditions = action.action.conditions
    if metric in _STAFFING and conditions and conditions[0].operator.startswith("NumberGreater"):
        action.note_change(
            "nobody is counted: the queue itself leaves by nobody when none is signed in"
        )
        action.add_state({"next": action.get_target(conditions[0].target)})
        return
    action.note_loss("a flow knows no figures of queues: it goes on as if no condition held")
    action.add_state({"next": action.get_failure("NoMatchingCondition")})


def import_third_party(action: ActionImport) -> None:
    """A connection; where the flow goes on after the talk, a ring, which comes back."""
    parameters = action.action.parameters
    number = write_number(action, get_text(parameters, "ThirdPartyPhoneNumber"))
    seconds = get_number(parameters, "ThirdPartyConnectionTimeLimitSeconds", 30, 1, 600)
    caller = get_text(parameters.get("CallerId"), "Number") if "CallerId" in parameters else ""
    keys = get_text(parameters, "ThirdPartyDTMFDigits")
    shared: dict[str, Any] = {"caller_id": write_number(action, caller)} if caller else {}
    if not number:
        action.note_loss("it names no number")
        action.add_state({"next": action.get_failure("CallFailed")})
    elif get_text(parameters, "ContinueFlowExecution").lower() == "true":
        if keys:
            action.note_change("nothing sends keys to the other side")
        failed = action.get_failure("CallFailed")
        ring = {"who": [number], "each": f"{seconds}s", **shared, "nobody": failed}
        if late := action.action.get_error("ConnectionTimeLimitExceeded"):
            ring["no_answer"] = action.get_target(late)
        if action.action.next:
            ring["after"] = action.get_next()
        action.add_state(action.add_error({"ring": ring}))
    else:
        connect = {"phone": number, "ring": f"{seconds}s", **shared}
        if keys:
            connect["dtmf"] = action.write_template(keys.replace(",", "w"))
        action.add_state(action.add_error({"connect": connect}))


def write_number(action: ActionImport, text: str) -> str:
    """A number that can be dialled: one that is none has to be filled in."""
    if not text or parse_reference(text) or PHONE.fullmatch(text):
        return action.write_template(text)
    action.add_remark(f'fill in a number for "{text[:60]}"')
    return PLACEHOLDER_NUMBER


def import_flow_transfer(action: ActionImport) -> None:
    link_flow(action, "ContactFlowId", is_module=False)


def import_module(action: ActionImport) -> None:
    link_flow(action, "FlowModuleId", is_module=True)


def link_flow(action: ActionImport, key: str, *, is_module: bool) -> None:
    """A module is a subflow, and other flows are gone over to for good. A flow that is not imported
    is a stub for the author.
    """
    reference = get_text(action.action.parameters, key)
    label = action.action.labels.get(key) or action.action.labels.get("", "")
    project = action.flow.project
    known = project.find_flow(reference, label)
    if known:
        target = known.draft.name
    elif not label and (not reference or parse_reference(reference)):
        remark = "the flow is a value there" if reference else "no flow is named there"
        action.note_loss(f"{remark}: the call goes on")
        action.add_state(action.add_next_and_error({}))
        return
    else:
        target = add_stub(action, reference, label, is_module=is_module)
    body: dict[str, Any] = {"next_flow": {"flow": target}}
    if is_module:
        body = {"subflow": {"flow": target, "outcomes": {DONE: action.get_next()}}}
    action.add_state(action.add_error(body))
    project.links.append(FlowLink(action, target, action.state, is_module))


def add_stub(action: ActionImport, reference: str, label: str, *, is_module: bool) -> str:
    project = action.flow.project
    wanted = label or reference.rsplit("/", 1)[-1]
    readable = wanted if label or not looks_like_id(wanted) else "other-flow"
    key = f"\n{is_module}\n{label or reference}"
    name = project.flow_names.get_name(key, readable, "other-flow")
    if name not in project.draft.flows:
        description = f"the flow {label or reference[:160] or '(not named)'}"
        project.draft.flows[name] = build_stub_flow(name, description, is_subflow=is_module)
        project.draft.report.add_stub_flow(name)
    action.add_remark(f"fill in the flow {name}, which was not among the files")
    return name


def import_callback(action: ActionImport) -> None:
    """CreateCallbackContact: a placed call into a flow that leads to the queue."""
    parameters = action.action.parameters
    group = declare_group(action) if not action.flow.groups else action.flow.groups[-1]
    flow = add_callback_flow(action, group)
    has_number = action.flow.has_action("UpdateContactCallbackNumber")
    chosen = action.get_expression(ConnectReference(CALLBACK_NUMBER)) if has_number else ""
    body = {
        "flow": flow,
        "to": f"${{{chosen or 'call.from'}}}",
        "in": f"{get_number(parameters, 'InitialCallDelaySeconds', 60, 1, 259_200)}s",
        "tries": get_number(parameters, "MaximumConnectionAttempts", 1, 1, 20),
        "pause": f"{get_number(parameters, 'RetryDelaySeconds', 600, 1, 259_200)}s",
    }
    action.note_change(
        "the call is placed after the delay, whether or not a member is free by then"
    )
    failed = action.action.get_error("NoMatchingError")
    exits = {"next": action.get_next(), "error": action.get_target(failed or action.action.next)}
    action.add_state({"place": body} | exits)


def add_callback_flow(action: ActionImport, group: str) -> str:
    """The flow that begins when somebody who is called back answers."""
    project = action.flow.project
    name = project.flow_names.get_name(f"\ncall back {group}", f"call-back-{group}")
    menu = {
        "prompt": "You asked for a call back. To talk to us press 1.",
        "options": {1: "wait"},
        "attempts": 2,
        "otherwise": "goodbye",
    }
    states = {
        "answer": StateDraft({"menu": menu}, comment="fill in: what people hear on answering"),
        "wait": StateDraft({"queue": {"of": group, "nobody": "goodbye"}}),
        "goodbye": StateDraft({"hangup": None}),
    }
    draft = FlowDraft(name, head={"on": {"answered": "answer"}}, states=states)
    project.draft.flows.setdefault(name, draft)
    return name
