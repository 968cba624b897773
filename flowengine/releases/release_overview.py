"""An overview of releases, rejected sources and the leader, for people and for monitoring."""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import closing
from typing import NamedTuple

import msgspec

from flowengine.journal import CanaryFigures, open_journal_reader
from flowengine.journal.journal_database import JOURNAL_BUSY_SECONDS
from flowengine.journal.journal_location import JournalLocation
from flowengine.problems import Problem
from flowengine.releases.archive import Archive, ArchivedRelease, RejectedSource
from flowengine.releases.canary_statistics import CanarySum
from flowengine.releases.ledger import Change, Draft, FollowedRef, Ledger, LiveState, apply_change
from flowengine.sources.flow_source import FlowOrigin

LATEST_CHANGES = 20


class DraftOverview(msgspec.Struct, frozen=True):
    """A draft; callers as +46701234567."""

    name: str
    release: str
    callers: tuple[str, ...]
    follows: FollowedRef | None


class ReleaseOverview(msgspec.Struct, frozen=True):
    """An archived release. `live` is "current", "candidate", "draft NAME", several of these, or
    nothing; `calls` says whether calls are on it.
    """

    id: str
    live: str
    calls: bool
    made: float
    origin: FlowOrigin


class ProblemOverview(msgspec.Struct, frozen=True):
    """A problem of rejected flows."""

    place: str
    code: str
    message: str


class RejectedOverview(msgspec.Struct, frozen=True):
    """A flow source whose content has errors and is not live."""

    place: str
    at: float
    origin: FlowOrigin
    problems: tuple[ProblemOverview, ...]


class LeaderOverview(msgspec.Struct, frozen=True):
    """The flow source that a server follows, or the last one: a folder, or a branch of a
    repository; `by` is the server, and `since` when it began.
    """

    source: str
    by: str
    since: float


class Overview(msgspec.Struct, frozen=True):
    """All releases at one moment. `share` is from 0 to 1, times are seconds since 1970, the latest
    come first. `fallback_from` is the release that no longer compiles, where the server has fallen
    back to `current`.
    """

    at: float
    following: LeaderOverview | None
    current: str
    candidate: str
    share: float
    drafts: tuple[DraftOverview, ...]
    releases: tuple[ReleaseOverview, ...]
    rejected: tuple[RejectedOverview, ...]
    changes: tuple[Change, ...]
    fallback_from: str


def build_overview(
    archive: Archive, ledger: Ledger, in_use: Collection[str], at: float
) -> Overview:
    """Build the overview; `in_use` are the releases that calls need."""
    live = ledger.get_live()
    return Overview(
        at,
        build_leader_overview(archive),
        live.current,
        live.candidate,
        live.share,
        tuple(build_draft_overviews(live.drafts.items())),
        tuple(
            ReleaseOverview(
                kept.id, format_role(kept, live), kept.id in in_use, kept.made, kept.origin
            )
            for kept in archive.list_releases()
        ),
        tuple(map(build_rejected_overview, archive.list_rejections())),
        tuple(reversed(ledger.list_changes(max(0, live.number - LATEST_CHANGES)))),
        live.fallback_from,
    )


def build_leader_overview(archive: Archive) -> LeaderOverview | None:
    found = archive.load_leader()
    return LeaderOverview(found.source, found.by, found.at) if found else None


def build_draft_overviews(drafts: Iterable[tuple[str, Draft]]) -> Iterator[DraftOverview]:
    for name, draft in sorted(drafts):
        yield DraftOverview(
            name,
            draft.release,
            tuple(f"+{caller}" for caller in sorted(draft.callers)),
            draft.follows,
        )


def format_role(kept: ArchivedRelease, live: LiveState) -> str:
    drafts = {f"draft {name}": draft.release for name, draft in live.drafts.items()}
    names = {"current": live.current, "candidate": live.candidate, **drafts}
    return ", ".join(name for name, release in names.items() if release == kept.id)


def build_rejected_overview(found: RejectedSource) -> RejectedOverview:
    errors = tuple(
        map(
            build_problem_overview,
            (problem for problem in found.problems if problem.severity == "error"),
        )
    )
    return RejectedOverview(found.place, found.at, found.origin, errors)


def build_problem_overview(problem: Problem) -> ProblemOverview:
    return ProblemOverview(str(problem.span), problem.code, problem.message)


class CanaryComparison(msgspec.Struct, frozen=True):
    """The figures of the current release and of the candidate, for calls since the canary began, on
    `machines` machines. `waiting` callbacks are not counted yet, as they came while the server was
    busy.
    """

    since: float
    machines: int
    waiting: int
    current: str
    candidate: str
    share: float
    figures: dict[str, CanaryFigures]


CountCalls = Callable[[Sequence[str], float], CanarySum]
"""Counts the calls on some releases since a time"""


def build_journal_counter(
    journal: JournalLocation, busy_seconds: float = JOURNAL_BUSY_SECONDS
) -> CountCalls:
    """A function that counts the calls of a journal: those of this machine, or those of all that
    write to it. It waits for so long while another process has locked a file. Raises JournalError.
    """

    def count(releases: Sequence[str], since: float) -> CanarySum:
        with closing(open_journal_reader(journal, busy_seconds)) as reader:
            figures = reader.read_figures(releases, since)
            return CanarySum(figures, reader.count_machines(since), reader.count_waiting())

    return count


class Canary(NamedTuple):
    """A candidate with its share, and the time since when it is one."""

    since: float
    current: str
    candidate: str
    share: float


def find_canary(ledger: Ledger) -> Canary | None:
    """The present canary; None where there is no candidate."""
    live = ledger.get_live()
    return (
        Canary(
            find_candidate_start(ledger.list_changes()), live.current, live.candidate, live.share
        )
        if live.candidate
        else None
    )


def compare_canary(canary: Canary, count: CountCalls) -> CanaryComparison:
    found = count((canary.current, canary.candidate), canary.since)
    return CanaryComparison(
        canary.since,
        found.machines,
        found.waiting,
        canary.current,
        canary.candidate,
        canary.share,
        found.figures,
    )


def find_candidate_start(changes: Iterable[Change]) -> float:
    """The time when the candidate became one; a change of its share keeps it."""
    live, since = LiveState(), 0.0
    for change in changes:
        before, live = live.candidate, apply_change(live, change)
        since = change.at if live.candidate != before else since
    return since
