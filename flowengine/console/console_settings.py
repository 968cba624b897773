"""The settings of a console."""

import os
from collections.abc import Mapping
from pathlib import Path

import msgspec

from flowengine.cross_site import is_loopback
from flowengine.server.secret_variables import ADMIN_TOKEN, STATUS_TOKEN
from flowengine.server.server_settings import ServerSettings, SettingsError
from flowengine.server.tokens import check_token

CONSOLE_VARIABLE = "FLOWENGINE_CONSOLE_SETTINGS"


class ConsoleSettings(msgspec.Struct, frozen=True):
    """What a console shows. `server` says where flows, releases, journal and session store are;
    `is_serving` whether a server answers callbacks there.
    """

    server: ServerSettings
    is_serving: bool = False

    @property
    def folder(self) -> Path | None:
        """The folder where flows and scenarios are edited; None for a branch of a repository."""
        if self.server.git:
            return None
        path = Path(self.server.flows)
        return path if path.is_dir() else path.parent

    def encode(self) -> str:
        """These settings as the environment carries them to the process of the console."""
        return msgspec.json.encode(self).decode()

    @classmethod
    def from_environment(cls) -> "ConsoleSettings":
        return msgspec.json.decode(os.environ[CONSOLE_VARIABLE], type=cls)


class ConsoleTokens(msgspec.Struct, frozen=True):
    """The tokens that open a console. Without any, it is open to this machine."""

    admin: str = ""
    reader: str = ""

    @property
    def are_set(self) -> bool:
        return bool(self.admin or self.reader)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "ConsoleTokens":
        """Raises SettingsError for a token that is short enough to be guessed."""
        return cls(
            check_token(environment, ADMIN_TOKEN),
            check_token(environment, STATUS_TOKEN),
        )


def check_exposed_console(host: str, tokens: ConsoleTokens) -> None:
    """Raises SettingsError where other machines could reach a console without a token."""
    if not (tokens.are_set or is_loopback(host)):
        raise SettingsError(
            f"a console on {host} shows flows and calls to others: set {ADMIN_TOKEN} first "
            "(openssl rand -hex 32 makes one)"
        )
