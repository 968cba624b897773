"""Lets drafts follow their branches: a push reaches the callers of the draft a moment later, and
nobody else.
"""

import asyncio
import logging
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import NamedTuple

from flowengine.releases.compile_worker import CompileWorker
from flowengine.releases.ledger import CommandRefusedError, Draft, FollowedRef, Ledger
from flowengine.releases.publisher import Publisher, PublishResult
from flowengine.releases.source_follower import SERVER_ACTOR, log_problems
from flowengine.sources.abandonable_read import AbandonableRead
from flowengine.sources.branch_source import BranchSource
from flowengine.sources.flow_source import FOLLOW_POLL_SECONDS, FlowOrigin, SourceSnapshot
from flowengine.sources.git import GitError

log = logging.getLogger(__name__)


FollowingDrafts = dict[tuple[str, FollowedRef], Draft]


class BranchUpdate(NamedTuple):
    """What the branch of a draft has now, or why it cannot be read."""

    name: str
    draft: Draft
    origin: FlowOrigin
    snapshot: SourceSnapshot | None
    error: Exception | None = None


class DraftFollower:
    """Renews the drafts that follow a ref; one worker does it for all. Branches are read
    abandonably, as a disk may hang.
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
            news
            for (name, follows), draft in following.items()
            if (news := self._read_branch(name, follows, draft))
        ]

    def publish_updates(self, news: Iterable[BranchUpdate]) -> None:
        """Give the callers of drafts the new releases. A branch that cannot be read leaves its
        draft as it is, and is logged once.
        """
        for item in news:
            if item.error is not None:
                self._report_error(item.name, item.origin, item.error)
            elif item.snapshot is not None:
                self._reported_errors.pop(item.name, None)
                self._publish_update(item, item.snapshot)

    def close(self) -> None:
        for branch in self._branches.values():
            branch.close()

    def _read_branch(self, name: str, follows: FollowedRef, draft: Draft) -> BranchUpdate | None:
        branch = self._branches.setdefault(
            (name, follows), BranchSource(Path(follows.repository), follows.ref, follows.folder)
        )
        try:
            found = branch.read()
        except GitError as error:
            branch.forget_last_read()  # what comes next is news, even where it is what was there before
            return BranchUpdate(name, draft, branch.origin, None, error)
        return BranchUpdate(name, draft, branch.origin, found) if found else None

    def _publish_update(self, item: BranchUpdate, snapshot: SourceSnapshot) -> None:
        try:
            log_draft_result(
                item.name,
                self._publisher.update_draft(
                    item.name,
                    item.draft,
                    snapshot.files,
                    snapshot.origin,
                    snapshot.origin.author or SERVER_ACTOR,
                ),
            )
        except BaseException:
            for branch in (
                self._branches.values()
            ):  # to be read again: a full disk must not hide what was pushed
                branch.forget_last_read()
            raise

    def _report_error(self, name: str, origin: FlowOrigin, error: Exception) -> None:
        if self._reported_errors.get(name) != str(error):
            self._reported_errors[name] = str(error)
            log.error("draft %s stays as it was: %s", name, error)
            self._publisher.reject_unreadable(origin, error)


def log_draft_result(name: str, made: PublishResult) -> None:
    if not made.release:
        log_problems(f"draft {name} has errors, and stays as it was", made)
    elif made.changed:
        log.info("draft %s is release %s now", name, made.release)


async def follow_drafts(drafts: DraftFollower, compile_worker: CompileWorker) -> None:
    """Renew drafts for ever."""
    reader = AbandonableRead[list[BranchUpdate]]("a branch that a draft follows")
    while True:
        try:
            following = await compile_worker.run(drafts.find_following_drafts)
            # the read is abandonable, so it may not touch the archive; the steps around it may
            news = await reader.run(partial(drafts.read_branches, following))
            await compile_worker.run(partial(drafts.publish_updates, news))
        except CommandRefusedError as refusal:  # somebody changed the draft at the same moment
            log.info("%s", refusal)
        except Exception:
            log.exception("drafts cannot be renewed, and stay as they were")
        await asyncio.sleep(FOLLOW_POLL_SECONDS)
