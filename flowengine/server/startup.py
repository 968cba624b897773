"""Starts a server: chooses its first release, checks its settings, runs its workers."""

import asyncio
import os
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from flowengine.compile import Release
from flowengine.compile.loaded_project import LoadedProject, to_loaded_project
from flowengine.limits import MAX_DESCRIPTORS
from flowengine.server import admin, keys
from flowengine.server.access import ADMIN_TOKEN, STATUS_TOKEN, check_token
from flowengine.server.app import open_session_store
from flowengine.server.first_release import Announce, choose_first_release, read_flows
from flowengine.server.listeners import open_listeners
from flowengine.server.logging_setup import configure_logging, install_exception_hooks
from flowengine.server.release_service import ReleaseService
from flowengine.server.server_settings import (
    ServerSettings,
    SettingsError,
    check_complete,
    check_exposure,
    check_keys,
    load_credentials,
)
from flowengine.server.supervisor import Supervisor
from flowengine.storage.sessions import StoreError
from flowengine.storage.sessions.store_url import redact_password

try:
    import resource
except ImportError:  # not on every system
    resource = None  # type: ignore[assignment]

PROMETHEUS_FOLDER = "PROMETHEUS_MULTIPROC_DIR"
OWN_PATHS = ("/healthz", "/readyz", "/metrics", "/status")


@dataclass(frozen=True, slots=True)
class ServerStart:
    """What there is to say about a server as it starts: its flows, and whether callbacks must be
    signed.
    """

    project: LoadedProject
    is_signed: bool


def prepare_server(settings: ServerSettings, folder: Path, announce: Announce) -> ServerStart:
    """Make the first release live and check the settings. `folder` is where people find the flows;
    `announce` is called with what an operator must know. Raises NothingToServeError, SettingsError, ArchiveError, GitError, OSError.
    """
    service = ReleaseService(settings)
    snapshot = read_flows(service, announce)
    compiled = service.compile_worker.compile(snapshot.files)
    project = to_loaded_project(folder, snapshot.files, compiled)
    release = choose_first_release(service, snapshot, project, announce)
    is_signed = check_settings(settings, release)
    # before the workers start: connections and locks do not survive a fork
    service.close()
    return ServerStart(project, is_signed)


def check_settings(settings: ServerSettings, release: Release) -> bool:
    """Check that the settings go together; whether callbacks must be signed. Raises SettingsError."""
    path = settings.callback_path
    if not path.startswith("/") or path in OWN_PATHS or path.startswith(f"{admin.ADMIN_PREFIX}/"):
        raise SettingsError(
            "the callback path starts with /, such as /sinch, and is none of "
            f"{', '.join(OWN_PATHS)} and {admin.ADMIN_PREFIX}"
        )
    for token in (ADMIN_TOKEN, STATUS_TOKEN):
        check_token(os.environ, token)
    check_complete(release)
    signed = bool(load_credentials(release, os.environ))
    check_exposure(settings.host, has_credentials=signed)
    check_keys(
        settings, has_credentials=signed, has_keys=bool(keys.parse_environment_keys(os.environ))
    )
    asyncio.run(check_store(settings))
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


def run_server(settings: ServerSettings) -> int:
    """Serve until told to stop; the exit status. Raises SettingsError where the port is taken."""
    settings.export_to_environment()
    configure_logging()
    install_exception_hooks()
    raise_descriptor_limit()
    listeners = open_listeners(settings.host, settings.port)
    with tempfile.TemporaryDirectory(prefix="flowengine-") as folder:
        os.environ[PROMETHEUS_FOLDER] = folder  # where workers add up their numbers
        return Supervisor(listeners, settings.workers, settings.drain).run()


def raise_descriptor_limit() -> None:
    """Raise the limit of file descriptors to what the system allows: each connection that a proxy
    keeps open is one.
    """
    if resource is None:
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MAX_DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, MAX_DESCRIPTORS)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
