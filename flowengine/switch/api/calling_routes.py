"""Routes 1 to 8 and 16: callouts, calls, conferences, reports of calls."""

from typing import Any

from flowengine.switch.api.api_request import (
    EMPTY_REPLY,
    LOST_REPLY,
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


def place_callout(context: SwitchContext, request: ApiRequest) -> ApiReply:
    """Place a call."""
    extra = {
        name: value
        for name, value in request.headers.items()
        if name.lower().startswith(CALLBACK_HEADER_PREFIX)
    }
    call_id = context.exchange.callout(request.application, request.read_fields(), extra)
    return LOST_REPLY if context.count_callout() else build_json_reply({"callId": call_id})


def get_call(context: SwitchContext, request: ApiRequest) -> ApiReply:
    """The state of a call, or how it ended."""
    return build_json_reply(context.get_call_info(request.application, request.path["call"]))


def patch_call(context: SwitchContext, request: ApiRequest) -> ApiReply:
    """Manage a call, or unpark it."""
    context.find_call(request.application, request.path["call"]).patch(request.body)
    return NO_CONTENT_REPLY


def patch_leg(context: SwitchContext, request: ApiRequest) -> ApiReply:
    """Play something to one end of a call."""
    found = context.find_call(request.application, request.path["call"])
    match request.path["leg"]:
        case "caller" | "callee" | "both" as leg:
            found.patch_leg(leg, request.body)
        case _:
            raise ApiError(40001, "Invalid parameters: the leg is caller, callee or both")
    return EMPTY_REPLY


def find_own_room(context: SwitchContext, request: ApiRequest) -> Room:
    """A conference in which the application has a call."""
    found = context.exchange.rooms.find_room(request.path["conference"])
    # an application sees a conference only while a call of its own is in it
    for member in found.list_participants() if found else ():
        inside = context.exchange.calls.get(member["id"])
        if found and inside and inside.application_key == request.application:
            return found
    raise ApiError(40400, "Conference not found")


def get_conference(context: SwitchContext, request: ApiRequest) -> ApiReply:
    """The participants of a conference."""
    return build_json_reply({"participants": find_own_room(context, request).list_participants()})


def end_conference(context: SwitchContext, request: ApiRequest) -> ApiReply:
    """Hang up on all participants."""
    find_own_room(context, request).end()
    return NO_CONTENT_REPLY


def manage_participant(context: SwitchContext, request: ApiRequest) -> ApiReply:
    """Mute a participant, or put it on hold."""
    found, given, call_id = (
        find_own_room(context, request),
        request.read_fields(),
        request.path["call"],
    )
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
        # without moh a participant on hold hears silence
        case "onhold":
            moh = given.get("moh") or ""
            if moh not in PARTICIPANT_MUSIC:
                raise ApiError(40001, "Invalid parameters: moh is ring, music1, music2 or music3")
            return found.hold(call_id, moh)
        case None:
            raise ApiError(40002, "Bad request: command is missing")
    raise ApiError(40001, "Invalid parameters: command is mute, unmute, onhold or resume")


def kick_participant(context: SwitchContext, request: ApiRequest) -> ApiReply:
    """Hang up on one participant."""
    if not find_own_room(context, request).kick(request.path["call"]):
        raise ApiError(40400, "Participant not found")
    return EMPTY_REPLY


def report_call(context: SwitchContext, request: ApiRequest) -> ApiReply:
    """Note in a call's record whether it was a success."""
    found, given = (
        context.find_ended_call(request.application, request.path["call"]),
        request.read_fields(),
    )
    status = str(given.get("status", "")).lower()
    if status in ("success", "failure"):  # anything else is ignored, as in an answer to DiCE
        found.status, found.details = status, str(given.get("details", "")).strip()[:MAX_DETAILS]
        context.persistence.save_call(request.path["call"], found)
    return ApiReply(201)
