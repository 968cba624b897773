"""The archive: the files of every release that may still be needed, for every worker and machine
that shares it.
"""

import hashlib
import zlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, LiteralString, NamedTuple

import msgspec

from flowengine.compile.changed_files import list_changed_names
from flowengine.cooperative import iterate_with_pauses
from flowengine.problems import Problem
from flowengine.releases.archive_database import ArchiveError
from flowengine.releases.archive_location import ArchiveLocation, open_archive_database
from flowengine.sources.flow_source import FlowOrigin

_DIGEST_BYTES = 16
_CONTENTS_PER_QUERY = 500  # contents per query, as a database server may be far away


class RejectedSource(msgspec.Struct, frozen=True):
    """The present content of a flow source, where it has errors: it never goes live."""

    place: str
    at: float
    origin: FlowOrigin
    problems: tuple[Problem, ...]


class ArchivedRelease(msgspec.Struct, frozen=True):
    """A release in the archive; `made` is when it was first seen, in seconds since 1970."""

    id: str
    made: float
    origin: FlowOrigin


class LeaderRecord(msgspec.Struct, frozen=True):
    """The leader record: the server that follows the flow source, or the last one that did. `names`
    are all names of the same flows: the paths to one folder, on this machine and on standby
    machines. `release` is the content of the source when the leader began, and `number` the last
    change before any of the names was followed.
    """

    source: str
    names: frozenset[str]
    by: str
    at: float
    release: str = ""
    number: int = 0


class ArchivedFiles(NamedTuple):
    """The files of a release that an archive had at some time, and their digests."""

    release_id: str = ""
    files: Mapping[str, bytes] = {}
    digests: Mapping[str, bytes] = {}


NO_FILES = ArchivedFiles()


