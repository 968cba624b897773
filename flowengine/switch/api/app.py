"""The APIs as an ASGI application."""

import logging
from typing import Any

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from flowengine.cross_site import find_cross_site, find_foreign_host, is_loopback
from flowengine.switch.api import control, errors
from flowengine.switch.api.asked import Answer, Asked
from flowengine.switch.api.auth import Gate
from flowengine.switch.api.desk import Desk
from flowengine.switch.api.driver import Driver
from flowengine.switch.api.errors import refused
from flowengine.switch.api.routes import find, signed_only
from flowengine.switch.api.routing import first, split
from flowengine.switch.errors import ApiError

log = logging.getLogger(__name__)
MAX_BODY_BYTES = 262_144
"""The largest callout with all its inline SVAML is a tenth of this"""


class Api:
    """Answers for the platform, and under /desk for whoever works with the switch."""

    def __init__(self, desk: Desk, gate: Gate, driver: Driver, *, open_desk: bool = False) -> None:
        self.desk = desk
        self.driver = driver
        self._gate = gate
        self._open = open_desk

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The ASGI application."""
        request = Request(scope, receive)
        try:
            answer = await self._answer(request)
        except ClientDisconnect:
            return
        finally:
            self.driver.wake()
        if not isinstance(answer, Response):
            answer = Response(answer.body, answer.status, dict(answer.headers), answer.content_type)
        await answer(scope, receive, send)

    async def _answer(self, request: Request) -> Answer | Response:
        try:
            body = await read(request)
            segments = split(request.scope.get("raw_path") or request.url.path.encode())
            if segments[:1] == ("desk",):
                return await self._control(request, segments[1:], body)
            return self._platform(request, segments, body)
        except ApiError as error:
            return errors.answer(error)
        except ClientDisconnect:
            raise
        except Exception:
            log.exception("%s %s failed", request.method, request.url.path)
            return errors.answer(refused(50000))

    def _platform(self, request: Request, segments: tuple[str, ...], body: bytes) -> Answer:
        route = find(request.method, segments)
        if route is None:
            raise refused(40400)
        raw_path = request.scope.get("raw_path") or request.url.path.encode()
        headers = request.headers
        application = self._gate.admit(
            request.method, raw_path, headers.raw, body, signed_only=signed_only(segments)
        )
        self.desk.refuse_as_told()
        handler, named = route
        return handler(self.desk, Asked(named, request.query_params, headers, body, application))

    async def _control(
        self, request: Request, segments: tuple[str, ...], body: bytes
    ) -> Answer | Response:
        # no page in a browser of this machine shall place calls, or read of them
        if "origin" in request.headers or find_cross_site(request.headers.raw):
            raise refused(40302)
        if not self._open and (
            not is_near(request.scope.get("client")) or find_foreign_host(request.headers.raw)
        ):
            raise refused(40302)
        route = first(control.ROUTES, request.method, segments)
        if route is None:
            raise ApiError(
                40400,
                f"No request to the desk: {request.method} {request.url.path}; docs/switch.md "
                "lists them",
            )
        handler, named = route
        return await handler(
            self.desk, self.driver, Asked(named, request.query_params, request.headers, body)
        )


async def read(request: Request) -> bytes:
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            raise ApiError(40001, f"Invalid parameters: a body has at most {MAX_BODY_BYTES} bytes")
    return body


def is_near(client: Any) -> bool:
    """Whether a request comes from this machine."""
    return bool(client) and is_loopback(client[0])
