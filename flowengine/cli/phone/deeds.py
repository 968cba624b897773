"""What is typed at the phone, as a step of a scenario: what can be done on it can be kept as one."""

import re
from typing import Any, Final

Deed = str | dict[str, Any]
"""A step as scenarios have it: "hangs up", {"press": "1"}, {"callee": "answers"} …"""
CALLEE: Final = {
    "answer": "answers",
    "person": "person",
    "machine": "machine",
    "unsure": "unsure",
    "busy": "busy",
    "decline": "declines",
    "no answer": "no answer",
    "congestion": "congestion",
}
ANSWERING: Final = {
    "person": "answers, a person",
    "machine": "answers, a machine",
    "unsure": "answers, perhaps a machine",
    "busy": "is busy",
    "no answer": "does not answer",
    "congestion": "cannot be reached",
}
HANGS_UP: Final = ("hang up", "hangup", "bye", "quit", "exit")
HELP: Final = """\
 1, 4 2 #         press keys               | answer         whoever is called answers; where machines are
 say my bill      speak                    |                detected: person, machine, unsure
 Enter            say and do nothing       | busy           or decline, no answer, congestion
 wait 20          let 20 seconds pass      | callee 1       whoever is called presses keys
 hang up          or Ctrl-D, or Ctrl-C     | callee say Hi  speaks
 unpark NUMBER    take out of a park       | callee hang up hangs up\
"""
_KEYS = re.compile(r"[0-9*#]+")
_SECONDS = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*(ms|s|m|h|)(?:ec|in|econds?|inutes?)?")


def deed(line: str) -> Deed | None:
    """What this line does; None where it cannot be understood."""
    words = " ".join(line.split())
    first, _, rest = words.partition(" ")
    word = first.casefold()
    if not words:
        return "stays silent"
    if words.casefold() in HANGS_UP:
        return "hangs up"
    if does := CALLEE.get(words.casefold()):
        return {"callee": does}
    if word in ("wait", "callee"):
        return waiting(rest) if word == "wait" else of_callee(rest)
    if word == "unpark" and rest:
        return {"unpark": rest.replace(" ", "") if rest.startswith("+") else rest}
    return spoken_or_pressed(words, "press", "says")


def of_callee(words: str) -> Deed | None:
    if words.casefold() in HANGS_UP:
        return {"callee": "hangs up"}
    does = CALLEE.get(words.casefold()) or spoken_or_pressed(words, "presses", "says")
    return {"callee": does} if does else None


def spoken_or_pressed(words: str, presses: str, says: str) -> dict[str, Any] | None:
    first, _, rest = words.partition(" ")
    if first.casefold() == "say" and rest:
        return {says: rest}
    keys = (rest if first.casefold() == "press" else words).replace(" ", "")
    return {presses: keys} if _KEYS.fullmatch(keys) else None


def waiting(text: str) -> Deed | None:
    found = _SECONDS.fullmatch(text.casefold())
    return {"waits": f"{found[1]}{found[2] or 's'}"} if found else None


def told(step: Deed) -> tuple[bool, str]:
    """Whether whoever is called does it, and what that is, for the transcript."""
    if isinstance(step, str):
        return False, step
    (name, value), *_ = step.items()
    if name == "callee":
        return True, ANSWERING.get(value, value) if isinstance(value, str) else worded(value)
    return False, worded(step)


def worded(does: dict[str, Any]) -> str:
    """The words for a deed with a value.

    >>> worded({"says": "my bill"})
    'says "my bill"'
    """
    (name, value), *_ = does.items()
    words = {
        "says": f'says "{value}"',
        "waits": f"waits {value}",
        "unpark": f"is taken out of the park, to {value}",
    }
    return words.get(name, f"presses {value}")
