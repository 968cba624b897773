"""A key that is unknown where it stands, in words: what was meant, and where it may stand."""

import re
from collections.abc import Sequence
from typing import Final

from flowengine.problems import join_with_or, quote_value, suggest_name
from flowengine.source.foreign_words import find_foreign_cure
from flowengine.source.schema_violations import SchemaViolation
from flowengine.source.spelling import describe_spelling
from flowengine.source.violation_messages import MAX_SHOWN_KEYS, format_within

_LANGUAGE_KEY: Final = re.compile(
    r"[a-z]{2}|english|german|deutsch|fran[cç]ais|french|spanish|espa[nñ]ol|italian[oe]?|dutch|"
    r"nederlands|swedish|svenska|portugu[eê]se?s?",
    re.IGNORECASE,
)
_LOCALE_KEY: Final = re.compile(r"[a-z]{2,3}-[A-Za-z0-9-]{2,}")


def describe_unknown_key(
    leaf: SchemaViolation,
    key: str,
    known: Sequence[str],
    homes: Sequence[str],
    outer: Sequence[str] = (),
) -> tuple[str, str]:
    """`homes` are keys that may stand here, inside which the unknown one is known; `outer` are
    those that may stand one level further out.
    """
    present = [name for name in known if name not in leaf.instance]
    listed = f"known here: {', '.join(present[:MAX_SHOWN_KEYS])}" if present else ""
    hint = (
        describe_spelling(key)
        or suggest_locales(leaf, known)
        or find_foreign_cure(key, known)
        or _suggest_single_keys(key, known)
        or _suggest_place(leaf, key, homes, outer)
        or suggest_name(key, present)
        or str(leaf.schema.get("x-hint", listed))
    )
    return f"unknown key {quote_value(key)}{format_within(leaf)}", hint


def _suggest_place(
    leaf: SchemaViolation, key: str, homes: Sequence[str], outer: Sequence[str]
) -> str:
    """The cure for a key one level too far out, or too far in."""
    if homes:
        return f"{key}: belongs inside {join_with_or(f'{name}:' for name in homes)}"
    if key in outer and isinstance(leaf.path[-1], str):
        return f"{key}: belongs one level further out, beside {leaf.path[-1]}:"
    return ""


def _suggest_single_keys(key: str, known: Sequence[str]) -> str:
    """The cure for several keys of a phone, where each does something by itself."""
    is_of_phone = len(key) > 1 and not key.strip("0123456789*#")
    return "write each key by itself, such as 1: mute" if is_of_phone and "#" in known else ""


def suggest_locales(leaf: SchemaViolation, known: Sequence[str]) -> str:
    """The cure for texts by locale beside other keys of a prompt."""
    if "text" not in known:
        return ""
    locales = [key for key in leaf.instance if _LOCALE_KEY.fullmatch(key)]
    if not locales:
        are_languages = all(map(_LANGUAGE_KEY.fullmatch, leaf.instance))
        return (
            "a text per locale has language and country for keys: {en-US: …, sv-SE: …}"
            if are_languages
            else ""
        )
    return (
        f"write text: around its locales: {{text: {{{', '.join(f'{key}: …' for key in locales)}}}}}"
    )
