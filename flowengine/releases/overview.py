"""What is live, what was, and what may not be: for people, and for programs that look after a
server.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import msgspec

from flowengine.journal import Figures, Reader, figures
from flowengine.problems import Problem
from flowengine.releases.archive import Archive, Kept, Origin, Rejected
from flowengine.releases.ledger import Change, Draft, Follows, Ledger, Live, after
from flowengine.releases.tally import Sum

LATEST_CHANGES = 20


class DraftSeen(msgspec.Struct, frozen=True):
    """A draft; callers as +46701234567."""

    name: str
    release: str
    callers: tuple[str, ...]
    follows: Follows | None


class ReleaseSeen(msgspec.Struct, frozen=True):
    """A kept release. `live` is "current", "candidate", "draft NAME", several of these, or nothing;
    `calls` says that some calls on it are under way.
    """

    id: str
    live: str
    calls: bool
    made: float
    origin: Origin


class ProblemSeen(msgspec.Struct, frozen=True):
    """An error of rejected flows."""

    place: str
    code: str
    message: str


class RejectedSeen(msgspec.Struct, frozen=True):
    """What a place has now and may not go live."""

    place: str
    at: float
    origin: Origin
    problems: tuple[ProblemSeen, ...]


class FollowingSeen(msgspec.Struct, frozen=True):
    """What is followed, or was last: a folder, or a branch of a repository; `by` which server, and
    since when.
    """

    source: str
    by: str
    since: float


class Overview(msgspec.Struct, frozen=True):
    """All of it, at one moment. `share` is from 0 to 1, times are seconds since 1970, what is
    latest comes first. `fallback_from` is the release that was live and no longer compiles, where
    the server has gone back by itself.
    """

    at: float
    following: FollowingSeen | None
    current: str
    candidate: str
    share: float
    drafts: tuple[DraftSeen, ...]
    releases: tuple[ReleaseSeen, ...]
    rejected: tuple[RejectedSeen, ...]
    changes: tuple[Change, ...]
    fallback_from: str


def overview(archive: Archive, ledger: Ledger, in_use: Collection[str], at: float) -> Overview:
    """`in_use` are the releases that calls under way need."""
    live = ledger.live()
    return Overview(
        at,
        followed(archive),
        live.current,
        live.candidate,
        live.share,
        tuple(drafted(live.drafts.items())),
        tuple(
            ReleaseSeen(kept.id, role(kept, live), kept.id in in_use, kept.made, kept.origin)
            for kept in archive.listing()
        ),
        tuple(map(rejected, archive.rejected())),
        tuple(reversed(ledger.all(max(0, live.number - LATEST_CHANGES)))),
        live.fallback_from,
    )


def followed(archive: Archive) -> FollowingSeen | None:
    found = archive.following()
    return FollowingSeen(found.source, found.by, found.at) if found else None


def drafted(drafts: Iterable[tuple[str, Draft]]) -> Iterator[DraftSeen]:
    for name, draft in sorted(drafts):
        yield DraftSeen(
            name,
            draft.release,
            tuple(f"+{caller}" for caller in sorted(draft.callers)),
            draft.follows,
        )


def role(kept: Kept, live: Live) -> str:
    drafts = {f"draft {name}": draft.release for name, draft in live.drafts.items()}
    names = {"current": live.current, "candidate": live.candidate, **drafts}
    return ", ".join(name for name, release in names.items() if release == kept.id)


def rejected(found: Rejected) -> RejectedSeen:
    errors = tuple(
        map(seen, (problem for problem in found.problems if problem.severity == "error"))
    )
    return RejectedSeen(found.place, found.at, found.origin, errors)


def seen(problem: Problem) -> ProblemSeen:
    return ProblemSeen(str(problem.span), problem.code, problem.message)


class SideBySide(msgspec.Struct, frozen=True):
    """How the current release and the candidate do, in calls that began since the candidate takes
    its share, on so many machines.

    `waiting` callbacks are not among these yet: the server was busy when they came.
    """

    since: float
    machines: int
    waiting: int
    current: str
    candidate: str
    share: float
    figures: dict[str, Figures]


Count = Callable[[Sequence[str], float], Sum]
"""Counts the calls on some releases that began since then"""


def of_journal(journal: Path) -> Count:
    """Of the calls of one machine. Raises JournalError."""

    def count(releases: Sequence[str], since: float) -> Sum:
        with closing(Reader(journal)) as reader:
            waiting = reader.waiting()
        return Sum(figures(journal, releases, since), 1, waiting)

    return count


class Canary(NamedTuple):
    """A candidate beside the current release, and since when."""

    since: float
    current: str
    candidate: str
    share: float


def canary_of(ledger: Ledger) -> Canary | None:
    """None where there is no candidate."""
    live = ledger.live()
    return (
        Canary(candidate_since(ledger.all()), live.current, live.candidate, live.share)
        if live.candidate
        else None
    )


def side_by_side(canary: Canary, count: Count) -> SideBySide:
    found = count((canary.current, canary.candidate), canary.since)
    return SideBySide(
        canary.since,
        found.machines,
        found.waiting,
        canary.current,
        canary.candidate,
        canary.share,
        found.figures,
    )


def candidate_since(changes: Iterable[Change]) -> float:
    """When the candidate became the candidate; another share does not begin anew."""
    live, since = Live(), 0.0
    for change in changes:
        before, live = live.candidate, after(live, change)
        since = change.at if live.candidate != before else since
    return since
