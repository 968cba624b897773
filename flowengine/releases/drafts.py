"""Drafts go along with their branches: whoever pushes to one hears it a moment later, and nobody else does."""

import asyncio
import logging
from pathlib import Path

from flowengine.problems import to_text
from flowengine.releases.follow import TURN_SECONDS, WHO, Branch
from flowengine.releases.git import GitError
from flowengine.releases.ledger import Draft, Follows, Ledger, Refused
from flowengine.releases.publisher import Made, Publisher
from flowengine.releases.workshop import Workshop

log = logging.getLogger(__name__)


class Drafts:
    """The drafts that follow a ref, renewed by one worker for all."""

    def __init__(self, publisher: Publisher, ledger: Ledger) -> None:
        self._publisher = publisher
        self._ledger = ledger
        self._branches: dict[tuple[str, Follows], Branch] = {}
        self._failing: dict[str, str] = {}

    def renew(self) -> None:
        """Look at every branch once. One that cannot be read leaves its draft as it is, and is reported once."""
        following = {(name, draft.follows): draft for name, draft in self._ledger.live().drafts.items() if draft.follows is not None}
        for key in self._branches.keys() - following.keys():
            self._branches.pop(key).close()
        for (name, follows), draft in following.items():
            try:
                self._look(name, follows, draft)
                self._failing.pop(name, None)
            except GitError as error:
                self._complain(name, str(error))

    def close(self) -> None:
        for branch in self._branches.values():
            branch.close()

    def _look(self, name: str, follows: Follows, draft: Draft) -> None:
        branch = self._branches.setdefault((name, follows), Branch(Path(follows.repository), follows.ref, follows.folder))
        found = branch.read()
        if found is None:
            return
        try:
            told(name, self._publisher.renew(name, draft, found.files, found.origin, found.origin.author or WHO))
        except BaseException:
            self._branches.pop((name, follows)).close()  # to be read again: a full disk must not hide what was pushed
            raise

    def _complain(self, name: str, why: str) -> None:
        if self._failing.get(name) != why:
            self._failing[name] = why
            log.error("draft %s stays as it was: %s", name, why)


def told(name: str, made: Made) -> None:
    if not made.release:
        log.error("draft %s has errors, and stays as it was:\n%s", name, to_text(made.problems, made.sources))
    elif made.changed:
        log.info("draft %s is release %s now", name, made.release)


async def follow(drafts: Drafts, workshop: Workshop) -> None:
    """Renew drafts for ever."""
    while True:
        try:
            await workshop.run(drafts.renew)
        except Refused as refusal:  # somebody changed the draft at the same moment
            log.info("%s", refusal)
        except Exception:
            log.exception("drafts cannot be renewed, and stay as they were")
        await asyncio.sleep(TURN_SECONDS)
