"""What a server is told from outside, and the credentials it finds."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec

from flowengine.compile import Release
from flowengine.cross_site import is_loopback
from flowengine.limits import DEFAULT_KEEP_ALIVE_SECONDS
from flowengine.releases.where import Where
from flowengine.runtime.store.address import on_postgresql
from flowengine.sinch.signing import decode_secret

KEY, SECRET = "SINCH_APPLICATION_KEY", "SINCH_APPLICATION_SECRET"
HANDED_ON = "FLOWENGINE_SETTINGS"
DEFAULT_STORE = "sqlite:.flowengine/calls.db"
OWN_FOLDER = Path(".flowengine")
ARCHIVE = "releases.db"


class SettingsError(Exception):
    """Settings that do not go together; the message says what to do."""


@dataclass(frozen=True)
class Settings:
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
    def cookies_only(self) -> bool:
        return self.store == "none"

    @property
    def folder(self) -> Path:
        """Where the server keeps what is its own: beside the store where that is a file."""
        kind, _, path = self.store.partition(":")
        return Path(path).parent if kind == "sqlite" else OWN_FOLDER

    @property
    def shared(self) -> bool:
        """Whether other machines share the store, and with it the releases."""
        return on_postgresql(self.store)

    @property
    def archive(self) -> Where:
        """Where the releases lie."""
        return self.store if self.shared else self.folder / ARCHIVE

    def hand_on(self) -> None:
        """Leave these settings where the worker processes find them."""
        os.environ[HANDED_ON] = msgspec.json.encode(self).decode()

    @classmethod
    def handed_on(cls) -> "Settings":
        return msgspec.json.decode(os.environ[HANDED_ON], type=cls)


# real ones have 16; a placeholder such as "…" decodes to nothing, and nothing signs for anybody
LEAST_SECRET_BYTES = 4


def applications(release: Release, environment: Mapping[str, str]) -> dict[str, str]:
    """Key and secret of every application, the one of the environment first."""
    key, secret = environment.get(KEY, ""), environment.get(SECRET, "")
    if bool(key) != bool(secret):
        raise SettingsError(f"{KEY} and {SECRET} belong together: set both, or neither")
    known = {
        **({key: secret} if key else {}),
        **{name: given for name, given in release.applications.items() if given},
    }
    for name, given in known.items():
        if len(decode_secret(given)) < LEAST_SECRET_BYTES:
            raise SettingsError(
                f"the secret of application {name} is none: copy it whole from the dashboard"
            )
    return known


def check_complete(release: Release) -> None:
    """An application without its secret would be locked out, or, were it the only one, everybody
    let in.
    """
    if release.lacking:
        raise SettingsError(
            f"the environment has no {', '.join(release.lacking)}, which applications: in "
            "project.yaml names: "
            "set it to the secret of the application, or take the application out of the project"
        )


def check_keys(settings: Settings, *, has_credentials: bool, has_keys: bool) -> None:
    """A random key is that of one machine; what it seals the others could not open."""
    if settings.shared and not has_credentials and not has_keys:
        raise SettingsError(
            "machines that share a store must have the same key for cookies: "
            f"set FLOWENGINE_COOKIE_KEYS, or {KEY} and {SECRET}, to the same on each"
        )


def check_exposure(host: str, *, has_credentials: bool) -> None:
    """Whoever cannot check signatures must not be reachable from outside."""
    if not has_credentials and not is_loopback(host):
        raise SettingsError(
            f"without credentials anybody could send callbacks, so {host} is refused: "
            f"set {KEY} and {SECRET} (or applications: in project.yaml), or serve on 127.0.0.1"
        )
