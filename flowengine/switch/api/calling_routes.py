"""Routes 1 to 8 and 16: callouts, calls, conferences, reports of calls."""

from typing import Any

from flowengine.switch.api.api_request import (
    EMPTY_REPLY,
    NO_CONTENT_REPLY,
    ApiReply,
    ApiRequest,
    build_json_reply,
)
from flowengine.switch.api.switch_context import SwitchContext
from flowengine.switch.api_error import ApiError
from flowengine.switch.media.room import Room

CALLBACK_HEADER_PREFIX = "x-cb-"
PARTICIPANT_MUSIC = ("", "ring", "music1", "music2", "music3")
MAX_DETAILS = 64


def place_callout(desk: SwitchContext, asked: ApiRequest) -> ApiReply:
    """Place a call."""
    extra = {
        name: value
        for name, value in asked.headers.items()
        if name.lower().startswith(CALLBACK_HEADER_PREFIX)
    }
    return build_json_reply(
        {"callId": desk.exchange.callout(asked.application, asked.read_fields(), extra)}
    )


def get_call(desk: SwitchContext, asked: ApiRequest) -> ApiReply:
    """The state of a call, or how it ended."""
    return build_json_reply(desk.get_call_info(asked.application, asked.path["call"]))


def patch_call(desk: SwitchContext, asked: ApiRequest) -> ApiReply:
    """Manage a call, or unpark it."""
    desk.find_call(asked.application, asked.path["call"]).patch(asked.body)
    return NO_CONTENT_REPLY


def patch_leg(desk: SwitchContext, asked: ApiRequest) -> ApiReply:
    """Play something to one end of a call."""
    found = desk.find_call(asked.application, asked.path["call"])
    match asked.path["leg"]:
        case "caller" | "callee" | "both" as leg:
            found.patch_leg(leg, asked.body)
        case _:
            raise ApiError(40001, "Invalid parameters: the leg is caller, callee or both")
    return EMPTY_REPLY


def find_own_room(desk: SwitchContext, asked: ApiRequest) -> Room:
    """A conference in which the application has a call."""
    found = desk.exchange.rooms.find_room(asked.path["conference"])
    for member in found.list_participants() if found else ():
        inside = desk.exchange.calls.get(member["id"])
        if found and inside and inside.application_key == asked.application:
            return found
    raise ApiError(40400, "Conference not found")


def get_conference(desk: SwitchContext, asked: ApiRequest) -> ApiReply:
    """The participants of a conference."""
    return build_json_reply({"participants": find_own_room(desk, asked).list_participants()})


def end_conference(desk: SwitchContext, asked: ApiRequest) -> ApiReply:
    """Hang up on all participants."""
    find_own_room(desk, asked).end()
    return NO_CONTENT_REPLY


def manage_participant(desk: SwitchContext, asked: ApiRequest) -> ApiReply:
    """Mute a participant, or put it on hold."""
    found, given, call_id = find_own_room(desk, asked), asked.read_fields(), asked.path["call"]
    if not change_participant(found, call_id, given):
        raise ApiError(40400, "Participant not found")
    return EMPTY_REPLY


def change_participant(found: Room, call_id: str, given: dict[str, Any]) -> bool:
    match given.get("command"):
        case "mute":
            return found.mute(call_id)
        case "unmute":
            return found.unmute(call_id)
        case "resume":
            return found.resume(call_id)
        case "onhold":
            moh = given.get("moh") or ""
            if moh not in PARTICIPANT_MUSIC:
                raise ApiError(40001, "Invalid parameters: moh is ring, music1, music2 or music3")
            return found.hold(call_id, moh)
        case None:
            raise ApiError(40002, "Bad request: command is missing")
    raise ApiError(40001, "Invalid parameters: command is mute, unmute, onhold or resume")


def kick_participant(desk: SwitchContext, asked: ApiRequest) -> ApiReply:
    """Hang up on one participant."""
    if not find_own_room(desk, asked).kick(asked.path["call"]):
        raise ApiError(40400, "Participant not found")
    return EMPTY_REPLY


def report_call(desk: SwitchContext, asked: ApiRequest) -> ApiReply:
    """Note in a call's record whether it was a success."""
    found, given = desk.find_ended_call(asked.application, asked.path["call"]), asked.read_fields()
    status = str(given.get("status", "")).lower()
    if status in ("success", "failure"):  # anything else is ignored, as in an answer to DiCE
        found.status, found.details = status, str(given.get("details", "")).strip()[:MAX_DETAILS]
        desk.persistence.save_call(asked.path["call"], found)
    return ApiReply(201)
