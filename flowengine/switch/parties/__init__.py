"""Whoever is at the other end of a line: who is found where, and what they do by themselves."""

from flowengine.switch.parties.finding import found
from flowengine.switch.parties.script import Script

__all__ = ["Script", "found"]
