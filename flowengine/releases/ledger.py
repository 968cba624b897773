"""What is live, and how it came about: every change is appended with who made it, and none is ever
altered.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Literal

import msgspec
from msgspec.structs import replace

from flowengine.releases.where import Where, connect

What = Literal["publish", "rollback", "canary", "promote", "withdraw", "draft", "undraft"]


class Follows(msgspec.Struct, frozen=True):
    """A ref of a repository that a draft goes along with, and the folder of the flows in it."""

    repository: str
    ref: str
    folder: str = ""


class Change(msgspec.Struct, frozen=True, omit_defaults=True):
    """One change to what is live. `number` and `at` are given by the ledger.

    `share` (0 to 1) belongs to a canary; `name`, `callers` (digits) and `follows` to a draft;
    `place` is where a published release came from; of a rollback, the place whose release no longer
    compiles.
    """

    who: str
    what: What
    release: str = ""
    share: float = 0.0
    name: str = ""
    callers: tuple[str, ...] = ()
    follows: Follows | None = None
    place: str = ""
    note: str = ""
    number: int = 0
    at: float = 0.0


class Draft(msgspec.Struct, frozen=True):
    """A release that only these callers reach."""

    release: str
    callers: frozenset[str]
    follows: Follows | None = None


class Live(msgspec.Struct, frozen=True):
    """What is live now: for new calls `current`, a share of them on the `candidate`, and drafts by
    name. `number` is the last change.

    `place` is what the server follows, and `followed` what it had there last: a release that was
    taken back stays back until the place changes again. `fallback_from` is the release that was
    live before the server went back by itself, "" where it has not.
    """

    current: str = ""
    candidate: str = ""
    share: float = 0.0
    drafts: Mapping[str, Draft] = {}
    place: str = ""
    followed: str = ""
    number: int = 0
    fallback_from: str = ""

    @property
    def releases(self) -> frozenset[str]:
        """All that a new call may begin on."""
        return frozenset(
            {self.current, self.candidate, *(draft.release for draft in self.drafts.values())}
            - {""}
        )


class Refused(Exception):  # noqa: N818  # named for what happened
    """A change that makes no sense as things stand; the message says why."""


def after(live: Live, change: Change) -> Live:
    """What is live after a change."""
    return replace(_AFTER[change.what](live, change), number=change.number)


def _published(live: Live, change: Change) -> Live:
    is_fallback = change.what == "rollback" and bool(change.place)
    live = replace(live, fallback_from=live.current if is_fallback else "")
    if change.place:
        live = replace(live, place=change.place, followed=change.release)
    ended = live.candidate == change.release
    return replace(
        live, current=change.release, **({"candidate": "", "share": 0.0} if ended else {})
    )


def _canary(live: Live, change: Change) -> Live:
    return replace(live, candidate=change.release, share=change.share)


def _promoted(live: Live, change: Change) -> Live:
    return replace(live, current=change.release, candidate="", share=0.0, fallback_from="")


def _withdrawn(live: Live, _change: Change) -> Live:
    return replace(live, candidate="", share=0.0)


def _drafted(live: Live, change: Change) -> Live:
    draft = Draft(change.release, frozenset(change.callers), change.follows)
    return replace(live, drafts={**live.drafts, change.name: draft})


def _undrafted(live: Live, change: Change) -> Live:
    return replace(
        live, drafts={name: draft for name, draft in live.drafts.items() if name != change.name}
    )


_AFTER: Mapping[What, Callable[[Live, Change], Live]] = {
    "publish": _published,
    "rollback": _published,
    "canary": _canary,
    "promote": _promoted,
    "withdraw": _withdrawn,
    "draft": _drafted,
    "undraft": _undrafted,
}


class Ledger:
    """The changes of one archive. Cheap to ask often: `live` reads only what has come since it was
    asked before.
    """

    def __init__(self, where: Where, told: Callable[[], None] = lambda: None) -> None:
        """`told` is called after each change that is made here."""
        self._database = connect(where)
        self._told = told
        self._live = Live()
        self._version = -1

    def live(self) -> Live:
        """What is live now."""
        version = self._database.version()
        if version != self._version:
            self._catch_up()
            self._version = version
        return self._live

    def change(self, decide: Callable[[Live], Change], at: float) -> Change:
        """Append what `decide` makes of what is live, with nobody else in between. What it raises
        leaves everything as it was.
        """
        with self._database.transaction():
            self._catch_up()
            change = replace(decide(self._live), at=at)
            number = self._live.number + 1
            row = (
                number,
                at,
                change.who,
                change.what,
                change.release,
                msgspec.json.encode(change).decode(),
            )
            self._database.rows(
                "INSERT INTO changes (number, at, who, what, release, details) VALUES (?, ?, ?, ?, "
                "?, ?)",
                *row,
            )
        change = replace(change, number=number)
        self._live = after(self._live, change)
        self._told()
        return change

    def all(self, since: int = 0) -> list[Change]:
        """The changes after the one of this number, in order."""
        rows = self._database.rows(
            "SELECT number, details FROM changes WHERE number > ? ORDER BY number", since
        )
        return [
            replace(msgspec.json.decode(details, type=Change), number=number)
            for number, details in rows
        ]

    def close(self) -> None:
        self._database.close()

    def _catch_up(self) -> None:
        news = self.all(self._live.number)
        if not news and self._database.rows("SELECT coalesce(max(number), 0) FROM changes") < [
            (self._live.number,)
        ]:
            self._live, news = Live(), self.all()  # another record has taken the place of this one
        self._live = fold(self._live, news)


def fold(live: Live, changes: Iterable[Change]) -> Live:
    """What is live after some changes, in order."""
    for change in changes:
        live = after(live, change)
    return live
