"""The people of a campaign: rows of a CSV file, and those who are not to be called."""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flowengine.source import read_document
from flowengine.states.ring_members import MemberError, parse_member

ADDRESS_COLUMNS = ("to", "number", "phone")


@dataclass(frozen=True, slots=True)
class CampaignRow:
    """One person: where they stand in the file, whom to call, and the data of the flow."""

    line: int
    to: str
    data: dict[str, str]


@dataclass(frozen=True, slots=True)
class RowFault:
    """What is wrong in a cell; `column` counts from 1, and is 0 for a whole row."""

    line: int
    column: int
    name: str
    message: str

    def format(self, file: Path) -> str:
        """The fault with its place."""
        place = f"{file}:{self.line}:{self.column}" if self.column else f"{file}:{self.line}"
        return f"{place}: {self.name}: {self.message}" if self.name else f"{place}: {self.message}"


@dataclass(frozen=True, slots=True)
class CampaignFile:
    """A file as it was read: its columns, its rows, and all that is wrong. `left_out` tells who is
    not called, and why.
    """

    columns: tuple[str, ...]
    rows: tuple[CampaignRow, ...]
    faults: tuple[RowFault, ...]
    left_out: tuple[RowFault, ...]

    def find_column(self, name: str) -> int:
        """The place of a column, from 1; 0 where there is none. `to` stands for the addresses."""
        if name == "to" and name not in self.columns:
            name = find_address_column(self.columns)
        return self.columns.index(name) + 1 if name in self.columns else 0


def read_campaign(text: str, forbidden: frozenset[str]) -> CampaignFile:
    """Read the people of a campaign. `forbidden` are addresses that must not be called. Somebody who
    stands there twice is called once.
    """
    reader = csv.reader(text.removeprefix("\ufeff").splitlines(keepends=True), strict=True)
    faults: list[RowFault] = []
    left_out: list[RowFault] = []
    rows: list[CampaignRow] = []
    columns: tuple[str, ...] = ()
    seen: dict[str, int] = {}
    try:
        columns = tuple(name.strip() for name in next(reader, []))
        address = find_address_column(columns)
        if not address:
            message = f"no column has the numbers: name one {' or '.join(ADDRESS_COLUMNS)}"
            return CampaignFile(columns, (), (RowFault(1, 0, "", message),), ())
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            row = read_row(columns, address, cells, reader.line_num, faults)
            if row is None:
                continue
            place = columns.index(address) + 1
            if row.to in forbidden:
                left_out.append(RowFault(row.line, place, address, "is not to be called"))
            elif row.to in seen:
                message = f"stands in line {seen[row.to]}, too"
                left_out.append(RowFault(row.line, place, address, message))
            else:
                seen[row.to] = row.line
                rows.append(row)
    except csv.Error as error:
        faults.append(RowFault(reader.line_num, 0, "", f"this is no CSV: {error}"))
    return CampaignFile(columns, tuple(rows), tuple(faults), tuple(left_out))


def read_row(
    columns: Sequence[str], address: str, cells: Sequence[str], line: int, faults: list[RowFault]
) -> CampaignRow | None:
    """One row; None where it has a mistake, which is noted."""
    if len(cells) != len(columns):
        message = f"the row has {len(cells)} cells, and the first one names {len(columns)} columns"
        faults.append(RowFault(line, min(len(cells), len(columns)) + 1, "", message))
        return None
    data = {name: cell.strip() for name, cell in zip(columns, cells, strict=True)}
    try:
        member = parse_member(data.pop(address))
    except MemberError as error:
        place = list(columns).index(address) + 1
        faults.append(RowFault(line, place, address, f"{error}: {error.hint}"))
        return None
    return CampaignRow(line, member.address, {name: cell for name, cell in data.items() if cell})


def find_address_column(columns: Sequence[str]) -> str:
    """The column that says whom to call, or ""."""
    return next((name for name in ADDRESS_COLUMNS if name in columns), "")


def read_forbidden(path: Path) -> frozenset[str]:
    """Addresses that must not be called: the keys of a table of a project (YAML), or the first cell
    of each line of a text or a CSV file.
    """
    return frozenset(map(normalise_address, iterate_forbidden(path)))


def iterate_forbidden(path: Path) -> Iterator[str]:
    content = path.read_bytes()
    if path.suffix in (".yaml", ".yml"):
        document, _ = read_document(content, path.name)
        data: Any = document.data if document else None
        rows = data.get("rows") if isinstance(data, dict) else None
        if not isinstance(rows, dict):
            raise ValueError(f"{path} is no table: it has no rows:")
        yield from map(str, rows)
        return
    for cells in csv.reader(content.decode("utf-8-sig").splitlines()):
        if cells and cells[0].strip():
            yield cells[0]


def normalise_address(text: str) -> str:
    """An address as it is called; any other text as it is."""
    try:
        return parse_member(text).address
    except MemberError:
        return text.strip()
