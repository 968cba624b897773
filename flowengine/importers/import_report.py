"""What became of each construct of an imported file."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from flowengine.problems import format_count


class Conversion(StrEnum):
    """What became of a construct, as callers notice it: the same; something else; nothing."""

    CONVERTED = "converted"
    CHANGED = "changed"
    LOST = "lost"


_ORDER = list(Conversion)


@dataclass
class ReportEntry:
    """A construct with its place in the source, its state, and what an author has to know."""

    file: str
    path: str
    identifier: str
    construct: str
    flow: str
    state: str
    conversion: Conversion = Conversion.CONVERTED
    remarks: list[str] = field(default_factory=list)

    def add_remark(self, remark: str, conversion: Conversion = Conversion.CONVERTED) -> None:
        """Note it; the worst remark decides what became of the construct."""
        if remark not in self.remarks:
            self.remarks.append(remark)
        self.conversion = max(self.conversion, conversion, key=_ORDER.index)

    def describe(self) -> str:
        """The entry in one line, for a comment."""
        place = f"{self.construct} at {self.path} ({self.identifier})"
        return f"{self.conversion}: {place}: {'; '.join(self.remarks)}"


@dataclass
class ImportReport:
    """All entries in the order of the source, and what is left for the author to fill in."""

    entries: list[ReportEntry] = field(default_factory=list)
    to_fill_in: list[str] = field(default_factory=list)

    def add_recording(self, name: str) -> None:
        """Tell the author once to upload a recording."""
        self._add_to_fill_in(f"the recording {name}, uploaded to the platform")

    def add_stub_flow(self, name: str) -> None:
        """Tell the author once to write a flow that was not among the files."""
        self._add_to_fill_in(f"the flow {name}, which was not among the files")

    def _add_to_fill_in(self, text: str) -> None:
        if text not in self.to_fill_in:
            self.to_fill_in.append(text)

    def count_conversions(self, entries: Iterable[ReportEntry] | None = None) -> dict[str, int]:
        """How many constructs are converted, changed and lost."""
        counts = Counter(
            entry.conversion for entry in (self.entries if entries is None else entries)
        )
        return {str(conversion): counts[conversion] for conversion in Conversion}

    def count_by_construct(self) -> dict[str, dict[str, int]]:
        """The same for each construct, the most frequent one first."""
        groups: dict[str, list[ReportEntry]] = {}
        for entry in self.entries:
            groups.setdefault(entry.construct, []).append(entry)
        ranked = sorted(groups.items(), key=lambda item: (-len(item[1]), item[0]))
        return {name: self.count_conversions(entries) for name, entries in ranked}

    def to_data(self) -> dict[str, Any]:
        """The report for programs."""
        return {
            "counts": self.count_conversions(),
            "constructs": self.count_by_construct(),
            "entries": [asdict(entry) for entry in self.entries],
            "to_fill_in": self.to_fill_in,
        }

    def format_text(self) -> str:
        """The report for people: first what needs their eyes, then the figures."""
        lines: list[str] = []
        for conversion in reversed(Conversion):
            chosen = [
                entry for entry in self.entries if entry.conversion is conversion and entry.remarks
            ]
            if chosen:
                title = (
                    "converted, to know" if conversion is Conversion.CONVERTED else str(conversion)
                )
                lines += [f"{title}:", *(line for entry in chosen for line in format_entry(entry))]
        if self.to_fill_in:
            lines += ["to fill in:", *(f"  {each}" for each in self.to_fill_in)]
        lines += ["by construct (converted, changed, lost):"]
        for name, counts in self.count_by_construct().items():
            lines.append("  {:>5} {:>5} {:>5}  {}".format(*counts.values(), name))
        counts = self.count_conversions()
        totals = ", ".join(f"{count} {conversion}" for conversion, count in counts.items())
        lines.append(f"{format_count(len(self.entries), 'construct')}: {totals}")
        return "\n".join(lines)


def format_entry(entry: ReportEntry) -> list[str]:
    head = f"  {entry.file} {entry.path} {entry.construct} ({entry.identifier})"
    return [f"{head} -> {entry.flow}.{entry.state}", *(f"      {each}" for each in entry.remarks)]
