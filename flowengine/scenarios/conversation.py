r"""A call in virtual time, from both ends of the line: what phones, scenarios and tests in Python drive calls with.

>>> from flowengine.compile import compile_project
>>> flow = b"flow: line\nstart: hello\nstates:\n  hello: {say: Hello., hangup: }\n"
>>> talk = in_process(compile_project({"line.yaml": flow}).release)
>>> talk.dial("+14045550199", "+14045550100")
>>> talk.text(), talk.over
('Hello.', True)
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal

import msgspec

from flowengine.compile import Release
from flowengine.scenarios.backend import Backend, Fetch, Known
from flowengine.scenarios.opening import APPLICATION
from flowengine.states import Fetched
from flowengine.switch.calls import Call, Leg
from flowengine.switch.clock import MONDAY_MORNING, VirtualClock
from flowengine.switch.exchange import Exchange
from flowengine.switch.happenings import (
    Asked,
    Asks,
    Ended,
    Happening,
    Heard,
    Joined,
    Left,
    Picked,
    Remark,
    Ringing,
    Role,
    Told,
)
from flowengine.switch.settings import Settings
from flowengine.switch.wire.transport import Blocking, Direct, Response, Transport
from flowengine.switch.world import Application, Behaviour, World

# of an application that exists in simulated calls only
SECRET = "c2ltdWxhdGVkIGNhbGxzIG9ubHk="  # noqa: S105
LONGEST = 86_400.0  # virtual seconds: no call and no notice after it takes longer
JSON = {"content-type": "application/json"}
Who = Literal["human", "machine", "notsure"]
End = Literal["near", "far"]


class NotPossible(Exception):  # noqa: N818  # named for what it says of the step
    """What was to be done cannot be done at this point of the call."""


@dataclass(frozen=True, slots=True)
class Moment:
    """A line of the transcript: when, who, and what."""

    seconds: float
    who: str
    what: str


class Conversation:
    """One call. After everything that is done, time passes until somebody else would have to do
    something.
    """

    def __init__(
        self, exchange: Exchange, clock: VirtualClock, backend: Backend | None = None
    ) -> None:
        self.exchange = exchange
        self.clock = clock
        self.backend = backend
        self.happenings: list[Happening] = []
        self.transcript: list[Moment] = []
        self.sounds: dict[End, list[str]] = {"near": [], "far": []}
        self.phase = ""
        self._call: Call | None = None
        self._leg: Leg | None = None
        self._role: Role = "caller"
        self._waiting = 0
        exchange.watch(self._saw)

    @property
    def call(self) -> Call:
        """The call that was dialled or placed."""
        if self._call is None:
            raise NotPossible("nobody has called yet")
        return self._call

    @property
    def known(self) -> Known | None:
        """What the backend in this process knows of the call."""
        return self.backend.calls.get(self.call.id) if self.backend and self._call else None

    @property
    def over(self) -> bool:
        return self.call.ended is not None

    def dial(self, caller: str, to: str, **how: Any) -> None:
        """Call; `how` is what `Exchange.dial` takes besides."""
        self._role = "caller"
        self._note("caller", f"dials {to}")
        self._call = self.exchange.dial(caller=caller, to=to, **how)
        self._leg = self._call.caller
        self.settle()

    def place(self, application: str, body: Mapping[str, Any]) -> None:
        """Have a call placed by a callout request; whoever is called is then the near end."""
        self._role = "callee"
        self._note("platform", f"places a call: {body.get('method', '')}")
        self._call = self.exchange.calls[self.exchange.callout(application, body)]
        self.settle()

    def press(self, keys: str) -> bool:
        """Press keys at the near end; False when nobody listens to them."""
        return self._did(self.near(), f"presses {keys}", lambda leg: leg.press(keys))

    def say(self, text: str) -> bool:
        """Speak at the near end, until it is clear that this was all; False when nobody listens."""
        leg = self.near()
        asking = leg is not None and leg.asking
        heard = self._did(leg, f'says "{text}"', lambda leg: leg.say(text))
        if heard and asking:
            self.stay_silent()
        return heard

    def hang_up(self) -> None:
        """Hang up at the near end."""
        self._did(self.near(), "hangs up", Leg.hang_up)

    def wait(self, seconds: float) -> None:
        """Let so much time pass, and no more."""
        self.clock.pass_time(seconds)

    def stay_silent(self) -> None:
        """Let time pass until the backend hears of the silence, or the call is over."""
        asked = self._asks()
        self.clock.run(lambda: self._asks() > asked or self.over)
        self.settle()

    def answer(self, who: Who = "human") -> None:
        """Whoever is called answers; `who` is what machine detection finds."""
        leg = self.far()
        if leg is not None:
            leg.behaviour = replace(leg.behaviour, who=who)
        self._did(
            leg,
            {"human": "answers", "machine": "is a machine", "notsure": "may be a machine"}[who],
            Leg.answer,
        )

    def reject(self, how: Literal["busy", "decline", "congestion", "no answer"]) -> None:
        """Whoever is called does not answer."""
        self._did(
            self.far(),
            {"decline": "declines", "no answer": "does not answer"}.get(how, how),
            lambda leg: leg.reject(how),
        )

    def callee_press(self, keys: str) -> bool:
        return self._did(self.far(), f"presses {keys}", lambda leg: leg.press(keys))

    def callee_say(self, text: str) -> bool:
        return self._did(self.far(), f'says "{text}"', lambda leg: leg.say(text))

    def callee_hang_up(self) -> None:
        self._did(self.far(), "hangs up", Leg.hang_up)

    def manage(self, svaml: Mapping[str, Any]) -> None:
        """What a system does with the call from outside: SVAML, as the platform's API takes it."""
        self._note("platform", f"is told to {svaml.get('action', {}).get('name', 'go on')}")
        self.call.patch(msgspec.json.encode(svaml))
        self.settle()

    def settle(self) -> None:
        """Let time pass until somebody is asked something, rings, talks or waits, with nothing
        being spoken; or the call is over.
        """
        limit = self.clock.seconds + LONGEST
        self.clock.run(lambda: self._quiet() or self.clock.seconds > limit)

    def finish(self) -> None:
        """Hang up where nobody has, and wait for all that comes after the end of a call."""
        if not self.over:
            self.hang_up()
        limit = self.clock.seconds + LONGEST
        self.clock.run(lambda: self.clock.seconds > limit)

    def text(self, end: End = "near") -> str:
        """All that was heard at one end, in order."""
        return " ".join(self.sounds[end])

    def near(self) -> Leg | None:
        """Who has called; of a placed call whoever was called, also when it is connected further."""
        if self._leg is None and self._call is not None:
            self._leg = self._call.caller or self._call.callee
        return self._leg

    def far(self) -> Leg | None:
        """Who was called last."""
        return self.call.callee

    def _quiet(self) -> bool:
        if self.over:
            return True
        if self.phase in ("", "picked") or self._waiting or self.clock.due() == 0:
            return False
        legs = (self.call.caller, self.call.callee)
        return not any(leg.line.speaking for leg in legs if leg is not None)

    def _did(self, leg: Leg | None, what: str, do: Callable[[Leg], Any]) -> bool:
        if self.over or leg is None:
            raise NotPossible("the call is over" if self.over else "nobody is being called")
        self._note(leg.role, what)
        done = do(leg)
        self.settle()
        return done is not False

    def _near_role(self) -> Role:
        leg = self.near()
        return leg.role if leg else self._role

    def _note(self, who: str, what: str) -> None:
        self.transcript.append(Moment(self.clock.seconds, who, what))

    def _asks(self) -> int:
        return sum(isinstance(item, Asks) for item in self.happenings)

    def _saw(self, happening: Happening) -> None:
        if self._call is not None and happening.call != self._call.id:
            return
        self.happenings.append(happening)
        if (
            isinstance(happening, Heard)
            and happening.sound.text
            and happening.sound.kind != "ringing"
        ):
            self.sounds["near" if happening.role == self._near_role() else "far"].append(
                happening.sound.text
            )
        self._waiting += isinstance(happening, Asks) - isinstance(happening, Told)
        self.phase = phase(happening, self.phase)
        if said := sentence(happening):
            self._note(*said)


