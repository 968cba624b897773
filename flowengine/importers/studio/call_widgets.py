"""Widgets that bring callers to people, record them, and use other flows."""

import re
from typing import Any, Final

from flowengine.importers.flow_parts import DONE, build_stub_flow
from flowengine.importers.source_json import get_list, get_text
from flowengine.importers.studio.liquid_text import has_liquid
from flowengine.importers.studio.references import StudioReference
from flowengine.importers.studio.widget_import import (
    ADDRESS_LENGTH,
    StudioFlowImport,
    SubflowUse,
    WidgetImport,
)
from flowengine.importers.templates import PHONE, PLACEHOLDER_NUMBER
from flowengine.limits import MAX_MESSAGE_SECONDS
from flowengine.states.connect_options import KEYS_OF_PHONES

_LOOKS_DIALLED: Final = re.compile(r"[+0-9 ().-]+")
_SIP: Final = re.compile(r"(?:sips?:)?([A-Za-z0-9._+-]+@[A-Za-z0-9.-]+)(?:;.*)?")
_PLACEHOLDER_SIP: Final = "fill-in@example.invalid"
_DIAL_STATUS: Final = "DialCallStatus"
_ROOM_LENGTH: Final = 64
_MESSAGE_SECONDS: Final = 120


def import_connection(widget: WidgetImport) -> None:
    """connect-call-to: a ring, which comes back; a connect where nothing follows."""
    noun = widget.read_text("noun") or "number"
    follows = widget.widget.has_transition("callCompleted")
    if widget.read_text("record") == "true":
        widget.flow.project.draft.records = True
    seconds = widget.read_number(30, 1, 600, "timeout")
    shared = build_caller_id(widget)
    if noun == "conference":
        name = widget.write_template(widget.read_text("to"), _ROOM_LENGTH) or "room"
        if follows:
            widget.note_change("the call ends with the conference")
        body: dict[str, Any] = {"connect": {"conference": name}}
    elif noun in ("client", "sim"):
        if follows:
            widget.note_change("the call does not come back from an app: it ends after the talk")
        to = widget.write_template(widget.read_text("to").removeprefix("client:"))
        body = {"connect": {"app": to or "fill-in"}}
        if noun == "sim":
            widget.note_change("a SIM is no address here: fill in an app user or a number")
    elif follows or noun == "number-multi":
        body = build_ring(widget, noun, f"{seconds}s", shared)
    elif noun == "sip":
        body = {"connect": {"sip": write_sip(widget, widget.read_text("to")), **shared}}
    else:
        number = write_number(widget, widget.read_text("to"))
        body = {"connect": {"phone": number, "ring": f"{seconds}s", **shared}}
    if widget.read_text("record") == "true":
        body = {"record": {"notify": True}} | body
        widget.add_remark("fill in where recordings go; the ringing is recorded, too")
    widget.add_state(body)


def build_caller_id(widget: WidgetImport) -> dict[str, str]:
    """The number that is shown, where it is not the one that the caller dialled."""
    text = widget.read_text("caller_id").strip()
    if not text or text in ("{{flow.channel.address}}", "{{trigger.call.To}}"):
        return {}
    if text.startswith("client:") or not (has_liquid(text) or _LOOKS_DIALLED.fullmatch(text)):
        widget.note_change(
            "the name of the caller is no number: the number that was dialled is shown"
        )
        return {}
    return {"caller_id": write_number(widget, text)}


def build_ring(
    widget: WidgetImport, noun: str, each: str, shared: dict[str, str]
) -> dict[str, Any]:
    to = widget.read_text("to")
    if noun == "sip":
        who = [f"sip:{write_sip(widget, to)}"]
    else:
        parts = [to] if has_liquid(to) else [part for part in to.split(",") if part.strip()]
        who = list(dict.fromkeys(write_number(widget, part.strip()) for part in parts[:10]))
    who = who or [PLACEHOLDER_NUMBER]
    target = widget.get_target("callCompleted")
    ring = {"who": who, "each": each, **shared}
    ways = {"after": "completed", "no_answer": "no-answer", "busy": "busy", "nobody": "failed"}
    if not widget.flow.is_result_read(widget.widget.name, _DIAL_STATUS):
        return {"ring": ring | {"nobody": target, "after": target}}
    reference = StudioReference(("widgets", widget.widget.name, _DIAL_STATUS))
    variable = widget.flow.get_variable(reference)
    for exit_, word in ways.items():
        ring[exit_] = widget.add_state({"set": {variable: word}, "next": target}, exit_)
    return {"ring": ring}


