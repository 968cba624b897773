"""The APIs as an ASGI application."""

import logging
from typing import Any

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from flowengine.cross_site import find_cross_site, find_foreign_host, is_loopback
from flowengine.switch.api import control_routes, error_replies
from flowengine.switch.api.api_auth import CredentialGate
from flowengine.switch.api.api_request import ApiReply, ApiRequest
from flowengine.switch.api.api_routing import find_route, split_path
from flowengine.switch.api.error_replies import build_error
from flowengine.switch.api.platform_routes import find_handler, needs_signature
from flowengine.switch.api.switch_context import SwitchContext
from flowengine.switch.api.time_driver import TimeDriver
from flowengine.switch.api_error import ApiError

log = logging.getLogger(__name__)
MAX_BODY_BYTES = 262_144
"""The largest callout with all its inline SVAML is a tenth of this"""


class Api:
    """The APIs of the platform, and under /desk the control API of the switch."""

    def __init__(
        self,
        context: SwitchContext,
        gate: CredentialGate,
        driver: TimeDriver,
        *,
        open_desk: bool = False,
    ) -> None:
        self.context = context
        self.driver = driver
        self._gate = gate
        self._is_desk_open = open_desk

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The ASGI application."""
        request = Request(scope, receive)
        try:
            answer = await self._handle(request)
        except ClientDisconnect:
            return
        finally:
            # whatever the request was, something may be due now
            self.driver.wake()
        if isinstance(answer, ApiReply) and answer.is_lost:
            # a response that is begun and not completed: the server closes the connection
            headers = [(b"content-length", b"%d" % len(answer.body))]
            await send({"type": "http.response.start", "status": answer.status, "headers": headers})
            return
        if not isinstance(answer, Response):
            answer = Response(answer.body, answer.status, dict(answer.headers), answer.content_type)
        await answer(scope, receive, send)

    async def _handle(self, request: Request) -> ApiReply | Response:
        try:
            body = await read_body(request)
            segments = split_path(request.scope.get("raw_path") or request.url.path.encode())
            if segments[:1] == ("desk",):
                return await self._handle_control_request(request, segments[1:], body)
            return self._handle_platform_request(request, segments, body)
        except ApiError as error:
            return error_replies.build_error_reply(error)
        except ClientDisconnect:
            raise
        except Exception:
            log.exception("%s %s failed", request.method, request.url.path)
            return error_replies.build_error_reply(build_error(50000))

    def _handle_platform_request(
        self, request: Request, segments: tuple[str, ...], body: bytes
    ) -> ApiReply:
        route = find_handler(request.method, segments)
        if route is None:
            raise build_error(40400)
        # signatures are over the path as it was sent
        raw_path = request.scope.get("raw_path") or request.url.path.encode()
        headers = request.headers
        application = self._gate.authenticate(
            request.method, raw_path, headers.raw, body, signed_only=needs_signature(segments)
        )
        # after authentication: a refusal on order stands for one of the platform's own
        self.context.raise_set_refusal()
        handler, named = route
        return handler(
            self.context, ApiRequest(named, request.query_params, headers, body, application)
        )

    async def _handle_control_request(
        self, request: Request, segments: tuple[str, ...], body: bytes
    ) -> ApiReply | Response:
        # no page in a browser of this machine shall place calls, or read of them
        if "origin" in request.headers or find_cross_site(request.headers.raw):
            raise build_error(40302)
        if not self._is_desk_open and (
            not is_near(request.scope.get("client")) or find_foreign_host(request.headers.raw)
        ):
            raise build_error(40302)
        route = find_route(control_routes.CONTROL_ROUTES, request.method, segments)
        if route is None:
            raise ApiError(
                40400,
                f"No request to the desk: {request.method} {request.url.path}; docs/switch.md "
                "lists them",
            )
        handler, named = route
        return await handler(
            self.context,
            self.driver,
            ApiRequest(named, request.query_params, request.headers, body),
        )


async def read_body(request: Request) -> bytes:
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            raise ApiError(40001, f"Invalid parameters: a body has at most {MAX_BODY_BYTES} bytes")
    return body


def is_near(client: Any) -> bool:
    """Whether a request comes from this machine."""
    return bool(client) and is_loopback(client[0])
