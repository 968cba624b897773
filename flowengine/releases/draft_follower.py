"""Updates drafts from their branches: a push reaches the callers of the draft a moment later, and
no other callers.
"""

import asyncio
import logging
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import NamedTuple

from flowengine.releases.archive_database import ArchiveError
from flowengine.releases.compile_worker import CompileWorker
from flowengine.releases.ledger import CommandRefusedError, Draft, FollowedRef, Ledger
from flowengine.releases.publisher import Publisher, PublishResult
from flowengine.releases.source_follower import SERVER_ACTOR, log_problems
from flowengine.runtime.log_once import LogOnce
from flowengine.sources.abandonable_read import AbandonableRead
from flowengine.sources.branch_source import BranchSource
from flowengine.sources.flow_source import FOLLOW_POLL_SECONDS, FlowOrigin, SourceSnapshot
from flowengine.sources.git import GitError

log = logging.getLogger(__name__)
DRAFTS_UNCHANGED = "drafts cannot be updated, and are unchanged: %s"


FollowingDrafts = dict[tuple[str, FollowedRef], Draft]


class BranchUpdate(NamedTuple):
    """The present content of the branch of a draft, or the error of reading it."""

    name: str
    draft: Draft
    origin: FlowOrigin
    snapshot: SourceSnapshot | None
    error: Exception | None = None


class DraftFollower:
    """Updates the drafts that follow a ref; one worker does it for all. Branches are read in an
    abandonable read, as a disk may hang.
    """

    def __init__(self, publisher: Publisher, ledger: Ledger) -> None:
        self._publisher = publisher
        self._ledger = ledger
        self._branches: dict[tuple[str, FollowedRef], BranchSource] = {}
        self._reported_errors: dict[str, str] = {}

    def find_following_drafts(self) -> FollowingDrafts:
        """The drafts that follow a ref."""
        return {
            (name, draft.follows): draft
            for name, draft in self._ledger.get_live().drafts.items()
            if draft.follows is not None
        }

    def read_branches(self, following: FollowingDrafts) -> list[BranchUpdate]:
        """Read every followed branch once."""
        for key in self._branches.keys() - following.keys():
            self._branches.pop(key).close()
        return [
            update
            for (name, follows), draft in following.items()
            if (update := self._read_branch(name, follows, draft))
        ]

    def publish_updates(self, updates: Iterable[BranchUpdate]) -> None:
        """Give the callers of drafts the new releases. A branch that cannot be read leaves its
        draft as it is, and is logged once.
        """
        for update in updates:
            if update.error is not None:
                self._report_error(update.name, update.origin, update.error)
            elif update.snapshot is not None:
                self._reported_errors.pop(update.name, None)
                self._publish_update(update, update.snapshot)

    def close(self) -> None:
        for branch in self._branches.values():
            branch.close()

    def _read_branch(self, name: str, follows: FollowedRef, draft: Draft) -> BranchUpdate | None:
        branch = self._branches.setdefault(
            (name, follows), BranchSource(Path(follows.repository), follows.ref, follows.folder)
        )
        try:
            snapshot = branch.read()
        except GitError as error:
            # the next content counts as new, even where it is the old one
            branch.forget_last_read()
            return BranchUpdate(name, draft, branch.origin, None, error)
        return BranchUpdate(name, draft, branch.origin, snapshot) if snapshot else None

    def _publish_update(self, update: BranchUpdate, snapshot: SourceSnapshot) -> None:
        try:
            log_draft_result(
                update.name,
                self._publisher.update_draft(
                    update.name,
                    update.draft,
                    snapshot.files,
                    snapshot.origin,
                    snapshot.origin.author or SERVER_ACTOR,
                ),
            )
        except BaseException:
            for branch in self._branches.values():  # read again: a full disk must not hide a push
                branch.forget_last_read()
            raise

    def _report_error(self, name: str, origin: FlowOrigin, error: Exception) -> None:
        if self._reported_errors.get(name) != str(error):
            self._reported_errors[name] = str(error)
            log.error("draft %s is unchanged: %s", name, error)
            self._publisher.reject_unreadable(origin, error)


def log_draft_result(name: str, result: PublishResult) -> None:
    if not result.release:
        log_problems(f"draft {name} has errors, and stays as it was", result)
    elif result.changed:
        log.info("draft %s is release %s now", name, result.release)


async def follow_drafts(drafts: DraftFollower, compile_worker: CompileWorker) -> None:
    """Update drafts for ever."""
    reader = AbandonableRead[list[BranchUpdate]]("a branch that a draft follows")
    errors = LogOnce(log)
    while True:
        try:
            following = await compile_worker.run(drafts.find_following_drafts)
            # an abandonable read must not use the archive; the steps before and after it may
            updates = await reader.run(partial(drafts.read_branches, following))
            await compile_worker.run(partial(drafts.publish_updates, updates))
            errors.end(DRAFTS_UNCHANGED, "drafts are updated again")
        except CommandRefusedError as refusal:  # somebody changed the draft at the same moment
            log.info("%s", refusal)
        except ArchiveError as error:  # on a full disk, or while the database is away
            errors.error(DRAFTS_UNCHANGED, error)
        except Exception:
            log.exception("drafts cannot be updated, and are unchanged")
        await asyncio.sleep(FOLLOW_POLL_SECONDS)