class Archive:
    """Keeps releases by id. Equal content has the same id, so putting a release twice has no
    further effect.

    `latest` is what was put or loaded last: of the next release, only what differs from it is
    digested, written or read.
    """

    def __init__(self, location: ArchiveLocation, latest: ArchivedFiles = NO_FILES) -> None:
        self._database = open_archive_database(location)
        self.latest = latest

    def put(
        self, release_id: str, files: Mapping[str, bytes], origin: FlowOrigin, at: float
    ) -> None:
        """Save the files of a release. After this they survive a killed process."""
        changed = list_changed_names(self.latest.files, files)
        digests = compute_digests(files, changed, self.latest.digests)
        with self._database.transaction():
            # the contents of the latest release stay as long as that release does
            is_kept = self._has_release(self.latest.release_id)
            fresh = {
                digests[name]: files[name]
                for name in (changed if is_kept else files)
                if name in files
            }
            present = self._find_digests(fresh)
            # files are stored once by content: two releases differ in few of them
            packed = [
                (digest, zlib.compress(content))
                for digest, content in iterate_with_pauses(fresh.items())
                if digest not in present
            ]
            self._database.execute_many("INSERT INTO contents VALUES (?, ?)", packed)
            row = (
                release_id,
                at,
                msgspec.json.encode(origin).decode(),
                msgspec.msgpack.encode(digests),
            )
            self._database.execute(
                "INSERT INTO releases VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING", *row
            )
        self.latest = ArchivedFiles(release_id, files, digests)

    def load_files(self, release_id: str) -> dict[str, bytes] | None:
        """The files of a release; None where the archive does not have it."""
        rows = self._database.execute("SELECT files FROM releases WHERE id = ?", release_id)
        if not rows:
            return None
        digests = msgspec.msgpack.decode(rows[0][0], type=dict[str, bytes])
        contents = {digest: self.latest.files[name] for name, digest in self.latest.digests.items()}
        contents |= self._load_contents(set(digests.values()) - contents.keys())
        try:
            files = {name: contents[digest] for name, digest in digests.items()}
        except KeyError:  # another process is deleting the release, and with it some contents
            return None
        self.latest = ArchivedFiles(release_id, files, digests)
        return files

    def list_releases(self) -> list[ArchivedRelease]:
        """All releases of the archive, the latest first."""
        rows = self._database.execute(
            "SELECT id, made, origin FROM releases ORDER BY made DESC, id"
        )
        return [
            ArchivedRelease(release_id, made, msgspec.json.decode(origin, type=FlowOrigin))
            for release_id, made, origin in rows
        ]

    def find_ids(self, prefix: str) -> list[str]:
        """The ids with this prefix, as people abbreviate them."""
        return [kept.id for kept in self.list_releases() if prefix and kept.id.startswith(prefix)]

    def drop(self, release_ids: Iterable[str]) -> None:
        """Delete releases, and the contents that belong to no other release."""
        with self._database.transaction():
            self._database.execute_many(
                "DELETE FROM releases WHERE id = ?", [(release_id,) for release_id in release_ids]
            )
            rows = self._database.execute("SELECT files FROM releases")
            needed = {
                digest
                for (files,) in rows
                for digest in msgspec.msgpack.decode(files, type=dict[str, bytes]).values()
            }
            # inside the transaction, as another process may put a release that shares these
            # contents
            unneeded = self._load_digests() - needed
            self._database.execute_many(
                "DELETE FROM contents WHERE digest = ?", [(digest,) for digest in unneeded]
            )

    def save_rejection(
        self, source_name: str, origin: FlowOrigin, problems: Sequence[Problem], at: float
    ) -> None:
        """Save the problems of the present content of a flow source."""
        row = (
            source_name,
            at,
            msgspec.json.encode(origin).decode(),
            msgspec.json.encode(problems).decode(),
        )
        self._database.execute(
            "INSERT INTO rejected VALUES (?, ?, ?, ?) "
            "ON CONFLICT (place) DO UPDATE SET at = excluded.at, origin = excluded.origin, "
            "problems = excluded.problems",
            *row,
        )

    def clear_rejection(self, source_name: str) -> None:
        """Delete the problems of a flow source, whose present content has none."""
        # the read saves a write, with its sync of the disk, each time the server reads the source
        if self._database.execute("SELECT 1 FROM rejected WHERE place = ?", source_name):
            self._database.execute("DELETE FROM rejected WHERE place = ?", source_name)

    def list_rejections(self) -> list[RejectedSource]:
        """The rejected sources, the latest first."""
        rows = self._database.execute(
            "SELECT place, at, origin, problems FROM rejected ORDER BY at DESC"
        )
        return [
            RejectedSource(
                place,
                at,
                msgspec.json.decode(origin, type=FlowOrigin),
                msgspec.json.decode(problems, type=tuple[Problem, ...]),
            )
            for place, at, origin, problems in rows
        ]

    def count_rejections(self) -> int:
        """How many sources are rejected."""
        ((sources,),) = self._database.execute("SELECT count(*) FROM rejected")
        return int(sources)

    def load_leader(self) -> LeaderRecord | None:
        """The leader record; None where no server has followed a flow source."""
        rows = self._database.execute("SELECT details FROM following")
        return msgspec.json.decode(rows[0][0], type=LeaderRecord) if rows else None

    def update_leader(self, decide: Callable[[LeaderRecord | None], LeaderRecord | None]) -> None:
        """Replace the leader record by what `decide` returns for it, in one transaction; None
        leaves it as it is.
        """
        with self._database.transaction():
            following = decide(self.load_leader())
            if following is not None:
                self._database.execute(
                    "INSERT INTO following VALUES (1, ?) ON CONFLICT (one) DO UPDATE SET details = "
                    "excluded.details",
                    msgspec.json.encode(following).decode(),
                )

    def close(self) -> None:
        self._database.close()

    def _has_release(self, release_id: str) -> bool:
        return bool(self._database.execute("SELECT 1 FROM releases WHERE id = ?", release_id))

    def _load_digests(self) -> set[bytes]:
        return {digest for (digest,) in self._database.execute("SELECT digest FROM contents")}

    def _find_digests(self, digests: Iterable[bytes]) -> set[bytes]:
        """Those of these digests whose content the archive has."""
        return {digest for (digest,) in self._select_contents("digest", digests)}

    def _load_contents(self, digests: Iterable[bytes]) -> dict[bytes, bytes]:
        try:
            return {
                digest: zlib.decompress(packed)
                for digest, packed in self._select_contents("digest, packed", digests)
            }
        except zlib.error as error:
            raise ArchiveError(f"the archive of releases is damaged: {error}") from error

    def _select_contents(
        self, columns: LiteralString, digests: Iterable[bytes]
    ) -> Iterator[tuple[Any, ...]]:
        # SQLite limits the parameters of a statement
        for some in batched(set(digests), _CONTENTS_PER_QUERY):
            marks: LiteralString = ", ".join("?" for _ in some)
            yield from self._database.execute(
                f"SELECT {columns} FROM contents WHERE digest IN ({marks})",  # noqa: S608
                *some,
            )


def compute_digests(
    files: Mapping[str, bytes], changed: Collection[str], known: Mapping[str, bytes]
) -> dict[str, bytes]:
    """The digests of files, of which those that are not `changed` have known ones."""
    digests = dict(known)
    for name in iterate_with_pauses(changed):
        if name in files:
            digests[name] = hashlib.blake2b(files[name], digest_size=_DIGEST_BYTES).digest()
    return digests if digests.keys() == files.keys() else {name: digests[name] for name in files}


def batched(items: Iterable[bytes], size: int) -> Iterator[tuple[bytes, ...]]:
    """Tuples of at most `size` items."""
    rest = iter(items)
    while some := tuple(islice(rest, size)):
        yield some
