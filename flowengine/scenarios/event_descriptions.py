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


def get_next_phase(switch_event: SwitchEvent, before: str) -> str:
    """What a call is at from now on."""
    if isinstance(switch_event, LegPickedUp) and switch_event.role == "callee":
        return "picked"
    if (
        isinstance(switch_event, AnswerReceived)
        and switch_event.event == "ace"
        and before == "picked"
    ):
        return "joined"  # also where a placed call has nobody at its other end
    return {
        MenuListening: "asked",
        LegRinging: "ringing",
        LegJoined: "joined",
        CallEnded: "ended",
    }.get(type(switch_event), before)


def describe_event(switch_event: SwitchEvent) -> tuple[str, str] | None:
    """Who does what, for the transcript."""
    if isinstance(switch_event, SoundStarted):
        sound = switch_event.sound
        if sound.kind == "pause":
            return switch_event.role, f"hears nothing for {sound.seconds:g} s"
        return (
            switch_event.role,
            f'hears "{sound.text}"'
            if sound.kind == "speech"
            else f"hears {sound.kind} {sound.text}".rstrip(),
        )
    if isinstance(switch_event, AnswerReceived):
        why = switch_event.failure or "; ".join(item.message for item in switch_event.illegal)
        return ("platform", f"refuses the answer to {switch_event.event}: {why}") if why else None
    if isinstance(switch_event, Remark):
        found = "; ".join(item.message for item in switch_event.illegal + switch_event.tolerated)
        return "platform", f"remarks on {switch_event.about}: {found}"
    if isinstance(switch_event, LegLeft):
        return switch_event.role, "is gone"
    return (
        ("platform", describe_progress(switch_event)) if describe_progress(switch_event) else None
    )


def describe_progress(switch_event: SwitchEvent) -> str:
    """How a call goes on."""
    if isinstance(switch_event, LegRinging):
        return f"calls {switch_event.to}"
    if isinstance(switch_event, LegJoined):
        return f"connects to {switch_event.to}" if switch_event.to else f"joins {switch_event.kind}"
    if isinstance(switch_event, ParticipantChanged):
        return ACTIONS_BY_COMMAND[switch_event.command]
    return (
        f"ends the call: {switch_event.result}, {switch_event.reason}"
        if isinstance(switch_event, CallEnded)
        else ""
    )
