"""Parses what is typed at the phone as steps of a scenario, so that a call can be saved as one."""

import re
from collections.abc import Collection
from typing import Any, Final

PhoneStep = str | dict[str, Any]
"""A step as scenarios have it: "hangs up", {"press": "1"}, {"callee": "answers"} …"""
CALLEE_ACTIONS: Final = {
    "answer": "answers",
    "person": "person",
    "machine": "machine",
    "unsure": "unsure",
    "busy": "busy",
    "decline": "declines",
    "no answer": "no answer",
    "congestion": "congestion",
}
CALLEE_ACTION_TEXTS: Final = {
    "person": "answers, a person",
    "machine": "answers, a machine",
    "unsure": "answers, perhaps a machine",
    "busy": "is busy",
    "no answer": "does not answer",
    "congestion": "cannot be reached",
}
PARTY_ACTIONS: Final = {
    "answer": "answers",
    "accept": "accepts",
    "busy": "busy",
    "decline": "declines",
    "no answer": "rings out",
    "calls": "calls",
    "": "stays silent",
}
OWN_ACTIONS: Final = frozenset({"press", "says", "waits", "unpark"})
"""What the person at the phone does; other steps are of the callee, or of a party by its name"""
HANGUP_WORDS: Final = ("hang up", "hangup", "bye", "quit", "exit")
HELP: Final = """\
 1, 4 2 #         press keys               | answer         whoever is called answers; where machines are
 say my bill      speak                    |                detected: person, machine, unsure
 Enter            say and do nothing       | busy           or decline, no answer, congestion
 wait 20          let 20 seconds pass      | callee 1       whoever is called presses keys
 hang up          or Ctrl-D, or Ctrl-C     | callee say Hi  speaks
 unpark NUMBER    take out of a park       | callee hang up hangs up
 agent1 accept    who is rung, by name: answer, accept, busy, decline, no answer, 1, say Hi, hang up
 caller2 calls    somebody else calls; caller2 1, caller2 say Hi, caller2 hang up\
"""
OTHER_CALLER = re.compile(r"caller([2-9])")
"""The name of somebody else who calls, with the last digit of their number"""
_KEYS_PATTERN = re.compile(r"[0-9*#]+")
_DURATION_PATTERN = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*(ms|s|m|h|)(?:ec|in|econds?|inutes?)?")


def parse_step(line: str) -> PhoneStep | None:
    """What this line does; None where it cannot be understood."""
    words = " ".join(line.split())
    first, _, rest = words.partition(" ")
    word = first.casefold()
    if not words:
        return "stays silent"
    if words.casefold() in HANGUP_WORDS:
        return "hangs up"
    if does := CALLEE_ACTIONS.get(words.casefold()):
        return {"callee": does}
    if word in ("wait", "callee"):
        return parse_wait(rest) if word == "wait" else parse_callee_step(rest)
    if word == "unpark" and rest:
        return {"unpark": rest.replace(" ", "") if rest.startswith("+") else rest}
    return parse_speech_or_keys(words, "press", "says")


def parse_party_step(line: str, names: Collection[str]) -> PhoneStep | None:
    """What a line says of a party whom a ring calls, or who calls; None where it begins with no
    name.
    """
    name, _, rest = " ".join(line.split()).partition(" ")
    if name.casefold() not in names and not OTHER_CALLER.fullmatch(name.casefold()):
        return None
    if rest.casefold() in HANGUP_WORDS:
        return {name.casefold(): "hangs up"}
    does = PARTY_ACTIONS.get(rest.casefold()) or parse_speech_or_keys(rest, "presses", "says")
    return {name.casefold(): does} if does else None


def parse_callee_step(words: str) -> PhoneStep | None:
    if words.casefold() in HANGUP_WORDS:
        return {"callee": "hangs up"}
    does = CALLEE_ACTIONS.get(words.casefold()) or parse_speech_or_keys(words, "presses", "says")
    return {"callee": does} if does else None


def parse_speech_or_keys(words: str, presses: str, says: str) -> dict[str, Any] | None:
    first, _, rest = words.partition(" ")
    if first.casefold() == "say" and rest:
        return {says: rest}
    keys = (rest if first.casefold() == "press" else words).replace(" ", "")
    return {presses: keys} if _KEYS_PATTERN.fullmatch(keys) else None


def parse_wait(text: str) -> PhoneStep | None:
    found = _DURATION_PATTERN.fullmatch(text.casefold())
    return {"waits": f"{found[1]}{found[2] or 's'}"} if found else None


def describe_step(step: PhoneStep) -> tuple[bool, str]:
    """Whether the callee does it, and what it is, for the transcript."""
    if isinstance(step, str):
        return False, step
    (name, value), *_ = step.items()
    if name == "callee":
        return True, CALLEE_ACTION_TEXTS.get(value, value) if isinstance(
            value, str
        ) else format_action(value)
    if name not in OWN_ACTIONS:
        return False, f"{name} {value if isinstance(value, str) else format_action(value)}"
    return False, format_action(step)


def format_action(does: dict[str, Any]) -> str:
    """The words for a deed with a value.

    >>> format_action({"says": "my bill"})
    'says "my bill"'
    """
    (name, value), *_ = does.items()
    words = {
        "says": f'says "{value}"',
        "waits": f"waits {value}",
        "unpark": f"is taken out of the park, to {value}",
    }
    return words.get(name, f"presses {value}")
