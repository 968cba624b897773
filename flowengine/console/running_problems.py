"""What goes wrong in calls: those of the last day that ended badly, and flows that may not go live."""

import time
from dataclasses import dataclass

from anyio.to_thread import run_sync

from flowengine.console.console_context import ConsoleContext
from flowengine.journal.call_search import CallQuery, ListedCall
from flowengine.journal.journal_database import JournalError
from flowengine.releases.archive_database import ArchiveError
from flowengine.releases.release_overview import RejectedOverview, build_rejected_overview

SHOWN_PERIOD_SECONDS = 86_400.0
MAX_SHOWN_CALLS = 5
# an outcome of a call, and what it means for the caller
BAD_OUTCOMES = {
    "error": "The server has made a mistake of its own; its log says which.",
    "apology": "Callers heard the apology, and the call ended.",
    "unrouted": "No route has a flow for the number.",
    "unkept": "The state of the call was answered, and could not be stored.",
}


@dataclass(frozen=True, slots=True)
class BadOutcome:
    """The latest calls with an outcome; there may be more than are shown."""

    name: str
    meaning: str
    calls: list[ListedCall]
    has_more: bool


@dataclass(frozen=True, slots=True)
class RunningProblems:
    """What goes wrong beside what is wrong in the files. `failure` says why not all is known."""

    outcomes: list[BadOutcome]
    rejected: list[RejectedOverview]
    failure: str = ""


async def find_running_problems(context: ConsoleContext) -> RunningProblems:
    """The problems of what runs on this machine."""
    outcomes: list[BadOutcome] = []
    rejected: list[RejectedOverview] = []
    try:
        if context.has_releases():
            rejected = await run_sync(list_rejections, context)
        index = await context.calls.load_index()
        if index is not None:
            since = time.time() - SHOWN_PERIOD_SECONDS
            for name, meaning in BAD_OUTCOMES.items():
                query = CallQuery(since=since, outcome=name, limit=MAX_SHOWN_CALLS)
                page = await run_sync(index.find_calls, query)
                if page.calls:
                    outcomes.append(BadOutcome(name, meaning, page.calls, page.next is not None))
    except (ArchiveError, JournalError) as error:
        return RunningProblems(outcomes, rejected, str(error))
    return RunningProblems(outcomes, rejected)


def list_rejections(context: ConsoleContext) -> list[RejectedOverview]:
    with context.open_release_commands() as commands:
        return [build_rejected_overview(each) for each in commands.archive.list_rejections()]
