"""The parties at the ends of lines: who is found at an address, and what they do by themselves."""

from flowengine.switch.parties.party_lookup import PartyKind, find_behaviour
from flowengine.switch.parties.script import Script

__all__ = ["PartyKind", "Script", "find_behaviour"]
