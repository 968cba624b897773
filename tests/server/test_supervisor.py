"""Workers come and go, and no callback is lost: real processes, real signals."""

import os
import pty
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Self

import httpx
import pytest

from flowengine.limits import MAX_DESCRIPTORS, MIN_RENEWAL_STATES
from tests.server.server_process import (
    Served,
    Service,
    ice,
    list_children,
    list_workers,
    pressed,
    start_server,
)
from tests.waiting import PATIENCE_SECONDS, wait_until

Serve = Callable[..., Served]


def workers_of(served: Served) -> set[int]:
    return set(list_workers(served.process.pid))


def command_of(process: str) -> str:
    try:
        return Path(f"/proc/{process}/cmdline").read_text()
    except OSError:  # it has just ended
        return ""


class Callers:
    """Callers who ring all the time, each time on a connection that stays or on a new one."""

    def __init__(self, served: Served) -> None:
        self.served, self.statuses, self.failures = served, list[int](), list[str]()
        self._ended = threading.Event()
        self._threads = [threading.Thread(target=self._ring, args=(number,)) for number in range(3)]

    def _ring(self, number: int) -> None:
        limits = httpx.Limits(max_keepalive_connections=0 if number == 0 else 1)
        with httpx.Client(limits=limits, trust_env=False, timeout=PATIENCE_SECONDS) as client:
            count = 0
            while not self._ended.is_set():
                count += 1
                time.sleep(0.01)
                body = ice(f"c{number}-{count}")
                try:
                    self.statuses.append(
                        client.post(f"{self.served.url}/sinch", json=body).status_code
                    )
                except httpx.HTTPError as error:
                    self.failures.append(repr(error))

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        for thread in self._threads:
            thread.join()


@pytest.mark.parametrize("workers", [1, 2])
def test_sighup_replaces_every_worker_and_loses_no_callback(serve: Serve, workers: int) -> None:
    served = serve("--workers", str(workers), signed=False)
    before = workers_of(served)
    assert len(before) == workers
    with Callers(served) as callers:
        time.sleep(0.3)
        served.process.send_signal(signal.SIGHUP)
        wait_until(lambda: len(workers_of(served)) == workers and not workers_of(served) & before)
        time.sleep(0.3)
    assert callers.failures == []
    assert set(callers.statuses) == {200}
    assert served.stop() == 0


def test_sighup_lets_a_callback_in_flight_end(serve: Serve, service: Service) -> None:
    served = serve(signed=False)
    served.post(ice())
    before = workers_of(served)
    answers: list[httpx.Response] = []
    asking = threading.Thread(target=lambda: answers.append(served.post(pressed("11111111"))))
    asking.start()
    wait_until(lambda: bool(service.seen))
    served.process.send_signal(signal.SIGHUP)
    asking.join()
    assert answers[0].json()["instructions"][0]["text"] == "Hello Ann."
    wait_until(lambda: not workers_of(served) & before)
    assert served.get("/readyz").status_code == 200


@pytest.mark.parametrize(
    "options", [(), ("--workers", "2"), ("--drain", "0.3"), ("--workers", "2", "--drain", "0.3")]
)
def test_sigterm_exits_with_0(serve: Serve, options: tuple[str, ...]) -> None:
    served = serve(*options, signed=False)
    workers = workers_of(served)
    assert served.stop() == 0
    assert not any(command_of(str(worker)) for worker in workers)
    assert_address_was_logged_once_a_worker_answered(served.err.read_text())


def assert_address_was_logged_once_a_worker_answered(log: str) -> None:
    address = re.search(r"listening on 127\.0\.0\.1:\d+$", log, re.MULTILINE)
    assert address, log
    assert log.index("Application startup complete") < address.start()
    assert log.count("listening on") == 1


@pytest.mark.parametrize("seconds", [0.5, 0.8, 1.2, 1.8, 2.5])
def test_sigterm_during_the_start_exits_with_0(tmp_path: Path, seconds: float) -> None:
    (tmp_path / "line.yaml").write_text(
        "flow: line\nstart: a\nstates: {a: {say: Hello., hangup: }}\n"
    )
    command = [
        sys.executable,
        "-m",
        "flowengine",
        "serve",
        str(tmp_path),
        "--port",
        "0",
        "--no-console",
    ]
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    process = subprocess.Popen(
        command,
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        env={**os.environ, "TMPDIR": str(scratch)},
    )
    wait_until(lambda: handles_sigterm(process.pid))
    time.sleep(seconds - 0.5)
    process.terminate()
    _, words = process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == 0, words
    assert b"Traceback" not in words
    assert list(scratch.iterdir()) == []
    if b"Application startup complete" not in words:
        assert b"listening on" not in words


