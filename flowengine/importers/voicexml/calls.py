"""Items that bring callers to others, or record what they say."""

import re
from typing import Any, Final

from flowengine.importers.templates import PHONE, PLACEHOLDER_NUMBER
from flowengine.importers.voicexml.document_import import (
    RECORDING_LENGTH,
    ElementImport,
)
from flowengine.importers.voicexml.questions import build_question
from flowengine.importers.voicexml.sequences import SequenceScope
from flowengine.importers.voicexml.voice_prompts import read_millis
from flowengine.limits import MAX_MESSAGE_SECONDS, MAX_RING_SECONDS

_DESTINATION: Final = re.compile(r"(?:(tel|phone|sips?):)?(.+)")
_SIP_ADDRESS: Final = re.compile(r"[A-Za-z0-9._+-]+@[A-Za-z0-9.-]+")
_DEFAULT_MESSAGE_MILLIS: Final = 120_000
_OUTCOMES: Final = {
    "after": "far_end_disconnect",
    "busy": "busy",
    "no_answer": "noanswer",
    "nobody": "unknown",
}


def write_transfer(scope: SequenceScope, origin: ElementImport, name: str, answered: str) -> None:
    """A ring, which comes back; a connect for a blind transfer."""
    document, element = scope.document, origin.element
    is_bridge = element.get("bridge") == "true" or element.get("type") in (
        "bridge",
        "consultation",
    )
    number, kind = read_destination(origin)
    body, _ = build_question(scope, origin)
    said = {"say": body["prompt"]} if body["prompt"] != {"pause": "100ms"} else {}
    millis = read_millis(element.get("connecttimeout"))
    seconds = f"{min(max((millis or 30_000) // 1_000, 1), MAX_RING_SECONDS)}s"
    if element.get("transferaudio"):
        origin.note_change("a ringing tone is heard while it rings, and not the recording")
    if not is_bridge:
        to = {"sip": number} if kind == "sip" else {"phone": number, "ring": seconds}
        document.add_state(scope.ask, said | {"connect": to}, origin)
        return
    if element.get("maxtime") not in ("", "0", "0s"):
        origin.note_change("the talk has no limit")
    who = f"sip:{number}" if kind == "sip" else number
    variable = document.get_variable(name)
    ring: dict[str, Any] = {"who": [who], "each": seconds}
    for exit_, word in _OUTCOMES.items():
        made = document.make_state_name(f"{scope.prefix}_{exit_}")
        ring[exit_] = document.add_state(made, {"set": {variable: word}, "next": answered}, None)
    document.add_state(scope.ask, said | {"ring": ring}, origin)


def read_destination(origin: ElementImport) -> tuple[str, str]:
    """The number or the SIP address, and which of them it is."""
    element = origin.element
    source = element.get("dest")
    if script := element.get("destexpr") or element.get("expr"):
        value = origin.read_script(script)
        if value is None or not value.code.startswith(("vars.", "call.")):
            origin.add_remark("fill in whom to call")
            return PLACEHOLDER_NUMBER, "phone"
        return f"${{{value.to_text()}}}", "phone"
    found = _DESTINATION.fullmatch(source)
    address = found[2].split(";")[0].strip() if found else ""
    if _SIP_ADDRESS.fullmatch(address):
        return address, "sip"
    plain = re.sub(r"[ ().-]", "", address)
    if PHONE.fullmatch(plain):
        return plain, "phone"
    origin.add_remark(f'fill in a number for "{source[:60]}"')
    return PLACEHOLDER_NUMBER, "phone"


def write_record(scope: SequenceScope, origin: ElementImport, name: str, answered: str) -> None:
    """A message; the address of its file is the value."""
    document, element = scope.document, origin.element
    document.project.draft.records = True
    longest = read_millis(element.get("maxtime")) or _DEFAULT_MESSAGE_MILLIS
    if longest > 1_000 * MAX_MESSAGE_SECONDS:
        origin.note_change(f"a message lasts {MAX_MESSAGE_SECONDS // 60} minutes at most")
    question, _ = build_question(scope, origin)
    body: dict[str, Any] = {
        "prompt": question["prompt"],
        "into": document.get_variable(name, RECORDING_LENGTH),
        "limit": f"{max(min(longest // 1_000, MAX_MESSAGE_SECONDS), 1)}s",
    }
    if element.get("dtmfterm") == "false":
        origin.add_remark("the key # ends the message")
    if element.get("finalsilence"):
        origin.note_change("silence does not end the message: # does, or the end of the call")
    if element.get("beep") == "true":
        origin.add_remark("fill in the tone before the message: recordings: beep: in project.yaml")
    document.add_state(scope.ask, {"record_message": body, "next": answered}, origin)
