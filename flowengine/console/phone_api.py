"""The phone's requests: begin a call, go on with it, save it. Each answers with the call as it stands."""

import os
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Annotated, Any, TypeVar

import msgspec
from anyio import CapacityLimiter
from anyio.to_thread import run_sync
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from flowengine.console.change_requests import UNREADABLE_JSON_ERRORS
from flowengine.phone.browser_call import BrowserCall, to_answer
from flowengine.phone.call_opening import OpeningRefusedError, OpeningRequest, build_call_opening
from flowengine.phone.call_registry import CallForgottenError, CallRegistry, RegisteredCall
from flowengine.phone.call_view import CallView, build_call_view
from flowengine.phone.lookup_answers import (
    ANSWER_HELP,
    FAILURE_NAMES,
    parse_answer,
    to_scenario_data,
)
from flowengine.phone.phone_call import StepRefusedError
from flowengine.phone.phone_project import PhoneProject
from flowengine.phone.scenario_file import choose_scenario_file, create_scenario_file
from flowengine.sources.project_folder import SCENARIO_FOLDER
from flowengine.states.response_body import parse_body

MAX_PHONE_BODY_BYTES = 65536  # of a request: an answer of another system is the longest
MAX_PHONE_THREADS = 8
PlaceFile = Callable[[Path, str, str], Path]
"""The file of a scenario of a flow in a folder"""
LoadLine = Callable[[], PhoneProject]
T = TypeVar("T")


class PhoneRequestError(Exception):
    """A request of the phone that is refused, with the status of the answer."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status


class LineRequest(msgspec.Struct, frozen=True):
    """A line, in the words of the phone in the terminal. `known` are the entries that the page has."""

    line: str
    known: int = 0


class OfferedAnswer(msgspec.Struct, frozen=True):
    """An answer of another system in the words of scenarios."""

    status: Annotated[int, msgspec.Meta(ge=100, le=599)] = 200
    answer: Any = None
    fails: str = ""


class AnswerRequest(msgspec.Struct, frozen=True):
    """An answer to a lookup: one that was offered, or as it was typed."""

    answer: OfferedAnswer | None = None
    text: str = ""
    known: int = 0


class SaveRequest(msgspec.Struct, frozen=True):
    """The scenario of a call, by its name."""

    name: str = ""


class ShownScenario(msgspec.Struct, frozen=True):
    """A scenario, why it would not pass, where it can be written, and where it was."""

    text: str
    faults: list[str]
    place: str
    file: str = ""


class PhoneApi:
    """The calls of all pages. `load_line` has the project as it is now, `folder` is where scenarios
    are written; None where none can be.
    """

    def __init__(self, load_line: LoadLine, folder: Path | None, registry: CallRegistry) -> None:
        self.load_line, self.folder, self.registry = load_line, folder, registry
        # a request waits for its call in a thread: those of other pages stay free
        self.limiter = CapacityLimiter(MAX_PHONE_THREADS)

    def list_routes(self) -> list[BaseRoute]:
        """The routes of the phone's requests."""
        path = "/phone/calls/{call}"
        return [
            Route("/phone/calls", as_endpoint(self.begin_call, self.limiter), methods=["POST"]),
            Route(path, as_endpoint(self.show_call, self.limiter)),
            Route(f"{path}/lines", as_endpoint(self.take_line, self.limiter), methods=["POST"]),
            Route(
                f"{path}/answers", as_endpoint(self.answer_lookup, self.limiter), methods=["POST"]
            ),
            Route(f"{path}/back", as_endpoint(self.step_back, self.limiter), methods=["POST"]),
            Route(
                f"{path}/restart", as_endpoint(self.restart_call, self.limiter), methods=["POST"]
            ),
            Route(
                f"{path}/scenario", as_endpoint(self.show_scenario, self.limiter), methods=["POST"]
            ),
            Route(
                f"{path}/scenario/file", as_endpoint(self.save_call, self.limiter), methods=["POST"]
            ),
        ]

    def begin_call(self, _call: str, body: bytes) -> CallView:
        """Call."""
        wish, line = decode_request(body, OpeningRequest), self.load_line()
        made = self.registry.add(BrowserCall(line, build_call_opening(line, wish), wish=wish))
        return build_call_view(made.id, made.call)

    def show_call(self, call: str, _body: bytes) -> CallView:
        """The call as it stands."""
        found = self.registry.find(call)
        with found.lock:
            return build_call_view(found.id, found.call)

    def take_line(self, call: str, body: bytes) -> CallView:
        """Do something in the call."""
        wish, found = decode_request(body, LineRequest), self.registry.find(call)
        with found.lock:
            found.call.take_line(wish.line)
            return view_after(found, wish.known)

    def answer_lookup(self, call: str, body: bytes) -> CallView:
        """Answer for the system that the flow asks."""
        wish, found = decode_request(body, AnswerRequest), self.registry.find(call)
        with found.lock:
            found.call.answer_lookup(self.read_answer(found.call, wish))
            return view_after(found, wish.known)

    def read_answer(self, call: BrowserCall, wish: AnswerRequest) -> dict[str, Any]:
        """The answer as scenarios have it."""
        if wish.answer is not None:
            offered = wish.answer
            if offered.fails not in FAILURE_NAMES.values():
                raise PhoneRequestError(ANSWER_HELP)
            body = parse_body(msgspec.json.encode(offered.answer))
            return to_answer(offered.status, body, offered.fails)
        awaited = call.run.awaited
        usual = call.line.inputs.list_answers(awaited.place)[0] if awaited else {}
        found = parse_answer(wish.text, usual)
        if found is None:
            raise PhoneRequestError(ANSWER_HELP)
        return to_scenario_data(found)

    def step_back(self, call: str, _body: bytes) -> CallView:
        """Take back the last thing."""
        found = self.registry.find(call)
        with found.lock:
            found.call.step_back()
            return build_call_view(found.id, found.call)

    def restart_call(self, call: str, _body: bytes) -> CallView:
        """Call again, with the flows as they are now."""
        found, line = self.registry.find(call), self.load_line()
        with found.lock:
            wish = found.call.wish
            found.call = BrowserCall(line, build_call_opening(line, wish), wish=wish)
            return build_call_view(found.id, found.call)

    def show_scenario(self, call: str, body: bytes) -> ShownScenario:
        """The call as a scenario, and where it would be written."""
        return self._make_scenario(call, body, choose_place)

    def save_call(self, call: str, body: bytes) -> ShownScenario:
        """The call as a scenario, written into the folder of the flows."""
        shown = self._make_scenario(call, body, write_scenario)
        return msgspec.structs.replace(shown, file=shown.place)

    def _make_scenario(self, call: str, body: bytes, place_file: PlaceFile) -> ShownScenario:
        wish, found = decode_request(body, SaveRequest), self.registry.find(call)
        with found.lock:
            text = found.call.save(wish.name)
            faults = found.call.list_save_faults(text)
            flow = found.call.opening.flow
        if self.folder is None or not os.access(self.folder, os.W_OK):
            return ShownScenario(text, faults, "")
        file = place_file(self.folder, flow, text)
        return ShownScenario(text, faults, file.relative_to(self.folder).as_posix())


