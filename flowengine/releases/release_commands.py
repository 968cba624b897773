"""The commands that change the live state, for the command line and over HTTP."""

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
    """The flows of a command have errors."""

    def __init__(self, problems: tuple[Problem, ...], sources: Mapping[str, str]) -> None:
        self.problems = tuple(problem for problem in problems if problem.severity == "error")
        self.sources = sources
        super().__init__(f"nothing has changed: the flows have errors ({len(self.problems)})")


class ReleaseSpec(NamedTuple):
    """What a command publishes: an archived release by id, or the files of one; `follows` is the
    branch of a draft.
    """

    release: str = ""
    files: Mapping[str, bytes] = {}
    origin: FlowOrigin = FlowOrigin("")
    follows: FollowedRef | None = None


EMPTY_SPEC = ReleaseSpec()


class Actor(NamedTuple):
    """The person or program that gives a command, and a note why."""

    name: str
    note: str = ""


class CommandResult(NamedTuple):
    """The result of a command as text, and its release."""

    text: str
    release: str


class ReleaseCommands:
    """The commands of an operator. A command raises CommandRefusedError where it makes no sense in
    the present live state, and then changes nothing.
    """

    def __init__(self, archive: Archive, ledger: Ledger, publisher: Publisher) -> None:
        self.archive = archive
        self.ledger = ledger
        self._publisher = publisher

    def find_release(self, id_prefix: str) -> str:
        """The id of the archived release with this prefix, "" where there is none. Raises
        CommandRefusedError where there are several.
        """
        found = self.archive.find_ids(id_prefix)
        # a full id is unambiguous, even where it is the prefix of another
        if len(found) > 1 and id_prefix not in found:
            raise CommandRefusedError(
                f"several releases begin with {id_prefix}: {', '.join(sorted(found))}"
            )
        return id_prefix if id_prefix in found else "".join(found)

    def publish(self, spec: ReleaseSpec, actor: Actor) -> CommandResult:
        """Make a release live for all new calls."""
        release, before = self._resolve_release(spec), self.ledger.get_live().current
        if release == before:
            return CommandResult(f"release {release} is live already", release)
        self._publisher.publish(release, actor.name, actor.note or spec.origin.title)
        return CommandResult(
            f"release {release} is "
            f"live{f', {before} no more' if before else ''}{self._format_canary_note()}",
            release,
        )

    def rollback(self, id_prefix: str, actor: Actor) -> CommandResult:
        """Go back to the previous release, or to another one."""
        before, to = (
            self.ledger.get_live().current,
            self.find_release(id_prefix) if id_prefix else "",
        )
        if id_prefix and not to:
            raise CommandRefusedError(
                f"no kept release begins with {id_prefix}: see flowengine releases"
            )
        if to == before and to:
            raise CommandRefusedError(f"release {to} is current already")
        # checked before the change: once live, a release that does not compile would serve nobody
        change = self._publisher.rollback(actor.name, to and self._check_compiles(to), actor.note)
        return CommandResult(
            f"release {change.release} is live again, {before} no more{self._format_canary_note()}",
            change.release,
        )

    def set_canary(self, spec: ReleaseSpec, share: float, actor: Actor) -> CommandResult:
        """Let a share of new calls begin on a release; without a release, change the share of the
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
        change = self._publisher.set_canary(
            release, share, actor.name, actor.note or spec.origin.title
        )
        return CommandResult(
            f"{format_percent(share)} of new calls begin on {change.release}", change.release
        )

    def promote(self, actor: Actor) -> CommandResult:
        """Make the candidate live for all new calls."""
        change = self._publisher.promote(actor.name, actor.note)
        return CommandResult(
            f"release {change.release} is live: all new calls begin on it", change.release
        )

    def withdraw(self, actor: Actor) -> CommandResult:
        """Let no new call begin on the candidate."""
        change = self._publisher.withdraw(actor.name, actor.note)
        return CommandResult(f"no new call begins on {change.release}", change.release)

    def set_draft(
        self, name: str, spec: ReleaseSpec, callers: tuple[str, ...], actor: Actor
    ) -> CommandResult:
        """Let only these callers reach a release."""
        if not (name.strip() and name.isprintable() and len(name) <= MAX_DRAFT_NAME_LENGTH):
            raise CommandRefusedError(
                f"a draft needs a name, of at most {MAX_DRAFT_NAME_LENGTH} characters that can be printed"
            )
        digits = normalise_callers(callers)
        release = self._resolve_release(spec)
        self._publisher.set_draft(
            name, release, digits, actor.name, actor.note or spec.origin.title, spec.follows
        )
        going = f", and follow {spec.follows.ref}" if spec.follows else ""
        return CommandResult(
            f"draft {name}: calls from {', '.join(f'+{caller}' for caller in digits)} begin on "
            f"release {release}{going}",
            release,
        )

    def end_draft(self, name: str, actor: Actor) -> CommandResult:
        """End a draft."""
        change: Change = self._publisher.end_draft(name, actor.name, actor.note)
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
    """The digits of callers, which identify them. Raises CommandRefusedError."""
    numbers = {caller: parse_number(caller).e164 for caller in callers}
    for caller in (caller for caller, number in numbers.items() if not number):
        raise CommandRefusedError(f"{caller} is no phone number: write it as +46701234567")
    if not numbers:
        raise CommandRefusedError("a draft needs a caller, such as +46701234567")
    return tuple(sorted({number.lstrip("+") for number in numbers.values()}))


def read_git_spec(repository: Path, ref: str, folder: str) -> ReleaseSpec:
    """The files of a ref of a repository. Raises GitError."""
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
    """A change as text, without its actor and time."""
    verbs = {
        "canary": f"canary {format_percent(change.share)}",
        "draft": f"draft {change.name}",
        "undraft": f"undraft {change.name}",
    }
    return " ".join(filter(None, (verbs.get(change.what, change.what), change.release)))
