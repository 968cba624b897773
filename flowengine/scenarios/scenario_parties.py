"""The parties of a scenario as their author wrote them: who is rung, what they do by themselves, and
what they do and hear step by step.
"""

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal, get_args

import msgspec
from msgspec import UNSET, Meta, UnsetType

from flowengine.scenarios.scenario_steps import CalleeStep, StepPartyAct
from flowengine.states.field_types import Name

CALLS_FIRST: Literal["calls first"] = "calls first"
WAITS: Literal["waits"] = "waits"
PartyAnswer = Literal["answers", "accepts", "machine", "rings out", "busy", "declines"]
PartyBehaviour = PartyAnswer | Literal["calls first", "waits"]
ROOM_WORDS = ("is on hold", "is muted", "is heard")
"""What a party is in a conference"""
PARTY_WORDS = (
    *get_args(PartyAnswer),
    "hangs up",
    "stays silent",
    "is rung",
    "is not rung",
    "is free",
    "calls",
    *ROOM_WORDS,
)
"""What a party does or is, in words alone"""
PARTY_VERBS: Mapping[str, str] = {
    "presses": "presses",
    "says": "says",
    "hears only": "hears_only",
    "hears": "hears",
    "does not hear": "does_not_hear",
}
"""What a party does or hears, with something behind it; by the field of the long form"""
_VERB_PATTERN = re.compile(rf"({'|'.join(PARTY_VERBS)}) +(\S.*)", re.DOTALL)
_PARTY_KEYS_PATTERN = re.compile(r"[0-9*#]+")


class AuthoredParty(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Somebody whom the flow may ring or have called, or who calls beside the caller."""

    is_: (
        Annotated[
            str,
            Meta(
                description="Their phone number or SIP address, as the flow rings it; or the name of "
                "an app user who calls.",
                examples=["+14045009001"],
                min_length=1,
            ),
        ]
        | UnsetType
    ) = msgspec.field(name="is", default=UNSET)
    does: (
        Annotated[
            PartyBehaviour,
            Meta(
                description="What they do by themselves when they are rung; `accepts` answers and "
                "presses the key that takes the call, `machine` is an answering machine. Who "
                "`calls first` is another caller, a second before the call of the scenario. Who "
                "`waits` does what the steps say, as without it.",
                examples=["rings out"],
            ),
        ]
        | UnsetType
    ) = UNSET
    to: (
        Annotated[
            str,
            Meta(
                description="The number that they dial who `calls first`, or in a step `calls`; "
                "without it, that of the scenario.",
                examples=["+14045550117"],
                min_length=1,
            ),
        ]
        | UnsetType
    ) = UNSET


Parties = dict[Name, AuthoredParty]


def parse_party_act(written: StepPartyAct) -> str | CalleeStep | None:
    """What is written for a party, in one form: words alone, or the long form; None where it means
    nothing.
    """
    if isinstance(written, CalleeStep) or written in PARTY_WORDS:
        return written
    found = _VERB_PATTERN.fullmatch(written)
    if found is None or (found[1] == "presses" and not _PARTY_KEYS_PATTERN.fullmatch(found[2])):
        return None
    return CalleeStep(**{PARTY_VERBS[found[1]]: found[2]})


def merge_parties(own: Parties | UnsetType, shared: Parties | UnsetType) -> Parties:
    """The parties of a scenario: those of its file, with what the scenario itself says of them."""
    found = dict(shared or {})
    for name, party in (own or {}).items():
        before = found.get(name, AuthoredParty())
        found[name] = AuthoredParty(
            party.is_ or before.is_, party.does or before.does, party.to or before.to
        )
    return found


def list_party_names(data: Any) -> list[str]:
    """All names of parties in a file of scenarios, as far as they can be read."""
    if not isinstance(data, dict):
        return []
    scenarios = data.get("scenarios")
    owners = [data, *(scenarios.values() if isinstance(scenarios, dict) else ())]
    named = [owner.get("parties") for owner in owners if isinstance(owner, dict)]
    return list(
        dict.fromkeys(str(name) for each in named if isinstance(each, dict) for name in each)
    )
