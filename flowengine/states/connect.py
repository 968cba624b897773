"""connect: put the caller through to a phone, a SIP address, an app user, a conference or an audio
stream.
"""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta

from flowengine.expr import EscapeMode, EvalError, Template
from flowengine.limits import MAX_CONFERENCE_ID, MAX_HEADERS_BYTES, MAX_USER_NAME
from flowengine.sinch import Ace, Notify, Pie
from flowengine.source import KeyPath
from flowengine.states.builder import StateBuilder
from flowengine.states.call_headers import compile_headers
from flowengine.states.connect_actions import PreparedAction, prepare_action
from flowengine.states.connect_checks import TARGET_KEYS, check_options
from flowengine.states.connect_options import ConferenceKeys, Connect
from flowengine.states.connect_room import CompiledRoom, compile_room
from flowengine.states.room_plan import ROOM_FACT, EnterRoom, PressInRoom
from flowengine.states.state_kind import StateKind
from flowengine.states.state_results import (
    AnswerCallback,
    AnswerEffects,
    Exit,
    StateFailure,
    StateResult,
)
from flowengine.states.step_context import StepContext
from flowengine.states.verb import DialledText, NoEffect, TextLimit, Verb
from flowengine.svaml import Continue, Hangup

ACTIONS_BY_TARGET = {
    "phone": "connectPstn",
    "sip": "connectSip",
    "app": "connectMxp",
    "conference": "connectConf",
    "stream": "connectStream",
}
NAME_LIMITS = {
    "conference": (MAX_CONFERENCE_ID, "the name of a conference"),
    "app": (MAX_USER_NAME, "the name of an app user"),
}
DETECTION_EXITS = frozenset({"person", "machine", "unsure", "beep"})
EXITS_BY_AMD_STATUS = {"human": "person", "machine": "machine"}
EXAMPLE = """
agents:
  connect:
    phone: "+14045009000"
    ring: 20s
    answered: announce
"""


class CompiledConnect(Verb, msgspec.Struct, frozen=True):
    """Connects the call. `exits` are those that the author wrote."""

    target: str
    prepared_action: PreparedAction
    exits: frozenset[str]
    actions: frozenset[str]
    is_detection_async: bool
    is_detecting_keys: bool
    room: CompiledRoom | None = None
    waits = True
    is_end = True
    ends_call = True
    joins_callee = True

    def enter(self, run: StepContext) -> StateResult:
        try:
            action = self.prepared_action.get_action(run)
            room = self.enter_room(run)
            return AnswerCallback(action, AnswerEffects(room=room) if room else None)
        except (EvalError, ValueError) as error:
            return StateFailure(str(error))

    def resume(self, run: StepContext) -> StateResult:
        event = run.event
        if type(event) is Ace:
            return self.handle_answer(event)
        if type(event) is Notify:
            return self.handle_notice(event)
        if type(event) is Pie and event.type == "sequence" and self.room:
            return self.handle_key(run, event.value)
        return AnswerCallback(
            Hangup() if type(event) is Pie and event.type == "hangup" else Continue()
        )

    def enter_room(self, run: StepContext) -> EnterRoom | None:
        """Tell the conference of the caller. Raises EvalError."""
        if self.room is None:
            return None
        name = self.prepared_action.texts["conference"].render(run.names)
        run.names[ROOM_FACT] = name
        return EnterRoom(self.room.build_plan(run, name))

    def handle_key(self, run: StepContext, key: str) -> StateResult:
        """Tell the conference of a key; the platform wants no answer."""
        name = run.names.get(ROOM_FACT, "")
        if not name or key not in self.room_keys:
            run.notes.append(f"key {key}: does nothing")
            return AnswerCallback(None)
        run.notes.append(f"key {key}")
        return AnswerCallback(None, AnswerEffects(room=PressInRoom(name, key)))

    @property
    def is_in_room(self) -> bool:
        return self.room is not None

    @property
    def may_lead_room(self) -> bool:
        return self.room is not None and self.room.moderator is not False

    @property
    def moderator_option(self) -> str:
        return self.room.moderator_option if self.room else ""

    @property
    def room_keys(self) -> frozenset[str]:
        return frozenset(key for key, _ in self.room.keys) if self.room else frozenset()

    @property
    def has_machine_detection(self) -> bool:
        return not DETECTION_EXITS.isdisjoint(self.exits)

    @property
    def reports_keys(self) -> bool:
        return self.is_detecting_keys

    @property
    def room_name(self) -> Template | None:
        return self.prepared_action.texts["conference"] if self.target == "conference" else None

    def list_dialled_texts(self) -> Iterator[DialledText]:
        texts = self.prepared_action.texts
        for name in ("phone", "caller_id") if self.target == "phone" else ():
            if name in texts:
                yield DialledText((name,), texts[name], is_caller_id=name == "caller_id")

    def list_text_limits(self) -> Iterator[TextLimit]:
        then = "the call takes its error exit"
        name, headers = self.prepared_action.texts[self.target], self.prepared_action.headers
        if self.target in NAME_LIMITS:
            most, what = NAME_LIMITS[self.target]
            yield TextLimit((self.target,), what, most, then, {"": name})
        what = "call headers in bytes"
        yield TextLimit(("headers",), what, MAX_HEADERS_BYTES, then, headers, in_bytes=True)

    def find_no_effects(self, authored: Any, _deadline: float) -> Iterator[NoEffect]:
        """How keys are counted, where they are not."""
        found = authored.get("keys") if isinstance(authored, dict) else None
        options = found if isinstance(found, dict) else {}
        for name in ("max", "timeout") if options.get("mode") in ("ignore", "forward") else ():
            if name in options:
                yield NoEffect(
                    ("keys", name),
                    f"keys are not counted in `mode: {options['mode']}`",
                    "remove it, or use `mode: detect`",
                )
        if self.room:
            yield from self.room.find_no_effects()

    def handle_answer(self, event: Ace) -> StateResult:
        """Handle the ACE. With `detect: async` the verdict comes in a notify, so what ACE says of
        it does not count.
        """
        verdict = (
            ""
            if self.is_detection_async
            else self.find_amd_exit(event.amd.status if event.amd else "")
        )
        for name in (verdict, "answered"):
            if name in self.exits:
                return Exit(name)
        return AnswerCallback(Continue())

    def handle_notice(self, event: Notify) -> StateResult:
        """Handle the late verdict of asynchronous detection. The platform takes no SVAML in answer
        to a notify, so states that follow may send nothing.
        """
        verdict = (
            "beep"
            if event.type == "amd_beep"
            else self.find_amd_exit(event.amd.status if event.amd else "")
        )
        return (
            Exit(verdict)
            if self.is_detection_async and verdict in self.exits
            else AnswerCallback(None)
        )

    def find_amd_exit(self, status: str) -> str:
        if status in ("", "inprogress", "hangup"):
            return ""
        return EXITS_BY_AMD_STATUS.get(status, "unsure")


