"""Which options a connection takes, by what it connects to, and what is wrong with them."""

from msgspec import UNSET

from flowengine.limits import MAX_CALL_SECONDS, MAX_CONFERENCE_KEYS_SECONDS, MAX_RING_SECONDS
from flowengine.source import KeyPath
from flowengine.states.builder import StateBuilder
from flowengine.states.connect_actions import format_caller_id
from flowengine.states.connect_options import Connect

TARGET_KEYS = ("phone", "sip", "app", "conference", "stream")
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
    "conference": {"music", "keys", "moderator", "wait", "until"},
    "stream": {"limit", "headers", "version", "sample_rate"},
}
EXIT_KEYS = ("answered", "person", "machine", "unsure", "beep")
CHECKED_OPTIONS = sorted(set().union(*OPTIONS_BY_TARGET.values()))


def check_options(builder: StateBuilder, path: KeyPath, connect: Connect, target: str) -> None:
    """Options that this kind of leg cannot honour are mistakes, never silently dropped."""
    check_foreign_options(builder, path, connect, target)
    check_durations(builder, path, connect)
    check_caller_id(builder, path, connect.caller_id)
    check_exits(builder, path, connect)


def check_foreign_options(
    builder: StateBuilder, path: KeyPath, connect: Connect, target: str
) -> None:
    for name in CHECKED_OPTIONS:
        is_used = getattr(connect, name) not in (UNSET, False, {})
        if is_used and name not in OPTIONS_BY_TARGET[target]:
            where = " and ".join(kind for kind in TARGET_KEYS if name in OPTIONS_BY_TARGET[kind])
            builder.add_problem(
                "FE413",
                (*path, name),
                f"a connection to {target} has no {name}",
                f"{name} is for {where}",
                at_key=True,
            )


def check_caller_id(builder: StateBuilder, path: KeyPath, caller_id: object) -> None:
    if not isinstance(caller_id, str) or "${" in caller_id:
        return
    if not format_caller_id({"caller_id": caller_id}):
        builder.add_problem(
            "FE415",
            (*path, "caller_id"),
            "this is no phone number",
            "write + and the country code, or `private`",
        )


def check_exits(builder: StateBuilder, path: KeyPath, connect: Connect) -> None:
    """Exits that no call can take with these options."""
    if connect.silent and any(getattr(connect, name) is not UNSET for name in EXIT_KEYS):
        builder.add_problem(
            "FE414",
            (*path, "silent"),
            "a silent connection reports no answer, so these exits can never be taken",
            "remove silent: or the exits",
            at_key=True,
        )
    if connect.detect == "async" and connect.answered is not UNSET:
        message = "with asynchronous detection the verdict comes after `answered` has taken the call elsewhere"
        builder.add_problem(
            "FE414",
            (*path, "answered"),
            message,
            "remove answered:, or use `detect: sync`",
            at_key=True,
        )
    if connect.beep is not UNSET and connect.detect == "sync":
        builder.add_problem(
            "FE414",
            (*path, "beep"),
            "the beep is reported by asynchronous detection only",
            "add `detect: async`",
            at_key=True,
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
    if connect.keys and connect.keys.timeout:
        most = MAX_CONFERENCE_KEYS_SECONDS * 1000
        builder.compile_millis(
            (*path, "keys", "timeout"),
            connect.keys.timeout,
            1000,
            most,
            "how long to wait for the next key",
        )
