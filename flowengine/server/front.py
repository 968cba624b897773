"""What stands before Starlette."""

from starlette.applications import Starlette
from starlette.types import Receive, Scope, Send

from flowengine.server.callback import Callback


class Front:
    """Hands callbacks to their endpoint at once, and everything else to Starlette.

    The way through Starlette's layers costs a third of a small request, and a callback needs
    nothing of them.
    """

    def __init__(self, path: str, callback: Callback, others: Starlette) -> None:
        self._paths = (path, path.removesuffix("/") if path.endswith("/") else f"{path}/")
        self.plain_paths = tuple(
            path.encode() for path in self._paths if path.isascii() and "%" not in path
        )
        self.callback = callback
        self._others = others

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The ASGI application."""
        if scope["type"] == "http" and scope["path"] in self._paths and scope["method"] == "POST":
            await self.callback(scope, receive, send)
        else:
            await self._others(scope, receive, send)