def handles_sigterm(process: int) -> bool:
    """Whether Python has got as far as the command."""
    status = Path(f"/proc/{process}/status").read_text()
    caught = int(status.partition("SigCgt:")[2].split()[0], 16)
    return bool(caught >> (signal.SIGTERM - 1) & 1)


def test_sigterm_during_a_gentle_restart_exits_with_0(serve: Serve) -> None:
    served = serve("--workers", "2", signed=False)
    served.process.send_signal(signal.SIGHUP)
    time.sleep(0.7)
    assert served.stop() == 0


def test_killed_worker_is_replaced_and_the_port_stays_open(serve: Serve) -> None:
    served = serve("--workers", "2", signed=False)
    before = workers_of(served)
    os.kill(min(before), signal.SIGKILL)
    wait_until(lambda: len(workers_of(served) - before) == 1)
    assert served.post(ice()).status_code == 200
    words = served.err.read_text()  # it may have been killed while it still started
    assert "another one takes its place" in words or "a worker cannot start" in words


def test_workers_that_cannot_start_do_not_end_those_that_serve(serve: Serve) -> None:
    served = serve(signed=False)
    before = workers_of(served)
    archive = served.out.parent / ".flowengine" / "releases.db"
    whole = archive.read_bytes()
    damaged = archive.with_name("damaged.db")
    damaged.write_bytes(b"no database" * 1000)
    damaged.replace(archive)  # at once: the server would put back a file that is away
    for name in ("releases.db-wal", "releases.db-shm"):
        archive.with_name(name).unlink(missing_ok=True)
    served.process.send_signal(signal.SIGHUP)
    wait_until(lambda: "the old workers go on" in served.err.read_text())
    assert "the flows cannot be loaded" in served.err.read_text()
    assert "Traceback" not in served.err.read_text()
    assert workers_of(served) == before
    assert served.post(ice()).status_code == 200
    archive.write_bytes(whole)


def test_killed_fork_server_is_replaced_and_its_workers_go_on(serve: Serve) -> None:
    served = serve("--workers", "2", signed=False)
    before = workers_of(served)
    (fork_server,) = list_children(served.process.pid)
    with Callers(served) as callers:
        os.kill(fork_server, signal.SIGKILL)
        wait_until(lambda: "another one takes its place" in served.err.read_text())
        wait_until(lambda: len(callers.statuses) > 10)
    assert callers.failures == []
    assert set(callers.statuses) == {200}
    assert all(command_of(str(worker)) for worker in before)
    for worker in before:
        os.kill(worker, signal.SIGKILL)
    wait_until(lambda: len(workers_of(served)) == 2)
    wait_until(lambda: served.err.read_text().count("startup complete") == 4)
    assert served.post(ice()).status_code == 200
    assert served.stop() == 0


def test_fork_server_killed_while_it_loads_is_reported(tmp_path: Path) -> None:
    (tmp_path / "line.yaml").write_text(
        "flow: line\nstart: a\nstates: {a: {say: Hello., hangup: }}\n"
    )
    command = [
        sys.executable,
        "-m",
        "flowengine",
        "serve",
        str(tmp_path),
        "--port",
        "0",
        "--no-console",
    ]
    process = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True)
    wait_until(lambda: bool(list_children(process.pid)))
    os.kill(list_children(process.pid)[0], signal.SIGKILL)
    _, words = process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == 2
    assert "was ended by signal 9" in words


def test_killed_supervisor_takes_all_its_processes_along(serve: Serve) -> None:
    served = serve("--workers", "2", signed=False)
    processes = [*list_children(served.process.pid), *workers_of(served)]
    served.process.kill()
    served.process.wait()
    wait_until(lambda: not any(command_of(str(process)) for process in processes))


def test_workers_may_open_as_many_files_as_the_system_allows(serve: Serve) -> None:
    served = serve(signed=False)
    (worker,) = workers_of(served)
    limits = Path(f"/proc/{worker}/limits").read_text()
    soft, hard = re.search(r"Max open files +(\d+) +(\d+)", limits).groups()  # type: ignore[union-attr]
    assert int(soft) == min(int(hard), MAX_DESCRIPTORS)


