"""What authors mean by days and hours that a calendar does not take: `mo-fr`, `lundi`, `9-13`."""

import re
from typing import Any, Final

from flowengine.expr.cldr import iterate_day_names

_DAY_KEYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
# the languages of the platform's voices that write days in Latin letters, the likeliest first
_DAY_LANGUAGES: Final = (
    *("en", "de", "fr", "es", "it", "nl", "pt", "sv"),
    *("da", "nb", "fi", "pl", "cs", "hu", "ro", "tr"),
)
_MEANT_KEYS: Final = {
    "holidays holiday exceptions exception special special_days dates": "except",
    "hours opening_hours opening times schedule weekly days": "open",
    "timezone time_zone tz": "zone",
}
_DAY_SEPARATOR: Final = re.compile(r"\s*(,|;|/|&|-|\u2013|\bto\b|\bbis\b|\band\b)\s*")
_LISTING: Final = {";": ", ", ",": ", ", "/": ", ", "&": ", ", "and": ", "}
_CLOCK_TEXT: Final = r"(\d{1,2})(?:[:.h]?(\d{2}))? *(am|pm|a\.m\.|p\.m\.|h|uhr)?"
_HOURS: Final = re.compile(
    rf"{_CLOCK_TEXT} *(?:-|\u2013|to|until|bis) *{_CLOCK_TEXT}", re.IGNORECASE
)


def suggest_days(key: str) -> str:
    """The cure for days in another language, or in other short forms.

    >>> suggest_days("mo-fr"), suggest_days("Sa., So."), suggest_days("holidays")
    ('write mon-fri', 'write sat, sun', '')
    """
    parts = _DAY_SEPARATOR.split(key.strip().lower())
    for language in _DAY_LANGUAGES:
        days = [_find_day(part, language) for part in parts[::2]]
        if all(days):
            joined = [_LISTING.get(sign, "-") for sign in parts[1::2]]
            return "write " + "".join(map("".join, zip(days, [*joined, ""], strict=True)))
    return ""


def _find_day(word: str, language: str) -> str:
    """The day that a word means in a language; English short forms are known in each."""
    bare = word.strip(". ")
    if bare in _DAY_KEYS:
        return bare
    found = {_DAY_KEYS[day] for day, name in iterate_day_names(language) if _is_form(bare, name)}
    return found.pop() if len(found) == 1 else ""


def _is_form(word: str, name: str) -> bool:
    """Whether a word is a name of a day, or the beginning of one."""
    return len(word) > 1 and name.startswith(word)


def suggest_calendar_key(key: str) -> str:
    """The cure for a key that a calendar does not have.

    >>> suggest_calendar_key("holidays"), suggest_calendar_key("Sat"), suggest_calendar_key("x")
    ('did you mean "except"?', 'days stand below open: {sat: 09:00-17:00}', '')
    """
    word = key.strip().lower()
    for words, meant in _MEANT_KEYS.items():
        if word in words.split():
            return f'did you mean "{meant}"?'
    days = suggest_days(key).removeprefix("write ")
    return f"days stand below open: {{{days}: 09:00-17:00}}" if days else ""


def suggest_hours(value: Any) -> str:
    """The cure for hours in another form.

    >>> suggest_hours("9-13"), suggest_hours("8.30 to 5pm"), suggest_hours("always")
    ('write 09:00-13:00', 'write 08:30-17:00', '')
    >>> suggest_hours("9-12, 1pm-5pm")
    'write [09:00-12:00, 13:00-17:00]'
    """
    parts = re.split("[,;&]| and ", value) if isinstance(value, str) else []
    ranges = [_read_hours(part) for part in parts]
    if not ranges or not all(ranges):
        return ""
    return f"write {ranges[0]}" if len(ranges) == 1 else f"write [{', '.join(ranges)}]"


def _read_hours(text: str) -> str:
    """Hours as a calendar takes them; nothing for a text that is none."""
    found = _HOURS.fullmatch(text.strip())
    if found is None:
        return ""
    start, end = (_format_clock(*found.groups()[at : at + 3]) for at in (0, 3))
    return f"{start}-{end}" if start and end and start != end else ""


def _format_clock(hour: str, minute: str | None, half: str | None) -> str:
    """A time of day as a calendar takes it; nothing for none."""
    hours, minutes = int(hour), int(minute or 0)
    word = (half or "").lower().replace(".", "")
    if word in ("am", "pm"):
        if not 1 <= hours <= 12:
            return ""
        hours = hours % 12 + (12 if word == "pm" else 0)
    is_time = minutes < 60 and (hours < 24 or (hours, minutes) == (24, 0))
    return f"{hours:02}:{minutes:02}" if is_time else ""
