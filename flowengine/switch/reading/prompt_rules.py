"""Prompts: `#tts[…]`, `#ssml[…]`, `#href[…]`, URLs and names of files, separated by `;`."""

from collections.abc import Iterable

from flowengine.problems import join_with_or, quote_value, suggest_name
from flowengine.svaml import LOCALES, find_ssml_problem, find_url_problem
from flowengine.svaml.locales import is_known_locale
from flowengine.switch.reading.finding_notes import Notes

_PART_KINDS = ("#tts", "#ssml", "#href")


def split_parts(prompt: str) -> list[str]:
    return [part for part in prompt.split(";") if part.strip()]


def check_parts(parts: Iterable[str], where: str, notes: Notes) -> bool:
    """Whether one of the parts is spoken"""
    spoken = False
    for part in parts:
        kind, opened, inside = part.partition("[")
        if not kind.startswith("#"):
            _check_url(part, where, notes, bare=True)
        elif kind not in _PART_KINDS or not opened:
            notes.refuse(
                where,
                f"{quote_value(part)} is no part of a prompt",
                "write #tts[…], #ssml[…], #href[…], a URL or the name of a file",
            )
        elif not inside.endswith("]"):
            notes.refuse(
                where,
                f"{quote_value(part)} is not closed",
                "end the part with ], and have no ; in it: the next part begins there",
            )
        else:
            _check_inside(kind, inside[:-1], where, notes)
            spoken |= kind != "#href"
    return spoken


def _check_inside(kind: str, inside: str, where: str, notes: Notes) -> None:
    if "]" in inside or "[" in inside:
        notes.tolerate(
            where,
            f"brackets inside of {kind}[…] may end it early",
            "write parentheses, or leave them out",
        )
    if kind == "#href":
        _check_url(inside, where, notes, bare=False)
    elif kind == "#ssml" and (problem := find_ssml_problem(inside)):
        notes.tolerate(
            where, problem, "correct the markup; who hears it may hear nothing, or the tags"
        )


def _check_url(url: str, where: str, notes: Notes, *, bare: bool) -> None:
    # the name of an uploaded file
    if bare and "://" not in url:
        return
    if problem := find_url_problem(url):
        notes.refuse(
            where, problem, "give the https:// address of an audio file that anybody may fetch"
        )


def check_locale(locale: str, where: str, notes: Notes) -> None:
    """Voices have names of their own (`Joanna`), so only what looks like a locale is looked up"""
    plain = locale.partition("/")[0]
    if "-" in plain and not is_known_locale(plain):
        cure = (
            suggest_name(plain, LOCALES)
            or f"take one such as {join_with_or(('en-US', 'en-GB', 'sv-SE'))}"
        )
        notes.tolerate(
            where, f"no description of the platform has the locale {quote_value(locale)}", cure
        )
