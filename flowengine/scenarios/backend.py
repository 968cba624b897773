"""The backend of simulated calls: answers the bytes of callbacks in process, by the very step that
the server takes.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from flowengine.compile import Release
from flowengine.runtime.call import Call, dump, restore
from flowengine.runtime.cookie import COOKIE_KEY, MAX_PAYLOAD_BYTES, Codec, derive_key
from flowengine.runtime.step import Entry, Outcome, resume, step
from flowengine.sinch import Event, decode
from flowengine.states import Fetched, Request
from flowengine.svaml import SetCookie, encode

CODEC = Codec((derive_key("a call that nobody makes"),))
Fetch = Callable[[Request], Fetched]


@dataclass(frozen=True, slots=True)
class Step:
    """One callback as it was answered: what came, the way through the flow, and where the call is
    now.
    """

    event: Event
    trace: tuple[Entry, ...]
    call: Call | None
    body: bytes


@dataclass(slots=True)
class Known:
    """What is known of one call: its state as bytes, its steps so far, and the last value that each
    variable was given.
    """

    state: bytes = b""
    steps: list[Step] = field(default_factory=list)
    values: dict[str, Any] = field(default_factory=dict)

    @property
    def call(self) -> Call | None:
        return restore(self.state) if self.state else None


class Backend:
    """One backend for any number of calls. With `cookies_only` the state of a call is nowhere but
    in its cookie.
    """

    def __init__(
        self,
        release: Release,
        fetch: Fetch,
        now: Callable[[], datetime],
        *,
        cookies_only: bool = False,
    ) -> None:
        self.release = release
        self.fetch = fetch
        self.now = now
        self.cookies_only = cookies_only
        self.calls: dict[str, Known] = {}
        self.asking = ("", "")
        """Flow and state of the lookup that is being made"""

    def answer(self, body: bytes) -> bytes:
        """The answer to one callback."""
        event = decode(body)
        known = self.calls.setdefault(event.call_id, Known())
        before = self.carried(event) if self.cookies_only else known.call
        gone = "" if before is None and known.steps else None
        outcome = self.performed(step(self.release, before, event, self.now(), gone))
        known.values.update(changed(self.release, before, outcome))
        known.state = dump(outcome.call) if outcome.call else b""
        answer = encode(
            (*outcome.instructions, *self.cookies(event, outcome, known.state)), outcome.action
        )
        known.steps.append(Step(event, outcome.trace, outcome.call, answer))
        return answer

    def performed(self, outcome: Outcome) -> Outcome:
        while outcome.waiting is not None:
            walk = outcome.waiting.walk
            self.asking = walk.program.flow, walk.cursor.state
            outcome = resume(outcome.waiting, self.fetch(outcome.waiting.request))
        return outcome

    def carried(self, event: Event) -> Call | None:
        payload = CODEC.open(event.cookies.get(COOKIE_KEY, ""), event.call_id)
        return restore(payload) if payload else None

    def cookies(self, event: Event, outcome: Outcome, state: bytes) -> tuple[SetCookie, ...]:
        """The state as a cookie, where the platform takes one and it fits."""
        wanted = (
            self.cookies_only
            and outcome.call is not None
            and outcome.action is not None
            and event.is_awaited
        )
        if not wanted or outcome.call is None or len(state) > MAX_PAYLOAD_BYTES:
            return ()
        return (
            SetCookie(key=COOKIE_KEY, value=CODEC.seal(state, event.call_id, outcome.call.steps)),
        )


def changed(release: Release, before: Call | None, outcome: Outcome) -> Mapping[str, Any]:
    """The variables that a step has given a value, by their bare names."""
    program = release.programs.get(before.flow) if before else None
    old = {**(program.initial if program else {}), **(before.values if before else {})}
    new = {
        name: value
        for name, value in outcome.names.items()
        if name.startswith("vars.") and not name.endswith("~")
    }
    return {
        name.removeprefix("vars."): value
        for name, value in new.items()
        if name not in old or old[name] != value
    }
