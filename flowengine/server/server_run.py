"""Runs a server: its fork server, its listeners, its supervisor. Imports nothing that only workers
need, as this is the process that stays while they come and go.
"""

import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from multiprocessing.connection import wait
from typing import Any

from flowengine.limits import MAX_DESCRIPTORS
from flowengine.server.console_launcher import ConsoleLauncher
from flowengine.server.listeners import check_port, open_listeners
from flowengine.server.logging_setup import configure_logging, install_exception_hooks
from flowengine.server.metrics_folder import make_metrics_folder
from flowengine.server.server_processes import ForkServerProcess
from flowengine.server.server_settings import ServerSettings, SettingsError
from flowengine.server.service_manager import ServiceManager
from flowengine.server.supervisor import Supervisor

try:
    import resource
except ImportError:  # not on every system
    resource = None  # type: ignore[assignment]

PROMETHEUS_FOLDER = "PROMETHEUS_MULTIPROC_DIR"


def run_server(
    settings: ServerSettings,
    load: Callable[[], Any],
    open_console: Callable[[], ConsoleLauncher] | None,
) -> int:
    """Serve until a signal stops the server; returns the exit status. `load` prepares the server
    and returns what its workers begin with, or exits with a status of its own; it runs in the
    process that forks them. `open_console` is called when the port is open; without it there is no console. Raises SettingsError
    where the port is taken.
    """
    if not settings.folder.exists():  # a first start that fails leaves nothing behind
        check_port(settings.host, settings.port)
    replace(settings, instance=os.urandom(8).hex()).export_to_environment()
    manager = ServiceManager(os.environ)
    raise_descriptor_limit()  # workers inherit it
    with make_metrics_folder() as folder:
        os.environ[PROMETHEUS_FOLDER] = folder  # the folder in which workers share their metrics
        fork_server = ForkServerProcess(load)
        try:
            # nothing is under way until the flows are loaded
            signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
            wait_until_loaded(fork_server)
            configure_logging()
            install_exception_hooks()
            has_loaded = not fork_server.has_closed
            listeners = open_listeners(settings.host, settings.port) if has_loaded else []
            console = open_console() if has_loaded and open_console else None
        except BaseException:
            fork_server.close()
            raise
        if not has_loaded:
            return get_refusal_status(fork_server.close())
        supervisor = Supervisor(
            listeners, settings.workers, settings.drain, fork_server, manager, console
        )
        return supervisor.run()


def get_refusal_status(status: int) -> int:
    """The exit status of a fork server that has said why it does not go on. Raises SettingsError
    for one that was killed, which has said nothing.
    """
    if status < 0:
        raise SettingsError(
            f"the process that loads the flows was ended by signal {-status}: has the machine "
            "enough memory?"
        )
    return status


def wait_until_loaded(fork_server: ForkServerProcess) -> None:
    """Wait until the flows are loaded, or the process has ended."""
    while not fork_server.is_ready and not fork_server.has_closed:
        wait([fork_server.channel])
        fork_server.read_events()


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
