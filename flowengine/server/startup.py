"""Prepares a server, in the process that forks its workers: chooses its first release, checks its
settings.
"""

import asyncio
import logging
from pathlib import Path

import msgspec

from flowengine.cache.variable_presence import RecordedVariables
from flowengine.compile import Release
from flowengine.compile.loaded_project import LoadedProject, to_loaded_project
from flowengine.compile.project_rechecker import ProjectRechecker
from flowengine.environment import VARIABLES
from flowengine.journal.journal_error import JournalError
from flowengine.journal.journal_location import find_journal_fault
from flowengine.releases.archive import NO_FILES
from flowengine.releases.compile_worker import LoadedFlows, freeze_collector
from flowengine.releases.start_cache import load_cached_compile
from flowengine.server import admin, keys
from flowengine.server.app import open_session_store
from flowengine.server.credentials import (
    check_complete,
    check_exposure,
    check_keys,
    load_credentials,
)
from flowengine.server.first_release import (
    Announce,
    NothingToServeError,
    choose_first_release,
    read_flows,
)
from flowengine.server.followed_flows import create_flow_source
from flowengine.server.release_service import ReleaseService
from flowengine.server.secret_variables import ADMIN_TOKEN, SECRET_VARIABLES, STATUS_TOKEN
from flowengine.server.server_settings import ServerSettings, SettingsError
from flowengine.server.tokens import check_token
from flowengine.storage.sessions import StoreError
from flowengine.storage.sessions.store_url import redact_password

log = logging.getLogger(__name__)
OWN_PATHS = ("/healthz", "/readyz", "/metrics", "/status")


class ServerStart(msgspec.Struct, frozen=True):
    """A server that is prepared: its project as it is now, whether callbacks must be signed, and
    what its workers begin with.
    """

    project: LoadedProject
    is_signed: bool
    flows: LoadedFlows


def prepare_server(settings: ServerSettings, folder: Path, announce: Announce) -> ServerStart:
    """Make the first release live and check the settings. `folder` is where people find the flows;
    `announce` is called with what an operator must know. Raises NothingToServeError, SettingsError, ArchiveError, GitError, OSError.
    """
    environment = RecordedVariables(VARIABLES)
    checked = check_first_start(settings, folder, environment, announce)
    service = ReleaseService(settings, checked, environment)
    snapshot = read_flows(service, announce)
    compiled = service.compile_worker.compile_at_start(snapshot.files)
    project = to_loaded_project(folder, snapshot.files, compiled)
    release = choose_first_release(service, snapshot, project, announce)
    is_signed = check_settings(settings, release)
    check_journal(settings, announce)
    # before the workers start: connections and locks do not survive a fork
    service.close()
    return ServerStart(project, is_signed, service.compile_worker.get_loaded_flows(release))


def check_first_start(
    settings: ServerSettings, folder: Path, environment: RecordedVariables, announce: Announce
) -> LoadedFlows | None:
    """Check what a server begins with that has kept nothing yet, before it makes any file; the
    compiler that has compiled the flows meanwhile. Raises NothingToServeError, SettingsError,
    GitError, OSError.
    """
    archive = settings.archive
    if not isinstance(archive, Path) or archive.exists():
        return None
    source = create_flow_source(settings)
    try:
        snapshot = source.read()
    finally:
        source.close()
    assert snapshot is not None  # noqa: S101  # the first time there is always something
    if (
        not settings.is_cookies_only
        and load_cached_compile(snapshot.files, environment) is not None
    ):
        return None
    compiler = ProjectRechecker()
    with freeze_collector():
        compiled = compiler.compile(
            snapshot.files, environment, cookies_only=settings.is_cookies_only
        )
    if compiled.release is None:
        report = to_loaded_project(folder, snapshot.files, compiled).report
        announce(report.format_problems(report.errors))
        raise NothingToServeError
    check_secrets(settings, compiled.release)
    return LoadedFlows(compiler, None, NO_FILES)


def load_live_flows() -> LoadedFlows:
    """What the workers of a server that runs already begin with, after an upgrade, say. Raises
    SettingsError, ArchiveError, GitError or OSError.
    """
    settings = ServerSettings.from_environment()
    service = ReleaseService(settings)
    release = service.load_live_release()
    # the files of secrets may have changed: without any, callbacks would be taken unsigned
    check_secrets(settings, release)
    check_journal(settings, log.warning)
    service.close()
    return service.compile_worker.get_loaded_flows(release)


def check_settings(settings: ServerSettings, release: Release) -> bool:
    """Check that the settings go together; whether callbacks must be signed. Raises SettingsError."""
    check_callback_path(settings.callback_path)
    signed = check_secrets(settings, release)
    asyncio.run(check_store(settings))
    return signed


def check_journal(settings: ServerSettings, announce: Announce) -> None:
    """Check that the journal can be written where it has a database of its own. One that cannot be
    reached now keeps no caller waiting. Raises SettingsError.
    """
    if settings.journal_location == settings.store:
        return
    try:
        fault = find_journal_fault(settings.journal_location)
    except JournalError as error:
        raise SettingsError(str(error)) from error
    if fault:
        announce(f"{fault}; callbacks are answered, and wait in memory to be written")


def check_callback_path(path: str) -> None:
    """Raises SettingsError for a path that is none, or that the server needs itself."""
    if not path.startswith("/") or path in OWN_PATHS or path.startswith(f"{admin.ADMIN_PREFIX}/"):
        raise SettingsError(
            "the callback path starts with /, such as /sinch, and is none of "
            f"{', '.join(OWN_PATHS)} and {admin.ADMIN_PREFIX}"
        )


def check_secrets(settings: ServerSettings, release: Release) -> bool:
    """Check the secrets, and that the settings are safe with them; whether callbacks must be signed.
    Raises SettingsError.
    """
    for name in SECRET_VARIABLES:
        if fault := VARIABLES.find_fault(name):
            raise SettingsError(fault)
    for token in (ADMIN_TOKEN, STATUS_TOKEN):
        check_token(VARIABLES, token)
    check_complete(release)
    signed = bool(load_credentials(release, VARIABLES))
    check_exposure(settings.host, has_credentials=signed)
    check_keys(
        settings, has_credentials=signed, has_keys=bool(keys.parse_environment_keys(VARIABLES))
    )
    return signed


async def check_store(settings: ServerSettings) -> None:
    """Open and close the session store before there are workers: the supervisor would start a
    worker that fails on it again and again.
    """
    try:
        await open_session_store(settings).close()
    except (StoreError, OSError) as error:
        raise SettingsError(
            f"the session store {redact_password(settings.store)} cannot be used: {error}"
        ) from error
