"""The switch itself: who is there, which calls there are, and what happens to them."""

from collections import OrderedDict, deque
from collections.abc import Callable, Mapping
from dataclasses import replace
from math import inf
from random import Random
from typing import Any, Final

from flowengine.svaml import CallHeader
from flowengine.switch.api_error import ApiError
from flowengine.switch.calls import callout_request, dialled_call
from flowengine.switch.calls.call_origin import CallOrigin, DialledTarget
from flowengine.switch.calls.call_record import CallRecord, build_call_record
from flowengine.switch.calls.leg import MANUAL_BEHAVIOUR, Leg, LegKind
from flowengine.switch.calls.switch_call import SwitchCall
from flowengine.switch.clock import Clock
from flowengine.switch.media.audio_line import AudioLine
from flowengine.switch.media.recording import RecordingFiles
from flowengine.switch.media.room import Room, Rooms
from flowengine.switch.parties import find_behaviour
from flowengine.switch.switch_events import SwitchEvent
from flowengine.switch.switch_settings import SwitchSettings
from flowengine.switch.switch_setup import Behaviour, Rate, SwitchSetup
from flowengine.switch.wire import CallbackSender, Transport

MAX_ENDED_CALLS: Final = 2_000
"""So many calls that are over can still be looked at"""
MAX_CALL_RECORDS: Final = 10_000


class Exchange:
    """Takes calls and places them. Everything in it happens in the order of the clock; under the
    same seed, always the same.

    >>> from flowengine.switch.clock import VirtualClock
    >>> from flowengine.switch.wire import DirectTransport, Response
    >>> from flowengine.switch.switch_setup import SwitchApplication, SwitchSetup
    >>> answer = b'{"action": {"name": "hangup"}}'
    >>> clock = VirtualClock()
    >>> setup = SwitchSetup((SwitchApplication("key", "c2VjcmV0", "http://backend/"),))
    >>> backend = DirectTransport(lambda url, headers, body: Response(200, {}, answer))
    >>> exchange = Exchange(setup, clock, SwitchSettings(), backend)
    >>> call = exchange.dial(caller="+14045550199", to="+14045550100")
    >>> clock.run()
    >>> call.ended.reason
    'MANAGERHANGUP'
    """

    def __init__(
        self,
        world: SwitchSetup,
        clock: Clock,
        settings: SwitchSettings,
        transport: Transport,
        *,
        seed: int = 0,
    ) -> None:
        self.setup, self.clock, self.settings = world, clock, settings
        self.applications = {application.key: application for application in world.applications}
        self.numbers = {number.number: number for number in world.numbers}
        self.users = dict(world.users)
        self.parties: dict[str, Behaviour] = dict(world.parties)
        self.rates = list(world.rates)
        self.credit = {application.key: application.credit for application in world.applications}
        self.free_rate = Rate("", 0.0, world.rates[0].currency if world.rates else "EUR")
        """What it costs to be called, and to reach apps"""
        self.rooms = Rooms(clock)
        self.recordings = RecordingFiles()
        self.calls: OrderedDict[str, SwitchCall] = OrderedDict()
        self.call_records: deque[CallRecord] = deque(maxlen=MAX_CALL_RECORDS)
        self.delivery = CallbackSender(clock, settings, transport, self.emit)
        self._listeners: list[Callable[[SwitchEvent], None]] = []
        self._ended_ids: deque[str] = deque()
        self._random = Random(seed)  # noqa: S311 - ids are told apart, not kept secret

    def subscribe(self, onlooker: Callable[[SwitchEvent], None]) -> None:
        """Tell an onlooker of everything that happens from now on."""
        self._listeners.append(onlooker)

    def emit(self, happening: SwitchEvent) -> None:
        """Tell all onlookers."""
        for onlooker in self._listeners:
            onlooker(happening)

    def set_callbacks(self, key: str, primary: str, fallback: str) -> None:
        """Where the callbacks of an application go from now on."""
        self.applications[key] = replace(self.applications[key], primary=primary, fallback=fallback)

    def dial(
        self,
        *,
        caller: str,
        to: str,
        kind: dialled_call.DiallerKind = "phone",
        target: DialledTarget | None = None,
        application: str = "",
        behaviour: Behaviour | None = None,
        custom: str = "",
        call_headers: tuple[CallHeader, ...] = (),
        rdnis: str = "",
        user: str = "",
    ) -> SwitchCall:
        """Let somebody call: a phone, an app or a SIP end. Without a behaviour the caller is driven
        by hand. Raises ApiError.
        """
        key = dialled_call.find_application_key(self, kind, caller, to, application)
        domain = self.settings.app_conference_domain
        origin = dialled_call.build_origin(
            kind, caller, to, target, custom, call_headers, rdnis, user, domain
        )
        call = self._create_call(key, origin)
        call.caller = Leg(call, "caller", kind, caller, behaviour or MANUAL_BEHAVIOUR, origin.cli)
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
        origin = callout_request.parse_callout(
            body, extra_headers or {}, self.settings.custom_callout_events
        )
        if application_key not in self.applications:
            raise ApiError(40004, "Bad request: Application key is invalid")
        credit = self.credit[application_key]
        if credit is not None and credit <= 0:
            raise ApiError(40200, "Not enough credit")
        return self._create_call(application_key, origin).id

    def find_party(self, address: str, kind: LegKind) -> Behaviour:
        """What whoever is reached at an address does."""
        return find_behaviour(address, kind, self.parties, self.users)

    def find_rate(self, number: str) -> Rate:
        """What a minute to a number costs."""
        fitting = [rate for rate in self.rates if number.startswith(rate.prefix)]
        return max(fitting, key=lambda rate: len(rate.prefix), default=self.free_rate)

    def compute_seconds_left(self, call: SwitchCall) -> float:
        """For how long the credit of its application lets a call go on."""
        credit = self.credit[call.application_key]
        return (
            inf
            if credit is None or not call.rate.amount
            else max(0.0, credit / call.rate.amount * 60)
        )

    def list_room_lines(self, room: Room, call_id: str) -> list[AudioLine]:
        """The lines of those in a room who hear this call."""
        listening = (
            self.calls[item["id"]]
            for item in room.list_participants()
            if call_id in room.list_heard_calls(item["id"])
        )
        return [call.controlled_leg.line for call in listening if call.controlled_leg is not None]

    def close_call(self, call: SwitchCall) -> None:
        """A call is over: charge it, and keep its record."""
        credit = self.credit[call.application_key]
        if credit is not None:
            self.credit[call.application_key] = credit - call.debit
        self.call_records.append(build_call_record(call))
        self._ended_ids.append(call.id)
        if len(self._ended_ids) > MAX_ENDED_CALLS:
            self.calls.pop(self._ended_ids.popleft(), None)

    def _create_call(self, key: str, origin: CallOrigin) -> SwitchCall:
        call = SwitchCall(self, self._create_id(), key, origin)
        self.calls[call.id] = call
        self.clock.call_later(0.0, call.begin)
        return call

    def _create_id(self) -> str:
        digits = f"{self._random.getrandbits(128):032x}"
        return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"
