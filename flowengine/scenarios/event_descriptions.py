"""What happens to a call in words, for transcripts, and what it is at after that."""

from collections.abc import Mapping

from flowengine.switch.switch_events import (
    AnswerReceived,
    CallEnded,
    LegJoined,
    LegLeft,
    LegPickedUp,
    LegRinging,
    MenuListening,
    ParticipantChanged,
    ParticipantCommand,
    Remark,
    SoundStarted,
    SwitchEvent,
)

STATES_BY_COMMAND: Mapping[ParticipantCommand, str] = {
    "mute": "is muted",
    "unmute": "is unmuted",
    "onhold": "is put on hold",
    "resume": "is taken off hold",
}

ACTIONS_BY_COMMAND: Mapping[ParticipantCommand, str] = {
    "mute": "mutes the caller",
    "unmute": "unmutes the caller",
    "onhold": "puts the caller on hold",
    "resume": "takes the caller off hold",
}


def get_next_phase(event: SwitchEvent, before: str) -> str:
    """What a call is at from now on."""
    if isinstance(event, LegPickedUp) and event.role == "callee":
        return "picked"
    if isinstance(event, AnswerReceived) and event.event == "ace" and before == "picked":
        return "joined"  # also where a placed call has nobody at its other end
    return {
        MenuListening: "asked",
        LegRinging: "ringing",
        LegJoined: "joined",
        CallEnded: "ended",
    }.get(type(event), before)


def describe_event(event: SwitchEvent) -> tuple[str, str] | None:
    """Who does what, for the transcript."""
    if isinstance(event, SoundStarted):
        sound = event.sound
        if sound.kind == "pause":
            return event.role, f"hears nothing for {sound.seconds:g} s"
        return (
            event.role,
            f'hears "{sound.text}"'
            if sound.kind == "speech"
            else f"hears {sound.kind} {sound.text}".rstrip(),
        )
    if isinstance(event, AnswerReceived):
        why = event.failure or "; ".join(item.message for item in event.illegal)
        return ("platform", f"refuses the answer to {event.event}: {why}") if why else None
    if isinstance(event, Remark):
        found = "; ".join(item.message for item in event.illegal + event.tolerated)
        return "platform", f"remarks on {event.about}: {found}"
    if isinstance(event, LegLeft):
        return event.role, "is gone"
    return ("platform", describe_progress(event)) if describe_progress(event) else None


def describe_progress(event: SwitchEvent) -> str:
    """How a call goes on."""
    if isinstance(event, LegRinging):
        return f"calls {event.to}"
    if isinstance(event, LegJoined):
        return f"connects to {event.to}" if event.to else f"joins {event.kind}"
    if isinstance(event, ParticipantChanged):
        return ACTIONS_BY_COMMAND[event.command]
    return f"ends the call: {event.result}, {event.reason}" if isinstance(event, CallEnded) else ""
