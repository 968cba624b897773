"""What has become of a campaign so far: a file beside its CSV, to which each step is added before it
is taken, so that a killed command goes on where it was.
"""

import os
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import msgspec
from msgspec.structs import replace

OPEN_STATES = frozenset({"", "sent", "again"})


class RowState(msgspec.Struct, frozen=True, omit_defaults=True):
    """How far one row has come: "" before its first call, `sent` while one is under way, `again`
    until the next try, which is `due`; then its outcome. `tries` counts the calls; `data` is the
    digest of what the person was to hear.
    """

    to: str
    state: str = ""
    tries: int = 0
    due: float = 0.0
    reason: str = ""
    call: str = ""
    data: str = ""

    @property
    def is_over(self) -> bool:
        """Whether nobody is called here any more."""
        return self.state not in OPEN_STATES


class CampaignHead(msgspec.Struct, frozen=True):
    """The first line: what the campaign is known by, and its flow."""

    campaign: str
    flow: str


class CampaignStateError(Exception):
    """The file cannot be used; the message says why."""


class CampaignState:
    """The file. It is written line by line; the last line of a row counts. `digests` tells the data
    of the rows by their addresses.
    """

    def __init__(
        self, path: Path, head: CampaignHead, digests: Mapping[str, str] | None = None
    ) -> None:
        self._path = path
        self._digests = digests or {}
        self.head = head
        self.rows: dict[str, RowState] = {}
        self._load()
        self._file = path.open("ab")
        if self._file.tell() == 0:
            self._write(head)

    def _load(self) -> None:
        if not self._path.exists():
            return
        content = self._path.read_bytes()
        whole = content[: content.rfind(b"\n") + 1]
        if whole != content:  # a killed process has written a part of a line
            self._path.write_bytes(whole)
        if not whole:
            return
        first, *lines = whole.splitlines()
        try:
            known = msgspec.json.decode(first, type=CampaignHead)
            decode = msgspec.json.Decoder(RowState).decode
            self.rows = {row.to: row for row in map(decode, lines)}
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise CampaignStateError(f"{self._path} is no file of a campaign: {error}") from error
        if known.flow != self.head.flow:
            raise CampaignStateError(
                f"{self._path} is of a campaign into {known.flow}: move it away to begin another"
            )
        self._check_data()
        self.head = known

    def _check_data(self) -> None:
        """Refuse another list under the same name: whoever was called would hear nothing of it."""
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

    def count_states(self, addresses: list[str]) -> Counter[str]:
        """How many rows there are in each state."""
        return Counter(self.get(to).state for to in addresses)

    def close(self) -> None:
        self._file.close()

    def _write(self, entry: msgspec.Struct) -> None:
        self._file.write(msgspec.json.encode(entry) + b"\n")
        self._file.flush()
        os.fsync(self._file.fileno())
