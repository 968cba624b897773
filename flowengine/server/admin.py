"""The release commands over HTTP, with a token, and from this machine only unless configured
otherwise.
"""

import logging
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import msgspec
from starlette.requests import ClientDisconnect, Request
from starlette.types import Receive, Scope, Send

from flowengine.journal.journal_error import JournalError
from flowengine.limits import MAX_ADMIN_BYTES
from flowengine.releases.archive_database import ArchiveError
from flowengine.releases.ledger import CommandRefusedError
from flowengine.releases.release_commands import (
    EMPTY_SPEC,
    Actor,
    CommandResult,
    InvalidFlowsError,
    ReleaseCommands,
    ReleaseSpec,
    parse_share,
    read_git_spec,
)
from flowengine.releases.release_overview import (
    ProblemOverview,
    build_overview,
    build_problem_overview,
)
from flowengine.runtime.locate import ReleaseSource
from flowengine.runtime.queue_overview import Groups
from flowengine.server.access import (
    AccessDeniedError,
    TokenAuthorizer,
)
from flowengine.server.callback import is_announced_longer, send_response
from flowengine.server.queue_admin import set_agent_status, show_agents, show_queues
from flowengine.server.release_service import ReleaseService
from flowengine.server.server_settings import ServerSettings
from flowengine.server.status import try_find_needed_releases
from flowengine.sources.flow_source import FlowOrigin
from flowengine.sources.git import GitError
from flowengine.states.queue_plan import AgentStatus
from flowengine.storage.sessions import Store

log = logging.getLogger(__name__)
RequestT = TypeVar("RequestT", bound="AdminRequest")
AGENTS_VERB = "agents"
ADMIN_PREFIX = "/admin"
MAX_ACTOR_LENGTH = 100
DEFAULT_ACTOR = "admin"


