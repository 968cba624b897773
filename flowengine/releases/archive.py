"""The files of every release that may still be needed: found again after a restart, by every worker
and machine that shares the store.
"""

import hashlib
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import LiteralString

import msgspec

from flowengine.cooperative import iterate_with_pauses
from flowengine.problems import Problem
from flowengine.releases.archive_location import ArchiveLocation, open_archive_database
from flowengine.sources.flow_source import FlowOrigin

_DIGEST_BYTES = 16
_CONTENTS_PER_QUERY = 500  # contents, in one question: a server may be far away


class RejectedSource(msgspec.Struct, frozen=True):
    """What a flow source has now, where that has errors: nothing of it is live."""

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
    """The server that follows, or was the last to. `names` are all names of the same flows: paths
    to one folder, those of the machines that stand by. `release` is what the source had as it
    began, and `number` the last change before any of the names was followed.
    """

    source: str
    names: frozenset[str]
    by: str
    at: float
    release: str = ""
    number: int = 0


class Archive:
    """Releases by id. The same content has the same id, so putting one in twice does nothing."""

    def __init__(self, location: ArchiveLocation) -> None:
        self._database = open_archive_database(location)
        self._latest, self._latest_digests = "", frozenset[bytes]()

    def put(
        self, release_id: str, files: Mapping[str, bytes], origin: FlowOrigin, at: float
    ) -> None:
        """Keep the files of a release; after this they survive a killed process."""
        digests = {
            name: hashlib.blake2b(content, digest_size=_DIGEST_BYTES).digest()
            for name, content in iterate_with_pauses(files.items())
        }
        with self._database.transaction():
            absent = self._find_missing_digests(frozenset(digests.values()))
            fresh = {
                digests[name]: content
                for name, content in iterate_with_pauses(files.items())
                if digests[name] in absent
            }
            # files are stored once by content: two releases differ in few of them
            packed = [(digest, zlib.compress(content)) for digest, content in fresh.items()]
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
        self._latest, self._latest_digests = release_id, frozenset(digests.values())

    def load_files(self, release_id: str) -> dict[str, bytes] | None:
        """The files of a release, or None where the archive does not have it (any more)."""
        rows = self._database.execute("SELECT files FROM releases WHERE id = ?", release_id)
        if not rows:
            return None
        digests = msgspec.msgpack.decode(rows[0][0], type=dict[str, bytes])
        contents = self._load_contents(digests.values())
        return (
            {name: contents[digest] for name, digest in digests.items()}
            # a release that another process is dropping has lost some of its contents
            if contents.keys() >= set(digests.values())
            else None
        )

    def list_releases(self) -> list[ArchivedRelease]:
        """All releases of the archive, the latest first."""
        rows = self._database.execute(
            "SELECT id, made, origin FROM releases ORDER BY made DESC, id"
        )
        return [
            ArchivedRelease(release_id, made, msgspec.json.decode(origin, type=FlowOrigin))
            for release_id, made, origin in rows
        ]

    def find_ids(self, beginning: str) -> list[str]:
        """The ids that begin with this, as people abbreviate them."""
        return [
            kept.id for kept in self.list_releases() if beginning and kept.id.startswith(beginning)
        ]

    def drop(self, release_ids: Iterable[str]) -> None:
        """Delete releases, and the contents that no other release has."""
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
            # inside the transaction: a release put in meanwhile may share these contents
            unneeded = self._load_digests() - needed
            self._database.execute_many(
                "DELETE FROM contents WHERE digest = ?", [(digest,) for digest in unneeded]
            )

    def save_rejection(
        self, place: str, origin: FlowOrigin, problems: Sequence[Problem], at: float
    ) -> None:
        """Save the problems of what a flow source has now."""
        row = (
            place,
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

    def clear_rejection(self, place: str) -> None:
        """Delete the problems of a flow source: what it has now is sound."""
        # reading first spares a write, with its sync of the disk, each time a source is read
        if self._database.execute("SELECT 1 FROM rejected WHERE place = ?", place):
            self._database.execute("DELETE FROM rejected WHERE place = ?", place)

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

    def load_leader(self) -> LeaderRecord | None:
        """The server that follows, or was the last to."""
        rows = self._database.execute("SELECT details FROM following")
        return msgspec.json.decode(rows[0][0], type=LeaderRecord) if rows else None

    def update_leader(self, decide: Callable[[LeaderRecord | None], LeaderRecord | None]) -> None:
        """Save what `decide` returns for the leader record, in one transaction; None leaves the
        record as it is.
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

    def _find_missing_digests(self, digests: frozenset[bytes]) -> frozenset[bytes]:
        """Those that no release has. What the latest one has, which is most, is there as long as
        that is.
        """
        latest = self._database.execute("SELECT 1 FROM releases WHERE id = ?", self._latest)
        new = digests - self._latest_digests if latest else digests
        return new - self._load_contents(new).keys()

    def _load_digests(self) -> set[bytes]:
        return {digest for (digest,) in self._database.execute("SELECT digest FROM contents")}

    def _load_contents(self, digests: Iterable[bytes]) -> dict[bytes, bytes]:
        found: dict[bytes, bytes] = {}
        # SQLite limits the parameters of a statement
        for some in batched(set(digests), _CONTENTS_PER_QUERY):
            marks: LiteralString = ", ".join("?" for _ in some)
            rows = self._database.execute(
                f"SELECT digest, packed FROM contents WHERE digest IN ({marks})",  # noqa: S608
                *some,
            )
            found |= {digest: zlib.decompress(packed) for digest, packed in rows}
        return found


def batched(items: Iterable[bytes], size: int) -> Iterator[tuple[bytes, ...]]:
    """Tuples of at most `size` items."""
    rest = iter(items)
    while some := tuple(islice(rest, size)):
        yield some
