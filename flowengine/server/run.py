"""Starts the web server and its workers."""

import asyncio
import os
import tempfile
from typing import Literal

import uvicorn

from flowengine.compile import Release
from flowengine.runtime.store import StoreError
from flowengine.runtime.store.address import shown
from flowengine.server import admin, keys, log
from flowengine.server.app import opened
from flowengine.server.settings import (
    Settings,
    SettingsError,
    applications,
    check_complete,
    check_exposure,
    check_keys,
)

PROMETHEUS_FOLDER = "PROMETHEUS_MULTIPROC_DIR"
OWN_PATHS = ("/healthz", "/readyz", "/metrics", "/status")
GRACE_SECONDS = 30  # longer than any callback may take; what still hangs then never ends


def prepare(settings: Settings, release: Release) -> bool:
    """Check that the settings go together; whether callbacks must be signed. Raises SettingsError."""
    path = settings.callback_path
    if not path.startswith("/") or path in OWN_PATHS or path.startswith(f"{admin.PREFIX}/"):
        raise SettingsError(
            "the callback path starts with /, such as /sinch, and is none of "
            f"{', '.join(OWN_PATHS)} and {admin.PREFIX}"
        )
    admin.checked_token(os.environ)
    check_complete(release)
    signed = bool(applications(release, os.environ))
    check_exposure(settings.host, has_credentials=signed)
    check_keys(settings, has_credentials=signed, has_keys=bool(keys.given(os.environ)))
    asyncio.run(check_store(settings))
    return signed


async def check_store(settings: Settings) -> None:
    """Open the store once before any worker does: a worker that cannot is started again and again."""
    try:
        await opened(settings).close()
    except (StoreError, OSError) as error:
        raise SettingsError(
            f"the session store {shown(settings.store)} cannot be used: {error}"
        ) from error


def serve(settings: Settings) -> None:
    """Serve until told to stop. Every worker opens what it needs itself: connections and files do
    not survive a fork.
    """
    settings.hand_on()
    log.configure()
    if settings.workers == 1:
        run(settings)
        return
    with tempfile.TemporaryDirectory(prefix="flowengine-") as folder:
        os.environ[PROMETHEUS_FOLDER] = folder  # where workers add up their numbers
        run(settings)


def protocol() -> type[asyncio.Protocol] | Literal["auto"]:
    """Our own, where there is the parser that it builds on."""
    try:
        from flowengine.server.direct import DirectProtocol  # noqa: PLC0415
    except ImportError:
        return "auto"
    return DirectProtocol


def run(settings: Settings) -> None:
    uvicorn.run(
        "flowengine.server.app:create",
        factory=True,
        host=settings.host,
        port=settings.port,
        workers=settings.workers,
        http=protocol(),
        lifespan="on",
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=False,  # nothing here depends on who the peer says it is
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
