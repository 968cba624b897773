"""What `go-live` found before it changed anything, in a small file of the user's state folder."""

import os
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

import msgspec

from flowengine.operator_error import OperatorError
from flowengine.sinch.client.live_setup import LiveRecord


class RecordFileError(OperatorError):
    """The file cannot be read or written."""


def find_record_file(application: str, host: str) -> Path:
    """The file for this application at this platform, or switch. Raises RecordFileError."""
    digest = sha256(f"{application.casefold()}\n{host}".encode()).hexdigest()[:32]
    return find_state_folder() / "flowengine" / "go-live" / f"{digest}.json"


def find_state_folder() -> Path:
    """The user's state folder, as the XDG base directory specification places it. Raises
    RecordFileError.
    """
    named = Path(os.environ.get("XDG_STATE_HOME", ""))
    try:
        return named if named.is_absolute() else Path.home() / ".local" / "state"
    except RuntimeError as error:
        raise RecordFileError(
            "this user has no home folder, so nothing could be put back later: set XDG_STATE_HOME to "
            "the absolute path of a folder"
        ) from error


def load_record(path: Path) -> LiveRecord | None:
    """The record; None where there is none. Raises RecordFileError."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=LiveRecord)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise RecordFileError(f"{path} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise RecordFileError(f"{path} is no record of go-live: move it away") from error


def save_record(path: Path, record: LiveRecord) -> None:
    """Write the record, whole or not at all, for this user alone. Raises RecordFileError."""
    unfinished = path.with_suffix(f".{os.getpid()}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with os.fdopen(
            os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb"
        ) as file:
            file.write(msgspec.json.format(msgspec.json.encode(record)))
        unfinished.replace(path)
    except OSError as error:
        with suppress(OSError):
            unfinished.unlink()
        raise RecordFileError(
            f"{path} cannot be written, so nothing could be put back later: {error.strerror}"
        ) from error


def delete_record(path: Path) -> None:
    """Raises RecordFileError."""
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise RecordFileError(f"{path} cannot be deleted: {error.strerror}") from error