def phase(happening: Happening, before: str) -> str:
    """What a call is at from now on."""
    if isinstance(happening, Picked) and happening.role == "callee":
        return "picked"
    if isinstance(happening, Told) and happening.event == "ace" and before == "picked":
        return "joined"  # also where a placed call has nobody at its other end
    return {Asked: "asked", Ringing: "ringing", Joined: "joined", Ended: "ended"}.get(
        type(happening), before
    )


def sentence(happening: Happening) -> tuple[str, str] | None:
    """Who does what, for the transcript."""
    if isinstance(happening, Heard):
        sound = happening.sound
        return (
            happening.role,
            f'hears "{sound.text}"'
            if sound.kind == "speech"
            else f"hears {sound.kind} {sound.text}".rstrip(),
        )
    if isinstance(happening, Told):
        why = happening.failure or "; ".join(item.message for item in happening.illegal)
        return ("platform", f"refuses the answer to {happening.event}: {why}") if why else None
    if isinstance(happening, Remark):
        found = "; ".join(item.message for item in happening.illegal + happening.tolerated)
        return "platform", f"remarks on {happening.about}: {found}"
    if isinstance(happening, Left):
        return happening.role, "is gone"
    return ("platform", progress(happening)) if progress(happening) else None


def progress(happening: Happening) -> str:
    """How a call goes on."""
    if isinstance(happening, Ringing):
        return f"calls {happening.to}"
    if isinstance(happening, Joined):
        return f"connects to {happening.to}" if happening.to else f"joins {happening.kind}"
    return (
        f"ends the call: {happening.result}, {happening.reason}"
        if isinstance(happening, Ended)
        else ""
    )


