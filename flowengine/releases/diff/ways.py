"""Lists that are looked at from the top: which entries are new, gone, changed, or in another order."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from flowengine.releases.diff.difference import Item, Part, Place
from flowengine.releases.diff.facts import Way

Same = Callable[[Way, Way], bool]


@dataclass(frozen=True, slots=True)
class Listing:
    """How entries of a list are told of: what an entry is called, and by what else it is recognised
    than by being the same.
    """

    part: Part
    word: str
    by: tuple[Same, ...]
    names: Mapping[str, str]
    place: Callable[[Way], Place | None]
    top: Place | None

    def compare(self, old: Sequence[Way], new: Sequence[Way]) -> Iterator[Item]:
        before = [
            Way(way.key, way.shown, self.names.get(way.leads, way.leads), way.path) for way in old
        ]
        pairs = matched(
            before,
            new,
            (lambda one, other: (one.key, one.leads) == (other.key, other.leads), *self.by),
        )
        for index, way in enumerate(before):
            if index not in pairs:
                yield Item(
                    "removed", self.part, f"{self.word} {way.shown}", way.leads, "", self.top
                )
        found = {place: index for index, place in pairs.items()}
        for place, way in enumerate(new):
            if place in found:
                yield from self.changed(before[found[place]], way)
            else:
                yield Item(
                    "added", self.part, f"{self.word} {way.shown}", "", way.leads, self.place(way)
                )
        yield from self.moved(new, pairs)

    def changed(self, old: Way, new: Way) -> Iterator[Item]:
        if old.key != new.key:
            yield Item(
                "changed",
                self.part,
                f"{self.word} to {new.leads}",
                old.shown,
                new.shown,
                self.place(new),
            )
        if old.leads != new.leads:
            part: Part = "route" if self.part == "route" else "exit"
            yield Item(
                "changed", part, f"{self.word} {new.shown}", old.leads, new.leads, self.place(new)
            )

    def moved(self, new: Sequence[Way], pairs: Mapping[int, int]) -> Iterator[Item]:
        order = [pairs[index] for index in sorted(pairs)]
        if order != sorted(order):
            before, after = (
                [new[place].shown for place in order],
                [new[place].shown for place in sorted(order)],
            )
            while before[-1] == after[-1]:
                del before[-1], after[-1]
            yield Item(
                "changed",
                "order",
                f"order of {self.word}s",
                ", ".join(before),
                ", ".join(after),
                self.top,
            )


def matched(old: Sequence[Way], new: Sequence[Way], by: tuple[Same, ...]) -> dict[int, int]:
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


def same_key(one: Way, other: Way) -> bool:
    return one.key == other.key


def same_lead(one: Way, other: Way) -> bool:
    return one.leads == other.leads
