"""The settings of a server, and its credentials from the environment."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec

from flowengine.compile import Release
from flowengine.cross_site import is_loopback
from flowengine.limits import DEFAULT_KEEP_ALIVE_SECONDS
from flowengine.releases.archive_location import ArchiveLocation
from flowengine.sinch.signing import decode_secret
from flowengine.storage.sessions.store_url import is_postgresql_url

APPLICATION_KEY_VARIABLE, APPLICATION_SECRET_VARIABLE = (
    "SINCH_APPLICATION_KEY",
    "SINCH_APPLICATION_SECRET",
)
SETTINGS_VARIABLE = "FLOWENGINE_SETTINGS"
DEFAULT_STORE = "sqlite:.flowengine/calls.db"
DEFAULT_FOLDER = Path(".flowengine")
ARCHIVE_FILE = "releases.db"


class SettingsError(Exception):
    """Settings that do not go together; the message says what to do."""


@dataclass(frozen=True)
class ServerSettings:
    """The options of `serve`. Secrets are not among them: they stay in the environment."""

    flows: str
    git: str = ""
    ref: str = "main"
    host: str = "127.0.0.1"
    port: int = 8080
    workers: int = 1
    store: str = DEFAULT_STORE
    callback_path: str = "/sinch"
    drain: float = 0.0
    keep_alive: float = DEFAULT_KEEP_ALIVE_SECONDS

    @property
    def is_cookies_only(self) -> bool:
        return self.store == "none"

    @property
    def folder(self) -> Path:
        """Where the server keeps its own files: beside the store where that is a file."""
        kind, _, path = self.store.partition(":")
        return Path(path).parent if kind == "sqlite" else DEFAULT_FOLDER

    @property
    def is_shared(self) -> bool:
        """Whether other machines share the session store, and with it the releases."""
        return is_postgresql_url(self.store)

    @property
    def archive(self) -> ArchiveLocation:
        """Where the release archive is."""
        return self.store if self.is_shared else self.folder / ARCHIVE_FILE

    def export_to_environment(self) -> None:
        """Put these settings where the worker processes find them."""
        os.environ[SETTINGS_VARIABLE] = msgspec.json.encode(self).decode()

    @classmethod
    def from_environment(cls) -> "ServerSettings":
        return msgspec.json.decode(os.environ[SETTINGS_VARIABLE], type=cls)


# real ones have 16; a placeholder such as "…" decodes to nothing, and nothing signs for anybody
MIN_SECRET_BYTES = 4


def load_credentials(release: Release, environment: Mapping[str, str]) -> dict[str, str]:
    """Key and secret of every application, that of the environment first."""
    key, secret = (
        environment.get(APPLICATION_KEY_VARIABLE, ""),
        environment.get(APPLICATION_SECRET_VARIABLE, ""),
    )
    if bool(key) != bool(secret):
        raise SettingsError(
            f"{APPLICATION_KEY_VARIABLE} and {APPLICATION_SECRET_VARIABLE} belong together: set both, or neither"
        )
    known = {
        **({key: secret} if key else {}),
        **{name: given for name, given in release.applications.items() if given},
    }
    for name, given in known.items():
        if len(decode_secret(given)) < MIN_SECRET_BYTES:
            raise SettingsError(
                f"the secret of application {name} is none: copy it whole from the dashboard"
            )
    return known


def check_complete(release: Release) -> None:
    """Raises SettingsError where an application has no secret: its callbacks would be refused, or,
    if it is the only application, every request would pass unsigned.
    """
    if release.missing_secrets:
        raise SettingsError(
            f"the environment has no {', '.join(release.missing_secrets)}, which applications: in "
            "project.yaml names: "
            "set it to the secret of the application, or take the application out of the project"
        )


def check_keys(settings: ServerSettings, *, has_credentials: bool, has_keys: bool) -> None:
    """Raises SettingsError where several machines would encrypt with a random key: none could
    decrypt what another has encrypted.
    """
    if settings.is_shared and not has_credentials and not has_keys:
        raise SettingsError(
            "machines that share a store must have the same key for cookies: "
            f"set FLOWENGINE_COOKIE_KEYS, or {APPLICATION_KEY_VARIABLE} and {APPLICATION_SECRET_VARIABLE}, to the same on each"
        )


def check_exposure(host: str, *, has_credentials: bool) -> None:
    """Raises SettingsError where a server that cannot verify signatures would be reachable from
    other machines.
    """
    if not has_credentials and not is_loopback(host):
        raise SettingsError(
            f"without credentials anybody could send callbacks, so {host} is refused: "
            f"set {APPLICATION_KEY_VARIABLE} and {APPLICATION_SECRET_VARIABLE} (or applications: in project.yaml), or serve on 127.0.0.1"
        )
