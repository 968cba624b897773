"""How big expressions and their results may be, each with its reason."""

from typing import Final

# The longest expression of a real flow is about 120 characters; beyond this it belongs into a table
# or several states.
MAX_EXPRESSION: Final = 2_000

# CEL itself refuses more than 32 levels. One level of `map`, `filter`, `all` or `exists` inside
# another is the most that stays readable, and what keeps the work of an expression a small power of
# the size of its lists.
MAX_LOOPS: Final = 2

# `replace` can multiply the length of a text with each use; this many clean a phone number of
# everything people type into it.
MAX_REPLACES: Final = 6

# Longer than any prompt, URL or header that the platform takes.
MAX_RESULT: Final = 10_000
