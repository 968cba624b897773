"""The exchange: all calls of a switch, dialled and placed."""

from collections import OrderedDict, deque
from collections.abc import Mapping
from datetime import datetime, timedelta
from random import Random
from typing import Any, Final

from flowengine.svaml import CallHeader
from flowengine.switch.api_error import ApiError
from flowengine.switch.calls import callout_request, dialled_call
from flowengine.switch.calls.call_controller import CallController
from flowengine.switch.calls.call_origin import CallOrigin, DialledTarget
from flowengine.switch.calls.call_record import CallRecord, build_call_record
from flowengine.switch.calls.leg import MANUAL_BEHAVIOUR, Leg
from flowengine.switch.calls.switch_call import SwitchCall
from flowengine.switch.clock import Clock
from flowengine.switch.switch_resources import SwitchResources
from flowengine.switch.switch_settings import SwitchSettings
from flowengine.switch.switch_setup import Behaviour, SwitchSetup
from flowengine.switch.wire import Transport

MAX_ENDED_CALLS: Final = 2_000
"""So many calls that are over can still be looked at"""
MAX_CALL_RECORDS: Final = 10_000


class Exchange(SwitchResources):
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
        setup: SwitchSetup,
        clock: Clock,
        settings: SwitchSettings,
        transport: Transport,
        *,
        seed: int = 0,
    ) -> None:
        super().__init__(setup, clock, settings, transport)
        self.calls: OrderedDict[str, SwitchCall] = OrderedDict()
        self.call_records: deque[CallRecord] = deque(maxlen=MAX_CALL_RECORDS)
        self._ended_ids: deque[str] = deque()
        self._recent_callouts: dict[str, deque[datetime]] = {}
        self._random = Random(seed)  # noqa: S311 - ids are told apart, not kept secret

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
        """Dial from a phone, an app or a SIP end. Without a behaviour the caller is driven by hand.
        Raises ApiError.
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
        """Place a call for an application, as the body of a callout says; its id. Raises ApiError."""
        origin = callout_request.parse_callout(
            body, extra_headers or {}, self.settings.custom_callout_events
        )
        if application_key not in self.applications:
            raise ApiError(40004, "Bad request: Application key is invalid")
        credit = self.credit[application_key]
        if credit is not None and credit <= 0:
            raise ApiError(40200, "Not enough credit")
        self._count_callout(application_key)
        return self._create_call(application_key, origin).id

    def _count_callout(self, key: str) -> None:
        """Note the time of a callout, or refuse it: too many came within a second."""
        limit, now = self.settings.callouts_per_second, self.clock.now()
        if not limit:
            return
        recent = self._recent_callouts.setdefault(key, deque())
        while recent and now - recent[0] >= timedelta(seconds=1):
            recent.popleft()
        if len(recent) >= limit:
            raise ApiError(42901, "Velocity exceeded")
        recent.append(now)

    def _create_call(self, key: str, origin: CallOrigin) -> SwitchCall:
        call = SwitchCall(self, self._create_id(), key, origin)
        call.control = controller = CallController(call, self._close_call)
        self.calls[call.id] = call
        # later, so that the one who dials has the call before anything happens to it
        self.clock.call_later(0.0, controller.begin)
        return call

    def _close_call(self, call: SwitchCall) -> None:
        """Charge an ended call and keep its record."""
        self.charge(call.application_key, call.debit)
        self.call_records.append(build_call_record(call))
        self._ended_ids.append(call.id)
        if len(self._ended_ids) > MAX_ENDED_CALLS:
            self.calls.pop(self._ended_ids.popleft(), None)

    def _create_id(self) -> str:
        digits = f"{self._random.getrandbits(128):032x}"
        # in the form of a UUID, as the platform's ids are, but from the seed
        return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"
