"""Signing in and out."""

import logging

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from flowengine.console.access import (
    MAX_NAME_LENGTH,
    SESSION_SECONDS,
    SignedSessions,
    find_right,
    name_cookie,
)
from flowengine.console.change_requests import UNREADABLE_JSON_ERRORS
from flowengine.console.console_settings import ConsoleTokens
from flowengine.console.page_rendering import render_page

log = logging.getLogger(__name__)
MAX_SIGN_IN_BYTES = 10_000


class SignInRequest(msgspec.Struct, frozen=True):
    token: str
    name: str


def build_sign_in_routes(tokens: ConsoleTokens, sessions: SignedSessions) -> list[BaseRoute]:
    async def show_page(request: Request) -> Response:
        return render_page(request, "sign_in.html", has_tokens=tokens.are_set)

    async def sign_in(request: Request) -> Response:
        body = await request.body()
        try:
            wish = msgspec.json.decode(body[:MAX_SIGN_IN_BYTES], type=SignInRequest)
        except UNREADABLE_JSON_ERRORS as error:
            return JSONResponse({"error": str(error)}, 400)
        name, right = wish.name.strip(), find_right(tokens, wish.token)
        if not name or not name.isprintable() or len(name) > MAX_NAME_LENGTH:
            return JSONResponse({"error": "Say who you are: changes are recorded with it."}, 400)
        if right is None:
            peer = request.client.host if request.client else "nowhere"
            log.warning("%r from %s wants to sign in with a wrong token", name, peer)
            return JSONResponse({"error": "This is not the token of this server."}, 403)
        answer = JSONResponse({"may_change": right})
        answer.set_cookie(
            name_cookie(request),
            sessions.issue(name, may_change=right),
            max_age=SESSION_SECONDS,
            httponly=True,
            samesite="strict",
            # a proxy in front may take https and ask here by http; the browser says what it sees
            secure=request.headers.get("origin", "").startswith("https:"),
        )
        return answer

    async def sign_out(request: Request) -> Response:
        if claims := sessions.read(request.cookies.get(name_cookie(request), "")):
            sessions.end(claims)
        answer = JSONResponse({})
        answer.delete_cookie(name_cookie(request), httponly=True, samesite="strict")
        return answer

    return [
        Route("/sign-in", show_page),
        Route("/sign-in", sign_in, methods=["POST"]),
        Route("/sign-out", sign_out, methods=["POST"]),
    ]