def test_closed_terminal_ends_the_server(tmp_path: Path) -> None:
    (tmp_path / "line.yaml").write_text(
        "flow: line\nstart: a\nstates: {a: {say: Hello., hangup: }}\n"
    )
    command = [
        sys.executable,
        "-m",
        "flowengine",
        "serve",
        str(tmp_path),
        "--port",
        "0",
        "--no-console",
    ]
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        command, cwd=tmp_path, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True
    )
    os.close(theirs)
    said = b""
    while b"Application startup complete" not in said:
        said += os.read(ours, 4096)
    os.close(ours)
    process.send_signal(signal.SIGHUP)
    assert process.wait(PATIENCE_SECONDS) == 0


def write_large_project(folder: Path, timeout: str) -> None:
    folder.mkdir(exist_ok=True)
    menus = "\n".join(
        f"  s{number}: {{menu: {{prompt: Press 1., options: {{1: s{number + 1}}}, otherwise: bye}}}}"
        for number in range(MIN_RENEWAL_STATES // 10)
    )
    bye = f"  s{MIN_RENEWAL_STATES // 10}: {{say: Done., next: bye}}\n  bye: {{hangup: }}\n"
    for name in "abcdefghij":
        text = f"flow: line-{name}\nstart: s0\nstates:\n{menus}\n{bye}"
        (folder / f"line-{name}.yaml").write_text(text)
    routes = "routes: [{flow: line-a}]"
    (folder / "project.yaml").write_text(
        f"project: test\n{routes}\ndefaults: {{timeout: {timeout}}}\n"
    )


def count_own_bytes(processes: set[int]) -> int:
    """The memory that these processes share with no other."""
    found = 0
    for process in processes:
        with suppress(OSError):  # it has just ended
            text = Path(f"/proc/{process}/smaps_rollup").read_text()
            found += sum(map(int, re.findall(r"^Private_\w+: +(\d+)", text, re.MULTILINE)))
    return 1024 * found


@pytest.fixture
def serve_large_project(tmp_path: Path) -> Iterator[Serve]:
    started: list[Served] = []

    def start(*options: str, **environment: str) -> Served:
        write_large_project(tmp_path / "flows", "5s")
        started.append(start_server(tmp_path, *options, signed=False, **environment))
        return started[-1]

    yield start
    for served in started:
        if served.process.poll() is None:
            served.stop()


def test_workers_whose_flows_have_all_changed_are_replaced_and_share_them(
    tmp_path: Path, serve_large_project: Serve
) -> None:
    served = serve_large_project("--workers", "2")
    before = workers_of(served)
    first = served.get("/status").json()["current"]
    write_large_project(tmp_path / "flows", "6s")
    changed, own_bytes = set[int](), 0

    def has_changed_everywhere() -> bool:
        nonlocal own_bytes
        worker = served.get("/status").json()["worker"]
        changed.update({worker["pid"]} if worker["current"] != first else ())
        own_bytes = max(own_bytes, count_own_bytes(before))
        return changed >= before or not workers_of(served) & before

    wait_until(has_changed_everywhere)  # a call on the release of before would delay the rest
    with Callers(served) as callers:
        wait_until(lambda: len(workers_of(served)) == 2 and not workers_of(served) & before)
    assert callers.failures == []
    assert set(callers.statuses) == {200}
    assert count_own_bytes(workers_of(served)) < own_bytes
    assert "SIGHUP" not in served.err.read_text()
    assert served.stop() == 0


def test_server_that_knows_its_flows_is_ready_before_it_has_compiled_them(
    tmp_path: Path, serve_large_project: Serve
) -> None:
    cache = {"XDG_CACHE_HOME": str(tmp_path / "cache")}
    first = serve_large_project(**cache)
    action = first.post(ice("c1")).json()["action"]
    first.stop()
    second = serve_large_project(**cache)
    before = workers_of(second)
    with Callers(second) as callers:
        assert second.post(ice("c2")).json()["action"] == action
        wait_until(lambda: len(workers_of(second)) == 1 and not workers_of(second) & before)
        wait_until(lambda: len(callers.statuses) > 10)
    assert callers.failures == []
    assert set(callers.statuses) == {200}
    assert second.post(ice("c3")).json()["action"] == action
    assert "one that shares the flows" in second.err.read_text()
    assert second.stop() == 0
