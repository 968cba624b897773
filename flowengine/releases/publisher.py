"""Makes releases live, and rolls back to earlier ones. A project with errors never replaces a good
release; the archive keeps its problems.
"""

import time
from collections.abc import Callable, Iterable, Mapping

import msgspec
from msgspec.structs import replace

from flowengine.compile import CompileResult
from flowengine.compile.release_id import compute_release_id
from flowengine.problems import Problem, Span
from flowengine.releases.archive import Archive
from flowengine.releases.ledger import (
    Change,
    CommandRefusedError,
    Draft,
    FollowedRef,
    Ledger,
    LiveState,
)
from flowengine.sources.flow_source import FlowOrigin, format_source_name
from flowengine.sources.project_folder import UnreadableFilesError

CompileFiles = Callable[[Mapping[str, bytes]], CompileResult]
FileContents = Mapping[str, bytes]


class PublishResult(msgspec.Struct, frozen=True):
    """The result of publishing files: the id of their release, "" where they have errors; and
    whether anything has changed.
    """

    release: str
    problems: tuple[Problem, ...]
    sources: Mapping[str, str]
    changed: bool


class Publisher:
    """Changes the live state, each time in one transaction, so that all workers see the whole
    change at once.
    """

    def __init__(
        self,
        archive: Archive,
        ledger: Ledger,
        compile_files: CompileFiles,
        clock: Callable[[], float] = time.time,
        compute_id: Callable[[FileContents], str] = compute_release_id,
    ) -> None:
        self._archive = archive
        self._ledger = ledger
        self._compile = compile_files
        self._compute_id = compute_id
        self._clock = clock
        self._known_release = ""

    def skip_known_release(self, files: FileContents) -> None:
        """Remember the content of the flow source at the start of this server, if it was published
        before, here or on another machine.
        """
        made = self._compute_id(files)
        was_followed = any(
            change.place and change.release == made for change in self._ledger.list_changes()
        )
        # the release that the server fell back from goes live again once it compiles
        is_old = was_followed and made != self._ledger.get_live().fallback_from
        self._known_release = made if is_old else ""

    def publish_if_new(self, files: FileContents, origin: FlowOrigin, actor: str) -> PublishResult:
        """Publish the content of a flow source where it has changed: after a rollback, the old
        content stays back.
        """
        live, wanted = self._ledger.get_live(), self._compute_id(files)
        # `followed`, not `current`: after a rollback the source still has the withdrawn release
        if wanted == self._known_release or (live.place, live.followed) == (
            format_source_name(origin),
            wanted,
        ):
            self._archive.clear_rejection(format_source_name(origin))
            return PublishResult(wanted, (), {}, changed=False)
        return self.publish_always(files, origin, actor)

    def publish_always(self, files: FileContents, origin: FlowOrigin, actor: str) -> PublishResult:
        """Publish the content of a flow source, even where it was published before."""
        made = self._store_or_reject(files, origin)
        if made.release:
            change = Change(
                actor, "publish", made.release, place=format_source_name(origin), note=origin.title
            )
            self._ledger.append_change(lambda _live: change, self._clock())
            self._known_release = ""
        return made

    def update_draft(
        self, name: str, draft: Draft, files: FileContents, origin: FlowOrigin, actor: str
    ) -> PublishResult:
        """Point a draft to the present content of its branch. Raises CommandRefusedError where
        somebody has changed the draft meanwhile.
        """
        made = self._store_or_reject(files, origin)
        if made.release in ("", draft.release):
            return replace(made, changed=False)
        callers = tuple(sorted(draft.callers))
        change = Change(
            actor,
            "draft",
            made.release,
            name=name,
            callers=callers,
            follows=draft.follows,
            note=origin.title,
        )
        self._append_change(lambda live: _require_same_draft(change, draft, live))
        return made

    def reject_unreadable(self, origin: FlowOrigin, error: Exception) -> None:
        """Save that a flow source cannot be read, for the status. The live state stays."""
        problems = (
            error.to_problems()
            if isinstance(error, UnreadableFilesError)
            else [Problem("FE508", Span.for_file(format_source_name(origin)), str(error))]
        )
        self._archive.save_rejection(format_source_name(origin), origin, problems, self._clock())

    def compile_and_store(self, files: FileContents, origin: FlowOrigin) -> PublishResult:
        """Compile files and archive their release, without making it live."""
        compiled = self._compile(files)
        if compiled.release is None:
            return PublishResult("", compiled.problems, compiled.sources, changed=False)
        self._archive.put(compiled.release.id, files, origin, self._clock())
        return PublishResult(compiled.release.id, compiled.problems, compiled.sources, changed=True)

    def can_compile(self, release: str) -> bool:
        """Whether an archived release can be served: another version of the engine may refuse one
        that was live.
        """
        files = self._archive.load_files(release)
        return files is not None and self._compile(files).release is not None

    def publish(self, release: str, actor: str, note: str = "") -> Change:
        """Let all new calls begin on this release."""
        return self._append_change(lambda _live: Change(actor, "publish", release, note=note))

    def rollback(self, actor: str, to: str = "", note: str = "") -> Change:
        """Go back to a release, or to the one that was current before. Raises CommandRefusedError
        where there is none.
        """
        return self._append_change(
            lambda live: Change(actor, "rollback", to or self._find_previous(live), note=note)
        )

    def fall_back(self, origin: FlowOrigin, actor: str) -> str:
        """Fall back to the newest release that compiles, where the live one does not, as after an
        upgrade of the engine. Returns its id, "" where there is none. The live release returns as
        soon as it compiles.
        """
        live = self._ledger.get_live()
        kept = (
            name
            for name in reversed(list_rollback_targets(self._ledger.list_changes()))
            if name != live.current
        )
        found = next(filter(self.can_compile, kept), "")
        if found:
            note = f"release {live.current} no longer compiles"
            change = Change(actor, "rollback", found, place=format_source_name(origin), note=note)
            self._append_change(lambda _live: change)
        return found

    def set_canary(self, release: str, share: float, actor: str, note: str = "") -> Change:
        """Let a share (0 to 1) of new calls begin on this release."""
        return self._append_change(
            lambda live: Change(
                actor, "canary", _require_not_current(release, live), share=share, note=note
            )
        )

    def promote(self, actor: str, note: str = "") -> Change:
        """Let all new calls begin on the candidate."""
        return self._append_change(
            lambda live: Change(actor, "promote", _require_candidate(live), note=note)
        )

    def withdraw(self, actor: str, note: str = "") -> Change:
        """Let no new call begin on the candidate any more."""
        return self._append_change(
            lambda live: Change(actor, "withdraw", _require_candidate(live), note=note)
        )

    def set_draft(
        self,
        name: str,
        release: str,
        callers: tuple[str, ...],
        actor: str,
        note: str = "",
        follows: FollowedRef | None = None,
    ) -> Change:
        """Let these callers (digits), and nobody else, reach this release."""
        change = Change(
            actor, "draft", release, name=name, callers=callers, follows=follows, note=note
        )
        return self._change_drafts(lambda live: _require_free_callers(change, live))

    def end_draft(self, name: str, actor: str, note: str = "") -> Change:
        """Let the callers of a draft reach what all others reach."""
        return self._change_drafts(
            lambda live: Change(actor, "undraft", _require_draft(name, live), name=name, note=note)
        )

    def _change_drafts(self, decide: Callable[[LiveState], Change]) -> Change:
        """Append a change of drafts, and delete the rejections of sources that no draft follows any
        more.
        """
        before = _list_followed_sources(self._ledger.get_live())
        change = self._append_change(decide)
        for left in before - _list_followed_sources(self._ledger.get_live()):
            self._archive.clear_rejection(left)
        return change

    def _store_or_reject(self, files: FileContents, origin: FlowOrigin) -> PublishResult:
        """Compile and archive the content of a flow source; where it has errors, save these
        instead.
        """
        made = self.compile_and_store(files, origin)
        if made.release:
            self._archive.clear_rejection(format_source_name(origin))
        else:
            self._archive.save_rejection(
                format_source_name(origin), origin, made.problems, self._clock()
            )
        return made

    def _append_change(self, decide: Callable[[LiveState], Change]) -> Change:
        return self._ledger.append_change(decide, self._clock())

    def _find_previous(self, live: LiveState) -> str:
        for earlier in reversed(list_rollback_targets(self._ledger.list_changes())[:-1]):
            if earlier != live.current and self.can_compile(earlier):
                return earlier
        raise CommandRefusedError("there is no release to go back to")