def write_number(widget: WidgetImport, text: str) -> str:
    """A number that can be dialled: one that is none has to be filled in."""
    plain = re.sub(r"[ ().-]", "", text)
    if has_liquid(text):
        return widget.write_template(text)
    if PHONE.fullmatch(plain):
        return plain
    widget.add_remark(f'fill in a number for "{text[:60]}"')
    return PLACEHOLDER_NUMBER


def write_sip(widget: WidgetImport, text: str) -> str:
    found = _SIP.fullmatch(text.strip())
    if found:
        return found[1]
    if has_liquid(text):
        return widget.write_template(text.removeprefix("sip:"), ADDRESS_LENGTH)
    widget.add_remark(f'fill in a SIP address for "{text[:60]}"')
    return _PLACEHOLDER_SIP


def import_voicemail(widget: WidgetImport) -> None:
    """record-voicemail: a message, with the exit of those who say nothing."""
    widget.flow.project.draft.records = True
    name = StudioReference(("widgets", widget.widget.name, "RecordingUrl"))
    variable = widget.flow.get_variable(name, ADDRESS_LENGTH)
    longest = widget.read_number(_MESSAGE_SECONDS, 1, 86_400, "max_length", "maxLength")
    if longest > MAX_MESSAGE_SECONDS:
        widget.note_change(f"a message lasts {MAX_MESSAGE_SECONDS // 60} minutes at most")
    end = (widget.read_text("finish_on_key") or widget.read_text("finishOnKey") or "#")[:1]
    body: dict[str, Any] = {
        "prompt": {"pause": "1s"},
        "into": variable,
        "limit": f"{min(longest, MAX_MESSAGE_SECONDS)}s",
        "end": end if end in [*KEYS_OF_PHONES] else "#",
    }
    if widget.widget.has_transition("noAudio"):
        body["silent"] = widget.get_target("noAudio")
        body["silence"] = f"{widget.read_number(5, 1, 60, 'timeout')}s"
    if widget.read_text("transcribe") == "true":
        body["transcribe"] = True
        widget.add_remark("the transcript comes with a notice, see on: notified:")
    if widget.read_text("play_beep") != "false":
        widget.add_remark("fill in the tone before the message: recordings: beep: in project.yaml")
    target = widget.get_target("recordingComplete")
    failed = widget.get_target("recordingError", "recordingComplete")
    state: dict[str, Any] = {"record_message": body, "next": target}
    widget.add_state(state | ({"error": failed} if failed != target else {}))


def import_recording(widget: WidgetImport) -> None:
    """record-call: the call is recorded from here on, or no longer."""
    if widget.read_text("record_call") == "false":
        body: dict[str, Any] = {"record": "stop"}
    else:
        widget.flow.project.draft.records = True
        body = {"record": {"notify": True}}
        if widget.read_text("recording_status_callback"):
            widget.add_remark("who is told of the recording stands under on: notified:")
    widget.add_state(body | {"next": widget.get_target("success")})


def import_queue(widget: WidgetImport) -> None:
    """enqueue-call and send-to-flex: a queue of a group to fill in."""
    named = widget.read_text("queue_name") or widget.read_text("queueName")
    workflow = widget.read_text("workflow_sid") or widget.read_text("workflow")
    label = "" if has_liquid(named) else named
    key = label or workflow or "agents"
    project = widget.flow.project
    group = project.group_names.get_name(key, label or "agents", "agents")
    description = (
        f"the queue {label}" if label else f"the workflow {workflow[:60] or '(not named)'}"
    )
    project.draft.groups.setdefault(group, description)
    widget.add_remark("fill in the members of the group")
    widget.note_change(
        "callers who come when no member is signed in do not wait: they leave by nobody"
    )
    if widget.read_text("attributes") or widget.read_text("task_attributes"):
        widget.add_remark("members see no attributes of the call: say them under accept:")
    failed = widget.get_target("failedToEnqueue", "callFailure")
    body: dict[str, Any] = {"of": group, "nobody": failed}
    if widget.widget.has_transition("callComplete"):
        body["after"] = widget.get_target("callComplete")
    widget.add_state({"queue": body})


