"""The commands that change what is live, for the command line and over HTTP."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from flowengine.problems import Problem
from flowengine.releases.archive import Archive
from flowengine.releases.ledger import Change, CommandRefusedError, FollowedRef, Ledger
from flowengine.releases.publisher import Publisher
from flowengine.sinch import parse_number
from flowengine.sources.branch_source import BranchSource
from flowengine.sources.flow_source import FlowOrigin

MAX_DRAFT_NAME_LENGTH = 100


class InvalidFlowsError(CommandRefusedError):
    """The flows that were to go live have errors."""

    def __init__(self, problems: tuple[Problem, ...], sources: Mapping[str, str]) -> None:
        self.problems = tuple(problem for problem in problems if problem.severity == "error")
        self.sources = sources
        super().__init__(f"nothing has changed: the flows have errors ({len(self.problems)})")


class ReleaseSpec(NamedTuple):
    """An archived release, or the files of one, and what a draft of it follows."""

    release: str = ""
    files: Mapping[str, bytes] = {}
    origin: FlowOrigin = FlowOrigin("")
    follows: FollowedRef | None = None


EMPTY_SPEC = ReleaseSpec()


class Actor(NamedTuple):
    """Who gives a command, and why."""

    who: str
    note: str = ""


class CommandResult(NamedTuple):
    """The result of a command, in words, and its release."""

    text: str
    release: str


class ReleaseCommands:
    """What an operator can do. Every command raises CommandRefusedError where it makes no sense in
    the present live state; then nothing has changed.
    """

    def __init__(self, archive: Archive, ledger: Ledger, publisher: Publisher) -> None:
        self.archive = archive
        self.ledger = ledger
        self._publisher = publisher

    def find_release(self, beginning: str) -> str:
        """The id of the archived release that begins so, "" for none. Raises CommandRefusedError
        where there are several.
        """
        found = self.archive.find_ids(beginning)
        # a whole id is clear, even if it begins another one
        if len(found) > 1 and beginning not in found:
            raise CommandRefusedError(
                f"several releases begin with {beginning}: {', '.join(sorted(found))}"
            )
        return beginning if beginning in found else "".join(found)

    def publish(self, spec: ReleaseSpec, by: Actor) -> CommandResult:
        """Make a release live for all new calls."""
        release, before = self._resolve_release(spec), self.ledger.get_live().current
        if release == before:
            return CommandResult(f"release {release} is live already", release)
        self._publisher.publish(release, by.who, by.note or spec.origin.title)
        return CommandResult(
            f"release {release} is "
            f"live{f', {before} no more' if before else ''}{self._format_canary_note()}",
            release,
        )

    def rollback(self, beginning: str, by: Actor) -> CommandResult:
        """Go back to the previous release, or to another one."""
        before, to = (
            self.ledger.get_live().current,
            self.find_release(beginning) if beginning else "",
        )
        if beginning and not to:
            raise CommandRefusedError(
                f"no kept release begins with {beginning}: see flowengine releases"
            )
        if to == before and to:
            raise CommandRefusedError(f"release {to} is current already")
        # checked before the change: once live, a release that does not compile would serve nobody
        change = self._publisher.rollback(by.who, to and self._check_compiles(to), by.note)
        return CommandResult(
            f"release {change.release} is live again, {before} no more{self._format_canary_note()}",
            change.release,
        )

    def set_canary(self, spec: ReleaseSpec, share: float, by: Actor) -> CommandResult:
        """Give a share of new calls a release; without a release, change the share of the
        candidate.
        """
        live = self.ledger.get_live()
        if not live.current:
            raise CommandRefusedError(
                "no release is live yet that the others could stay on: publish one first"
            )
        if spec == EMPTY_SPEC and not live.candidate:
            raise CommandRefusedError("there is no candidate yet: name a version")
        release = live.candidate if spec == EMPTY_SPEC else self._resolve_release(spec)
        change = self._publisher.set_canary(release, share, by.who, by.note or spec.origin.title)
        return CommandResult(
            f"{format_percent(share)} of new calls begin on {change.release}", change.release
        )

    def promote(self, by: Actor) -> CommandResult:
        """Make the candidate live for all new calls."""
        change = self._publisher.promote(by.who, by.note)
        return CommandResult(
            f"release {change.release} is live: all new calls begin on it", change.release
        )

    def withdraw(self, by: Actor) -> CommandResult:
        """Give no new call the candidate any more."""
        change = self._publisher.withdraw(by.who, by.note)
        return CommandResult(f"no new call begins on {change.release}", change.release)

    def set_draft(
        self, name: str, spec: ReleaseSpec, callers: tuple[str, ...], by: Actor
    ) -> CommandResult:
        """Give these callers alone a release."""
        if not (name.strip() and name.isprintable() and len(name) <= MAX_DRAFT_NAME_LENGTH):
            raise CommandRefusedError(
                f"a draft needs a name, of at most {MAX_DRAFT_NAME_LENGTH} characters that can be printed"
            )
        digits = normalise_callers(callers)
        release = self._resolve_release(spec)
        self._publisher.set_draft(
            name, release, digits, by.who, by.note or spec.origin.title, spec.follows
        )
        going = f", and follow {spec.follows.ref}" if spec.follows else ""
        return CommandResult(
            f"draft {name}: {', '.join(f'+{caller}' for caller in digits)} reach release "
            f"{release}{going}",
            release,
        )

    def end_draft(self, name: str, by: Actor) -> CommandResult:
        """End a draft."""
        change: Change = self._publisher.end_draft(name, by.who, by.note)
        return CommandResult(
            f"draft {name} is over: its callers reach what all others do", change.release
        )

    def _format_canary_note(self) -> str:
        """A warning for an operator who publishes while a canary takes a share of the calls."""
        live = self.ledger.get_live()
        return (
            f"; {format_percent(live.share)} of new calls go on to begin on the candidate, "
            f"{live.candidate}"
            if live.candidate
            else ""
        )

    def _resolve_release(self, spec: ReleaseSpec) -> str:
        if spec.release:
            return self._check_compiles(spec.release)
        made = self._publisher.compile_and_store(spec.files, spec.origin)
        if not made.release:
            raise InvalidFlowsError(made.problems, made.sources)
        return made.release

    def _check_compiles(self, release: str) -> str:
        if not self._publisher.can_compile(release):
            raise CommandRefusedError(f"nothing has changed: release {release} no longer compiles")
        return release


def normalise_callers(callers: tuple[str, ...]) -> tuple[str, ...]:
    """Callers as digits, by which calls are told apart."""
    numbers = {caller: parse_number(caller).e164 for caller in callers}
    for caller in (caller for caller, number in numbers.items() if not number):
        raise CommandRefusedError(f"{caller} is no phone number: write it as +46701234567")
    if not numbers:
        raise CommandRefusedError("a draft needs a caller, such as +46701234567")
    return tuple(sorted({number.lstrip("+") for number in numbers.values()}))


def read_git_spec(repository: Path, ref: str, folder: str) -> ReleaseSpec:
    """What a ref of a repository has now. Raises GitError."""
    branch = BranchSource(repository, ref, folder)
    try:
        found = branch.read()
    finally:
        branch.close()
    assert found is not None  # noqa: S101  # the first time there is always something
    return ReleaseSpec("", found.files, found.origin, FollowedRef(str(repository), ref, folder))


def parse_share(text: str) -> float:
    """A share such as 10% as a number from 0 to 1. Raises CommandRefusedError."""
    number, sign, rest = text.partition("%")
    try:
        share = float(number) / 100
    except ValueError:
        share = -1.0
    if not sign or rest or not 0 <= share <= 1:
        raise CommandRefusedError(f"{text} is no share: write it as 10%")
    return share


def format_percent(share: float) -> str:
    return f"{share * 100:g}%"


def format_change(change: Change) -> str:
    """A change in words, without who made it and when."""
    what = {
        "canary": f"canary {format_percent(change.share)}",
        "draft": f"draft {change.name}",
        "undraft": f"undraft {change.name}",
    }
    return " ".join(filter(None, (what.get(change.what, change.what), change.release)))
