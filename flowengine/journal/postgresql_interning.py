"""What many callbacks of a part have in common stands there once; rows refer to it by a number that
its content gives.
"""

from hashlib import blake2b

from msgspec.structs import astuple

from flowengine.journal.intern_tables import (
    MAX_INTERNED_VALUES,
    MIN_INTERNED_CHARACTERS,
    Dimension,
)
from flowengine.journal.postgresql_tables import PostgresqlConnection
from flowengine.storage.bounded_entries import put_bounded

_INSERT_TEXTS = """INSERT INTO flowengine.journal_texts (part, text, content)
SELECT %s, * FROM unnest(%s::bigint[], %s::text[]) ON CONFLICT DO NOTHING"""
_INSERT_DIMENSIONS = f"""INSERT INTO flowengine.journal_dimensions (part, dimension, machine, {", ".join(Dimension.__struct_fields__)})
SELECT %s, * FROM unnest(%s::bigint[]{", %s::text[]" * (len(Dimension.__struct_fields__) + 1)}) ON CONFLICT DO NOTHING"""  # noqa: S608  # names of ours
TextReference = tuple[str | None, int | None]
"""A text, or the number of one"""


def number_content(content: str) -> int:
    """A number of 64 bits for a text. Two texts of a part have the same by an accident that does not
    happen; somebody who makes them on purpose has the one text shown in place of the other.

    >>> number_content("a") == number_content("a") != number_content("b")
    True
    """
    digest = blake2b(content.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)


class PartValues:
    """What this process has written of one part. The oldest of too many values is forgotten, and
    written again when it comes again.
    """

    def __init__(self, part: int, machine: str) -> None:
        self.part = part
        self._machine = machine
        self._texts: dict[str, int] = {}
        self._dimensions: dict[Dimension, int] = {}
        self._seen_once: dict[str, None] = {}
        self._new_texts: dict[int, str] = {}
        self._new_dimensions: dict[int, Dimension] = {}

    def intern_text(self, text: str) -> TextReference:
        """The number of a text; the text itself where it is short, or comes for the first time."""
        number = self._texts.get(text)
        if number is not None:
            return None, number
        if len(text) < MIN_INTERNED_CHARACTERS:
            return text, None
        if text not in self._seen_once:
            put_bounded(self._seen_once, text, None, MAX_INTERNED_VALUES)
            return text, None
        number = number_content(text)
        self._new_texts[number] = text
        put_bounded(self._texts, text, number, MAX_INTERNED_VALUES)
        return None, number

    def intern_dimension(self, dimension: Dimension) -> int:
        """The number of a dimension."""
        number = self._dimensions.get(dimension)
        if number is None:
            number = number_content("\0".join((self._machine, *astuple(dimension))))
            self._new_dimensions[number] = dimension
            put_bounded(self._dimensions, dimension, number, MAX_INTERNED_VALUES)
        return number

    def write_new(self, connection: PostgresqlConnection) -> None:
        """Write what is not there yet, in the order of its numbers, so that no two machines wait for
        each other. Raises psycopg.Error or UnicodeError.
        """
        if self._new_texts:
            numbers = sorted(self._new_texts)
            texts = [self._new_texts[number] for number in numbers]
            connection.execute(_INSERT_TEXTS, (self.part, numbers, texts))
            self._new_texts.clear()
        if self._new_dimensions:
            numbers = sorted(self._new_dimensions)
            rows = [astuple(self._new_dimensions[number]) for number in numbers]
            columns = [[_clean(value) for value in column] for column in zip(*rows, strict=True)]
            machines = [self._machine] * len(numbers)
            connection.execute(_INSERT_DIMENSIONS, (self.part, numbers, machines, *columns))
            self._new_dimensions.clear()


def _clean(value: str) -> str:
    """PostgreSQL takes no zero characters in texts."""
    return value.replace("\0", "\N{REPLACEMENT CHARACTER}") if "\0" in value else value
