"""Words for messages: values quoted safely, the nearest name."""

from collections.abc import Iterable, Sequence
from difflib import get_close_matches

from flowengine.limits import MAX_QUOTED

MAX_LISTED_NAMES = 20


def suggest_name(word: str, candidates: Iterable[str]) -> str:
    """`did you mean "x"?` for the candidate nearest to a mistyped word, else nothing."""
    found = find_nearest(word, candidates)
    return f"did you mean {quote_value(found)}?" if found else ""


def suggest_or_list_names(word: str, names: Sequence[str]) -> str:
    """What somebody may have meant who names none of these: the nearest, or the first of them.

    >>> suggest_or_list_names("mian", ["main", "sales"]), suggest_or_list_names("x", ["main", "sales"])
    ('did you mean "main"?', 'there are main, sales')
    """
    more = len(names) - MAX_LISTED_NAMES
    listed = ", ".join(names[:MAX_LISTED_NAMES]) + (f" and {more} more" if more > 0 else "")
    return suggest_name(word, names) or f"there are {listed}"


def find_nearest(word: str, candidates: Iterable[str]) -> str:
    by_shape = {
        _normalize_name(candidate): candidate for candidate in candidates if candidate != word
    }
    if len(word) > MAX_QUOTED:  # nobody mistypes a name that long, and comparing costs its square
        return ""
    shape = _normalize_name(word)
    found = get_close_matches(shape, by_shape, n=3, cutoff=0.6)
    # two letters in the wrong order are the likelier slip
    swapped = (near for near in found if sorted(near) == sorted(shape))
    return by_shape[next(swapped, found[0])] if found else ""


def quote_value(value: object) -> str:
    """A value from a file inside a message: in quotes, on one line, short, and unable to steer a
    terminal.
    """
    return f'"{abbreviate(in_cure(str(value)[: MAX_QUOTED + 1]), MAX_QUOTED)}"'


def in_cure(text: str) -> str:
    """An author's text inside a cure that is to be copied: on one line and unable to steer a
    terminal, but whole, as a part of it would be another mistake.
    """
    return "".join(character if character.isprintable() else " " for character in text)


def abbreviate(text: str, most: int) -> str:
    """At most so many characters; … stands for those that are left out.

    >>> abbreviate("anything", 8), abbreviate("everything", 8)
    ('anything', 'everyth…')
    """
    return text if len(text) <= most else f"{text[: most - 1]}…"


def to_printable(line: str) -> str:
    r"""What callers chose, or others wrote in commits, as it may stand on a line of a terminal.

    >>> to_printable("one\ntwo\x1b[31m")
    'one two?[31m'
    """
    if line.isprintable():
        return line
    return "".join(
        letter if letter.isprintable() else " " if letter.isspace() else "?" for letter in line
    )


def join_with_or(words: Iterable[str]) -> str:
    """`a, b or c`"""
    *most, last = list(words) or [""]
    return f"{', '.join(most)} or {last}" if most else last


def join_with_and(words: Iterable[str]) -> str:
    """`a, b and c`"""
    *most, last = list(words) or [""]
    return f"{', '.join(most)} and {last}" if most else last


def format_count(number: int, noun: str) -> str:
    """`1 error`, `2 errors`, `2 entries`"""
    plural = "entries" if noun == "entry" else f"{noun}s"
    return f"{number} {noun if number == 1 else plural}"


def _normalize_name(word: str) -> str:
    return word.casefold().replace("-", "_").replace(" ", "_")
