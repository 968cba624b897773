"""Drafts go along with their branches: whoever pushes to one hears it a moment later, and nobody
else does.
"""

import asyncio
import logging
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import NamedTuple

from flowengine.releases.apart import Apart
from flowengine.releases.archive import Origin
from flowengine.releases.follow import TURN_SECONDS, WHO, Branch, Found, log_problems
from flowengine.releases.git import GitError
from flowengine.releases.ledger import Draft, Follows, Ledger, Refused
from flowengine.releases.publisher import Made, Publisher
from flowengine.releases.workshop import Workshop

log = logging.getLogger(__name__)


Following = dict[tuple[str, Follows], Draft]


class News(NamedTuple):
    """What the branch of a draft has now, or why that cannot be read."""

    name: str
    draft: Draft
    origin: Origin
    found: Found | None
    error: Exception | None = None


class Drafts:
    """The drafts that follow a ref, renewed by one worker for all: their branches are read apart,
    as a disk may hang.
    """

    def __init__(self, publisher: Publisher, ledger: Ledger) -> None:
        self._publisher = publisher
        self._ledger = ledger
        self._branches: dict[tuple[str, Follows], Branch] = {}
        self._failing: dict[str, str] = {}

    def following(self) -> Following:
        """The drafts that follow something."""
        return {
            (name, draft.follows): draft
            for name, draft in self._ledger.live().drafts.items()
            if draft.follows is not None
        }

    def read(self, following: Following) -> list[News]:
        """Look at every branch once."""
        for key in self._branches.keys() - following.keys():
            self._branches.pop(key).close()
        return [
            news
            for (name, follows), draft in following.items()
            if (news := self._read(name, follows, draft))
        ]

    def renew(self, news: Iterable[News]) -> None:
        """Lead callers to what is new. A branch that cannot be read leaves its draft as it is, and
        is reported once.
        """
        for item in news:
            if item.error is not None:
                self._complain(item.name, item.origin, item.error)
            elif item.found is not None:
                self._failing.pop(item.name, None)
                self._publish(item, item.found)

    def close(self) -> None:
        for branch in self._branches.values():
            branch.close()

    def _read(self, name: str, follows: Follows, draft: Draft) -> News | None:
        branch = self._branches.setdefault(
            (name, follows), Branch(Path(follows.repository), follows.ref, follows.folder)
        )
        try:
            found = branch.read()
        except GitError as error:
            branch.forget()  # what comes next is news, even where it is what was there before
            return News(name, draft, branch.origin, None, error)
        return News(name, draft, branch.origin, found) if found else None

    def _publish(self, item: News, found: Found) -> None:
        try:
            told(
                item.name,
                self._publisher.renew(
                    item.name, item.draft, found.files, found.origin, found.origin.author or WHO
                ),
            )
        except BaseException:
            for branch in (
                self._branches.values()
            ):  # to be read again: a full disk must not hide what was pushed
                branch.forget()
            raise

    def _complain(self, name: str, origin: Origin, error: Exception) -> None:
        if self._failing.get(name) != str(error):
            self._failing[name] = str(error)
            log.error("draft %s stays as it was: %s", name, error)
            self._publisher.unread(origin, error)


def told(name: str, made: Made) -> None:
    if not made.release:
        log_problems(f"draft {name} has errors, and stays as it was", made)
    elif made.changed:
        log.info("draft %s is release %s now", name, made.release)


async def follow(drafts: Drafts, workshop: Workshop) -> None:
    """Renew drafts for ever."""
    apart = Apart[list[News]]("a branch that a draft follows")
    while True:
        try:
            following = await workshop.run(drafts.following)
            news = await apart.done(partial(drafts.read, following))
            await workshop.run(partial(drafts.renew, news))
        except Refused as refusal:  # somebody changed the draft at the same moment
            log.info("%s", refusal)
        except Exception:
            log.exception("drafts cannot be renewed, and stay as they were")
        await asyncio.sleep(TURN_SECONDS)
