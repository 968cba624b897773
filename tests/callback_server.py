"""A server for signed callbacks in a thread of the test, by http or https, with anything in front of
it that a proxy may do.
"""

import asyncio
import os
import threading
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette

from flowengine.releases import Registry
from flowengine.runtime.engine import Engine
from flowengine.server.callback import CallbackHandler, SignatureGate
from flowengine.server.callback_dispatcher import CallbackDispatcher
from flowengine.server.log import LogWriter
from flowengine.server.metrics import Metrics
from flowengine.server.server_identity import ServerIdentity
from flowengine.states import LookupRequest, LookupResult
from flowengine.storage.sessions import MemoryStore
from tests.compiled_release import compile_release
from tests.waiting import PATIENCE_SECONDS, find_free_port

KEY, SECRET = "669E367E-6BBA-48AB-AF15-266871C28135", "BeIukql3pTKJ8RGL5zo0DA=="
FLOW = b"flow: line\nstart: hello\nstates:\n  hello: {say: Hello., hangup: }\n"
Front = Callable[[Any, dict[str, Any], Any, Any], Awaitable[None]]


async def answer_lookup(_request: LookupRequest, _left: float) -> LookupResult:
    return LookupResult(0, error="connection")


async def receive_nothing() -> Any:
    """The `receive` of a request whose sender waits for the answer."""
    await asyncio.Event().wait()


@cache
def compile_line() -> Any:
    return compile_release({"line.yaml": FLOW})


def create_handler(
    applications: Mapping[str, str], identity: ServerIdentity | None = None
) -> CallbackHandler:
    """The endpoint of a server with the credentials of one application, or of none."""
    registry = Registry(compile_line())
    environment = {}
    for key, secret in applications.items():
        environment = {"SINCH_APPLICATION_KEY": key, "SINCH_APPLICATION_SECRET": secret}
    return CallbackHandler(
        Engine(registry, MemoryStore(), None, answer_lookup),
        SignatureGate(registry, environment),
        Metrics(),
        LogWriter(os.open(os.devnull, os.O_WRONLY)),
        identity=identity or ServerIdentity("web1", "the first start"),
    )


async def pass_on(app: Any, scope: dict[str, Any], receive: Any, send: Any) -> None:
    await app(scope, receive, send)


def rewrite_path(change: Callable[[str], str]) -> Front:
    """A proxy that passes requests on at another path."""

    async def front(app: Any, scope: dict[str, Any], receive: Any, send: Any) -> None:
        path = change(scope["path"])
        await app({**scope, "path": path, "raw_path": path.encode()}, receive, send)

    return front


def answer_with(status: int, body: bytes = b"", **headers: str) -> Front:
    """Something else than a server of flows."""

    async def front(_app: Any, _scope: dict[str, Any], _receive: Any, send: Any) -> None:
        pairs = [
            (name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()
        ]
        pairs.append((b"content-length", b"%d" % len(body)))
        await send({"type": "http.response.start", "status": status, "headers": pairs})
        await send({"type": "http.response.body", "body": body})

    return front


@contextmanager
def serve_callbacks(
    applications: Mapping[str, str] | None = None,
    front: Front = pass_on,
    identity: ServerIdentity | None = None,
    certificate: Path | None = None,
) -> Iterator[str]:
    """The base URL of a server for callbacks at /sinch; with a file of key and certificate by TLS."""
    given = {KEY: SECRET} if applications is None else applications
    app = CallbackDispatcher("/sinch", create_handler(given, identity), Starlette())

    async def serve(scope: dict[str, Any], receive: Any, send: Any) -> None:
        await front(app, scope, receive, send)

    port = find_free_port()
    server = uvicorn.Server(uvicorn.Config(
        serve, host="127.0.0.1", port=port, lifespan="off", log_config=None, access_log=False, proxy_headers=False,
        ssl_certfile=certificate,
    ))  # fmt: skip
    thread = threading.Thread(target=asyncio.run, args=(server.serve(),), daemon=True)
    thread.start()
    for _ in range(round(PATIENCE_SECONDS / 0.01)):
        if server.started:
            break
        thread.join(0.01)
    assert server.started
    yield f"{'https' if certificate else 'http'}://127.0.0.1:{port}"
    server.should_exit = True
    thread.join(PATIENCE_SECONDS)
    assert not thread.is_alive()


def write_certificate(file: Path, name: str = "127.0.0.1", days: int = 1) -> Path:
    """A certificate that nobody knows, with its key; expired for less than nothing days."""
    from ipaddress import ip_address

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    end = datetime.now(UTC) + timedelta(days=days)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(end - timedelta(days=9))
        .not_valid_after(end)
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address(name))]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    file.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return file