def compile_connect(
    builder: StateBuilder, path: KeyPath, authored: str | Connect
) -> CompiledConnect | None:
    connect = Connect(phone=authored) if isinstance(authored, str) else authored
    targets = [name for name in TARGET_KEYS if getattr(connect, name) is not UNSET]
    if len(targets) != 1:
        builder.add_problem(
            "FE217",
            path,
            "connect has exactly one of phone, sip, app, conference and stream",
            "two legs are two states",
            at_key=True,
        )
        return None
    target = targets[0]
    check_options(builder, path, connect, target)
    room = compile_room(builder, path, connect) if target == "conference" else None
    add_exits(builder, path, connect)
    texts = {
        name: builder.compile_template(
            path if isinstance(authored, str) else (*path, name),
            getattr(connect, name),
            EscapeMode.PLAIN,
        )
        for name in (target, "caller_id", "dtmf")
        if isinstance(getattr(connect, name), str)
    }
    headers = compile_headers(builder, (*path, "headers"), connect.headers)
    if None in texts.values() or None in headers.values():
        return None
    # None is ruled out above
    wire = prepare_action(builder, path, connect, target, texts, headers)  # type: ignore[arg-type]
    if wire is None:
        return None
    return CompiledConnect(
        target,
        wire,
        frozenset(builder.exits),
        frozenset({ACTIONS_BY_TARGET[target]}),
        is_detection_async=connect.detect == "async",
        is_detecting_keys=is_detecting_keys(connect, target),
        room=room,
    )


def is_detecting_keys(connect: Connect, target: str) -> bool:
    """Whether the platform reports the keys that members of the conference press."""
    keys = connect.keys
    return target == "conference" and isinstance(keys, ConferenceKeys) and keys.mode == "detect"


def add_exits(builder: StateBuilder, path: KeyPath, connect: Connect) -> None:
    late = "notify" if connect.detect == "async" else "ace"
    builder.add_exit("answered", connect.answered, (*path, "answered"), "ace")
    for name in ("person", "machine", "unsure", "beep"):
        builder.add_exit(name, getattr(connect, name), (*path, name), late)  # type: ignore[arg-type]


def summarise_connect(authored: str | Mapping[str, Any]) -> str:
    if isinstance(authored, str):
        return authored
    return next(
        (f"{target} {authored[target]}" for target in TARGET_KEYS if target in authored), ""
    )


CONNECT_KIND = StateKind(
    "connect",
    "Put the caller through",
    EXAMPLE,
    Annotated[
        str | Connect,
        Meta(
            title="connect",
            description="A phone number, or the long form.",
            examples=["+14045009000"],
        ),
    ],
    compile_connect,
    "none",
    shape="connection",
    summarise=summarise_connect,
    is_summary_first=True,
    actions=ACTIONS_BY_TARGET,
    data_keys=frozenset({"headers"}),
    identifying_options=frozenset(TARGET_KEYS),
    expand=lambda authored: Connect(phone=authored) if isinstance(authored, str) else authored,
)
