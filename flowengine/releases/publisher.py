"""Makes releases live, and takes them back. A project with errors never replaces a good one; it is
remembered as rejected.
"""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from flowengine.compile import Compiled
from flowengine.compile.release import release_id
from flowengine.model.folder import UnreadableError
from flowengine.problems import Problem, Span
from flowengine.releases.archive import Archive, Origin
from flowengine.releases.ledger import Change, Draft, Follows, Ledger, Live, Refused

Compile = Callable[[Mapping[str, bytes]], Compiled]
Files = Mapping[str, bytes]


@dataclass(frozen=True, slots=True)
class Made:
    """What became of some files: the id of their release, or none where they have errors; and
    whether anything has changed by it.
    """

    release: str
    problems: tuple[Problem, ...]
    sources: Mapping[str, str]
    changed: bool


class Publisher:
    """Changes what is live, each time in one step that all workers see as one."""

    def __init__(
        self,
        archive: Archive,
        ledger: Ledger,
        compile_files: Compile,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._archive = archive
        self._ledger = ledger
        self._compile = compile_files
        self._clock = clock
        self._old = ""

    def leave_old(self, files: Files) -> None:
        """What a place has as one begins to follow it is no news where it was followed before, here
        or on another machine.
        """
        made = release_id(files)
        was_followed = any(change.place and change.release == made for change in self._ledger.all())
        # what the server went back from goes live again once it compiles
        is_old = was_followed and made != self._ledger.live().fallback_from
        self._old = made if is_old else ""

    def follow(self, files: Files, origin: Origin, who: str) -> Made:
        """Publish what a place has now, unless it had that the last time: what was taken back since
        then stays back.
        """
        live, wanted = self._ledger.live(), release_id(files)
        if wanted == self._old or (live.place, live.followed) == (place(origin), wanted):
            self._archive.accept(place(origin))
            return Made(wanted, (), {}, changed=False)
        return self.place_live(files, origin, who)

    def place_live(self, files: Files, origin: Origin, who: str) -> Made:
        """Publish what a place has, whatever was live from there before."""
        made = self._judged(files, origin)
        if made.release:
            change = Change(who, "publish", made.release, place=place(origin), note=origin.title)
            self._ledger.change(lambda _live: change, self._clock())
            self._old = ""
        return made

    def renew(self, name: str, draft: Draft, files: Files, origin: Origin, who: str) -> Made:
        """Lead the callers of a draft to what it follows has now. Raises Refused where the draft
        has become another one meanwhile.
        """
        made = self._judged(files, origin)
        if made.release in ("", draft.release):
            return replace(made, changed=False)
        callers = tuple(sorted(draft.callers))
        change = Change(
            who,
            "draft",
            made.release,
            name=name,
            callers=callers,
            follows=draft.follows,
            note=origin.title,
        )
        self._change(lambda live: _unless_moved(change, draft, live))
        return made

    def unread(self, origin: Origin, error: Exception) -> None:
        """What a place has now cannot be told. That is no reason to change anything, but one to
        show.
        """
        reasons = (
            error.reasons if isinstance(error, UnreadableError) else {place(origin): str(error)}
        )
        problems = [Problem("FE508", Span.unread(name), why) for name, why in reasons.items()]
        self._archive.reject(place(origin), origin, problems, self._clock())

    def keep(self, files: Files, origin: Origin) -> Made:
        """Compile files and keep their release, without making it live."""
        compiled = self._compile(files)
        if compiled.release is None:
            return Made("", compiled.problems, compiled.sources, changed=False)
        self._archive.put(compiled.release.id, files, origin, self._clock())
        return Made(compiled.release.id, compiled.problems, compiled.sources, changed=True)

    def compiles(self, release: str) -> bool:
        """Whether a kept release can be served: with another version of the engine, one that was
        live may be no more.
        """
        files = self._archive.files(release)
        return files is not None and self._compile(files).release is not None

    def publish(self, release: str, who: str, note: str = "") -> Change:
        """All new calls begin on this release."""
        return self._change(lambda _live: Change(who, "publish", release, note=note))

    def rollback(self, who: str, to: str = "", note: str = "") -> Change:
        """Back to a release, or to the one that was current before this one. Raises Refused where
        there is none.
        """
        return self._change(
            lambda live: Change(who, "rollback", to or self._before(live), note=note)
        )

    def fall_back(self, origin: Origin, who: str) -> str:
        """Go back to the newest release that still compiles, where the one that is live does not:
        with another version of the engine, say. Its id; "" where there is none.

        What the place has now is news after that: it goes live as soon as it compiles.
        """
        live = self._ledger.live()
        kept = (name for name in reversed(ways_back(self._ledger.all())) if name != live.current)
        found = next(filter(self.compiles, kept), "")
        if found:
            note = f"release {live.current} no longer compiles"
            change = Change(who, "rollback", found, place=place(origin), note=note)
            self._change(lambda _live: change)
        return found

    def canary(self, release: str, share: float, who: str, note: str = "") -> Change:
        """A share (0 to 1) of new calls begins on this release."""
        return self._change(
            lambda live: Change(who, "canary", _other(release, live), share=share, note=note)
        )

    def promote(self, who: str, note: str = "") -> Change:
        """All new calls begin on the candidate."""
        return self._change(lambda live: Change(who, "promote", _candidate(live), note=note))

    def withdraw(self, who: str, note: str = "") -> Change:
        """No new call begins on the candidate any more."""
        return self._change(lambda live: Change(who, "withdraw", _candidate(live), note=note))

    def draft(
        self,
        name: str,
        release: str,
        callers: tuple[str, ...],
        who: str,
        note: str = "",
        follows: Follows | None = None,
    ) -> Change:
        """These callers (digits) reach this release, and nobody else does."""
        change = Change(
            who, "draft", release, name=name, callers=callers, follows=follows, note=note
        )
        return self._moved(lambda live: _unless_taken(change, live))

    def undraft(self, name: str, who: str, note: str = "") -> Change:
        """The callers of a draft reach what all others do."""
        return self._moved(
            lambda live: Change(who, "undraft", _drafted(name, live), name=name, note=note)
        )

    def _moved(self, decide: Callable[[Live], Change]) -> Change:
        """What is wrong with a place that nobody follows any more is nobody's business."""
        before = _followed(self._ledger.live())
        change = self._change(decide)
        for left in before - _followed(self._ledger.live()):
            self._archive.accept(left)
        return change

    def _judged(self, files: Files, origin: Origin) -> Made:
        """Keep what a place has now. What has errors is remembered as rejected, until the place has
        something better.
        """
        made = self.keep(files, origin)
        if made.release:
            self._archive.accept(place(origin))
        else:
            self._archive.reject(place(origin), origin, made.problems, self._clock())
        return made

    def _change(self, decide: Callable[[Live], Change]) -> Change:
        return self._ledger.change(decide, self._clock())

    def _before(self, live: Live) -> str:
        for earlier in reversed(ways_back(self._ledger.all())[:-1]):
            if earlier != live.current and self.compiles(earlier):
                return earlier
        raise Refused("there is no release to go back to")


def ways_back(changes: Iterable[Change]) -> list[str]:
    """The releases that were current, the latest last; what was taken back is no way back any more."""
    found: list[str] = []
    for change in changes:
        if change.what == "rollback" and change.release in found:
            del found[found.index(change.release) + 1 :]
        elif change.what in ("publish", "rollback", "promote") and found[-1:] != [change.release]:
            found.append(change.release)
    return found


def place(origin: Origin) -> str:
    """A place by its name: a branch of a repository is another one than the next branch."""
    return f"{origin.place}@{origin.ref}" if origin.ref else origin.place


def _other(release: str, live: Live) -> str:
    if release == live.current:
        raise Refused(f"release {release} is current already")
    return release


def _candidate(live: Live) -> str:
    if not live.candidate:
        raise Refused("there is no candidate: begin with flowengine canary")
    return live.candidate


def _drafted(name: str, live: Live) -> str:
    if name not in live.drafts:
        raise Refused(f"there is no draft {name}")
    return live.drafts[name].release


def _followed(live: Live) -> set[str]:
    follows = (draft.follows for draft in live.drafts.values() if draft.follows)
    return {live.place, *(place(Origin(item.repository, item.ref)) for item in follows)}


def _unless_taken(change: Change, live: Live) -> Change:
    """A caller reaches one draft only."""
    for name, draft in live.drafts.items():
        if name != change.name and (both := draft.callers.intersection(change.callers)):
            raise Refused(
                f"{', '.join(f'+{caller}' for caller in sorted(both))} reaches draft {name} already"
            )
    return change


def _unless_moved(change: Change, draft: Draft, live: Live) -> Change:
    if live.drafts.get(change.name) != draft:
        raise Refused(f"draft {change.name} has been changed meanwhile")
    return change
