"""What the importers have in common when they read the files of a source."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import TypeVar

from flowengine.importers.import_report import Conversion, ImportReport, ReportEntry
from flowengine.importers.source_json import ImportSourceError

S = TypeVar("S")


def read_source_files(
    files: Mapping[str, bytes], read: Callable[[bytes, str], S]
) -> tuple[dict[str, S], dict[str, str]]:
    """What each file has, and why the others cannot be read, both by the name of the file."""
    sources: dict[str, S] = {}
    problems: dict[str, str] = {}
    for file, content in files.items():
        try:
            sources[file] = read(content, file)
        except ImportSourceError as error:
            problems[file] = str(error)
    return sources, problems


def sort_by_call_order(
    first: Iterable[str], names: Collection[str], list_targets: Callable[[str], Iterable[str]]
) -> list[str]:
    """The names in the order in which a call meets them that begins at the first of these, and then
    those that no call reaches.

    >>> targets = {"a": ["c"], "b": [], "c": []}
    >>> sort_by_call_order(["a"], targets, targets.__getitem__)
    ['a', 'c', 'b']
    """
    order: dict[str, None] = {}
    waiting = [*reversed([*first, *names])]
    while waiting:
        name = waiting.pop()
        if name in names and name not in order:
            order[name] = None
            waiting += reversed([*list_targets(name)])
    return [*order]


def report_left_out(
    report: ImportReport, file: str, flow: str, slips: Sequence[tuple[str, str, str]]
) -> None:
    """Report what could not be read of a file: its place, its construct, and why."""
    for path, construct, reason in slips:
        entry = ReportEntry(file, path, "", construct or "(no type)", flow, "")
        entry.add_remark(f"{reason}: it is left out", Conversion.LOST)
        report.entries.append(entry)
