"""Widgets that ask other systems, and those that send messages."""

import json
import re
from typing import Any, Final

from flowengine.importers.flow_parts import ANSWER_SECONDS
from flowengine.importers.project_draft import ServiceDraft
from flowengine.importers.service_address import name_host, split_address
from flowengine.importers.source_json import get_list, get_text
from flowengine.importers.studio.references import ANSWER_FIELDS
from flowengine.importers.studio.widget_import import WidgetImport

_METHODS: Final = ("get", "post", "put", "patch", "delete")
_NO_ADDRESS_CHARACTERS: Final = re.compile(r"[^\x21-\x7e]")


def declare_service(
    widget: WidgetImport, address: str, wanted: str, description: str
) -> tuple[str, str]:
    """The service at an address, and the path there."""
    project = widget.flow.project
    origin, host, path = split_address(address)
    if not origin:
        widget.add_remark("fill in the address of the service")
    key = origin or f"\n{wanted}"
    service = project.service_names.get_name(key, name_host(host) or wanted)
    draft = ServiceDraft(description, origin) if origin else ServiceDraft(description)
    project.draft.services.setdefault(service, draft)
    return service, path


def read_parameters(widget: WidgetImport) -> dict[str, str]:
    """The parameters by name, as templates."""
    return {
        get_text(each, "key"): widget.write_template(get_text(each, "value"))
        for each in get_list(widget.widget.properties, "parameters")
        if get_text(each, "key")
    }


def build_into(widget: WidgetImport) -> dict[str, str]:
    """The variables that take what is read anywhere of the answer."""
    found = widget.flow.list_results_read(widget.widget.name)
    return {
        widget.flow.get_variable(each): each.to_body_expression()
        for each in found
        if each.parts[2] in ANSWER_FIELDS
    }


def import_request(widget: WidgetImport) -> None:
    """make-http-request: a fetch of the service at that address."""
    address = widget.read_text("url")
    wanted = widget.widget.name
    description = f"the requests of {widget.widget.name}"
    service, path = declare_service(widget, address, wanted, description)
    method = widget.read_text("method").lower() or "get"
    if method not in _METHODS:
        widget.note_change(f'the method "{method[:20]}" is not known: it is get here')
        method = "get"
    body: dict[str, Any] = {"service": service}
    parameters = read_parameters(widget)
    target = write_path(widget, path)
    if method == "get" and parameters:
        sign = "&" if "?" in target else "?"
        target += sign + "&".join(f"{escape_key(key)}={value}" for key, value in parameters.items())
    body[method] = target
    if method != "get" and (sent := build_body(widget, parameters)):
        body["body"] = sent
    seconds = widget.read_number(ANSWER_SECONDS, 1, 60, "timeout")
    body["timeout"] = f"{min(seconds, ANSWER_SECONDS)}s"
    add_fetch(widget, body, "failed")


def escape_key(key: str) -> str:
    return re.sub(r"[^A-Za-z0-9_.-]", "_", key)[:60]


def write_path(widget: WidgetImport, path: str) -> str:
    """The path as a template, without what no address has."""
    written = widget.write_template(path)
    plain = _NO_ADDRESS_CHARACTERS.sub("", written) if "${" not in written else written
    return plain.split("#")[0] if "${" not in plain else plain


def build_body(widget: WidgetImport, parameters: dict[str, str]) -> Any:
    """What a request sends, as JSON."""
    kind = widget.read_text("content_type") or widget.read_text("contentType")
    if parameters:
        if "json" not in kind:
            widget.note_change("the parameters are sent as JSON, not as a form")
        return parameters
    text = widget.read_text("body").strip()
    if not text:
        return None
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        value = None
    if isinstance(value, dict | list) and value:
        return widget.build_value(value)
    widget.note_change("the body is no JSON of texts: it is sent as the text of a key")
    return {"text": widget.write_template(text)}


def import_function(widget: WidgetImport) -> None:
    """run-function: a request to the service that stands for the function."""
    description = f"the function {widget.read_text('url')[:160] or widget.widget.name}"
    service, path = declare_service(
        widget, widget.read_text("url"), widget.widget.name, description
    )
    body: dict[str, Any] = {"service": service, "post": write_path(widget, path)}
    if parameters := read_parameters(widget):
        body["body"] = parameters
    body["timeout"] = f"{ANSWER_SECONDS}s"
    widget.add_remark(f"it waits {ANSWER_SECONDS} s at most for a JSON answer")
    add_fetch(widget, body, "fail")


def add_fetch(widget: WidgetImport, body: dict[str, Any], failure: str) -> None:
    """The state of a request; without a way for failures the flow ends, as in Studio."""
    if into := build_into(widget):
        body["into"] = into
    body["failed"] = widget.get_target(failure)
    widget.add_state({"fetch": body, "next": widget.get_target("success")})


def import_message(widget: WidgetImport) -> None:
    """send-message: a request to a service that sends messages."""
    project = widget.flow.project
    service = project.service_names.get_name("\nmessages", "messages")
    description = "a service that sends a message with from, to and text"
    project.draft.services.setdefault(service, ServiceDraft(description))
    widget.add_remark(f"fill in the address of services.{service}, which sends the message")
    sent = {
        "from": widget.write_template(widget.read_text("from") or "{{flow.channel.address}}"),
        "to": widget.write_template(widget.read_text("to") or "{{contact.channel.address}}"),
        "text": widget.write_template(widget.read_text("body")),
    }
    if media := widget.read_text("media_url"):
        sent["media"] = widget.write_template(media)
    body = {"service": service, "post": "/", "body": sent, "failed": widget.get_target("failed")}
    widget.add_state({"fetch": body, "next": widget.get_target("sent")})