def import_outgoing_call(widget: WidgetImport) -> None:
    """make-outgoing-call: your system places the call, which begins here when somebody answers."""
    entry = {"answered": widget.get_target("answered")}
    if widget.read_text("machine_detection") not in ("", "false") or (
        widget.read_text("detect_answering_machine") == "true"
    ):
        widget.note_change(
            "the flow learns of a machine by on: machine:, and else begins as answered"
        )
        entry["machine"] = entry["answered"]
    head = widget.flow.draft.head
    if "on" in head and head["on"] != entry:
        widget.note_change("a flow begins once: the first widget that places a call counts")
    else:
        head["on"] = entry
    widget.note_change("your system places the call, with flowengine place or by the platform")
    widget.add_state({"next": entry["answered"]})


def import_subflow(widget: WidgetImport) -> None:
    """run-subflow: the other flow; one that is not imported is a stub for the author."""
    project = widget.flow.project
    sid = widget.read_text("flow_sid") or widget.read_text("flowSid")
    known = find_flow(widget, sid)
    target = known.draft.name if known else add_stub(widget, sid)
    body: dict[str, Any] = {"flow": target, "outcomes": {DONE: widget.get_target("completed")}}
    values = {
        get_text(each, "key"): get_text(each, "value")
        for each in get_list(widget.widget.properties, "parameters")
        if get_text(each, "key")
    }
    if known:
        known.draft.head.setdefault("outcomes", [DONE])
        handed = hand_over(widget, known, values)
        if handed:
            body["with"] = handed
    failed = widget.get_target("failed")
    widget.add_state({"subflow": body, "error": failed})
    project.uses.append(SubflowUse(widget, target))


def hand_over(
    widget: WidgetImport, known: StudioFlowImport, values: dict[str, str]
) -> dict[str, str]:
    """What the other flow reads of the parameters."""
    read = {each for each in known.references if each.is_input and each.parts[1] == "parent"}
    handed: dict[str, str] = {}
    for key, value in values.items():
        reference = StudioReference(("trigger", "parent", "parameters", key))
        if reference in read:
            handed[known.get_variable(reference)] = widget.write_template(value)
    return handed


def find_flow(widget: WidgetImport, sid: str) -> StudioFlowImport | None:
    """The flow that is meant: by its id, else by the name of the widget."""
    flows = widget.flow.project.flows
    for each in flows:
        if sid and each.source.sid == sid:
            return each
    return next((each for each in flows if each.source.stem == widget.widget.name), None)


def add_stub(widget: WidgetImport, sid: str) -> str:
    project = widget.flow.project
    name = project.flow_names.get_name(f"\n{sid or widget.widget.name}", widget.widget.name, "flow")
    if name not in project.draft.flows:
        description = f"the flow {sid[:60] or '(not named)'}"
        project.draft.flows[name] = build_stub_flow(name, description, is_subflow=True)
        project.draft.report.add_stub_flow(name)
    widget.add_remark(f"fill in the flow {name}, which was not among the files")
    return name


def import_virtual_agent(widget: WidgetImport) -> None:
    """connect-virtual-agent: no bot listens here."""
    drop(widget, "no bot takes the call: it goes on", "completed", "return", "hangup", "failed")


def import_payment(widget: WidgetImport) -> None:
    """capture-payments: nothing takes cards, so nothing is paid."""
    drop(
        widget,
        "nothing takes the payment: the call goes on as after an error of the provider",
        "providerError",
        "maxFailedAttempts",
        "validationError",
        "payInterrupted",
    )


def import_redirect(widget: WidgetImport) -> None:
    """add-twiml-redirect: what another program answers is not in the file."""
    drop(widget, "what the other program says is not in the file: the call goes on", "return")


def import_stream(widget: WidgetImport) -> None:
    """fork-stream: no copy of the audio goes elsewhere."""
    drop(widget, "nothing gets a copy of the audio: the call goes on", "next")


def drop(widget: WidgetImport, remark: str, *events: str) -> None:
    """Go on without the widget."""
    widget.note_loss(remark)
    known = widget.widget.get_next(*events) or next(iter(widget.widget.list_targets()), "")
    widget.add_state({"next": widget.flow.get_state_name(known)})
