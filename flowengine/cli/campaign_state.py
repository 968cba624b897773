"""What has become of a campaign so far: a file beside its CSV, to which each step is added before it
is taken, so that a killed command goes on where it was.
"""

import os
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

import msgspec
from msgspec.structs import replace

from flowengine.storage.file_locks import try_lock

OPEN_STATES = frozenset({"", "sent", "again"})


class RowState(msgspec.Struct, frozen=True, omit_defaults=True):
    """How far one row has come: "" before its first call, `sent` while one is under way, `again`
    until the next try, which is `due`; then its outcome. `tries` counts the calls; `data` is the
    digest of what the person was to hear. `id` is what the server calls the call that is under way.
    """

    to: str
    state: str = ""
    tries: int = 0
    due: float = 0.0
    reason: str = ""
    call: str = ""
    data: str = ""
    id: str = ""

    @property
    def is_over(self) -> bool:
        """Whether nobody is called here any more."""
        return self.state not in OPEN_STATES


class CampaignHead(msgspec.Struct, frozen=True):
    """The first line: what the campaign is known by, its flow, the application whose calls it
    places (None in files of before, "" is the only one of the server), and the server that began.
    """

    campaign: str
    flow: str
    application: str | None = None
    server: str = ""


class CampaignStateError(Exception):
    """The file cannot be used; the message says why."""


class KnownRows(NamedTuple):
    """What the file says: its head, the rows by their addresses, and how many bytes of it are whole
    lines, as a killed process may have written a part of one.
    """

    head: CampaignHead | None
    rows: dict[str, RowState]
    size: int


def read_known_rows(path: Path) -> KnownRows:
    """Read the file; nothing is known without one. Raises OSError and CampaignStateError."""
    content = path.read_bytes() if path.exists() else b""
    size = content.rfind(b"\n") + 1
    if content and not content.startswith(b"{"):
        raise CampaignStateError(f"{path} is no file of a campaign")
    if not size:
        return KnownRows(None, {}, 0)
    first, *lines = content[:size].splitlines()
    try:
        head = msgspec.json.decode(first, type=CampaignHead)
        decode = msgspec.json.Decoder(RowState).decode
        return KnownRows(head, {row.to: row for row in map(decode, lines)}, size)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise CampaignStateError(f"{path} is no file of a campaign: {error}") from error


def count_states(rows: Mapping[str, RowState], addresses: Iterable[str]) -> Counter[str]:
    """How many people there are in each state."""
    return Counter(rows[to].state if to in rows else "" for to in addresses)


class CampaignState:
    """The file while a campaign runs, which no other command may run then. It is written line by
    line; the last line of a row counts. `digests` tells the data of the rows by their addresses.
    Raises OSError and CampaignStateError.
    """

    def __init__(
        self, path: Path, head: CampaignHead, digests: Mapping[str, str] | None = None
    ) -> None:
        self._path = path
        self._digests = digests or {}
        self._file = path.open("ab")
        try:
            self._lock()
            known = read_known_rows(path)
            self.head, self.rows = known.head or head, known.rows
            self.is_same_server = self.head.server == head.server
            self._check_flow(head.flow)
            self._check_application(head.application)
            self._check_data()
        except BaseException:
            self.close()
            raise
        self._file.truncate(known.size)
        if known.head is None:
            self._write(head)

    def _lock(self) -> None:
        if not try_lock(self._file.fileno()):
            raise CampaignStateError(f"another command runs this campaign: {self._path} is in use")

    def _check_flow(self, flow: str) -> None:
        if self.head.flow != flow:
            raise CampaignStateError(
                f"{self._path} is of a campaign into {self.head.flow}: move it away to begin another"
            )

    def _check_application(self, application: str | None) -> None:
        """Refuse another application: its calls have other ids, so people would be called again."""
        known = self.head.application
        if known is not None and known != application:
            began = f"with --application {known}" if known else "without --application"
            raise CampaignStateError(
                f"{self._path} is of a campaign that began {began}: go on so, "
                "or move it away to begin another"
            )

    def _check_data(self) -> None:
        """Refuse another list under the same name: people who were called would hear nothing of it."""
        changed = [
            row.to
            for row in self.rows.values()
            if (row.is_over or row.state == "sent")
            and row.data
            and self._digests.get(row.to, row.data) != row.data
        ]
        if changed:
            raise CampaignStateError(
                f"{len(changed)} people were called before with other data: "
                f"move {self._path} away to begin another campaign"
            )

    def get(self, to: str) -> RowState:
        """How far a row has come."""
        return self.rows.get(to) or RowState(to)

    def note(self, row: RowState) -> None:
        """Note a step. After this it survives a killed process."""
        row = replace(row, data=self._digests.get(row.to, ""))
        self.rows[row.to] = row
        self._write(row)

    def close(self) -> None:
        self._file.close()

    def _write(self, entry: msgspec.Struct) -> None:
        self._file.write(msgspec.json.encode(entry) + b"\n")
        self._file.flush()
        os.fsync(self._file.fileno())
