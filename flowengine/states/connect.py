"""connect: put the caller through to a phone, a SIP address, an app user, a conference or an audio
stream.
"""

from dataclasses import dataclass

from msgspec import UNSET

from flowengine.expr import EscapeMode, EvalError
from flowengine.limits import MAX_CALL_SECONDS, MAX_CONFERENCE_KEYS_SECONDS, MAX_RING_SECONDS
from flowengine.sinch import Ace, Notify, Pie
from flowengine.source import KeyPath
from flowengine.states.builder import StateBuilder
from flowengine.states.call_headers import compile_headers
from flowengine.states.connect_actions import PreparedAction, format_caller_id, prepare_action
from flowengine.states.connect_options import Connect
from flowengine.states.state_results import AnswerCallback, Exit, StateFailure, StateResult
from flowengine.states.step_context import StepContext
from flowengine.svaml import Continue, Hangup

TARGET_KEYS = ("phone", "sip", "app", "conference", "stream")
ACTIONS_BY_TARGET = {
    "phone": "connectPstn",
    "sip": "connectSip",
    "app": "connectMxp",
    "conference": "connectConf",
    "stream": "connectStream",
}
EXITS_BY_AMD_STATUS = {"human": "person", "machine": "machine"}
EXAMPLE = """
agents:
  connect:
    phone: "+14045009000"
    ring: 20s
    answered: announce
"""


@dataclass(frozen=True, slots=True)
class CompiledConnect:
    """A connection at work. `add_exits` are those that the author wrote."""

    target: str
    prepared_action: PreparedAction
    exits: frozenset[str]
    actions: frozenset[str]
    is_detection_async: bool
    waits: bool = True

    def enter(self, run: StepContext) -> StateResult:
        try:
            return AnswerCallback(self.prepared_action.get_action(run))
        except (EvalError, ValueError) as error:
            return StateFailure(str(error))

    def resume(self, run: StepContext) -> StateResult:
        event = run.event
        if type(event) is Ace:
            return self.handle_answer(event)
        if type(event) is Notify:
            return self.handle_notice(event)
        return AnswerCallback(
            Hangup() if type(event) is Pie and event.type == "hangup" else Continue()
        )

    def handle_answer(self, event: Ace) -> StateResult:
        """With `detect: async` the verdict comes as a notice: whatever stands here is none yet."""
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
        """The late verdict of asynchronous detection; there is nothing to answer, only things to
        do.
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
    given = [name for name in TARGET_KEYS if getattr(connect, name) is not UNSET]
    if len(given) != 1:
        builder.add_problem(
            "FE217",
            path,
            "connect has exactly one of phone, sip, app, conference and stream",
            "two legs are two states",
        )
        return None
    target = given[0]
    check_options(builder, path, connect, target)
    add_exits(builder, path, connect)
    fields = [
        name for name in (target, "caller_id", "dtmf") if isinstance(getattr(connect, name), str)
    ]
    at = path[:-1] if isinstance(authored, str) else path
    texts = {
        name: builder.compile_template(
            path if isinstance(authored, str) else (*at, name),
            getattr(connect, name),
            EscapeMode.PLAIN,
        )
        for name in fields
    }
    headers = compile_headers(builder, (*path, "headers"), connect.headers)
    if None in texts.values() or None in headers.values():
        return None
    # None is ruled out above
    wire = prepare_action(builder, path, connect, target, texts, headers)  # type: ignore[arg-type]
    late = connect.detect == "async"
    return (
        CompiledConnect(
            target, wire, frozenset(builder.exits), frozenset({ACTIONS_BY_TARGET[target]}), late
        )
        if wire
        else None
    )


OPTIONS_BY_TARGET = {
    "phone": {
        "caller_id",
        "ring",
        "limit",
        "dtmf",
        "indications",
        "silent",
        "answered",
        "person",
        "machine",
        "unsure",
        "beep",
    },
    "sip": {"caller_id", "limit", "transport", "headers", "music", "silent", "answered"},
    "app": {"headers"},
    "conference": {"music", "keys"},
    "stream": {"limit", "headers", "version", "sample_rate"},
}
CHECKED_OPTIONS = sorted(set().union(*OPTIONS_BY_TARGET.values()))


def check_options(builder: StateBuilder, path: KeyPath, connect: Connect, target: str) -> None:
    """Options that this kind of leg cannot honour are mistakes, never silently dropped."""
    for name in CHECKED_OPTIONS:
        if (
            getattr(connect, name) not in (UNSET, False, {})
            and name not in OPTIONS_BY_TARGET[target]
        ):
            where = " and ".join(kind for kind in TARGET_KEYS if name in OPTIONS_BY_TARGET[kind])
            builder.add_problem(
                "FE413",
                (*path, name),
                f"a connection to {target} has no {name}",
                f"{name} is for {where}",
            )
    check_durations(builder, path, connect)
    shown = connect.caller_id
    if isinstance(shown, str) and "${" not in shown and not format_caller_id({"caller_id": shown}):
        builder.add_problem(
            "FE415",
            (*path, "caller_id"),
            "this is no phone number",
            "write + and the country code, or `private`",
        )
    if connect.silent and any(
        getattr(connect, name) is not UNSET
        for name in ("answered", "person", "machine", "unsure", "beep")
    ):
        builder.add_problem(
            "FE414",
            (*path, "silent"),
            "a silent connection reports no answer, so these exits can never be taken",
            "remove silent: or the exits",
        )
    if connect.detect == "async" and connect.answered is not UNSET:
        message = "with asynchronous detection the verdict comes after `answered` has taken the call elsewhere"
        builder.add_problem(
            "FE414", (*path, "answered"), message, "remove answered:, or use `detect: sync`"
        )
    if connect.beep is not UNSET and connect.detect == "sync":
        builder.add_problem(
            "FE414",
            (*path, "beep"),
            "the beep is reported by asynchronous detection only",
            "add `detect: async`",
        )


def check_durations(builder: StateBuilder, path: KeyPath, connect: Connect) -> None:
    if isinstance(connect.limit, str):
        builder.compile_seconds(
            (*path, "limit"),
            connect.limit,
            MAX_CALL_SECONDS,
            "how long the platform lets a call last",
        )
    if isinstance(connect.ring, str):
        builder.compile_seconds(
            (*path, "ring"), connect.ring, MAX_RING_SECONDS, "how long it may ring"
        )
    if connect.keys:
        most = MAX_CONFERENCE_KEYS_SECONDS * 1000
        builder.compile_millis(
            (*path, "keys", "timeout"),
            connect.keys.timeout,
            1000,
            most,
            "how long to wait for the next key",
        )


def add_exits(builder: StateBuilder, path: KeyPath, connect: Connect) -> None:
    late = "notify" if connect.detect == "async" else "ace"
    builder.add_exit("answered", connect.answered, (*path, "answered"), "ace")
    for name in ("person", "machine", "unsure", "beep"):
        builder.add_exit(name, getattr(connect, name), (*path, name), late)  # type: ignore[arg-type]