class AdminRequest(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The options of every command; `note` goes into the ledger."""

    note: str = ""


class NamedRequest(AdminRequest, kw_only=True):
    """A release: `what` is the prefix of the id of an archived release, or a ref of the served
    repository; instead, `files` are the files of a release by name.
    """

    what: str = ""
    files: dict[str, str] = {}


class CanaryRequest(NamedRequest, kw_only=True):
    """A canary; `share` as in 10%. Without a release the command changes the share of the
    candidate.
    """

    share: str


class DraftRequest(NamedRequest, kw_only=True):
    """A draft; `callers` as in +46701234567."""

    name: str
    callers: tuple[str, ...]


class RollbackRequest(AdminRequest, kw_only=True):
    """The release to roll back to, by the prefix of its id; without one, the previous release."""

    release: str = ""


class EndDraftRequest(AdminRequest, kw_only=True):
    """The draft to end."""

    name: str


class SigningRequest(AdminRequest, kw_only=True):
    """A member of a group who signs in, out, or pauses."""

    group: str
    member: str
    sign: AgentStatus


class AdminVerb(NamedTuple):
    """The request type of a command, and the method that runs it."""

    takes: type[AdminRequest]
    do: Callable[[ReleaseCommands, Any, ReleaseSpec, Actor], CommandResult]


ADMIN_VERBS: Mapping[str, AdminVerb] = {
    "publish": AdminVerb(
        NamedRequest, lambda commands, _asked, wanted, by: commands.publish(wanted, by)
    ),
    "rollback": AdminVerb(
        RollbackRequest, lambda commands, asked, _wanted, by: commands.rollback(asked.release, by)
    ),
    "canary": AdminVerb(
        CanaryRequest,
        lambda commands, asked, wanted, by: commands.set_canary(
            wanted, parse_share(asked.share), by
        ),
    ),
    "promote": AdminVerb(AdminRequest, lambda commands, _asked, _wanted, by: commands.promote(by)),
    "withdraw": AdminVerb(
        AdminRequest, lambda commands, _asked, _wanted, by: commands.withdraw(by)
    ),
    "draft": AdminVerb(
        DraftRequest,
        lambda commands, asked, wanted, by: commands.set_draft(
            asked.name, wanted, asked.callers, by
        ),
    ),
    "undraft": AdminVerb(
        EndDraftRequest, lambda commands, asked, _wanted, by: commands.end_draft(asked.name, by)
    ),
}


class AdminReply(msgspec.Struct, frozen=True, omit_defaults=True):
    """The result of a command as text."""

    message: str
    release: str = ""
    problems: tuple[ProblemOverview, ...] = ()


class AdminEndpoint:
    """One endpoint for all commands; GET shows the releases, POST changes them."""

    def __init__(
        self,
        authorizer: TokenAuthorizer,
        settings: ServerSettings,
        live: ReleaseService,
        store: Store,
        releases: ReleaseSource,
    ) -> None:
        self._authorizer = authorizer
        self._settings = settings
        self._release_service = live
        self._store = store
        self._releases = releases

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The ASGI endpoint."""
        try:
            status, answer = await self._answer_request(Request(scope, receive))
        except ClientDisconnect:
            return
        await send_response(send, status, msgspec.json.encode(answer))

    async def _answer_request(self, request: Request) -> tuple[int, Any]:
        try:
            self._authorizer.authorize_request(request)
            if request.method != "POST":
                return 200, await self._handle_get(request.path_params["verb"])
            return 200, await self._handle_post(request)
        except AccessDeniedError as denied:
            return denied.status, AdminReply(str(denied))
        except InvalidFlowsError as broken:
            return 422, AdminReply(
                str(broken), problems=tuple(map(build_problem_overview, broken.problems))
            )
        except (CommandRefusedError, JournalError) as refusal:
            return 409, AdminReply(str(refusal))
        except (OSError, ArchiveError) as error:
            log.error("the live release could not be changed: %s", error)  # noqa: TRY400
            return 503, AdminReply(f"nothing has changed: {error}")

    async def _handle_get(self, what: str) -> Any:
        commands = self._release_service.release_commands
        if what == "releases":
            needed = await try_find_needed_releases(self._store) or ()
            return await self._release_service.compile_worker.run(
                lambda: build_overview(commands.archive, commands.ledger, needed, time.time())
            )
        if what == "canary":
            found = await self._release_service.load_canary_figures()
            if found is None:
                raise CommandRefusedError("there is no candidate")
            return found
        if what == "queues":
            return await show_queues(self._store, self._groups)
        if what == AGENTS_VERB:
            return await show_agents(self._store, self._groups)
        raise AccessDeniedError(404, f"{ADMIN_PREFIX} shows releases, canary, queues and agents")

    @property
    def _groups(self) -> Groups:
        return self._releases.current.groups

    async def _handle_post(self, request: Request) -> AdminReply:
        if request.path_params["verb"] == AGENTS_VERB:
            return await self._set_agent_status(request)
        verb = ADMIN_VERBS.get(request.path_params["verb"])
        if verb is None:
            known = ", ".join((*ADMIN_VERBS, AGENTS_VERB))
            raise AccessDeniedError(404, f"{ADMIN_PREFIX} knows {known}")
        asked = parse_request(await read_request_body(request), verb.takes)
        by = Actor(read_actor(request), asked.note)
        done = await self._release_service.compile_worker.run(
            lambda: verb.do(
                self._release_service.release_commands,
                asked,
                self._find_release_spec(asked, by),
                by,
            )
        )
        return AdminReply(done.text, done.release)

    async def _set_agent_status(self, request: Request) -> AdminReply:
        asked = parse_request(await read_request_body(request), SigningRequest)
        who = read_actor(request)
        done = await set_agent_status(
            self._store, asked.group, asked.member, asked.sign, self._groups, who
        )
        log.info("%s signs: %s", who, done)
        return AdminReply(done)

    def _find_release_spec(self, asked: AdminRequest, by: Actor) -> ReleaseSpec:
        if not isinstance(asked, NamedRequest) or (
            isinstance(asked, CanaryRequest) and not (asked.what or asked.files)
        ):
            return EMPTY_SPEC
        if asked.files and not asked.what:
            return ReleaseSpec(
                "",
                {name: text.encode() for name, text in asked.files.items()},
                FlowOrigin(f"sent by {by.name}"),
            )
        if asked.files or not asked.what:
            raise AccessDeniedError(400, "name a version with what, or send its files")
        return self._find_named_spec(asked.what)

    def _find_named_spec(self, what: str) -> ReleaseSpec:
        """The archived release with this id, or else the files of the ref with this name."""
        if kept := self._release_service.release_commands.find_release(what):
            return ReleaseSpec(kept)
        if not self._settings.git:
            raise CommandRefusedError(f"no kept release begins with {what}")
        try:
            return read_git_spec(Path(self._settings.git), what, self._settings.flows)
        except GitError as error:
            raise CommandRefusedError(f"no kept release begins with {what}; and {error}") from error


def parse_request(body: bytes, takes: type[RequestT]) -> RequestT:
    try:
        return msgspec.json.decode(body or b"{}", type=takes)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise AccessDeniedError(400, str(error)) from error


def read_actor(request: Request) -> str:
    """The name of the actor as the request gives it. The server does not verify the name: the token
    is the proof.
    """
    name = request.headers.get("x-who", DEFAULT_ACTOR).encode("latin-1").decode(errors="replace")
    if not name.isprintable() or not name.strip() or len(name) > MAX_ACTOR_LENGTH:
        raise AccessDeniedError(400, f"X-Who is a name of at most {MAX_ACTOR_LENGTH} characters")
    return name.strip()


async def read_request_body(request: Request) -> bytes:
    too_long = AccessDeniedError(413, f"a request has at most {MAX_ADMIN_BYTES} bytes")
    if is_announced_longer(request.headers.raw, MAX_ADMIN_BYTES):
        raise too_long
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > MAX_ADMIN_BYTES:
            raise too_long
    return bytes(body)
