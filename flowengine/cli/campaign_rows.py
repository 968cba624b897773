"""The people of a campaign: rows of a CSV file, and those who are not to be called."""

import csv
import hashlib
import io
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from flowengine.expr.phone_numbers import to_e164
from flowengine.source import read_document
from flowengine.states.ring_members import MemberError, parse_member

ADDRESS_COLUMNS = ("to", "number", "phone")
NOT_TO_BE_CALLED = "is not to be called"


class CampaignRow(msgspec.Struct, frozen=True):
    """One person: where they stand in the file, whom to call, and the data of the flow."""

    line: int
    to: str
    data: dict[str, str]

    def compute_digest(self) -> str:
        """What tells this data from other data."""
        content = json.dumps(self.data, sort_keys=True).encode()
        return hashlib.blake2b(content, digest_size=8).hexdigest()


class RowFault(msgspec.Struct, frozen=True):
    """What is wrong in a cell; `column` counts from 1, and is 0 for a whole row."""

    line: int
    column: int
    name: str
    message: str

    def format(self, file: Path) -> str:
        """The fault with its place."""
        place = f"{file}:{self.line}:{self.column}" if self.column else f"{file}:{self.line}"
        return f"{place}: {self.name}: {self.message}" if self.name else f"{place}: {self.message}"


class CampaignFile(msgspec.Struct, frozen=True):
    """A file as it was read: its columns, its rows, and all that is wrong. `left_out` tells who is
    not called, and why.
    """

    columns: tuple[str, ...]
    rows: tuple[CampaignRow, ...]
    faults: tuple[RowFault, ...]
    left_out: tuple[RowFault, ...]

    def count_forbidden(self) -> int:
        """How many people of the file are not to be called."""
        return sum(fault.message == NOT_TO_BE_CALLED for fault in self.left_out)

    def find_column(self, name: str) -> int:
        """The place of a column, from 1; 0 where there is none. `to` stands for the addresses."""
        if name == "to" and name not in self.columns:
            name = find_address_column(self.columns)
        return self.columns.index(name) + 1 if name in self.columns else 0


def read_campaign(text: str, forbidden: frozenset[str]) -> CampaignFile:
    """Read the people of a campaign. `forbidden` are those who must not be called, as `find_person`
    spells them. Somebody who stands there twice is called once.
    """
    reader = csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""), strict=True)
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
            if len(columns) == 1 and ";" in columns[0]:
                message = "the columns are separated by semicolons: save the file with commas"
            return CampaignFile(columns, (), (RowFault(1, 0, "", message),), ())
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            row = read_row(columns, address, cells, reader.line_num, faults)
            if row is None:
                continue
            place = columns.index(address) + 1
            person = find_person(row.to)
            if person in seen:
                message = f"stands in line {seen[person]}, too"
                left_out.append(RowFault(row.line, place, address, message))
                continue
            seen[person] = row.line
            if person in forbidden:
                left_out.append(RowFault(row.line, place, address, NOT_TO_BE_CALLED))
            else:
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


def find_person(address: str) -> str:
    """One spelling of an address, by which somebody is found who stands there twice: some write the
    zero with which a number begins at home.

    >>> find_person("+460701234567"), find_person("desk@pbx.example.com")
    ('+46701234567', 'desk@pbx.example.com')
    """
    return address if "@" in address else to_e164(address, "") or address


def find_address_column(columns: Sequence[str]) -> str:
    """The column that says whom to call, as the file spells it, or ""."""
    spelled = {name.lower(): name for name in columns}
    return next((spelled[name] for name in ADDRESS_COLUMNS if name in spelled), "")


def read_text(path: Path) -> str:
    """The text of a file. Raises ValueError where it is not UTF-8."""
    try:
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is no UTF-8 text: save it as UTF-8") from error


class ForbiddenList(msgspec.Struct, frozen=True):
    """Addresses that must not be called, and all cells that are no address. With one of these nobody
    may be called, as it may stand for somebody who has asked not to be.
    """

    addresses: frozenset[str] = frozenset()
    faults: tuple[RowFault, ...] = ()


def read_forbidden(path: Path) -> ForbiddenList:
    """The keys of a table of a project (YAML), or a column of a text or a CSV file: the one that its
    header names, or the first. Comments begin with #.
    """
    is_table = path.suffix in (".yaml", ".yml")
    addresses: set[str] = set()
    faults: list[RowFault] = []
    line = 0
    try:
        for line, column, text in iterate_table(path) if is_table else iterate_list(path):
            try:
                addresses.add(find_person(parse_member(text).address))
            except MemberError as error:
                faults.append(RowFault(line, column, "", f"{error}: {error.hint}"))
    except csv.Error as error:
        faults.append(RowFault(line + 1, 0, "", f"this is no CSV: {error}"))
    return ForbiddenList(frozenset(addresses), tuple(faults))


def iterate_table(path: Path) -> Iterator[tuple[int, int, str]]:
    """The line, the column and the text of each key."""
    document, _ = read_document(path.read_bytes(), path.name)
    data: Any = document.data if document else None
    rows = data.get("rows") if isinstance(data, dict) else None
    if document is None or not isinstance(rows, dict):
        raise ValueError(f"{path} is no table: it has no rows:")
    for key in rows:
        span = document.find_span(("rows", key))
        yield span.line, 0, str(key)


def iterate_list(path: Path) -> Iterator[tuple[int, int, str]]:
    """The line, the column and the text of each cell that is to be an address."""
    lines = io.StringIO(read_text(path), newline="")
    reader = csv.reader(("\n" if is_comment(line) else line for line in lines), strict=True)
    place, is_first = 0, True
    for cells in reader:
        if not any(cell.strip() for cell in cells):
            continue
        columns = [cell.strip() for cell in cells]
        address = find_address_column(columns) if is_first else ""
        is_first = False
        if address:
            place = columns.index(address)
            continue
        yield reader.line_num, place + 1, columns[place] if place < len(columns) else ""


def is_comment(line: str) -> bool:
    return line.lstrip().startswith("#")
