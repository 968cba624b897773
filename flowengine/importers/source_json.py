"""Reading JSON that others have written: whatever stands in it, there is a value or a problem."""

import json
import re
from typing import Any, Final

MAX_SOURCE_BYTES: Final = 4_000_000
_MAX_DEPTH: Final = 60
# what no text of a flow can hold: control characters, halves of pairs, noncharacters
_UNPRINTABLE: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]+")


class ImportSourceError(Exception):
    """A file that cannot be imported at all, and why."""


def read_json(content: bytes) -> Any:
    """The value, with texts on one line. Raises ImportSourceError."""
    if len(content) > MAX_SOURCE_BYTES:
        message = f"it is too long: at most {MAX_SOURCE_BYTES:,} bytes are read"
        raise ImportSourceError(message)
    try:
        value = json.loads(content.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise ImportSourceError(f"it is no UTF-8 text, at byte {error.start + 1}") from error
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise ImportSourceError(f"it is no JSON: {error.msg}, {place}") from error
    except RecursionError as error:
        raise ImportSourceError("its values are nested too deep") from error
    except ValueError as error:  # a number of thousands of digits
        raise ImportSourceError(f"it is no JSON that can be read: {error}") from error
    return clean_value(value)


def clean_value(value: Any, depth: int = 0) -> Any:
    """The value with texts that a flow can hold."""
    if depth > _MAX_DEPTH:
        raise ImportSourceError("its values are nested too deep")
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, list):
        return [clean_value(each, depth + 1) for each in value]
    if isinstance(value, dict):
        return {clean_text(key): clean_value(each, depth + 1) for key, each in value.items()}
    return value


def clean_text(text: str) -> str:
    return _UNPRINTABLE.sub(" ", text)


def get_text(data: Any, key: str) -> str:
    """The text under a key; a number or a truth value as text; else nothing."""
    value = data.get(key) if isinstance(data, dict) else None
    if isinstance(value, bool):
        return str(value)
    return str(value) if isinstance(value, str | int | float) else ""


def get_mapping(data: Any, key: str) -> dict[str, Any]:
    value = data.get(key) if isinstance(data, dict) else None
    return value if isinstance(value, dict) else {}


def get_list(data: Any, key: str) -> list[Any]:
    value = data.get(key) if isinstance(data, dict) else None
    return value if isinstance(value, list) else []


def get_number(data: Any, key: str, default: int, low: int, high: int) -> int:
    """The whole number under a key, within these bounds; the default where there is none."""
    text = get_text(data, key).strip()
    digits = re.match(r"[0-9]{1,9}(?=$|\.)", text)
    return min(max(int(digits[0]), low), high) if digits else default