def in_process(
    release: Release,
    *,
    fetch: Fetch = lambda _: Fetched(0, error="refused"),
    begin: datetime = MONDAY_MORNING,
    settings: Settings | None = None,
    seed: int = 0,
    cookies_only: bool = False,
    application: str = APPLICATION,
) -> Conversation:
    """A conversation with a release in this very process. Whoever is called is driven by hand."""
    clock = VirtualClock(begin)
    backend = Backend(release, fetch, clock.now, cookies_only=cookies_only)
    transport = Direct(lambda _url, _headers, body: Response(200, JSON, backend.answer(body)))
    return Conversation(
        exchange(clock, transport, "http://in-process/callbacks", application, settings, seed),
        clock,
        backend,
    )


@contextmanager
def over_http(
    url: str,
    *,
    application: str,
    secret: str,
    begin: datetime = MONDAY_MORNING,
    settings: Settings | None = None,
) -> Iterator[Conversation]:
    """A conversation with any backend that takes callbacks at this URL. Time stands still while it
    answers.
    """
    clock, transport = VirtualClock(begin), Blocking()
    try:
        yield Conversation(exchange(clock, transport, url, application, settings, 0, secret), clock)
    finally:
        transport.close()


def exchange(
    clock: VirtualClock,
    transport: Transport,
    url: str,
    application: str,
    settings: Settings | None,
    seed: int,
    secret: str = SECRET,
) -> Exchange:
    """A switch with one application, to which every number leads."""
    world = World(
        applications=(Application(application, secret, url),), parties={"": Behaviour("by hand")}
    )
    return Exchange(world, clock, settings or Settings(), transport, seed=seed)
