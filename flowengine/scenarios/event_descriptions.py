"""What happens to a call in words, for transcripts, and what it is at after that."""

from collections.abc import Mapping

from flowengine.switch.switch_events import (
    AnswerReceived,
    CallEnded,
    Heard,
    Joined,
    Left,
    MenuWaits,
    ParticipantChanged,
    ParticipantCommand,
    Picked,
    Remark,
    Ringing,
    SwitchEvent,
)

WORDS_BY_COMMAND: Mapping[ParticipantCommand, str] = {
    "mute": "is muted",
    "unmute": "is unmuted",
    "onhold": "is put on hold",
    "resume": "is taken off hold",
}

DOINGS_BY_COMMAND: Mapping[ParticipantCommand, str] = {
    "mute": "mutes the caller",
    "unmute": "unmutes the caller",
    "onhold": "puts the caller on hold",
    "resume": "takes the caller off hold",
}


def get_next_phase(happening: SwitchEvent, before: str) -> str:
    """What a call is at from now on."""
    if isinstance(happening, Picked) and happening.role == "callee":
        return "picked"
    if isinstance(happening, AnswerReceived) and happening.event == "ace" and before == "picked":
        return "joined"  # also where a placed call has nobody at its other end
    return {MenuWaits: "asked", Ringing: "ringing", Joined: "joined", CallEnded: "ended"}.get(
        type(happening), before
    )


def describe_event(happening: SwitchEvent) -> tuple[str, str] | None:
    """Who does what, for the transcript."""
    if isinstance(happening, Heard):
        sound = happening.sound
        if sound.kind == "pause":
            return happening.role, f"hears nothing for {sound.seconds:g} s"
        return (
            happening.role,
            f'hears "{sound.text}"'
            if sound.kind == "speech"
            else f"hears {sound.kind} {sound.text}".rstrip(),
        )
    if isinstance(happening, AnswerReceived):
        why = happening.failure or "; ".join(item.message for item in happening.illegal)
        return ("platform", f"refuses the answer to {happening.event}: {why}") if why else None
    if isinstance(happening, Remark):
        found = "; ".join(item.message for item in happening.illegal + happening.tolerated)
        return "platform", f"remarks on {happening.about}: {found}"
    if isinstance(happening, Left):
        return happening.role, "is gone"
    return ("platform", describe_progress(happening)) if describe_progress(happening) else None


def describe_progress(happening: SwitchEvent) -> str:
    """How a call goes on."""
    if isinstance(happening, Ringing):
        return f"calls {happening.to}"
    if isinstance(happening, Joined):
        return f"connects to {happening.to}" if happening.to else f"joins {happening.kind}"
    if isinstance(happening, ParticipantChanged):
        return DOINGS_BY_COMMAND[happening.command]
    return (
        f"ends the call: {happening.result}, {happening.reason}"
        if isinstance(happening, CallEnded)
        else ""
    )
