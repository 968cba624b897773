"""The files of every release that may still be needed: found again after a restart, by every worker and machine that shares the store."""

import hashlib
import zlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path

import msgspec

from flowengine.problems import Problem
from flowengine.releases.database import connect, transaction

_DIGEST_BYTES = 16


class Origin(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where a release came from. `place` is a folder or a repository; the rest is known for those that come from git."""

    place: str
    ref: str = ""
    commit: str = ""
    author: str = ""
    message: str = ""

    @property
    def title(self) -> str:
        return self.message.partition("\n")[0]


class Rejected(msgspec.Struct, frozen=True):
    """What a place had last, where it has errors: nothing of it is live."""

    place: str
    at: float
    origin: Origin
    problems: tuple[Problem, ...]


class Kept(msgspec.Struct, frozen=True):
    """A release in the archive; `made` is when it was first seen, in seconds since 1970."""

    id: str
    made: float
    origin: Origin


class Archive:
    """Releases by id. The same content has the same id, so putting one in twice does nothing."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._connection = connect(path)

    def put(self, release_id: str, files: Mapping[str, bytes], origin: Origin, at: float) -> None:
        """Keep the files of a release; after this they survive a killed process."""
        digests = {name: hashlib.blake2b(content, digest_size=_DIGEST_BYTES).digest() for name, content in files.items()}
        with transaction(self._connection) as write:
            known = self._known(digests.values())
            fresh = {digests[name]: content for name, content in files.items() if digests[name] not in known}
            packed = [(digest, zlib.compress(content)) for digest, content in fresh.items()]
            write.executemany("INSERT OR IGNORE INTO contents VALUES (?, ?)", packed)
            row = (release_id, at, msgspec.json.encode(origin).decode(), msgspec.msgpack.encode(digests))
            write.execute("INSERT OR IGNORE INTO releases VALUES (?, ?, ?, ?)", row)

    def files(self, release_id: str) -> dict[str, bytes] | None:
        """The files of a release, or None when it is not (or no longer) kept."""
        row = self._connection.execute("SELECT files FROM releases WHERE id = ?", (release_id,)).fetchone()
        if row is None:
            return None
        digests = msgspec.msgpack.decode(row[0], type=dict[str, bytes])
        contents = self._contents(digests.values())
        return {name: contents[digest] for name, digest in digests.items()} if contents.keys() >= set(digests.values()) else None

    def listing(self) -> list[Kept]:
        """All that is kept, the latest first."""
        rows = self._connection.execute("SELECT id, made, origin FROM releases ORDER BY made DESC, rowid DESC").fetchall()
        return [Kept(release_id, made, msgspec.json.decode(origin, type=Origin)) for release_id, made, origin in rows]

    def find(self, beginning: str) -> list[str]:
        """The ids that begin with this, as people write them."""
        return [kept.id for kept in self.listing() if beginning and kept.id.startswith(beginning)]

    def drop(self, release_ids: Iterable[str]) -> None:
        """Forget releases, and the contents that no other one has."""
        with transaction(self._connection) as write:
            write.executemany("DELETE FROM releases WHERE id = ?", [(release_id,) for release_id in release_ids])
            rows = write.execute("SELECT files FROM releases").fetchall()
            needed = {digest for (files,) in rows for digest in msgspec.msgpack.decode(files, type=dict[str, bytes]).values()}
            unneeded = self._known() - needed
            write.executemany("DELETE FROM contents WHERE digest = ?", [(digest,) for digest in unneeded])

    def reject(self, place: str, origin: Origin, problems: Sequence[Problem], at: float) -> None:
        """Remember what is wrong with what a place has now."""
        row = (place, at, msgspec.json.encode(origin).decode(), msgspec.json.encode(problems).decode())
        self._connection.execute("INSERT OR REPLACE INTO rejected VALUES (?, ?, ?, ?)", row)

    def accept(self, place: str) -> None:
        """What a place has now is sound."""
        if self._connection.execute("SELECT 1 FROM rejected WHERE place = ?", (place,)).fetchone():
            self._connection.execute("DELETE FROM rejected WHERE place = ?", (place,))

    def rejected(self) -> list[Rejected]:
        """What is wrong where, the latest first."""
        rows = self._connection.execute("SELECT place, at, origin, problems FROM rejected ORDER BY at DESC").fetchall()
        return [
            Rejected(place, at, msgspec.json.decode(origin, type=Origin), msgspec.json.decode(problems, type=tuple[Problem, ...]))
            for place, at, origin, problems in rows
        ]

    def close(self) -> None:
        self._connection.close()

    def _known(self, digests: Collection[bytes] | None = None) -> set[bytes]:
        known = {digest for (digest,) in self._connection.execute("SELECT digest FROM contents")}
        return known if digests is None else known.intersection(digests)

    def _contents(self, digests: Iterable[bytes]) -> dict[bytes, bytes]:
        found = {}
        for digest in set(digests):
            row = self._connection.execute("SELECT packed FROM contents WHERE digest = ?", (digest,)).fetchone()
            if row is not None:
                found[digest] = zlib.decompress(row[0])
        return found
