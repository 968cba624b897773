"""Results by all that they depend on, kept in a folder of the user between commands.

The cache is a help and never an authority: what cannot be read, written or believed is left alone,
and the result is worked out again.
"""

import hashlib
import os
import stat
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from time import time
from typing import TypeVar

import msgspec

from flowengine.cache.variable_presence import replace_value
from flowengine.cooperative import iterate_with_pauses
from flowengine.limits import CHECK_CACHE_DAYS, MAX_CACHED_CHECK_BYTES, MAX_CACHED_CHECKS
from flowengine.sources.project_folder import read_content

ENTRY_SUFFIX = ".json"
UNFINISHED_SUFFIX = ".new"
R = TypeVar("R", bound=msgspec.Struct)


class CacheEntry(msgspec.Struct, frozen=True):
    """A file of the cache. `variables` are those of the environment that were asked for, each with
    its stand-in; `digest` covers the key and the rest, so that no broken or renamed file counts.
    """

    digest: str
    variables: dict[str, str | None]
    result: msgspec.Raw


def compute_key(
    code: bytes, kind: type[R], files: Mapping[str, bytes], *, cookies_only: bool
) -> bytes:
    """The key of a result: a digest of the program, of its options and of the files."""
    digest = hashlib.blake2b(code, digest_size=32, person=kind.__name__.encode())
    digest.update(b"cookies only" if cookies_only else b"any store")
    for name in iterate_with_pauses(sorted(files)):
        # with the lengths no two sets of files give the same bytes
        head = f"\0{len(name)}\0{name}\0{len(files[name])}\0"
        digest.update(head.encode(errors="surrogatepass"))
        digest.update(files[name])
    return digest.digest()


def load_result(key: bytes, kind: type[R], environment: Mapping[str, str]) -> R | None:
    """The result of this key, if it is known for such an environment."""
    folder = find_cache_folder()
    if folder is None:
        return None
    file = folder / f"{key.hex()}{ENTRY_SUFFIX}"
    try:
        if not is_private(folder.stat()):
            return None
        content = read_content(file)
        entry = msgspec.json.decode(content, type=CacheEntry)
        if entry.digest != compute_digest(key, entry.variables, bytes(entry.result)):
            return None
        if any(replace_value(environment, name) != was for name, was in entry.variables.items()):
            return None
        result = msgspec.json.decode(entry.result, type=kind)
    except (OSError, ValueError):
        return None
    with suppress(OSError):
        os.utime(file)  # what is in use is dropped last
    return result


def save_result(key: bytes, asked: Mapping[str, str | None], result: msgspec.Struct) -> None:
    """Keep a result for the next time, and drop what is too much or too old."""
    folder = find_cache_folder()
    if folder is None:
        return
    # UnicodeEncodeError is of a name that is no text
    with suppress(OSError, UnicodeEncodeError):
        found = msgspec.json.encode(result)
        variables = dict(asked)
        digest = compute_digest(key, variables, found)
        content = msgspec.json.encode(CacheEntry(digest, variables, msgspec.Raw(found)))
        if len(content) > MAX_CACHED_CHECK_BYTES:
            return
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if is_private(folder.stat()):
            write_whole_file(folder / f"{key.hex()}{ENTRY_SUFFIX}", content)
            drop_old_entries(folder)


def compute_digest(key: bytes, variables: Mapping[str, str | None], result: bytes) -> str:
    parts = key + msgspec.json.encode(variables, order="sorted") + result
    return hashlib.blake2b(parts, digest_size=32).hexdigest()


def find_cache_folder() -> Path | None:
    """The folder for results, as the XDG base directory specification places it; None where the
    user has none.
    """
    if os.name != "posix":
        return None
    named = Path(os.environ.get("XDG_CACHE_HOME", ""))
    try:
        # the specification ignores relative paths
        base = named if named.is_absolute() else Path.home() / ".cache"
    except RuntimeError:
        return None
    return base / "flowengine" / "check"


def is_private(folder: os.stat_result) -> bool:
    """Whether nobody but this user can have written what is in a folder."""
    return folder.st_uid == os.geteuid() and not folder.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


def write_whole_file(file: Path, content: bytes) -> None:
    """Write a file that others see either whole or not at all."""
    unfinished = file.with_name(f"{file.stem}-{os.getpid()}{UNFINISHED_SUFFIX}")
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as opened:
            opened.write(content)
        unfinished.replace(file)
    except OSError:
        unfinished.unlink(missing_ok=True)
        raise


def drop_old_entries(folder: Path) -> None:
    """Keep the entries that were used last, and none that nobody has used for long."""
    oldest = time() - CHECK_CACHE_DAYS * 86_400
    with os.scandir(folder) as entries:
        ours = [
            (entry.stat(follow_symlinks=False).st_mtime, Path(entry))
            for entry in entries
            if entry.name.endswith((ENTRY_SUFFIX, UNFINISHED_SUFFIX))
        ]
    for index, (used_at, path) in enumerate(sorted(ours, reverse=True)):
        if index >= MAX_CACHED_CHECKS or used_at < oldest:
            with suppress(OSError):  # another command was quicker
                path.unlink()