def list_rollback_targets(changes: Iterable[Change]) -> list[str]:
    """The releases that were current, the latest last, without those that an operator has rolled
    back.
    """
    found: list[str] = []
    for change in changes:
        if change.what == "rollback" and change.release in found:
            del found[found.index(change.release) + 1 :]
        elif change.what in ("publish", "rollback", "promote") and found[-1:] != [change.release]:
            found.append(change.release)
    return found


def _require_not_current(release: str, live: LiveState) -> str:
    if release == live.current:
        raise CommandRefusedError(f"release {release} is current already")
    return release


def _require_candidate(live: LiveState) -> str:
    if not live.candidate:
        raise CommandRefusedError("there is no candidate: begin with flowengine canary")
    return live.candidate


def _require_draft(name: str, live: LiveState) -> str:
    if name not in live.drafts:
        raise CommandRefusedError(f"there is no draft {name}")
    return live.drafts[name].release


def _list_followed_sources(live: LiveState) -> set[str]:
    follows = (draft.follows for draft in live.drafts.values() if draft.follows)
    return {
        live.place,
        *(format_source_name(FlowOrigin(item.repository, item.ref)) for item in follows),
    }


def _require_free_callers(change: Change, live: LiveState) -> Change:
    """Raises CommandRefusedError where a caller has another draft: each reaches one only."""
    for name, draft in live.drafts.items():
        if name != change.name and (both := draft.callers.intersection(change.callers)):
            raise CommandRefusedError(
                f"{', '.join(f'+{caller}' for caller in sorted(both))} reaches draft {name} already"
            )
    return change


def _require_same_draft(change: Change, draft: Draft, live: LiveState) -> Change:
    if live.drafts.get(change.name) != draft:
        raise CommandRefusedError(f"draft {change.name} has been changed meanwhile")
    return change
