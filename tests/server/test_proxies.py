"""The server behind real proxies, configured by the very examples of their page."""

import asyncio
import json
import os
import re
import shutil
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from flowengine.limits import DEFAULT_KEEP_ALIVE_SECONDS
from flowengine.sinch import sign_request
from flowengine.sinch.client.callback_probe import CallbackProber
from tests.server.server_process import KEY, SECRET, TYPE, Served, ice, start_server
from tests.thoroughness import examples
from tests.waiting import PATIENCE_SECONDS, find_free_port

PAGE = (Path(__file__).parents[2] / "docs/operations/proxy.md").read_text()
CALLBACKS = "/acme/sinch"
PAIRS = examples(200)


def example(language: str) -> str:
    (found,) = re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    return found


def replace(text: str, **changes: str) -> str:
    """Each of these must stand in the example."""
    for number, (old, new) in enumerate(changes.items()):
        assert old in text, (number, old)
        text = text.replace(old, new)
    return text


@dataclass
class Proxy:
    """A proxy of the page: how long it keeps idle connections, and how it is started here."""

    name: str
    keeps: str
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start(self, folder: Path, upstream: int, keeps: str) -> int:
        """Start it before the server at this port; its own port."""
        binary = shutil.which(self.name, path=os.environ["PATH"] + ":/usr/sbin")
        if binary is None:
            pytest.skip(f"{self.name} is not installed (apt-get install {self.name})")
        port = find_free_port()
        start = getattr(self, f"_start_{self.name}")
        command = start(
            binary, folder, port, {self.keeps: keeps, "127.0.0.1:8080": f"127.0.0.1:{upstream}"}
        )
        with (folder / "proxy.log").open("wb") as log:
            environment = {**os.environ, "HOME": str(folder), "XDG_DATA_HOME": str(folder)}
            self.processes.append(
                subprocess.Popen(command, cwd=folder, stdout=log, stderr=log, env=environment)
            )
        limit = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                httpx.get(f"http://127.0.0.1:{port}/", trust_env=False)
            except httpx.HTTPError:
                assert time.monotonic() < limit, (folder / "proxy.log").read_text()
                time.sleep(0.05)
            else:
                return port

    def _start_nginx(
        self, binary: str, folder: Path, port: int, changes: dict[str, str]
    ) -> list[str]:
        text = replace(
            example("nginx"), **changes, **{"listen 443 ssl;": f"listen 127.0.0.1:{port};"}
        )
        text = re.sub(r"\n *ssl_certificate.*", "", text)
        paths = "".join(
            f"{kind}_temp_path {folder}/{kind};"
            for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        (folder / "nginx.conf").write_text(
            f"daemon off; master_process off; pid {folder}/pid; error_log {folder}/error.log;\n"
            f"events {{}}\nhttp {{ access_log off; {paths}\n{text}}}\n"
        )
        return [binary, "-c", str(folder / "nginx.conf"), "-e", str(folder / "error.log")]

    def _start_caddy(
        self, binary: str, folder: Path, port: int, changes: dict[str, str]
    ) -> list[str]:
        text = replace(
            example("caddyfile"), **changes, **{"voice.example.com": f"http://127.0.0.1:{port}"}
        )
        (folder / "Caddyfile").write_text(f"{{\n    admin off\n}}\n{text}")
        return [binary, "run", "--config", str(folder / "Caddyfile"), "--adapter", "caddyfile"]


@pytest.fixture(params=[("nginx", "60s"), ("caddy", "2m")], ids=["nginx", "caddy"])
def proxy(request: pytest.FixtureRequest) -> Iterator[Proxy]:
    made = Proxy(*request.param)
    yield made
    for process in made.processes:
        process.terminate()
        process.wait(10)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Served]]:
    """A signed server with the callback path of the page."""
    started: list[Served] = []

    def run(*options: str) -> Served:
        flows = tmp_path / "flows"
        flows.mkdir()
        (flows / "line.yaml").write_text(
            "flow: line\nstart: a\nstates: {a: {say: Hi., hangup: }}\n"
        )
        started.append(start_server(tmp_path, "--callback-path", CALLBACKS, *options))
        return started[-1]

    yield run
    for served in started:
        served.stop()


async def call_in_pairs(port: int, pauses: list[float]) -> Counter[int]:
    """Two callbacks after each other, so far apart; what was answered, by status."""
    statuses: Counter[int] = Counter()
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=0)
    async with httpx.AsyncClient(
        limits=limits, trust_env=False, timeout=PATIENCE_SECONDS
    ) as client:

        async def call(name: str) -> None:
            body = json.dumps(ice(name)).encode()
            now = datetime.now(UTC).isoformat()
            authorization = sign_request(KEY, SECRET, "POST", CALLBACKS, TYPE, body, now)
            headers = {"content-type": TYPE, "x-timestamp": now, "authorization": authorization}
            answer = await client.post(
                f"http://127.0.0.1:{port}{CALLBACKS}", content=body, headers=headers
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
    proxy: Proxy, start: Callable[..., Served], tmp_path: Path
) -> None:
    """Both time-outs scaled down; the proxy's stays the shorter one, as it is with the defaults."""
    served = start("--keep-alive", "3")
    port = proxy.start(tmp_path, served.port, "1s")
    pauses = aimed_at(1.0, PAIRS // 2) + aimed_at(3.0, PAIRS // 2)
    assert (await call_in_pairs(port, pauses)) == {200: 2 * PAIRS}


async def test_defaults_of_both_never_have_the_server_close_first(
    proxy: Proxy, start: Callable[..., Served], tmp_path: Path
) -> None:
    """uvicorn alone would close after five seconds."""
    value, unit = int(proxy.keeps[:-1]), {"s": 1, "m": 60}[proxy.keeps[-1]]
    assert value * unit < DEFAULT_KEEP_ALIVE_SECONDS
    port = proxy.start(tmp_path, start().port, proxy.keeps)
    assert (await call_in_pairs(port, aimed_at(5.0, 100))) == {200: 200}


def test_proxy_examples_let_callbacks_through_and_nothing_else(
    proxy: Proxy, start: Callable[..., Served], tmp_path: Path
) -> None:
    served = start()
    port = proxy.start(tmp_path, served.port, proxy.keeps)
    for path in ("/status", "/metrics", "/admin/releases", "/readyz", "/acme/sinch/../../status"):
        assert httpx.get(f"http://127.0.0.1:{port}{path}", trust_env=False).status_code == 404
    reply = asyncio.run(CallbackProber(KEY, SECRET).probe(f"http://127.0.0.1:{port}{CALLBACKS}"))
    assert (reply.application, reply.path) == (KEY, CALLBACKS)
