"""Servers behind real proxies, configured by the very files of deploy/proxies."""

import asyncio
import json
import os
import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import httpx
import pytest

from flowengine.limits import DEFAULT_KEEP_ALIVE_SECONDS
from flowengine.sinch import sign_request
from flowengine.sinch.client.callback_probe import CallbackProber
from tests.server.server_process import KEY, SECRET, TYPE, Served, ice, start_server
from tests.thoroughness import examples
from tests.waiting import PATIENCE_SECONDS, can_connect, find_free_port, wait_until

SHIPPED = Path(__file__).parents[2] / "deploy/proxies"
ACME, BETA = "/acme/sinch", "/beta/sinch"
PAIRS = examples(200)
FLOW = "flow: line\nstart: a\nstates: {a: {say: Hi., hangup: }}\n"
APACHE_MODULES = ("mpm_event", "authz_core", "alias", "proxy", "proxy_http")
APACHE_FOLDER = Path("/usr/lib/apache2/modules")


def replace(text: str, **changes: str) -> str:
    """Each of these must stand in the file."""
    for old, new in changes.items():
        assert old in text, old
        text = text.replace(old, new)
    return text


@dataclass
class Proxy:
    """A proxy with its file: how long it keeps idle connections, and how it is started here."""

    name: str
    file: str
    keeps: str
    """As the file says it, with {} in place of the time"""
    time: str
    short_time: str = "1s"
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start(self, folder: Path, acme: int, beta: int, keeps: str) -> int:
        """Start it before the servers at these ports; its own port."""
        binary = shutil.which(self.name, path=os.environ["PATH"] + ":/usr/sbin")
        if binary is None:
            pytest.skip(f"{self.name} is not installed")
        port = find_free_port()
        text = replace(
            (SHIPPED / self.file).read_text(),
            **{
                self.keeps.format(self.time): self.keeps.format(keeps),
                "127.0.0.1:8080": f"127.0.0.1:{acme}",
                "127.0.0.1:8082": f"127.0.0.1:{beta}",
            },
        )
        command = getattr(self, f"_configure_{self.name}")(text, folder, port)
        with (folder / "proxy.log").open("wb") as log:
            environment = {**os.environ, "HOME": str(folder), "XDG_DATA_HOME": str(folder)}
            self.processes.append(
                subprocess.Popen(
                    [binary, *command], cwd=folder, stdout=log, stderr=log, env=environment
                )
            )
        wait_until(partial(self._is_up, port, folder / "proxy.log"))
        return port

    def _is_up(self, port: int, log: Path) -> bool:
        assert self.processes[-1].poll() is None, log.read_text()
        return can_connect(port)

    def stop(self) -> None:
        for process in self.processes:
            process.terminate()
            process.wait(PATIENCE_SECONDS)

    def _configure_nginx(self, text: str, folder: Path, port: int) -> list[str]:
        text = replace(text, **{"listen 443 ssl;": f"listen 127.0.0.1:{port};"})
        text = re.sub(r"\n *ssl_certificate.*", "", text)
        paths = "".join(
            f"{kind}_temp_path {folder}/{kind};"
            for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        (folder / "nginx.conf").write_text(
            f"daemon off; master_process off; pid {folder}/pid; error_log {folder}/error.log;\n"
            f"events {{}}\nhttp {{ access_log off; {paths}\n{text}}}\n"
        )
        return ["-c", str(folder / "nginx.conf"), "-e", str(folder / "error.log")]

    def _configure_caddy(self, text: str, folder: Path, port: int) -> list[str]:
        text = replace(text, **{"voice.example.com": f"http://127.0.0.1:{port}"})
        (folder / "Caddyfile").write_text(f"{{\n    admin off\n}}\n{text}")
        return ["run", "--config", str(folder / "Caddyfile"), "--adapter", "caddyfile"]

    def _configure_haproxy(self, text: str, folder: Path, port: int) -> list[str]:
        bind = "bind :443 ssl crt /etc/haproxy/voice.example.com.pem alpn h2,http/1.1"
        (folder / "haproxy.cfg").write_text(replace(text, **{bind: f"bind 127.0.0.1:{port}"}))
        return ["-db", "-f", str(folder / "haproxy.cfg")]

    def _configure_apache2(self, text: str, folder: Path, port: int) -> list[str]:
        text = re.sub(r"\n *SSL.*", "", replace(text, **{"*:443": f"*:{port}"}))
        modules = "".join(
            f"LoadModule {name}_module {APACHE_FOLDER}/mod_{name}.so\n" for name in APACHE_MODULES
        )
        user = "User nobody\nGroup nogroup\n" if os.getuid() == 0 else ""
        (folder / "apache.conf").write_text(
            f"ServerName localhost\nListen 127.0.0.1:{port}\nPidFile {folder}/pid\n"
            f"DefaultRuntimeDir {folder}\nErrorLog {folder}/error.log\n{modules}{user}{text}"
        )
        return ["-f", str(folder / "apache.conf"), "-DFOREGROUND"]


PROXIES = {
    "nginx": ("nginx.conf", "keepalive_timeout {};", "60s"),
    "caddy": ("Caddyfile", "keepalive {}\n", "2m"),
    "haproxy": ("haproxy.cfg", "pool-purge-delay {}\n", "60s"),
    "apache2": ("apache.conf", "ttl={} ", "120"),
}


@pytest.fixture(params=PROXIES)
def proxy(request: pytest.FixtureRequest) -> Iterator[Proxy]:
    made = Proxy(request.param, *PROXIES[request.param])
    yield made
    made.stop()


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Served, Served]]:
    """A signed server with the first path, and one with the second that keeps idle connections for
    three seconds.
    """
    started: list[Served] = []
    for options in ([ACME], [BETA, "--keep-alive", "3"]):
        folder = tmp_path_factory.mktemp("server")
        (folder / "flows").mkdir()
        (folder / "flows/line.yaml").write_text(FLOW)
        started.append(start_server(folder, "--callback-path", *options))
    yield started[0], started[1]
    for served in started:
        served.stop()


