"""Which part of a journal a callback goes to, and which parts go: those that are too old, and the
oldest where the journal is too large.

A part is a day, or less: where callbacks are kept for a short time, and where a day brings so much
that the journal could not be kept within its size.
"""

import logging
import time
from collections.abc import Callable
from typing import LiteralString

import psycopg

from flowengine.compile import Release
from flowengine.journal.journal_protocol import JournalUsage
from flowengine.journal.postgresql_tables import (
    PART_DAY_SECONDS,
    PART_UNIT_SECONDS,
    PARTITIONED_TABLES,
    JournalPart,
    PostgresqlConnection,
    create_part,
    drop_part,
    list_parts,
    name_partition,
    to_unit,
)
from flowengine.journal.retention import KEEP_NOTHING, JumpFreeClock
from flowengine.journal.row_builder import RowCounter
from flowengine.runtime.log_once import LogOnce
from flowengine.states.field_types import parse_period_seconds, parse_size_bytes

log = logging.getLogger(__name__)
PART_IN_USE = (
    "old calls stay in the call journal until nobody reads it for long, such as a dump: %s"
)
# How long a part is, by how long callbacks are kept at least: none stays for much longer than that.
_PART_SECONDS = ((3 * PART_DAY_SECONDS, PART_DAY_SECONDS), (6 * 3600, 3600), (0, PART_UNIT_SECONDS))
SPLIT_SHARE = 10  # a part that has so large a share of the size ends, and another one begins
SPLIT_NOTICE_SECONDS = 60.0  # until then all machines have seen it
_SPARE_PART_SHARE = 20  # of the size, for what comes until the next look
WARNED_FULL_SHARE = 0.8
DROP_PATIENCE_SECONDS = 0.2  # for which all who write wait
_SIZES_QUERY = """
SELECT coalesce(sum(pg_total_relation_size(inhrelid)), 0)::bigint FROM pg_inherits WHERE inhparent IN
    ('flowengine.journal_callbacks'::regclass, 'flowengine.journal_dimensions'::regclass,
    'flowengine.journal_texts'::regclass)
"""
_TIME_QUERY = "SELECT extract(epoch FROM now())::bigint"
_PART_SIZE_QUERY = "SELECT coalesce(pg_total_relation_size(to_regclass(%s)), 0)"


