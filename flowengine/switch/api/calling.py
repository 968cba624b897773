"""Routes 1 to 8 and 16: callouts, calls, conferences, reports of calls."""

from typing import Any

from flowengine.switch.api.asked import EMPTY, NO_CONTENT, Answer, Asked, told
from flowengine.switch.api.desk import Desk
from flowengine.switch.errors import ApiError
from flowengine.switch.media.room import Room

CALLBACK_HEADER = "x-cb-"
MUSIC = ("", "ring", "music1", "music2", "music3")
MAX_DETAILS = 64


def callout(desk: Desk, asked: Asked) -> Answer:
    """Place a call."""
    extra = {
        name: value
        for name, value in asked.headers.items()
        if name.lower().startswith(CALLBACK_HEADER)
    }
    return told({"callId": desk.exchange.callout(asked.application, asked.fields(), extra)})


def call(desk: Desk, asked: Asked) -> Answer:
    """How a call is, or was."""
    return told(desk.info(asked.application, asked.path["call"]))


def patch_call(desk: Desk, asked: Asked) -> Answer:
    """Manage a call, or take it out of where it is parked."""
    desk.call(asked.application, asked.path["call"]).patch(asked.body)
    return NO_CONTENT


def patch_leg(desk: Desk, asked: Asked) -> Answer:
    """Let one end of a call hear something."""
    found = desk.call(asked.application, asked.path["call"])
    match asked.path["leg"]:
        case "caller" | "callee" | "both" as leg:
            found.patch_leg(leg, asked.body)
        case _:
            raise ApiError(40001, "Invalid parameters: the leg is caller, callee or both")
    return EMPTY


def room(desk: Desk, asked: Asked) -> Room:
    """A conference in which the application has a call."""
    found = desk.exchange.rooms.find(asked.path["conference"])
    for member in found.participants() if found else ():
        inside = desk.exchange.calls.get(member["id"])
        if found and inside and inside.application_key == asked.application:
            return found
    raise ApiError(40400, "Conference not found")


def conference(desk: Desk, asked: Asked) -> Answer:
    """Who is in a conference."""
    return told({"participants": room(desk, asked).participants()})


def end_conference(desk: Desk, asked: Asked) -> Answer:
    """Throw everybody out."""
    room(desk, asked).end()
    return NO_CONTENT


def manage(desk: Desk, asked: Asked) -> Answer:
    """Mute a participant, or put it on hold."""
    found, given, call_id = room(desk, asked), asked.fields(), asked.path["call"]
    if not change(found, call_id, given):
        raise ApiError(40400, "Participant not found")
    return EMPTY


def change(found: Room, call_id: str, given: dict[str, Any]) -> bool:
    match given.get("command"):
        case "mute":
            return found.mute(call_id)
        case "unmute":
            return found.unmute(call_id)
        case "resume":
            return found.resume(call_id)
        case "onhold":
            moh = given.get("moh") or ""
            if moh not in MUSIC:
                raise ApiError(40001, "Invalid parameters: moh is ring, music1, music2 or music3")
            return found.hold(call_id, moh)
        case None:
            raise ApiError(40002, "Bad request: command is missing")
    raise ApiError(40001, "Invalid parameters: command is mute, unmute, onhold or resume")


def kick(desk: Desk, asked: Asked) -> Answer:
    """Throw one participant out."""
    if not room(desk, asked).kick(asked.path["call"]):
        raise ApiError(40400, "Participant not found")
    return EMPTY


def report(desk: Desk, asked: Asked) -> Answer:
    """Note in a call's record whether it was a success."""
    found, given = desk.report(asked.application, asked.path["call"]), asked.fields()
    status = str(given.get("status", "")).lower()
    if status in ("success", "failure"):  # anything else is ignored, as in an answer to DiCE
        found.status, found.details = status, str(given.get("details", "")).strip()[:MAX_DETAILS]
        desk.kept.keep(asked.path["call"], found)
    return Answer(201)
