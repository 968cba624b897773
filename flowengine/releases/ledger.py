"""The ledger: the append-only list of changes of the live state, each with its actor."""

from collections.abc import Callable, Iterable, Mapping
from typing import Literal

import msgspec
from msgspec.structs import replace

from flowengine.releases.archive_location import ArchiveLocation, open_archive_database

ChangeKind = Literal["publish", "rollback", "canary", "promote", "withdraw", "draft", "undraft"]


class FollowedRef(msgspec.Struct, frozen=True):
    """The ref of a repository that a draft follows, and the folder of the flows in it."""

    repository: str
    ref: str
    folder: str = ""


class Change(msgspec.Struct, frozen=True, omit_defaults=True):
    """A change of the live state. The ledger sets `number` and `at`. `share` (0 to 1) is for a
    canary; `name`, `callers` (digits) and `follows` are for a draft. `place` is the name of the
    flow source of a published release; of a rollback by the server, the source whose release no
    longer compiles.
    """

    who: str
    what: ChangeKind
    release: str = ""
    share: float = 0.0
    name: str = ""
    callers: tuple[str, ...] = ()
    follows: FollowedRef | None = None
    place: str = ""
    note: str = ""
    number: int = 0
    at: float = 0.0


class Draft(msgspec.Struct, frozen=True):
    """A release for some callers only."""

    release: str
    callers: frozenset[str]
    follows: FollowedRef | None = None


class LiveState(msgspec.Struct, frozen=True):
    """The live state: new calls begin on `current`, a share of them on the `candidate`, and callers
    of drafts on theirs. `number` is the last change. `place` is the flow source that the server
    follows, and `followed` its content when it was last published: after a rollback that release
    stays back until the source changes. `fallback_from` is the release that was live before the
    server fell back to an older one, else "".
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
        """All releases that a new call may begin on."""
        return frozenset(
            {self.current, self.candidate, *(draft.release for draft in self.drafts.values())}
            - {""}
        )


class CommandRefusedError(Exception):
    """The change makes no sense in the present live state; the message says why."""


def apply_change(live: LiveState, change: Change) -> LiveState:
    """The live state after a change."""
    return replace(_APPLY_BY_KIND[change.what](live, change), number=change.number)


def _apply_publish(live: LiveState, change: Change) -> LiveState:
    is_fallback = change.what == "rollback" and bool(change.place)
    live = replace(live, fallback_from=live.current if is_fallback else "")
    if change.place:
        live = replace(live, place=change.place, followed=change.release)
    # publishing the candidate itself ends the canary; publishing another release does not
    ended = live.candidate == change.release
    return replace(
        live, current=change.release, **({"candidate": "", "share": 0.0} if ended else {})
    )


def _apply_canary(live: LiveState, change: Change) -> LiveState:
    return replace(live, candidate=change.release, share=change.share)


def _apply_promote(live: LiveState, change: Change) -> LiveState:
    return replace(live, current=change.release, candidate="", share=0.0, fallback_from="")


def _apply_withdraw(live: LiveState, _change: Change) -> LiveState:
    return replace(live, candidate="", share=0.0)


def _apply_draft(live: LiveState, change: Change) -> LiveState:
    draft = Draft(change.release, frozenset(change.callers), change.follows)
    return replace(live, drafts={**live.drafts, change.name: draft})


def _apply_undraft(live: LiveState, change: Change) -> LiveState:
    return replace(
        live, drafts={name: draft for name, draft in live.drafts.items() if name != change.name}
    )


_APPLY_BY_KIND: Mapping[ChangeKind, Callable[[LiveState, Change], LiveState]] = {
    "publish": _apply_publish,
    "rollback": _apply_publish,
    "canary": _apply_canary,
    "promote": _apply_promote,
    "withdraw": _apply_withdraw,
    "draft": _apply_draft,
    "undraft": _apply_undraft,
}


class Ledger:
    """The ledger of one archive. `get_live` may be called often: it reads only the changes since
    its last call.
    """

    def __init__(
        self, location: ArchiveLocation, on_change: Callable[[], None] = lambda: None
    ) -> None:
        """`on_change` is called after each change that this object appends."""
        self._database = open_archive_database(location)
        self._on_change = on_change
        self._live = LiveState()
        self._version = -1

    def get_live(self) -> LiveState:
        """The live state now."""
        version = self._database.read_data_version()
        if version != self._version:
            self._catch_up()
            self._version = version
        return self._live

    def append_change(self, decide: Callable[[LiveState], Change], at: float) -> Change:
        """Append the change that `decide` returns for the live state, in one transaction. If
        `decide` raises, nothing changes.
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
            self._database.execute(
                "INSERT INTO changes (number, at, who, what, release, details) VALUES (?, ?, ?, ?, "
                "?, ?)",
                *row,
            )
        change = replace(change, number=number)
        # after the commit, as a transaction may still fail
        self._live = apply_change(self._live, change)
        self._on_change()
        return change

    def list_changes(self, since: int = 0) -> list[Change]:
        """The changes after this number, in order."""
        rows = self._database.execute(
            "SELECT number, details FROM changes WHERE number > ? ORDER BY number", since
        )
        return [
            replace(msgspec.json.decode(details, type=Change), number=number)
            for number, details in rows
        ]

    def close(self) -> None:
        self._database.close()

    def _catch_up(self) -> None:
        news = self.list_changes(self._live.number)
        if not news and self._database.execute("SELECT coalesce(max(number), 0) FROM changes") < [
            (self._live.number,)
        ]:
            self._live, news = (
                LiveState(),
                self.list_changes(),
            )  # another record has taken the place of this one
        self._live = apply_changes(self._live, news)


def apply_changes(live: LiveState, changes: Iterable[Change]) -> LiveState:
    """The live state after some changes, in order."""
    for change in changes:
        live = apply_change(live, change)
    return live