class JournalParts:
    """The parts of a journal, as one worker knows them. `clock` is the time of day, `since` one that
    nobody sets.
    """

    def __init__(
        self,
        name: str,
        current: Callable[[], Release],
        counted: RowCounter,
        clock: Callable[[], float] = time.time,
        since: Callable[[], float] = time.monotonic,
    ) -> None:
        self._name = name
        self._current = current
        self._count_rows = counted
        self._clock = clock
        self._jump_free_clock = JumpFreeClock(clock, since)
        self._log_once = LogOnce(log)
        self._parts: dict[int, JournalPart] = {}
        self._by_unit: dict[int, int] = {}
        self._is_warned = self._is_full = False

    def forget(self) -> None:
        """Another machine may have changed the parts."""
        self._parts.clear()
        self._by_unit.clear()

    def has_part(self, part: int) -> bool:
        """Whether there is such a part, as far as this worker knows."""
        return part in self._parts

    def ensure_part(self, connection: PostgresqlConnection, at: float) -> int:
        """The part of a callback, which is created where it does not exist. Raises psycopg.Error."""
        unit = to_unit(at)
        known = self._by_unit.get(unit)
        if known is None:
            wanted = self._choose_part(unit)
            if wanted.part not in self._parts:
                self.reload(connection)
                wanted = self._choose_part(unit)
            if wanted.part not in self._parts:
                create_part(connection, wanted)
                self._parts[wanted.part] = wanted
            known = self._by_unit[unit] = wanted.part
        return known

    def reload(self, connection: PostgresqlConnection) -> None:
        """Read which parts there are."""
        self._parts = {found.part: found for found in list_parts(connection)}
        self._by_unit.clear()

    def drop_old(self, connection: PostgresqlConnection) -> None:
        """Drop the parts that are too old, and what is missing of them; create the next one, before
        anybody waits for it. Nothing is old that is not so by the clock of the database, too: the
        parts are those of all machines, and the clock of this one may be wrong. Raises
        psycopg.Error.
        """
        keep = self._current().journal.keep
        now = min(self._jump_free_clock.now(), self._fetch_number(connection, _TIME_QUERY))
        before = now - parse_period_seconds(keep)
        self.reload(connection)
        for found in list(self._parts.values()):
            if found.until * PART_UNIT_SECONDS <= before or keep == KEEP_NOTHING:
                self._drop(connection, found.part)
        connection.execute(
            "DELETE FROM flowengine.journal_losses WHERE minute < %s", (int(before // 60),)
        )
        if keep != KEEP_NOTHING and self._parts:
            self.ensure_part(connection, self._clock() + self._choose_seconds())

    def limit_size(self, connection: PostgresqlConnection) -> JournalUsage:
        """Drop the oldest parts where the journal is too large. Raises psycopg.Error."""
        limit = parse_size_bytes(self._current().journal.size)
        self.reload(connection)
        used = self._fetch_number(connection, _SIZES_QUERY)
        self._warn_if_nearly_full(used / limit)
        now = to_unit(self._clock())
        while used > limit - limit // _SPARE_PART_SHARE:
            oldest = min(self._parts, default=now)
            if oldest >= self._find_current(now) or not self._drop_for_size(connection, oldest):
                break
            used = self._fetch_number(connection, _SIZES_QUERY)
        self._split_if_large(connection, now, limit)
        return JournalUsage(used, limit)

    def _choose_seconds(self) -> int:
        keep = parse_period_seconds(self._current().journal.keep)
        return next(seconds for least, seconds in _PART_SECONDS if keep >= least)

    def _choose_part(self, unit: int) -> JournalPart:
        """The part that a callback of these five minutes goes to, whether it exists or not."""
        units = self._choose_seconds() // PART_UNIT_SECONDS
        begins = unit - unit % units
        found = max((part for part in self._parts if begins <= part <= unit), default=begins)
        return self._parts.get(found) or JournalPart(begins, begins + units)

    def _find_current(self, now: int) -> int:
        return max((part for part in self._parts if part <= now), default=now)

    def _drop(self, connection: PostgresqlConnection, part: int) -> int | None:
        try:
            dropped = drop_part(connection, part, DROP_PATIENCE_SECONDS)
        except psycopg.errors.LockNotAvailable as error:
            self._log_once.error(
                PART_IN_USE,
                error,
            )
            return None
        self._log_once.end(PART_IN_USE, "old calls leave the call journal again")
        if dropped is not None:
            self._parts.pop(part, None)
            self._by_unit.clear()
        return dropped

    def _drop_for_size(self, connection: PostgresqlConnection, part: int) -> bool:
        dropped = self._drop(connection, part)
        if dropped is None:
            return False
        self._count_rows("dropped", dropped)
        if not self._is_full:
            self._is_full = True
            log.warning(
                "the call journal on %s is full: its oldest calls are dropped, before their time is over",
                self._name,
            )
        return True

    def _split_if_large(self, connection: PostgresqlConnection, now: int, limit: int) -> None:
        """Have another part begin soon, so that the oldest calls can go while the others stay."""
        current = self._parts.get(self._find_current(now))
        begins = to_unit(self._clock() + SPLIT_NOTICE_SECONDS) + 1
        if current is None or begins >= current.until:
            return
        if any(now < part < current.until for part in self._parts):  # it is split already
            return
        name = f"flowengine.{name_partition(PARTITIONED_TABLES[0], current.part)}"
        if self._fetch_number(connection, _PART_SIZE_QUERY, name) > limit // SPLIT_SHARE:
            create_part(connection, JournalPart(begins, current.until))
            self.reload(connection)

    def _warn_if_nearly_full(self, share: float) -> None:
        if share < WARNED_FULL_SHARE:
            self._is_warned = self._is_full = False
        elif not self._is_warned:
            self._is_warned = True
            journal = self._current().journal
            log.warning(
                "the call journal on %s has %d percent of its %s: once it is full the oldest calls are "
                "dropped, though they are to be kept for %s; give it more room with size: under "
                "journal:, or keep calls for a shorter time",
                self._name, share * 100, journal.size, journal.keep,
            )  # fmt: skip

    @staticmethod
    def _fetch_number(connection: PostgresqlConnection, query: LiteralString, *values: str) -> int:
        (found,) = connection.execute(query, values).fetchone() or (0,)
        return int(found)
