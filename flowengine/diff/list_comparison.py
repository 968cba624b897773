"""Lists that are looked at from the top: which entries are new, gone, changed, or in another order."""

from collections.abc import Callable, Iterator, Mapping, Sequence

import msgspec

from flowengine.diff.difference import DiffItem, DiffLocation, DiffPart
from flowengine.diff.project_facts import ExitFact

IsSameEntry = Callable[[ExitFact, ExitFact], bool]


class ListComparison(msgspec.Struct, frozen=True):
    """Compares lists: how entries are called, and how an entry is recognised that is not equal."""

    part: DiffPart
    word: str
    by: tuple[IsSameEntry, ...]
    names: Mapping[str, str]
    place: Callable[[ExitFact], DiffLocation | None]
    top: DiffLocation | None

    def compare(self, old: Sequence[ExitFact], new: Sequence[ExitFact]) -> Iterator[DiffItem]:
        before = [
            ExitFact(way.key, way.shown, self.names.get(way.target, way.target), way.path)
            for way in old
        ]
        pairs = match_entries(
            before,
            new,
            (lambda one, other: (one.key, one.target) == (other.key, other.target), *self.by),
        )
        for index, way in enumerate(before):
            if index not in pairs:
                yield DiffItem(
                    "removed", self.part, f"{self.word} {way.shown}", way.target, "", self.top
                )
        found = {place: index for index, place in pairs.items()}
        for place, way in enumerate(new):
            if place in found:
                yield from self.compare_entry(before[found[place]], way)
            else:
                yield DiffItem(
                    "added", self.part, f"{self.word} {way.shown}", "", way.target, self.place(way)
                )
        yield from self.compare_order(new, pairs)

    def compare_entry(self, old: ExitFact, new: ExitFact) -> Iterator[DiffItem]:
        if old.key != new.key:
            yield DiffItem(
                "changed",
                self.part,
                f"{self.word} to {new.target}",
                old.shown,
                new.shown,
                self.place(new),
            )
        if old.target != new.target:
            part: DiffPart = "route" if self.part == "route" else "exit"
            yield DiffItem(
                "changed", part, f"{self.word} {new.shown}", old.target, new.target, self.place(new)
            )

    def compare_order(
        self, new: Sequence[ExitFact], pairs: Mapping[int, int]
    ) -> Iterator[DiffItem]:
        order = [pairs[index] for index in sorted(pairs)]
        if order != sorted(order):
            before, after = (
                [new[place].shown for place in order],
                [new[place].shown for place in sorted(order)],
            )
            while before[-1] == after[-1]:
                del before[-1], after[-1]
            yield DiffItem(
                "changed",
                "order",
                f"order of {self.word}s",
                ", ".join(before),
                ", ".join(after),
                self.top,
            )


def match_entries(
    old: Sequence[ExitFact], new: Sequence[ExitFact], by: tuple[IsSameEntry, ...]
) -> dict[int, int]:
    """Which entry is which, surest first."""
    pairs: dict[int, int] = {}
    for same in by:
        for index, way in enumerate(old):
            if index not in pairs:
                free = (
                    place
                    for place, other in enumerate(new)
                    if place not in pairs.values() and same(way, other)
                )
                if (place := next(free, None)) is not None:
                    pairs[index] = place
    return pairs


def has_same_key(one: ExitFact, other: ExitFact) -> bool:
    return one.key == other.key


def has_same_target(one: ExitFact, other: ExitFact) -> bool:
    return one.target == other.target
