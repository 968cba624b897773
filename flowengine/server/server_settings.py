"""The settings of a server."""

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from flowengine.environment import FILE_SUFFIX, VARIABLES
from flowengine.limits import DEFAULT_KEEP_ALIVE_SECONDS
from flowengine.operator_error import OperatorError
from flowengine.storage.sessions.store_url import (
    FILE_SCHEME,
    find_journal_fault,
    find_store_fault,
    is_postgresql_url,
    redact_password,
)

SETTINGS_VARIABLE = "FLOWENGINE_SETTINGS"
DEFAULT_STORE = "sqlite:.flowengine/calls.db"
DEFAULT_FOLDER = Path(".flowengine")
ARCHIVE_FILE = "releases.db"
JOURNAL_FILE = "journal.db"


class SettingsError(OperatorError):
    """The settings contradict each other, or lack something; the message says what to do."""


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
    journal: str = ""
    """Where the call journal is; "": with the store"""
    callback_path: str = "/sinch"
    drain: float = 0.0
    keep_alive: float = DEFAULT_KEEP_ALIVE_SECONDS
    api_url: str = "https://calling.api.sinch.com"
    calls_at_once: int = 30
    store_variable: str = ""
    """The variable with the store where its address stands in a file, which may change"""
    journal_variable: str = ""
    """The same for the journal"""
    instance: str = ""
    """New with each start of the server, and the same in all its workers"""

    @property
    def is_cookies_only(self) -> bool:
        return self.store == "none"

    @property
    def folder(self) -> Path:
        """The folder for the files of the server: beside the store where that is a file."""
        return DEFAULT_FOLDER if self.store_file is None else self.store_file.parent

    @property
    def store_file(self) -> Path | None:
        """The file of the session store; None where the store is not a file."""
        kind, _, path = self.store.partition(":")
        return Path(path) if kind == "sqlite" else None

    @property
    def is_shared(self) -> bool:
        """Whether other machines share the session store, and with it the releases."""
        return is_postgresql_url(self.store)

    @property
    def archive(self) -> Path | str:
        """The location of the release archive."""
        return self.store if self.is_shared else self.folder / ARCHIVE_FILE

    @property
    def journal_location(self) -> Path | str:
        """The location of the call journal: the file that `journal` names, or the address of a
        server. Machines that share the store share the journal, unless it is named.
        """
        if is_postgresql_url(self.journal):
            return self.journal
        if self.journal:
            return Path(self.journal.removeprefix(FILE_SCHEME))
        return self.store if self.is_shared else self.folder / JOURNAL_FILE

    @property
    def has_journal_per_machine(self) -> bool:
        """Whether machines that share the store have a call journal each."""
        return self.is_shared and isinstance(self.journal_location, Path)

    def export_to_environment(self) -> None:
        """Write these settings into the environment, for the worker processes."""
        os.environ[SETTINGS_VARIABLE] = msgspec.json.encode(self).decode()

    @classmethod
    def from_environment(cls) -> "ServerSettings":
        settings = msgspec.json.decode(os.environ[SETTINGS_VARIABLE], type=cls)
        return replace(
            settings,
            store=read_changed_address(settings.store_variable, settings.store, find_store_fault),
            journal=read_changed_address(
                settings.journal_variable, settings.journal, find_journal_fault
            ),
        )


def read_changed_address(variable: str, given: str, find_fault: Callable[[str], str]) -> str:
    """The address in the file that a variable names, as it is now; `given` for no variable. Raises
    SettingsError also for one of another kind: what a server keeps does not move there by itself.
    """
    if not variable:
        return given
    fault = VARIABLES.find_fault(variable) or find_fault(address := VARIABLES[variable])
    if not fault and is_postgresql_url(address) != is_postgresql_url(given):
        fault = (
            f"it is {redact_password(address)} and was {redact_password(given)}: restart the server"
        )
    if fault:
        raise SettingsError(fault if variable in fault else f"{variable}{FILE_SUFFIX}: {fault}")
    return address
