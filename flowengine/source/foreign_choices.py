"""Words for a choice that authors bring from other languages."""

from collections.abc import Collection
from typing import Final

# by the choice that tells a list of choices from others
FOREIGN_CHOICES: Final = {
    "all at once": {
        "simultaneous": "all at once",
        "simultaneously": "all at once",
        "parallel": "all at once",
        "ringall": "all at once",
        "ring_all": "all at once",
        "all": "all at once",
        "broadcast": "all at once",
        "sequential": "in turn",
        "sequentially": "in turn",
        "serial": "in turn",
        "linear": "in turn",
        "hunt": "in turn",
        "topdown": "in turn",
        "fixed": "in turn",
        "roundrobin": "round robin",
        "rrmemory": "round robin",
        "circular": "round robin",
        "rotary": "round robin",
        "leastrecent": "longest idle",
        "least_recent": "longest idle",
        "idle": "longest idle",
    },
    "longest idle": {  # of a queue, which calls one at a time
        "all at once": "longest idle: a queue offers a call to one member at a time",
        "all": "longest idle: a queue offers a call to one member at a time",
        "simultaneous": "longest idle: a queue offers a call to one member at a time",
        "ringall": "longest idle: a queue offers a call to one member at a time",
        "sequential": "in turn",
        "linear": "in turn",
        "hunt": "in turn",
        "fixed": "in turn",
        "roundrobin": "round robin",
        "rrmemory": "round robin",
        "circular": "round robin",
        "leastrecent": "longest idle",
        "fewestcalls": "longest idle",
        "least_recent": "longest idle",
        "idle": "longest idle",
        "fifo": "longest idle; the callers are in the order in which they came, unless priority: says else",
    },
    "pause": {  # of an agent
        "on": "in",
        "login": "in",
        "available": "in",
        "ready": "in",
        "true": "in",
        "off": "out",
        "logout": "out",
        "unavailable": "out",
        "false": "out",
        "break": "pause",
        "away": "pause",
        "busy": "pause",
        "paused": "pause",
    },
    "integer": {
        "string": "text",
        "str": "text",
        "varchar": "text",
        "number": "integer, or decimal with a fraction",
        "int": "integer",
        "long": "integer",
        "float": "decimal",
        "double": "decimal",
        "money": "decimal",
        "bool": "boolean",
        "flag": "boolean",
        "enum": "choice, and choices: [first, second] beside it",
        "phone": "text",
        "datetime": "date or time, a variable for each",
        "timestamp": "date or time, a variable for each",
        "list": "text; a variable holds one value, and rows of values stand in a table",
        "array": "text; a variable holds one value, and rows of values stand in a table",
        "object": "a variable for each part",
        "map": "a variable for each part; rows of values stand in a table",
    },
    "resume": {  # of a change of a conference
        "kick": "remove",
        "disconnect": "remove",
        "drop": "remove",
        "hangup": "remove",
        "silence": "mute",
        "onhold": "hold",
        "unhold": "resume",
        "close": "end",
    },
}


def find_foreign_choice(word: str, choices: Collection[str]) -> str:
    """How a word for one of these choices is said here."""
    return next(
        (
            f"write {words[word.casefold()]}"
            for choice, words in FOREIGN_CHOICES.items()
            if choice in choices and word.casefold() in words
        ),
        "",
    )
