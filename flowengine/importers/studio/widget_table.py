"""Each widget of Studio, and what it is in the language of flows."""

from collections.abc import Callable
from typing import Final, NamedTuple

from flowengine.importers.studio import (
    call_widgets,
    service_widgets,
    split_widgets,
    spoken_widgets,
)
from flowengine.importers.studio.widget_import import WidgetImport


class WidgetConstruct(NamedTuple):
    """How one type of widget is imported; `becomes` is for the manual."""

    translate: Callable[[WidgetImport], None]
    becomes: str


def drop_reply(widget: WidgetImport) -> None:
    """Messages alone ask so."""
    call_widgets.drop(widget, "a call has no replies to messages: it goes on", "incomingMessage")


def drop_widget(widget: WidgetImport) -> None:
    """Go on without it."""
    remark = f"nothing stands for {widget.widget.type}: the call goes on"
    call_widgets.drop(widget, remark, "success", "next", "sent", "completed", "created")


_QUEUE: Final = WidgetConstruct(call_widgets.import_queue, "`queue` of a group to fill in")
_FUNCTION: Final = WidgetConstruct(
    service_widgets.import_function, "`fetch` of the function by its address"
)
_OUTGOING: Final = WidgetConstruct(
    call_widgets.import_outgoing_call, "`on: answered:` of the flow; your system places the call"
)
WIDGET_CONSTRUCTS: Final = {
    "trigger": WidgetConstruct(
        split_widgets.import_trigger, "`start`; `on: answered:` for requests"
    ),
    "say-play": WidgetConstruct(spoken_widgets.import_say, "`say`, or `dtmf`"),
    "gather-input-on-call": WidgetConstruct(
        spoken_widgets.import_gather, "`collect`, by keys and by voice"
    ),
    "split-based-on": WidgetConstruct(split_widgets.import_split, "`choose`"),
    "set-variables": WidgetConstruct(split_widgets.import_variables, "`set`"),
    "make-http-request": WidgetConstruct(service_widgets.import_request, "`fetch`"),
    "run-function": _FUNCTION,
    "run-function-v2": _FUNCTION,
    "send-message": WidgetConstruct(
        service_widgets.import_message, "`fetch` of a service that sends messages, to fill in"
    ),
    "connect-call-to": WidgetConstruct(
        call_widgets.import_connection, "`ring`; `connect` where nothing follows the talk"
    ),
    "enqueue-call": _QUEUE,
    "send-to-flex": _QUEUE,
    "record-voicemail": WidgetConstruct(call_widgets.import_voicemail, "`record_message`"),
    "record-call": WidgetConstruct(call_widgets.import_recording, "`record`"),
    "run-subflow": WidgetConstruct(call_widgets.import_subflow, "`subflow`"),
    "make-outgoing-call-v1": _OUTGOING,
    "make-outgoing-call-v2": _OUTGOING,
    "connect-virtual-agent": WidgetConstruct(
        call_widgets.import_virtual_agent, "a state that goes on"
    ),
    "connect-virtual-agent-v2": WidgetConstruct(
        call_widgets.import_virtual_agent, "a state that goes on"
    ),
    "capture-payments": WidgetConstruct(
        call_widgets.import_payment, "a state that goes on as after an error"
    ),
    "add-twiml-redirect": WidgetConstruct(call_widgets.import_redirect, "a state that goes on"),
    "fork-stream": WidgetConstruct(call_widgets.import_stream, "a state that goes on"),
    "send-and-wait-for-reply": WidgetConstruct(drop_reply, "a state that goes on"),
}
OTHER_WIDGETS: Final = WidgetConstruct(drop_widget, "a state that goes on")


def find_widget_construct(type_: str) -> WidgetConstruct:
    """How to import a widget of this type."""
    return WIDGET_CONSTRUCTS.get(type_, OTHER_WIDGETS)
