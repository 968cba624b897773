"""A backup of what a server with files keeps: the session store, the releases, the call journal, and
the key of the cookie. It is taken while the server answers calls, and put back before one starts.
"""

import hashlib
import os
import shutil
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

import msgspec

from flowengine.operator_error import OperatorError
from flowengine.server.keys import KEY_FILE
from flowengine.server.server_settings import ARCHIVE_FILE, JOURNAL_FILE, ServerSettings
from flowengine.storage.sqlite_file import connect_existing

MANIFEST_FILE = "backup.json"
STORE_FILE = "calls.db"  # as it is called in a backup
PART_SUFFIX = ".part"
BACKUP_BUSY_SECONDS = 5.0
PG_DUMP_COMMAND = "pg_dump --format custom --schema flowengine --file flowengine.dump ADDRESS"


class BackupError(OperatorError):
    """A backup cannot be taken or put back; the message says why, and what to do."""


class BackedUpFile(msgspec.Struct, frozen=True):
    """A file of a backup, with the SHA-256 of its content."""

    name: str
    bytes: int
    sha256: str


class BackupManifest(msgspec.Struct, frozen=True):
    """What a backup has, and when it was taken, in seconds since 1970."""

    at: float
    files: tuple[BackedUpFile, ...]


def write_backup(settings: ServerSettings, folder: Path) -> BackupManifest:
    """Copy the files of a server to a new folder, which is there when it is whole. Raises
    BackupError.
    """
    if settings.is_shared:
        raise BackupError(f"the store is on PostgreSQL: {PG_DUMP_COMMAND}")
    places = dict(list_files(settings))
    found = [(name, path) for name, path in places.items() if path.is_file()]
    if (store := places.get(STORE_FILE)) and not store.is_file():
        raise BackupError(
            f"there is no session store {store}: name that of the server with --store"
        )
    if not found:
        raise BackupError(f"no server has kept anything in {settings.folder}: name its --store")
    if folder.exists():
        raise BackupError(f"{folder} is there already: name another folder")
    part = folder.with_name(f"{folder.name}{PART_SUFFIX}")
    try:
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(mode=0o700, parents=True)
        manifest = BackupManifest(
            time.time(), tuple(copy_file(path, part / name) for name, path in found)
        )
        write_private_file(part / MANIFEST_FILE, msgspec.json.encode(manifest))
        wait_for_disk(part)
        part.rename(folder)
        wait_for_disk(folder.parent)
    except (OSError, sqlite3.Error) as error:
        shutil.rmtree(part, ignore_errors=True)
        where = getattr(error, "filename", None)  # which may be a file that is backed up
        reason = f"{error.strerror}: {where}" if isinstance(error, OSError) and where else error
        raise BackupError(f"the backup cannot be written: {reason}") from error
    return manifest


def restore_backup(folder: Path, settings: ServerSettings) -> BackupManifest:
    """Put the files of a backup where a server with these settings looks for them. Raises
    BackupError, also where a file is there already, has no place with these settings, or the backup
    is not whole.
    """
    if settings.is_shared:
        raise BackupError("the store is on PostgreSQL: pg_restore puts a dump back")
    manifest = read_manifest(folder)
    if not manifest.files:
        raise BackupError(f"{folder} is a backup of no files: take another copy")
    targets = dict(list_files(settings))
    if unplaced := [file.name for file in manifest.files if file.name not in targets]:
        raise BackupError(
            f"a server with these settings has no place for {', '.join(unplaced)}: name its "
            "--store, and its --journal where it has one, as they were at the backup"
        )
    # the write-ahead log of another file would be taken for that of the restored one
    places = [
        Path(f"{targets[file.name]}{end}")
        for file in manifest.files
        for end in ("", "-wal", "-shm")
    ]
    if taken := [str(place) for place in places if place.exists()]:
        raise BackupError(
            f"there is {', '.join(taken)} already: stop the server, and move what is there away"
        )
    try:
        for file in manifest.files:
            if compute_digest(folder / file.name) != file.sha256:
                raise BackupError(
                    f"{folder / file.name} is not what was backed up: take another copy"
                )
        put_back([(folder / file.name, targets[file.name]) for file in manifest.files])
    except OSError as error:
        raise BackupError(f"the backup cannot be put back: {error}") from error
    return manifest


def put_back(copies: Sequence[tuple[Path, Path]]) -> None:
    """Copy each file of a backup to its place, all of them or none: a server would start on half of
    one. Raises OSError.
    """
    parts = [(source, target.with_name(f"{target.name}{PART_SUFFIX}")) for source, target in copies]
    placed: list[Path] = []
    try:
        for source, part in parts:
            part.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            part.unlink(missing_ok=True)  # of an attempt that was killed
            write_private_file(part, b"")
            shutil.copyfile(source, part)
            wait_for_disk(part)
        for (_, target), (_, part) in zip(copies, parts, strict=True):
            part.rename(target)
            placed.append(target)
        for folder in {target.parent for target in placed}:
            wait_for_disk(folder)
    except OSError:
        for path in [*placed, *(part for _, part in parts)]:
            path.unlink(missing_ok=True)
        raise


def list_files(settings: ServerSettings) -> Iterator[tuple[str, Path]]:
    """The files of a server, by their names in a backup. The calls come first: releases that are
    made meanwhile are there then, and one that a call is on stays as long as the call.
    """
    if settings.store_file is not None:
        yield STORE_FILE, settings.store_file
    yield ARCHIVE_FILE, settings.folder / ARCHIVE_FILE
    if isinstance(settings.journal_location, Path):
        yield JOURNAL_FILE, settings.journal_location
    yield KEY_FILE, settings.folder / KEY_FILE


def copy_file(source: Path, target: Path) -> BackedUpFile:
    """Copy a file, a database as it is at one moment. Only its owner can read the copy. Raises
    OSError or sqlite3.Error.
    """
    if source.name == KEY_FILE:
        write_private_file(target, source.read_bytes())
    else:
        write_private_file(target, b"")
        with (
            closing(connect_existing(source, "ro", BACKUP_BUSY_SECONDS)) as database,
            closing(sqlite3.connect(target)) as copy,
        ):
            database.backup(copy)  # all at once: writers go on meanwhile, and do not disturb it
    return BackedUpFile(target.name, target.stat().st_size, compute_digest(target))


def write_private_file(path: Path, content: bytes) -> None:
    """Create a file that only its owner can read, and wait until it is on the disk."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def wait_for_disk(path: Path) -> None:
    """Wait until a file, or the names of the files in a folder, survive a loss of power."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def compute_digest(path: Path) -> str:
    """The SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_manifest(folder: Path) -> BackupManifest:
    """What a backup has. Raises BackupError."""
    try:
        return msgspec.json.decode((folder / MANIFEST_FILE).read_bytes(), type=BackupManifest)
    except (OSError, msgspec.MsgspecError) as error:
        raise BackupError(
            f"{folder} is no whole backup: it has no {MANIFEST_FILE} of one"
        ) from error
