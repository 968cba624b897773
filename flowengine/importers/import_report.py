"""What became of each construct of an imported file."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from flowengine.problems import format_count


class Fate(StrEnum):
    """What became of a construct, seen by a caller: the same; something else; nothing."""

    CARRIED = "carried"
    BENT = "bent"
    LOST = "lost"


_ORDER = list(Fate)


@dataclass
class ReportEntry:
    """A construct with its place in the source, its state, and what an author has to know."""

    file: str
    path: str
    identifier: str
    construct: str
    flow: str
    state: str
    fate: Fate = Fate.CARRIED
    remarks: list[str] = field(default_factory=list)

    def add_remark(self, remark: str, fate: Fate = Fate.CARRIED) -> None:
        """Note it; the worst fate counts."""
        if remark not in self.remarks:
            self.remarks.append(remark)
        self.fate = max(self.fate, fate, key=_ORDER.index)

    def describe(self) -> str:
        """The entry in one line, for a comment."""
        place = f"{self.construct} at {self.path} ({self.identifier})"
        return f"{self.fate}: {place}: {'; '.join(self.remarks)}"


@dataclass
class ImportReport:
    """All entries in the order of the source, and what is left for the author to fill in."""

    entries: list[ReportEntry] = field(default_factory=list)
    to_fill_in: list[str] = field(default_factory=list)

    def count_fates(self, entries: Iterable[ReportEntry] | None = None) -> dict[str, int]:
        """How many constructs had each fate."""
        counts = Counter(entry.fate for entry in (self.entries if entries is None else entries))
        return {str(fate): counts[fate] for fate in Fate}

    def count_by_construct(self) -> dict[str, dict[str, int]]:
        """The same for each construct, the most frequent one first."""
        groups: dict[str, list[ReportEntry]] = {}
        for entry in self.entries:
            groups.setdefault(entry.construct, []).append(entry)
        ranked = sorted(groups.items(), key=lambda item: (-len(item[1]), item[0]))
        return {name: self.count_fates(entries) for name, entries in ranked}

    def to_data(self) -> dict[str, Any]:
        """The report for programs."""
        return {
            "counts": self.count_fates(),
            "constructs": self.count_by_construct(),
            "entries": [asdict(entry) for entry in self.entries],
            "to_fill_in": self.to_fill_in,
        }

    def format_text(self) -> str:
        """The report for people: first what needs their eyes, then the figures."""
        lines: list[str] = []
        for fate in reversed(Fate):
            chosen = [entry for entry in self.entries if entry.fate is fate and entry.remarks]
            if chosen:
                title = "carried over, to know" if fate is Fate.CARRIED else str(fate)
                lines += [f"{title}:", *(line for entry in chosen for line in format_entry(entry))]
        if self.to_fill_in:
            lines += ["to fill in:", *(f"  {each}" for each in self.to_fill_in)]
        lines += ["by construct (carried, bent, lost):"]
        for name, counts in self.count_by_construct().items():
            lines.append("  {:>5} {:>5} {:>5}  {}".format(*counts.values(), name))
        counts = self.count_fates()
        told = ", ".join(f"{count} {fate}" for fate, count in counts.items())
        lines.append(f"{format_count(len(self.entries), 'construct')}: {told}")
        return "\n".join(lines)


def format_entry(entry: ReportEntry) -> list[str]:
    head = f"  {entry.file} {entry.path} {entry.construct} ({entry.identifier})"
    return [f"{head} -> {entry.flow}.{entry.state}", *(f"      {each}" for each in entry.remarks)]