async def call_in_pairs(port: int, path: str, pauses: list[float]) -> Counter[int]:
    """Two callbacks after each other, so far apart; what was answered, by status."""
    statuses: Counter[int] = Counter()
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=0)
    async with httpx.AsyncClient(
        limits=limits, trust_env=False, timeout=PATIENCE_SECONDS
    ) as client:

        async def call(name: str) -> None:
            body = json.dumps(ice(name)).encode()
            now = datetime.now(UTC).isoformat()
            authorization = sign_request(KEY, SECRET, "POST", path, TYPE, body, now)
            headers = {"content-type": TYPE, "x-timestamp": now, "authorization": authorization}
            answer = await client.post(
                f"http://127.0.0.1:{port}{path}", content=body, headers=headers
            )
            statuses[answer.status_code] += 1

        async def pair(number: int, pause: float) -> None:
            await asyncio.sleep(number % 50 / 100)
            await call(f"a{number}")
            await asyncio.sleep(pause)
            await call(f"b{number}")

        await asyncio.gather(*(pair(number, pause) for number, pause in enumerate(pauses)))
    return statuses


def aimed_at(seconds: float, pairs: int) -> list[float]:
    """Pauses around a time-out, in steps of a millisecond."""
    return [seconds + (number - pairs / 2) / 1000 for number in range(pairs)]


async def test_pairs_of_callbacks_at_either_time_out_get_no_502(
    proxy: Proxy, servers: tuple[Served, Served], tmp_path: Path
) -> None:
    """Both time-outs scaled down; the proxy's stays the shorter one, as it is with the defaults."""
    short = "1" if proxy.time.isdigit() else "1s"
    port = proxy.start(tmp_path, servers[0].port, servers[1].port, short)
    pauses = aimed_at(1.0, PAIRS // 2) + aimed_at(3.0, PAIRS // 2)
    assert (await call_in_pairs(port, BETA, pauses)) == {200: 2 * PAIRS}


async def test_files_of_proxies_pass_callbacks_of_two_paths_and_nothing_else(
    proxy: Proxy, servers: tuple[Served, Served], tmp_path: Path
) -> None:
    """Pairs five seconds apart: uvicorn alone would have closed the connection then."""
    value, unit = re.fullmatch(r"(\d+)([ms]?)", proxy.time).groups()
    assert int(value) * {"s": 1, "m": 60, "": 1}[unit] < DEFAULT_KEEP_ALIVE_SECONDS
    port = proxy.start(tmp_path, servers[0].port, servers[1].port, proxy.time)
    url = f"http://127.0.0.1:{port}"
    for path in (
        "/status", "/metrics", "/admin/releases", "/readyz", "/acme/sinch/../../status", "/acme/sinch/x", "/"
    ):  # fmt: skip
        assert (
            httpx.get(url + path, trust_env=False, timeout=PATIENCE_SECONDS).status_code == 404
        ), path
    for path in (ACME, BETA):
        reply = await CallbackProber(KEY, SECRET).probe(url + path)
        assert (reply.application, reply.path) == (KEY, path)
    assert (await call_in_pairs(port, ACME, aimed_at(5.0, 100))) == {200: 200}
