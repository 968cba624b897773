"""What no source decides about the platform, as named settings; the defaults are those of the
platform notes.
"""

from typing import Literal

import msgspec


class SwitchSettings(msgspec.Struct, frozen=True):
    """How the switch behaves where sources on the platform are silent or differ. In seconds."""

    callback_timeout: float = 5.0
    """An answer that comes later counts as none (documented for Voice 2.0 only)"""
    bypass_after: int = 3
    """So many failures of the primary URL in a row, and callbacks go to the fallback at once"""
    bypass_probe: float = 60.0
    """A bypassed primary URL is tried again after this"""
    ace_unanswered: Literal["connect", "hangup"] = "connect"
    """What becomes of an answered call when nothing answers ACE"""
    pie_unanswered: Literal["hangup", "continue"] = "hangup"
    """When nothing answers PIE: with `hangup` the caller hears the platform's error prompt first, and the call ends with CALLBACKERROR"""
    pie_for_apps: Literal["wait", "hangup", "send"] = "wait"
    """What follows a menu of an app user: sources say that such calls have no PIE. The caller waits on, or the call ends, or PIE is sent"""
    empty_ice: Literal["error", "hangup"] = "error"
    """2xx without a body or action: an error is a `callingerror`, then the end of the call"""
    empty_ace: Literal["continue", "hangup"] = "continue"
    """What 2xx without a body or action means to ACE"""
    empty_pie: Literal["hangup", "continue"] = "hangup"
    """What 2xx without a body or action means to PIE"""
    continue_in_ice: Literal["apps", "always", "never"] = "apps"
    """Whether `continue` may answer ICE: for calls that an app has placed (they connect as dialled)"""
    cookies: bool = True
    """Whether cookies come back in callbacks"""
    patch_ringing_callout: bool = True
    """Whether a callout may be managed by PATCH before anybody has answered it: sources speak of connected calls only"""
    patch_app_calls: bool = False
    """Whether PATCH manages a call of an app that reaches no phone and no SIP end: sources speak of calls from or to the PSTN or SIP"""
    patch_park_from_room: bool = True
    """Whether PATCH with park takes a call out of a conference: sources describe park and conferences, but not one after the other"""
    callouts_per_second: int = 0
    """How many callouts an application may place within a second; 0 is no limit. No source says how many the platform takes"""
    app_conference_domain: Literal["mxp", "conference", "pstn"] = "mxp"
    """The `domain` of a call from an app to a conference: a real callback has `mxp`, descriptions have the others"""
    dice_for_apps: bool = True
    """Whether a call from app to app is reported when it ends; a callout to an app user never is"""
    custom_callout_events: bool = True
    """Whether a custom callout has ACE, PIE and DiCE when its enable flags are absent"""
    timestamp_window: float = 300.0
    """How old or early a signed request may be, either way"""
    auto_answer: bool = True
    """Whether menus, parking, conferences and streams answer an incoming call by themselves"""
    send_dtmf_to: Literal["callee", "caller"] = "callee"
    """Who hears the keys of sendDtmf: the called party, once they have answered, or the caller"""
    ace_prompts_to: Literal["caller", "callee"] = "caller"
    """Who hears what the answer to ACE says and plays, where a caller has been connected to somebody: sources say either"""
    repeats: int = 3
    """How often a menu repeats its prompt where it does not say"""
    wrong_key_interrupts: bool = True
    """Whether a key that leads nowhere interrupts a prompt, as one that does is known to; otherwise it is lost"""
    options_with_digits: bool = True
    """Whether the first key still chooses an option in a menu that also collects digits"""
    park_seconds: float = 600.0
    """A call is parked for so long at most"""
    park_reason: str = "TIMEOUT"
    """The reason that a call ends with when it was parked for too long"""
    cancel_reason: Literal["CANCEL", "CALLERHANGUP"] = "CANCEL"
    """The reason when the caller gives up while it rings"""
    ring_seconds: float = 45.0
    """A phone that nobody answers rings for so long where no dialTimeout is given"""
    call_id_name: Literal["callid", "callId"] = "callid"
    """How callbacks spell the id of the call"""
    strict: bool = False
    """Treat as illegal whatever the platform merely tolerates; an answer without action is left to `empty_ice` and its like"""
    characters_per_second: float = 15.0
    """How fast the platform speaks"""
    file_seconds: float = 5.0
    """How long an audio file plays"""
    tone_seconds: float = 0.2
    """How long one key sounds that the platform sends"""
    transcription_seconds: float = 60.0
    """From a recording's end to its transcript"""
    upload_seconds: float = 2.0
    """From a recording's end to its file"""
    recording_days: float = 30.0
    """How long the platform keeps a recording of its own"""
    amd_seconds: float = 3.0
    """How long it takes to tell a machine from a person"""
    callback_seconds: float = 0.0
    """How long each answer of the backend takes in virtual time, in excess of what it really takes"""
