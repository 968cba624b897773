"""What came of replaying many calls, alike differences together."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

import msgspec

from flowengine.compile import Release
from flowengine.journal import RecordedCallback
from flowengine.replay.call_replay import CallDifference, NotReplayableError, replay_call

MAX_LISTED_CALLS = 5


class DifferenceGroup(msgspec.Struct, frozen=True):
    """Calls that go differently in the same way."""

    difference: CallDifference
    calls: tuple[str, ...]


class ReplayReport(msgspec.Struct, frozen=True):
    """`same` calls go as they went. `skipped` counts by reason those that could not be replayed."""

    release: str
    same: int
    groups: tuple[DifferenceGroup, ...]
    skipped: Mapping[str, int]

    @property
    def different_count(self) -> int:
        return sum(len(group.calls) for group in self.groups)


def replay_calls(
    release: Release, calls: Iterable[tuple[str, Sequence[RecordedCallback]]]
) -> ReplayReport:
    """Replay calls, and gather what comes of them; what concerns most calls stands first."""
    same, skipped = 0, Counter[str]()
    found: dict[CallDifference, list[str]] = {}
    for name, callbacks in calls:
        try:
            difference = replay_call(release, callbacks)
        except NotReplayableError as reason:
            skipped[str(reason)] += 1
            continue
        if difference is None:
            same += 1
        else:
            found.setdefault(difference, []).append(name)
    groups = [DifferenceGroup(difference, tuple(names)) for difference, names in found.items()]
    return ReplayReport(
        release.id,
        same,
        tuple(sorted(groups, key=lambda group: (-len(group.calls), group.difference))),
        dict(skipped),
    )


def to_text(made: ReplayReport) -> str:
    """The report as a person reads it."""
    return "\n".join(format_report(made))


def format_report(made: ReplayReport) -> Iterator[str]:
    total = made.same + made.different_count
    yield f"{format_call_count(total)} replayed on {made.release}: {made.same} as before, {made.different_count} differently"
    for group in made.groups:
        found = group.difference
        yield ""
        place = f"{found.flow}/{found.state}" if found.flow else "no flow"
        yield f"{format_call_count(len(group.calls))}: {place} ({found.event}), {found.kind}: {found.what}"
        more = len(group.calls) - MAX_LISTED_CALLS
        yield f"  {', '.join(group.calls[:MAX_LISTED_CALLS])}{f' and {more} more' if more > 0 else ''}"
    if made.skipped:
        yield ""
        yield f"{format_call_count(sum(made.skipped.values()))} could not be replayed"
        yield from (f"  {number}: {reason}" for reason, number in sorted(made.skipped.items()))


def format_call_count(number: int) -> str:
    return "1 call" if number == 1 else f"{number} calls"
