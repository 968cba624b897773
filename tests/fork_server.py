"""Commands of flowengine in processes of their own, at a hundredth of the cost: they are forked from
one process, the fork server, that has imported everything (1.2 seconds of CPU) and does nothing else.

Each process of pytest has a fork server of its own. Use `python -m flowengine` itself where the start of
the program is what a test is about.
"""

import atexit
import fcntl
import functools
import gc
import json
import os
import runpy
import select
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import termios
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import IO, NamedTuple

ROOT = Path(__file__).parents[1]
PROMETHEUS_FOLDER = "PROMETHEUS_MULTIPROC_DIR"  # must be set before Prometheus' client is imported
MAX_REQUEST_BYTES = 2**17
_number = struct.Struct("!i")
_lock = threading.Lock()


class ForkServer:
    """The process that the others are forked from, as its user sees it. `root` is the folder with the
    source code: that of this version, or of another one.
    """

    def __init__(self, root: Path) -> None:
        self.channel, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.fork_server", str(theirs.fileno())],
            cwd=root,
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
        )
        theirs.close()
        atexit.register(self.close)

    def close(self) -> None:
        self.channel.close()
        self.process.wait()


@functools.cache
def start_fork_server(root: Path = ROOT) -> ForkServer:
    return ForkServer(root)


class FlowengineProcess:
    """`flowengine ARGUMENTS` in a process of its own, with the methods of subprocess.Popen.

    With `program`, a file of Python is run instead. `root` has the source code.
    """

    def __init__(
        self,
        arguments: Sequence[str],
        *,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        program: str = "",
        stdin: IO[bytes] | int = subprocess.DEVNULL,
        stdout: IO[bytes] | int = subprocess.DEVNULL,
        stderr: IO[bytes] | int = subprocess.DEVNULL,
        start_new_session: bool = False,
        root: Path = ROOT,
    ) -> None:
        self.args = ["flowengine", *arguments]
        self.returncode: int | None = None
        self._status, theirs = socket.socketpair()
        request = {
            "arguments": [program or "flowengine", *arguments],
            "program": program,
            "folder": str(cwd or Path.cwd()),
            "environment": dict(os.environ if env is None else env),
            "leads_session": start_new_session,
        }
        with _lock:
            fork_server = start_fork_server(root)
        with open(os.devnull, "r+b", buffering=0) as nothing:  # noqa: PTH123
            given = [
                nothing if each == subprocess.DEVNULL else each for each in (stdin, stdout, stderr)
            ]
            files = [each if isinstance(each, int) else each.fileno() for each in given]
            content = json.dumps(request).encode()
            socket.send_fds(fork_server.channel, [content], [*files, theirs.fileno()])
        theirs.close()
        self.pid = self._receive_number()

    def _receive_number(self) -> int:
        received = self._status.recv(_number.size, socket.MSG_WAITALL)
        assert received, "the fork server has ended"
        return int(_number.unpack(received)[0])

    def poll(self) -> int | None:
        """The exit status, or None while the process runs."""
        if self.returncode is None and select.select([self._status], [], [], 0)[0]:
            self.returncode = self._receive_number()
            self._status.close()
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the end of the process; returns its exit status."""
        if self.returncode is None:
            select.select([self._status], [], [], timeout)
        status = self.poll()
        if status is None:
            raise subprocess.TimeoutExpired(self.args, timeout or 0)
        return status

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


def run_flowengine(
    *arguments: str,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    input: str = "",  # noqa: A002  # the name that subprocess.run has
    timeout: float | None = None,
    root: Path = ROOT,
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end, as subprocess.run does with capture_output."""
    with (
        tempfile.TemporaryFile() as stdin,
        tempfile.TemporaryFile() as stdout,
        tempfile.TemporaryFile() as stderr,
    ):
        stdin.write(input.encode())
        stdin.seek(0)
        process = FlowengineProcess(
            arguments, cwd=cwd, env=env, stdin=stdin, stdout=stdout, stderr=stderr, root=root
        )
        try:
            status = process.wait(timeout)
        except BaseException:
            process.kill()
            process.wait()
            raise
        texts = []
        for file in (stdout, stderr):
            file.seek(0)
            texts.append(file.read().decode())
    return subprocess.CompletedProcess(process.args, status, *texts)


class Request(NamedTuple):
    arguments: list[str]
    program: str
    folder: str
    environment: dict[str, str]
    leads_session: bool


def import_flowengine() -> None:
    """Import what commands import, without a thread, as none of them survives a fork."""
    os.environ[PROMETHEUS_FOLDER] = os.devnull

    import flowengine.cli.server_announcement
    import flowengine.server.app
    import flowengine.server.fork_server  # noqa: F401
    from flowengine.cli import COMMANDS
    from flowengine.cli.lazy_group import to_module_name

    for name in COMMANDS:
        if name != "lsp":
            import_module(f"flowengine.cli.{to_module_name(name)}")

    del os.environ[PROMETHEUS_FOLDER]
    gc.collect()
    gc.freeze()  # else each process would end by looking at all of this


def wait_for_request(channel: socket.socket) -> Request:
    """Fork a process for each request, and return in that; report its id and its exit status."""
    processes: dict[int, socket.socket] = {}
    wake, bell = socket.socketpair()
    bell.setblocking(False)
    signal.set_wakeup_fd(bell.fileno())
    signal.signal(signal.SIGCHLD, lambda *_: None)
    while True:
        ready, _, _ = select.select([channel, wake], [], [])
        if wake in ready:
            wake.recv(4096)
            report_ended_processes(processes)
        if channel in ready:
            content, files, _, _ = socket.recv_fds(channel, MAX_REQUEST_BYTES, 4)
            if not content:
                os._exit(0)
            status = socket.socket(fileno=files.pop())
            pid = os.fork()
            if pid == 0:
                signal.set_wakeup_fd(-1)
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                for each in (channel, wake, bell, status, *processes.values()):
                    each.close()
                for number, file in enumerate(files):
                    os.dup2(file, number)
                    os.close(file)
                return Request(**json.loads(content))
            for file in files:
                os.close(file)
            status.sendall(_number.pack(pid))
            processes[pid] = status


def report_ended_processes(processes: dict[int, socket.socket]) -> None:
    while processes:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if pid == 0:
            break
        with processes.pop(pid) as listener, suppress(OSError):  # nobody waits for it
            listener.sendall(_number.pack(os.waitstatus_to_exitcode(status)))


def run_request(request: Request) -> None:
    if request.leads_session:
        os.setsid()
        if os.isatty(0):
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)  # keys send signals
    os.chdir(request.folder)
    zone_data = os.environ["TZDIR"]  # as an import has set it
    os.environ.clear()
    os.environ.update({"TZDIR": zone_data} | request.environment)
    sys.argv = request.arguments
    if request.program:
        runpy.run_path(request.program, run_name="__main__")
    else:
        runpy.run_module("flowengine", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    import_flowengine()
    run_request(wait_for_request(socket.socket(fileno=int(sys.argv[1]))))
