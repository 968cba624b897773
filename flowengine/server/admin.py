"""What the commands do, over HTTP: for whoever has the token, and from this machine alone unless
told otherwise.
"""

import logging
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from starlette.requests import ClientDisconnect, Request
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from flowengine.journal.database import JournalError
from flowengine.limits import MAX_ADMIN_BYTES
from flowengine.releases.archive import Origin
from flowengine.releases.database import ArchiveError
from flowengine.releases.desk import NOTHING, Broken, By, Desk, Done, Wanted, in_git, share_of
from flowengine.releases.git import GitError
from flowengine.releases.ledger import Refused
from flowengine.releases.overview import ProblemSeen, overview, seen
from flowengine.runtime.store import Store
from flowengine.server.access import ADMIN_OPEN, ADMIN_TOKEN, Denied, Door, check_token
from flowengine.server.callback import respond
from flowengine.server.live import Live
from flowengine.server.settings import Settings
from flowengine.server.status import in_use

log = logging.getLogger(__name__)
PREFIX = "/admin"
LONGEST_NAME = 100
NOBODY = "admin"


class Asked(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """What a request says. `note` is why, for the record."""

    note: str = ""


class Named(Asked, kw_only=True):
    """A version: `what` is a kept release by the beginning of its id, or a ref of the repository
    that is served; or `files` by name.
    """

    what: str = ""
    files: dict[str, str] = {}


class Shared(Named, kw_only=True):
    """A canary; `share` as 10%. Without a version, another share for the candidate."""

    share: str


class Drafted(Named, kw_only=True):
    """A draft; `callers` as +46701234567."""

    name: str
    callers: tuple[str, ...]


class Back(Asked, kw_only=True):
    """The release to go back to, by the beginning of its id; without, the one before."""

    release: str = ""


class Ended(Asked, kw_only=True):
    """The draft that is over."""

    name: str


class Verb(NamedTuple):
    """What a verb takes, and what it does."""

    takes: type[Asked]
    do: Callable[[Desk, Any, Wanted, By], Done]


VERBS: Mapping[str, Verb] = {
    "publish": Verb(Named, lambda desk, _asked, wanted, by: desk.publish(wanted, by)),
    "rollback": Verb(Back, lambda desk, asked, _wanted, by: desk.rollback(asked.release, by)),
    "canary": Verb(
        Shared, lambda desk, asked, wanted, by: desk.canary(wanted, share_of(asked.share), by)
    ),
    "promote": Verb(Asked, lambda desk, _asked, _wanted, by: desk.promote(by)),
    "withdraw": Verb(Asked, lambda desk, _asked, _wanted, by: desk.withdraw(by)),
    "draft": Verb(
        Drafted, lambda desk, asked, wanted, by: desk.draft(asked.name, wanted, asked.callers, by)
    ),
    "undraft": Verb(Ended, lambda desk, asked, _wanted, by: desk.undraft(asked.name, by)),
}


class Told(msgspec.Struct, frozen=True, omit_defaults=True):
    """An answer in words."""

    message: str
    release: str = ""
    problems: tuple[ProblemSeen, ...] = ()


class Admin:
    """One endpoint for all verbs; GET shows, POST changes."""

    def __init__(self, door: Door, settings: Settings, live: Live, store: Store) -> None:
        self._door = door
        self._settings = settings
        self._live = live
        self._store = store

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The ASGI endpoint."""
        try:
            status, answer = await self._answered(Request(scope, receive))
        except ClientDisconnect:
            return
        await respond(send, status, msgspec.json.encode(answer))

    async def _answered(self, request: Request) -> tuple[int, Any]:
        try:
            self._door.check(request)
            if request.method != "POST":
                return 200, await self._shown(request.path_params["verb"])
            return 200, await self._changed(request)
        except Denied as denied:
            return denied.status, Told(str(denied))
        except Broken as broken:
            return 422, Told(str(broken), problems=tuple(map(seen, broken.problems)))
        except (Refused, JournalError) as refusal:
            return 409, Told(str(refusal))
        except (OSError, ArchiveError) as error:
            log.exception("what is live could not be changed")
            return 503, Told(f"nothing has changed: {error}")

    async def _shown(self, what: str) -> Any:
        desk = self._live.desk
        if what == "releases":
            needed = await in_use(self._store) or ()
            return await self._live.workshop.run(
                lambda: overview(desk.archive, desk.ledger, needed, time.time())
            )
        if what == "canary":
            found = await self._live.figures()
            if found is None:
                raise Refused("there is no candidate")
            return found
        raise Denied(404, f"{PREFIX} shows releases and canary")

    async def _changed(self, request: Request) -> Told:
        verb = VERBS.get(request.path_params["verb"])
        if verb is None:
            raise Denied(404, f"{PREFIX} knows {', '.join(VERBS)}")
        asked = understood(await body_of(request), verb.takes)
        by = By(name_of(request), asked.note)
        done = await self._live.workshop.run(
            lambda: verb.do(self._live.desk, asked, self._wanted(asked, by), by)
        )
        return Told(done.text, done.release)

    def _wanted(self, asked: Asked, by: By) -> Wanted:
        if not isinstance(asked, Named) or (
            isinstance(asked, Shared) and not (asked.what or asked.files)
        ):
            return NOTHING
        if asked.files and not asked.what:
            return Wanted(
                "",
                {name: text.encode() for name, text in asked.files.items()},
                Origin(f"sent by {by.who}"),
            )
        if asked.files or not asked.what:
            raise Denied(400, "name a version with what, or send its files")
        if kept := self._live.desk.kept(asked.what):
            return Wanted(kept)
        if not self._settings.git:
            raise Refused(f"no kept release begins with {asked.what}")
        try:
            return in_git(Path(self._settings.git), asked.what, self._settings.flows)
        except GitError as error:
            raise Refused(f"no kept release begins with {asked.what}; and {error}") from error


def routes(
    environment: Mapping[str, str], settings: Settings, live: Live, store: Store
) -> list[BaseRoute]:
    """Nothing without a token."""
    token = check_token(environment, ADMIN_TOKEN)
    if not token:
        return []
    door = Door({ADMIN_TOKEN: token}, is_open=environment.get(ADMIN_OPEN) == "1")
    return [
        Route(f"{PREFIX}/{{verb}}", Admin(door, settings, live, store), methods=["GET", "POST"])
    ]


def understood(body: bytes, takes: type[Asked]) -> Asked:
    try:
        return msgspec.json.decode(body or b"{}", type=takes)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise Denied(400, str(error)) from error


def name_of(request: Request) -> str:
    """Who asks, as they say: whoever has the token is believed."""
    name = request.headers.get("x-who", NOBODY).encode("latin-1").decode(errors="replace")
    if not name.isprintable() or not name.strip() or len(name) > LONGEST_NAME:
        raise Denied(400, f"X-Who is a name of at most {LONGEST_NAME} characters")
    return name.strip()


async def body_of(request: Request) -> bytes:
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > MAX_ADMIN_BYTES:
            raise Denied(413, f"a request has at most {MAX_ADMIN_BYTES} bytes")
    return bytes(body)
