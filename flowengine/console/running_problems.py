"""What goes wrong in calls: those of the last day that ended badly, and flows that may not go live."""

import time
from collections.abc import Sequence
from typing import NamedTuple

import msgspec
from anyio.to_thread import run_sync

from flowengine.console.console_context import ConsoleContext
from flowengine.journal.call_search import CallQuery, ListedCall
from flowengine.journal.journal_entries import CallbackEntry
from flowengine.journal.journal_error import JournalError
from flowengine.journal.passage_counts import is_failure
from flowengine.releases.archive_database import ArchiveError
from flowengine.releases.release_overview import RejectedOverview, build_rejected_overview

SHOWN_PERIOD_SECONDS = 86_400.0
MAX_SHOWN_CALLS = 5
# an outcome of a call, and what it means for the caller
BAD_OUTCOMES = {
    "error": "The server has made a mistake of its own; its log says which.",
    "apology": "Callers heard the apology, and the call ended.",
    "unrouted": "No route has a flow for the number.",
    "failed": "A state of the flow has failed, and the call has gone on by its exit for that.",
    "unsaved": "The callback was answered, and the state of the call could not be saved.",
}


class BadCall(NamedTuple):
    """A call that went wrong, and what its trace says of that; "" where it says nothing."""

    listed: ListedCall
    reason: str


class BadOutcome(msgspec.Struct, frozen=True):
    """The latest calls with an outcome; there may be more than are shown."""

    name: str
    meaning: str
    calls: list[BadCall]
    has_more: bool


class RunningProblems(msgspec.Struct, frozen=True):
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
                    calls = await run_sync(explain_calls, context, page.calls)
                    outcomes.append(BadOutcome(name, meaning, calls, page.next is not None))
    except (ArchiveError, JournalError) as error:
        return RunningProblems(outcomes, rejected, str(error))
    return RunningProblems(outcomes, rejected)


def explain_calls(context: ConsoleContext, calls: list[ListedCall]) -> list[BadCall]:
    """The calls, each with the last failure of a state in it."""
    with context.open_journal() as reader:
        return [BadCall(call, find_failure(reader.list_callbacks(call.call))) for call in calls]


def find_failure(steps: Sequence[CallbackEntry]) -> str:
    """What the trace of a call says of the last state that failed."""
    found = ""
    for line in (line for step in steps for line in step.shown["trace"]):
        what = line.partition(": ")[2]
        # the exit that follows says less than the reason in front of it
        if is_failure(what) and not (found and what == "error"):
            found = line
    return found


def list_rejections(context: ConsoleContext) -> list[RejectedOverview]:
    with context.open_release_commands() as commands:
        return [build_rejected_overview(each) for each in commands.archive.list_rejections()]
