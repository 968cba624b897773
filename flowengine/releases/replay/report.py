"""What came of replaying many calls, alike differences together."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

import msgspec

from flowengine.compile import Release
from flowengine.journal import Recorded
from flowengine.releases.replay.play import Difference, NotReplayable, replayed

SHOWN_CALLS = 5


class Group(msgspec.Struct, frozen=True):
    """Calls that go differently in the same way."""

    difference: Difference
    calls: tuple[str, ...]


class Report(msgspec.Struct, frozen=True):
    """`same` calls go as they went. `skipped` counts by reason those that could not be replayed."""

    release: str
    same: int
    groups: tuple[Group, ...]
    skipped: Mapping[str, int]

    @property
    def different(self) -> int:
        return sum(len(group.calls) for group in self.groups)


def report(release: Release, calls: Iterable[tuple[str, Sequence[Recorded]]]) -> Report:
    """Replay calls, and gather what comes of them; what concerns most calls stands first."""
    same, skipped = 0, Counter[str]()
    found: dict[Difference, list[str]] = {}
    for name, callbacks in calls:
        try:
            difference = replayed(release, callbacks)
        except NotReplayable as reason:
            skipped[str(reason)] += 1
            continue
        if difference is None:
            same += 1
        else:
            found.setdefault(difference, []).append(name)
    groups = [Group(difference, tuple(names)) for difference, names in found.items()]
    return Report(
        release.id,
        same,
        tuple(sorted(groups, key=lambda group: (-len(group.calls), group.difference))),
        dict(skipped),
    )


def to_text(made: Report) -> str:
    """The report as a person reads it."""
    return "\n".join(lines(made))


def lines(made: Report) -> Iterator[str]:
    total = made.same + made.different
    yield f"{counted(total)} replayed on {made.release}: {made.same} as before, {made.different} differently"
    for group in made.groups:
        found = group.difference
        yield ""
        place = f"{found.flow}/{found.state}" if found.flow else "no flow"
        yield f"{counted(len(group.calls))}: {place} ({found.event}), {found.kind}: {found.what}"
        more = len(group.calls) - SHOWN_CALLS
        yield f"  {', '.join(group.calls[:SHOWN_CALLS])}{f' and {more} more' if more > 0 else ''}"
    if made.skipped:
        yield ""
        yield f"{counted(sum(made.skipped.values()))} could not be replayed"
        yield from (f"  {number}: {reason}" for reason, number in sorted(made.skipped.items()))


def counted(number: int) -> str:
    return "1 call" if number == 1 else f"{number} calls"
