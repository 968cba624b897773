"""One call of a load test, in virtual time of its own."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from random import Random
from secrets import randbits
from time import perf_counter
from typing import Final
from urllib.parse import urlsplit

from flowengine.sinch import sign_request
from flowengine.switch.calls.leg import Leg
from flowengine.switch.clock import VirtualClock
from flowengine.switch.exchange import Exchange
from flowengine.switch.load.load_report import LoadCounter
from flowengine.switch.switch_events import (
    AnswerReceived,
    CallbackSent,
    CallEnded,
    LegJoined,
    MenuListening,
    SwitchEvent,
)
from flowengine.switch.switch_settings import SwitchSettings
from flowengine.switch.switch_setup import SwitchSetup
from flowengine.switch.wire import Response, drive_clock
from flowengine.switch.wire.transport import OnReply, Transport

THINK_SECONDS: Final = 1.5  # seconds until a caller presses a key
TALK_SECONDS: Final = 30.0  # seconds that connected callers talk, or stay in a conference or parked
GIVE_UP_SECONDS: Final = 900.0  # seconds after which a caller has had enough, whatever is said
MAX_PRESSED_KEYS: Final = 25  # who has pressed so many is in a loop, and hangs up
RANDOM_DIGITS: Final = "0123456789"
LOAD_SETTINGS: Final = SwitchSettings()


class PoolShare:
    """A call's share of the connection pool: only its own requests hold its time. They are signed
    in the time of the backend.
    """

    def __init__(self, pool: Transport, key: str, secret: str, counter: LoadCounter) -> None:
        self.in_flight = 0
        self.event = ""
        self._pool = pool
        self._key = key
        self._secret = secret
        self._tally = counter
        self._replied = asyncio.Event()

    def post(
        self, url: str, headers: Mapping[str, str], body: bytes, timeout: float, reply: OnReply
    ) -> None:
        """Send a request."""
        self.in_flight += 1
        stamp = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        signature = sign_request(
            self._key,
            self._secret,
            "POST",
            urlsplit(url).path or "/",
            headers["content-type"],
            body,
            stamp,
        )
        done = partial(self._handle_reply, self.event, perf_counter(), reply)
        self._pool.post(
            url, {**headers, "x-timestamp": stamp, "authorization": signature}, body, timeout, done
        )

    def _handle_reply(
        self, event: str, begun: float, reply: OnReply, response: Response | None
    ) -> None:
        self._tally.count_callback(event, perf_counter() - begun)
        self.in_flight -= 1
        self._replied.set()
        reply(response)

    async def wait(self) -> None:
        """Wait for a reply to one of its own requests."""
        self._replied.clear()
        await self._replied.wait()


class SimulatedCaller:
    """Makes one call on a switch of its own, so that nothing of it stays in memory when the call
    has ended.
    """

    def __init__(
        self,
        world: SwitchSetup,
        pool: Transport,
        counter: LoadCounter,
        random: Random,
        talk: Sequence[str],
    ) -> None:
        application = world.applications[0]
        self._clock = VirtualClock(datetime.now(UTC))
        self._share = PoolShare(pool, application.key, application.secret, counter)
        self._exchange = Exchange(
            world, self._clock, LOAD_SETTINGS, self._share, seed=randbits(64)
        )  # ids are new in each run
        self._exchange.subscribe(self._handle_event)
        self._tally = counter
        self._random = random
        self._talk = talk
        self._pressed = 0
        self._leg: Leg | None = None
        self._ended: CallEnded | None = None

    async def place_call(self, to: str) -> None:
        """Make the call, until its last callback is answered."""
        number = f"+1555{self._random.randrange(10_000_000):07}"
        self._leg = self._exchange.dial(caller=number, to=to).caller
        # a call that nothing ends would keep its lane for ever
        patience = self._clock.call_later(GIVE_UP_SECONDS, self._hang_up)
        await drive_clock(self._clock, self._share, lambda: self._ended is not None)
        patience.cancel()
        # DiCE is sent after the end
        await drive_clock(self._clock, self._share, lambda: False)
        self._tally.count_call(self._ended)

    def _handle_event(self, switch_event: SwitchEvent) -> None:
        if isinstance(switch_event, CallbackSent):
            self._share.event = switch_event.event
        elif isinstance(switch_event, AnswerReceived):
            self._tally.count_answer(switch_event)
        elif isinstance(switch_event, MenuListening) and switch_event.role == "caller":
            self._clock.call_later(
                THINK_SECONDS, partial(self._press_keys, self._choose_keys(switch_event))
            )
        elif isinstance(switch_event, LegJoined):
            self._clock.call_later(TALK_SECONDS, self._hang_up)
        elif isinstance(switch_event, CallEnded):
            self._ended = switch_event

    def _choose_keys(self, menu: MenuListening) -> str:
        if self._talk:
            return self._talk[self._pressed] if self._pressed < len(self._talk) else ""
        return choose_keys(menu, self._random)

    def _press_keys(self, keys: str) -> None:
        self._pressed += 1
        if self._pressed > MAX_PRESSED_KEYS:
            self._hang_up()
        elif keys and self._leg is not None:
            self._leg.press(keys)

    def _hang_up(self) -> None:
        if self._leg is not None:
            self._leg.hang_up()


def choose_keys(menu: MenuListening, random: Random) -> str:
    """A key that a menu offers, or as many digits as it takes."""
    if menu.keys:
        return random.choice(menu.keys)
    return "".join(random.choices(RANDOM_DIGITS, k=max(1, menu.digits)))
