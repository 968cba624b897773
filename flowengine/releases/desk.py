"""Where changes to what is live are asked for, by a command or over HTTP: by names that people use,
and told in their words.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from flowengine.problems import Problem
from flowengine.releases.archive import Archive, Origin
from flowengine.releases.follow import Branch
from flowengine.releases.ledger import Change, Follows, Ledger, Refused
from flowengine.releases.publisher import Publisher
from flowengine.sinch import normalise

LONGEST_NAME = 100


class Broken(Refused):
    """Flows with errors were to go live."""

    def __init__(self, problems: tuple[Problem, ...], sources: Mapping[str, str]) -> None:
        self.problems = tuple(problem for problem in problems if problem.severity == "error")
        self.sources = sources
        super().__init__(f"nothing has changed: the flows have errors ({len(self.problems)})")


class Wanted(NamedTuple):
    """A release that is kept, or the files of one, and what a draft of it follows."""

    release: str = ""
    files: Mapping[str, bytes] = {}
    origin: Origin = Origin("")
    follows: Follows | None = None


NOTHING = Wanted()


class By(NamedTuple):
    """Who asks, and why."""

    who: str
    note: str = ""


class Done(NamedTuple):
    """What was done, in words, and the release it is about."""

    text: str
    release: str


class Desk:
    """Every verb raises Refused where it makes no sense as things stand; then nothing has changed."""

    def __init__(self, archive: Archive, ledger: Ledger, publisher: Publisher) -> None:
        self.archive = archive
        self.ledger = ledger
        self._publisher = publisher

    def kept(self, beginning: str) -> str:
        """The id of the kept release that begins so, or "" for none. Raises Refused where there are
        several.
        """
        found = self.archive.find(beginning)
        if len(found) > 1 and beginning not in found:
            raise Refused(f"several releases begin with {beginning}: {', '.join(sorted(found))}")
        return beginning if beginning in found else "".join(found)

    def publish(self, wanted: Wanted, by: By) -> Done:
        """Live for all new calls."""
        release, before = self._release(wanted), self.ledger.live().current
        if release == before:
            return Done(f"release {release} is live already", release)
        self._publisher.publish(release, by.who, by.note or wanted.origin.title)
        return Done(
            f"release {release} is "
            f"live{f', {before} no more' if before else ''}{self._canary_goes_on()}",
            release,
        )

    def rollback(self, beginning: str, by: By) -> Done:
        """Back to the release before, or to another one."""
        before, to = self.ledger.live().current, self.kept(beginning) if beginning else ""
        if beginning and not to:
            raise Refused(f"no kept release begins with {beginning}: see flowengine releases")
        if to == before and to:
            raise Refused(f"release {to} is current already")
        change = self._publisher.rollback(by.who, to and self._sound(to), by.note)
        return Done(
            f"release {change.release} is live again, {before} no more{self._canary_goes_on()}",
            change.release,
        )

    def canary(self, wanted: Wanted, share: float, by: By) -> Done:
        """A share of new calls; another one of the candidate where nothing is named."""
        live = self.ledger.live()
        if not live.current:
            raise Refused("no release is live yet that the others could stay on: publish one first")
        if wanted == NOTHING and not live.candidate:
            raise Refused("there is no candidate yet: name a version")
        release = live.candidate if wanted == NOTHING else self._release(wanted)
        change = self._publisher.canary(release, share, by.who, by.note or wanted.origin.title)
        return Done(f"{percent(share)} of new calls begin on {change.release}", change.release)

    def promote(self, by: By) -> Done:
        """The candidate, live for all new calls."""
        change = self._publisher.promote(by.who, by.note)
        return Done(f"release {change.release} is live: all new calls begin on it", change.release)

    def withdraw(self, by: By) -> Done:
        """No new call on the candidate."""
        change = self._publisher.withdraw(by.who, by.note)
        return Done(f"no new call begins on {change.release}", change.release)

    def draft(self, name: str, wanted: Wanted, callers: tuple[str, ...], by: By) -> Done:
        """For these callers alone."""
        if not (name.strip() and name.isprintable() and len(name) <= LONGEST_NAME):
            raise Refused(
                f"a draft needs a name, of at most {LONGEST_NAME} characters that can be printed"
            )
        digits = digits_of(callers)
        release = self._release(wanted)
        self._publisher.draft(
            name, release, digits, by.who, by.note or wanted.origin.title, wanted.follows
        )
        going = f", and follow {wanted.follows.ref}" if wanted.follows else ""
        return Done(
            f"draft {name}: {', '.join(f'+{caller}' for caller in digits)} reach release "
            f"{release}{going}",
            release,
        )

    def undraft(self, name: str, by: By) -> Done:
        """The draft is over."""
        change: Change = self._publisher.undraft(name, by.who, by.note)
        return Done(f"draft {name} is over: its callers reach what all others do", change.release)

    def _canary_goes_on(self) -> str:
        """Whoever publishes beside a canary must know that not all hear it."""
        live = self.ledger.live()
        return (
            f"; {percent(live.share)} of new calls go on to begin on the candidate, "
            f"{live.candidate}"
            if live.candidate
            else ""
        )

    def _release(self, wanted: Wanted) -> str:
        if wanted.release:
            return self._sound(wanted.release)
        made = self._publisher.keep(wanted.files, wanted.origin)
        if not made.release:
            raise Broken(made.problems, made.sources)
        return made.release

    def _sound(self, release: str) -> str:
        if not self._publisher.compiles(release):
            raise Refused(f"nothing has changed: release {release} no longer compiles")
        return release


def digits_of(callers: tuple[str, ...]) -> tuple[str, ...]:
    """Callers by their digits, as calls are told apart."""
    numbers = {caller: normalise(caller).e164 for caller in callers}
    for caller in (caller for caller, number in numbers.items() if not number):
        raise Refused(f"{caller} is no phone number: write it as +46701234567")
    if not numbers:
        raise Refused("a draft needs a caller, such as +46701234567")
    return tuple(sorted({number.lstrip("+") for number in numbers.values()}))


def in_git(repository: Path, ref: str, folder: str) -> Wanted:
    """What a ref of a repository has now. Raises GitError."""
    branch = Branch(repository, ref, folder)
    try:
        found = branch.read()
    finally:
        branch.close()
    assert found is not None  # noqa: S101  # the first time there is always something
    return Wanted("", found.files, found.origin, Follows(str(repository), ref, folder))


def share_of(text: str) -> float:
    """A share such as 10% as a number from 0 to 1. Raises Refused."""
    number, sign, rest = text.partition("%")
    try:
        share = float(number) / 100
    except ValueError:
        share = -1.0
    if not sign or rest or not 0 <= share <= 1:
        raise Refused(f"{text} is no share: write it as 10%")
    return share


def percent(share: float) -> str:
    return f"{share * 100:g}%"


def worded(change: Change) -> str:
    """What a change did, without who and when."""
    what = {
        "canary": f"canary {percent(change.share)}",
        "draft": f"draft {change.name}",
        "undraft": f"undraft {change.name}",
    }
    return " ".join(filter(None, (what.get(change.what, change.what), change.release)))
