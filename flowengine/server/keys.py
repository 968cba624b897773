"""The keys that encrypt the cookie of a call."""

import os
import secrets
from collections.abc import Mapping
from pathlib import Path

from flowengine.runtime.cookie import Codec, derive_key
from flowengine.server.secret_variables import APPLICATION_SECRET_VARIABLE, COOKIE_KEYS
from flowengine.storage.file_mode import restrict_to_owner

KEY_FILE = "cookie.key"


def find_sealing_keys(
    applications: Mapping[str, str], environment: Mapping[str, str], folder: Path
) -> list[str]:
    """The keys of the environment (the first encrypts, all decrypt), else the application secrets,
    else a random secret in a file, which is the same for all workers and after a restart.
    """
    return (
        parse_environment_keys(environment)
        or list(applications.values())
        or [load_or_create_secret(folder)]
    )


def find_opening_keys(
    applications: Mapping[str, str], environment: Mapping[str, str], folder: Path
) -> list[str]:
    """All keys that may decrypt the data of a server with this folder. Creates none. The applications
    are those of the flows; the one that the environment names is known here.
    """
    file = folder / KEY_FILE
    secrets_of_applications = (
        environment.get(APPLICATION_SECRET_VARIABLE, ""),
        *applications.values(),
    )
    return [
        *parse_environment_keys(environment),
        *filter(None, secrets_of_applications),
        *([file.read_text()] if file.is_file() else []),
    ]


def parse_environment_keys(environment: Mapping[str, str]) -> list[str]:
    return [text.strip() for text in environment.get(COOKIE_KEYS, "").split(",") if text.strip()]


def create_codec(
    applications: Mapping[str, str], environment: Mapping[str, str], folder: Path
) -> Codec:
    """The codec of the cookie."""
    return Codec(
        [derive_key(text) for text in find_sealing_keys(applications, environment, folder)]
    )


def load_or_create_secret(folder: Path) -> str:
    """The random secret of this folder, created at first need. Where workers start together, one
    creates it and all use it.
    """
    file = folder / KEY_FILE
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = folder / f"{KEY_FILE}.{os.getpid()}"
    if not file.exists():
        draft.touch(0o600)
        draft.write_text(secrets.token_urlsafe(48))
        try:
            # the link appears as a whole, and never replaces the file of another worker
            os.link(draft, file)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    restrict_to_owner(file)
    return file.read_text()
