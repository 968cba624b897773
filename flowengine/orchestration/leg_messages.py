"""Legs and the platform: the request that places a leg, what a callback of a leg says, and a verdict
as SVAML. Pure, for the server and for scenarios alike.
"""

from collections.abc import Sequence
from typing import Any

from flowengine.orchestration.turn import (
    AskMember,
    DialMember,
    EndLeg,
    JoinRoom,
    LegAnswered,
    LegAsked,
    LegEnded,
    LegPressed,
    Verdict,
)
from flowengine.sinch import Ace, CallbackEvent, Dice, Ice, Pie
from flowengine.states.ring_plan import RingMember
from flowengine.svaml import (
    Action,
    ConnectConf,
    ConnectPstn,
    ConnectSip,
    Hangup,
    Instruction,
    Menu,
    MenuOption,
    Park,
    PlayFiles,
    RunMenu,
    encode_svaml,
    to_sip_destination,
)
from flowengine.svaml.actions import MAIN_MENU
from flowengine.svaml.prompt_notation import split_prompt

LegEvent = LegAsked | LegAnswered | LegPressed | LegEnded
PARK_REQUEST = encode_svaml((), Park())
"""Takes a caller out of the room, so that the next request may hold what the answer to an ICE may"""
HANG_UP_REQUEST = encode_svaml((), Hangup())


def build_leg_request(member: RingMember, cli: str, custom: str) -> dict[str, Any]:
    """The callout that places a leg. Its `ice` is blank: the platform asks the application before
    anybody is rung.
    """
    callout: dict[str, Any] = {
        "destination": {"type": member.kind, "endpoint": member.address},
        "custom": custom,
        "ice": "",
        "enableAce": True,
        "enableDice": True,
        "enablePie": True,
    }
    if cli:
        callout["cli"] = cli
    return {"method": "customCallout", "customCallout": callout}


def read_leg_event(event: CallbackEvent, attempt: int) -> LegEvent | None:
    """What a callback of a leg says; None for a notice."""
    if type(event) is Ice:
        return LegAsked(attempt, event.call_id)
    if type(event) is Ace:
        return LegAnswered(attempt, event.call_id)
    if type(event) is Pie:
        key = event.value if event.type == "return" else ""
        return LegPressed(attempt, event.call_id, key)
    if type(event) is Dice:
        return LegEnded(attempt, event.call_id, event.result)
    return None


def encode_verdict(verdict: Verdict) -> bytes:
    """The SVAML that a leg is answered with."""
    return encode_svaml(*build_leg_answer(verdict))


def build_leg_answer(verdict: Verdict) -> tuple[Sequence[Instruction], Action]:
    """The instructions and the action of a verdict."""
    match verdict:
        case DialMember(member=member, cli=cli, seconds=seconds):
            return (), build_dial_action(member, cli, seconds)
        case AskMember(whisper=whisper, locale=locale, key=key, seconds=seconds):
            menu = Menu(
                MAIN_MENU,
                main_prompt=whisper,
                repeats=0,
                timeout_mills=seconds * 1000,
                options=(MenuOption(key, f"return({key})"),),
            )
            return (), RunMenu((menu,), locale=locale)
        case JoinRoom(room=room):
            return (), ConnectConf(room)
        case EndLeg(words=words, locale=locale):
            said = (PlayFiles(tuple(split_prompt(words)), locale),) if words else ()
            return said, Hangup()


def build_dial_action(member: RingMember, cli: str, seconds: int) -> Action:
    """The action that rings a member. The platform limits the ringing of phones alone."""
    if member.kind == "sip":
        return ConnectSip(to_sip_destination(member.address), cli=cli)
    return ConnectPstn(member.address, cli=cli, dial_timeout=seconds)
