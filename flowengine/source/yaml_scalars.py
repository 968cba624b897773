"""What plain words mean: YAML 1.2 core, except that a number is what JSON calls a number.

So `+4670123`, `0123`, `12:30`, `1_000`, `0x1F`, `on`, `no` and dates stay the text they look like.
"""

import math
import re
from typing import Final

from flowengine.limits import MAX_INTEGER_DIGITS

_CORE_SCHEMA_WORDS: Final[dict[str, bool | None]] = {
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
}
_JSON_NUMBER: Final = re.compile(r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?")


def resolve_scalar(plain: str) -> str | int | float | bool | None:
    if plain in _CORE_SCHEMA_WORDS:
        return _CORE_SCHEMA_WORDS[plain]
    number = _JSON_NUMBER.fullmatch(plain)
    if number is None:
        return plain
    if number[1] is None and number[2] is None:
        return int(plain) if len(plain) <= MAX_INTEGER_DIGITS else plain
    return float(plain) if math.isfinite(float(plain)) else plain
