"""The switch itself: who is there, which calls there are, and what happens to them."""

from collections import OrderedDict, deque
from collections.abc import Callable, Mapping
from dataclasses import replace
from math import inf
from random import Random
from typing import Any, Final

from flowengine.svaml import CallHeader
from flowengine.switch.calls import callout, dialling
from flowengine.switch.calls.call import Call
from flowengine.switch.calls.leg import BY_HAND, Kind, Leg
from flowengine.switch.calls.origin import Origin, Target
from flowengine.switch.calls.record import CallRecord, record_of
from flowengine.switch.clock import Clock
from flowengine.switch.errors import ApiError
from flowengine.switch.happenings import Happening
from flowengine.switch.media.line import Line
from flowengine.switch.media.recording import Recordings
from flowengine.switch.media.room import Room, Rooms
from flowengine.switch.parties import found
from flowengine.switch.settings import Settings
from flowengine.switch.wire import Delivery, Transport
from flowengine.switch.world import Behaviour, Rate, World

ENDED_KEPT: Final = 2_000
"""So many calls that are over can still be looked at"""
RECORDS_KEPT: Final = 10_000


class Exchange:
    """Takes calls and places them. Everything in it happens in the order of the clock; under the
    same seed, always the same.

    >>> from flowengine.switch.clock import VirtualClock
    >>> from flowengine.switch.wire import Direct, Response
    >>> from flowengine.switch.world import Application, World
    >>> answer = b'{"action": {"name": "hangup"}}'
    >>> clock = VirtualClock()
    >>> world = World((Application("key", "c2VjcmV0", "http://backend/"),))
    >>> backend = Direct(lambda url, headers, body: Response(200, {}, answer))
    >>> exchange = Exchange(world, clock, Settings(), backend)
    >>> call = exchange.dial(caller="+14045550199", to="+14045550100")
    >>> clock.run()
    >>> call.ended.reason
    'MANAGERHANGUP'
    """

    def __init__(
        self, world: World, clock: Clock, settings: Settings, transport: Transport, *, seed: int = 0
    ) -> None:
        self.world, self.clock, self.settings = world, clock, settings
        self.applications = {application.key: application for application in world.applications}
        self.numbers = {number.number: number for number in world.numbers}
        self.users = dict(world.users)
        self.parties: dict[str, Behaviour] = dict(world.parties)
        self.rates = list(world.rates)
        self.credit = {application.key: application.credit for application in world.applications}
        self.free = Rate("", 0.0, world.rates[0].currency if world.rates else "EUR")
        """What it costs to be called, and to reach apps"""
        self.rooms = Rooms(clock)
        self.recordings = Recordings()
        self.calls: OrderedDict[str, Call] = OrderedDict()
        self.reports: deque[CallRecord] = deque(maxlen=RECORDS_KEPT)
        self.delivery = Delivery(clock, settings, transport, self.happen)
        self._watchers: list[Callable[[Happening], None]] = []
        self._over: deque[str] = deque()
        self._random = Random(seed)  # noqa: S311 - ids are told apart, not kept secret

    def watch(self, onlooker: Callable[[Happening], None]) -> None:
        """Tell an onlooker of everything that happens from now on."""
        self._watchers.append(onlooker)

    def happen(self, happening: Happening) -> None:
        """Tell all onlookers."""
        for onlooker in self._watchers:
            onlooker(happening)

    def set_callbacks(self, key: str, primary: str, fallback: str) -> None:
        """Where the callbacks of an application go from now on."""
        self.applications[key] = replace(self.applications[key], primary=primary, fallback=fallback)

    def dial(
        self,
        *,
        caller: str,
        to: str,
        kind: dialling.Dialler = "phone",
        target: Target | None = None,
        application: str = "",
        behaviour: Behaviour | None = None,
        custom: str = "",
        call_headers: tuple[CallHeader, ...] = (),
        rdnis: str = "",
        user: str = "",
    ) -> Call:
        """Let somebody call: a phone, an app or a SIP end. Without a behaviour the caller is driven
        by hand. Raises ApiError.
        """
        key = dialling.reached(self, kind, caller, to, application)
        domain = self.settings.app_conference_domain
        origin = dialling.origin_of(
            kind, caller, to, target, custom, call_headers, rdnis, user, domain
        )
        call = self._new(key, origin)
        call.caller = Leg(call, "caller", kind, caller, behaviour or BY_HAND, origin.cli)
        return call

    def callout(
        self,
        application_key: str,
        body: Mapping[str, Any],
        extra_headers: Mapping[str, str] | None = None,
    ) -> str:
        """Call somebody on behalf of an application, as the body of a callout says; its id. Raises
        ApiError.
        """
        origin = callout.origin_of(body, extra_headers or {}, self.settings.custom_callout_events)
        if application_key not in self.applications:
            raise ApiError(40004, "Bad request: Application key is invalid")
        credit = self.credit[application_key]
        if credit is not None and credit <= 0:
            raise ApiError(40200, "Not enough credit")
        return self._new(application_key, origin).id

    def party(self, address: str, kind: Kind) -> Behaviour:
        """What whoever is reached at an address does."""
        return found(address, kind, self.parties, self.users)

    def rate(self, number: str) -> Rate:
        """What a minute to a number costs."""
        fitting = [rate for rate in self.rates if number.startswith(rate.prefix)]
        return max(fitting, key=lambda rate: len(rate.prefix), default=self.free)

    def seconds_left(self, call: Call) -> float:
        """For how long the credit of its application lets a call go on."""
        credit = self.credit[call.application_key]
        return (
            inf
            if credit is None or not call.rate.amount
            else max(0.0, credit / call.rate.amount * 60)
        )

    def heard_in(self, room: Room, call_id: str) -> list[Line]:
        """The lines of those in a room who hear this call."""
        listening = (
            self.calls[item["id"]]
            for item in room.participants()
            if call_id in room.hears(item["id"])
        )
        return [call.controlled.line for call in listening if call.controlled is not None]

    def closed(self, call: Call) -> None:
        """A call is over: charge it, and keep its record."""
        credit = self.credit[call.application_key]
        if credit is not None:
            self.credit[call.application_key] = credit - call.debit
        self.reports.append(record_of(call))
        self._over.append(call.id)
        if len(self._over) > ENDED_KEPT:
            self.calls.pop(self._over.popleft(), None)

    def _new(self, key: str, origin: Origin) -> Call:
        call = Call(self, self._new_id(), key, origin)
        self.calls[call.id] = call
        self.clock.later(0.0, call.begin)
        return call

    def _new_id(self) -> str:
        digits = f"{self._random.getrandbits(128):032x}"
        return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"