def view_after(found: RegisteredCall, known: int) -> CallView:
    """The call with the entries that are new to the page."""
    return build_call_view(found.id, found.call, max(0, known))


def choose_place(folder: Path, flow: str, _text: str) -> Path:
    """Where a scenario would be written."""
    return choose_scenario_file(folder, flow)


def write_scenario(folder: Path, flow: str, text: str) -> Path:
    """Write a scenario to a new file."""
    try:
        return create_scenario_file(folder, flow, text)
    except OSError as error:
        why = error.strerror or type(error).__name__
        raise PhoneRequestError(
            f"no scenario can be written to {SCENARIO_FOLDER}/: {why}", 409
        ) from error


def decode_request(body: bytes, shape: type[T]) -> T:
    """A request as its shape."""
    try:
        return msgspec.json.decode(body, type=shape)
    except UNREADABLE_JSON_ERRORS as error:
        raise PhoneRequestError(str(error)) from error


def as_endpoint(
    handle: Callable[[str, bytes], msgspec.Struct], limiter: CapacityLimiter
) -> Callable[[Request], Awaitable[Response]]:
    """An endpoint that works in a thread of the phone, so that pages and streams stay quick."""

    async def answer(request: Request) -> Response:
        body = await read_body(request)
        if body is None:
            return refuse("the request is too long", 413)
        call = request.path_params.get("call", "")
        try:
            found = await run_sync(partial(handle, call, body), limiter=limiter)
        except CallForgottenError:
            return refuse("This call is forgotten. Call again.", 404)
        except PhoneRequestError as error:
            return refuse(str(error), error.status)
        except (OpeningRefusedError, StepRefusedError) as error:
            return refuse(str(error), 409)
        return Response(msgspec.json.encode(found), media_type="application/json")

    return answer


async def read_body(request: Request) -> bytes | None:
    """The body; None where it is too long."""
    found = bytearray()
    async for chunk in request.stream():
        found += chunk
        if len(found) > MAX_PHONE_BODY_BYTES:
            return None
    return bytes(found)


def refuse(why: str, status: int) -> Response:
    """An answer that says why not."""
    return Response(
        msgspec.json.encode({"error": why}), status_code=status, media_type="application/json"
    )
