"""The switch as the platform: what it sends again as it got no answer in time, and keys pressed at
the same moment. `sinch voice` makes the fallback the same as the primary, so one server gets both.
"""

from pathlib import Path

import pytest

from flowengine.storage.sessions import SqliteStore
from flowengine.switch.calls.switch_call import SwitchCall
from flowengine.switch.clock import VirtualClock
from flowengine.switch.exchange import Exchange
from flowengine.switch.switch_events import AnswerReceived, CallbackSent, SwitchEvent
from flowengine.switch.switch_settings import SwitchSettings
from flowengine.switch.switch_setup import Number, SwitchApplication, SwitchSetup
from flowengine.switch.wire.transport import BlockingTransport
from tests.server.callback_workers import Workers, compile_line, serving
from tests.server.test_repeated_callbacks import FLOW

LINE, TIMEOUT = "+12017777777", 0.4


class Platform:
    """A switch whose backends are these workers, the second one as the fallback."""

    def __init__(self, workers: Workers, *, cookies: bool) -> None:
        primary, fallback = f"{workers.urls[0]}/sinch", f"{workers.urls[-1]}/sinch"
        self.clock = VirtualClock()
        world = SwitchSetup(
            (SwitchApplication("app", "c2VjcmV0", primary, fallback),), (Number(LINE, "app"),)
        )
        settings = SwitchSettings(callback_timeout=TIMEOUT, cookies=cookies)
        self.transport = BlockingTransport()
        self.exchange = Exchange(world, self.clock, settings, self.transport)
        self.happened: list[SwitchEvent] = []
        self.exchange.subscribe(self.happened.append)

    def dial(self) -> SwitchCall:
        call = self.exchange.dial(caller="+12015555555", to=LINE)
        self.clock.advance(0.1)
        return call

    def press(self, call: SwitchCall, keys: str) -> None:
        assert call.caller
        for key in keys:
            assert call.caller.press(key)
        self.clock.advance(2.0)

    def asks(self, event: str) -> int:
        return sum(isinstance(item, CallbackSent) and item.event == event for item in self.happened)

    def failures(self) -> list[str]:
        return [
            item.failure
            for item in self.happened
            if isinstance(item, AnswerReceived) and item.failure
        ]


@pytest.mark.parametrize("cookies", [True, False], ids=["cookies", "no cookies"])
@pytest.mark.parametrize("count", [1, 2], ids=["one worker", "two workers"])
def test_switch_sends_again_after_its_time_out_and_nothing_is_done_twice(
    tmp_path: Path, count: int, cookies: bool
) -> None:
    release = compile_line(FLOW, 1.5)
    with serving(release, lambda: SqliteStore(tmp_path / "db"), count, signed=False) as workers:
        platform = Platform(workers, cookies=cookies)
        call = platform.dial()
        platform.press(call, "3")
        assert platform.failures() == [f"no answer within {TIMEOUT} seconds"]
        assert platform.asks("pie") == 2
        assert len(workers.service.asked("/slow")) == 1
        platform.press(call, "2")
        platform.press(call, "777")
        assert platform.asks("pie") == 6
        assert len(workers.service.asked("/pressed")) == 3
        assert call.caller
        call.caller.hang_up()
        platform.clock.run()
        assert len(workers.service.asked("/ended")) == 1
        platform.transport.close()
