"""The resources that the calls of a switch share: clock, settings, applications and numbers, prices
and credit, rooms, recordings, and the listeners to events.
"""

from collections.abc import Callable
from math import inf

from msgspec.structs import replace

from flowengine.switch.clock import Clock
from flowengine.switch.media.recording import RecordingFiles
from flowengine.switch.media.room import Rooms
from flowengine.switch.parties import PartyKind, find_behaviour
from flowengine.switch.switch_events import SwitchEvent
from flowengine.switch.switch_settings import SwitchSettings
from flowengine.switch.switch_setup import Behaviour, Rate, SwitchSetup
from flowengine.switch.wire import CallbackSender, Transport


class SwitchResources:
    """What calls use of the switch. It knows no call, so that the two do not import each other."""

    def __init__(
        self, setup: SwitchSetup, clock: Clock, settings: SwitchSettings, transport: Transport
    ) -> None:
        self.setup, self.clock, self.settings = setup, clock, settings
        self.applications = {application.key: application for application in setup.applications}
        self.numbers = {number.number: number for number in setup.numbers}
        self.users = dict(setup.users)
        self.parties: dict[str, Behaviour] = dict(setup.parties)
        self.rates = list(setup.rates)
        self.credit = {application.key: application.credit for application in setup.applications}
        self.free_rate = Rate("", 0.0, setup.rates[0].currency if setup.rates else "EUR")
        """What it costs to be called, and to reach apps"""
        self.rooms = Rooms(clock)
        self.recordings = RecordingFiles()
        self.delivery = CallbackSender(clock, settings, transport, self.emit)
        self._listeners: list[Callable[[SwitchEvent], None]] = []

    def subscribe(self, listener: Callable[[SwitchEvent], None]) -> None:
        """Call this listener with every event from now on."""
        self._listeners.append(listener)

    def emit(self, event: SwitchEvent) -> None:
        """Call all listeners."""
        for listener in self._listeners:
            listener(event)

    def set_callbacks(self, key: str, primary: str, fallback: str) -> None:
        """Send the callbacks of an application to these URLs from now on."""
        self.applications[key] = replace(self.applications[key], primary=primary, fallback=fallback)

    def find_party(self, address: str, kind: PartyKind) -> Behaviour:
        """What the party at an address does when it is called."""
        return find_behaviour(address, kind, self.parties, self.users)

    def find_rate(self, number: str) -> Rate:
        """What a minute to a number costs."""
        fitting = [rate for rate in self.rates if number.startswith(rate.prefix)]
        # the longest prefix wins, as in every table of rates
        return max(fitting, key=lambda rate: len(rate.prefix), default=self.free_rate)

    def compute_seconds_left(self, application_key: str, rate: Rate) -> float:
        """For how long the credit of an application lets a call at this rate go on."""
        credit = self.credit[application_key]
        return inf if credit is None or not rate.amount else max(0.0, credit / rate.amount * 60)

    def charge(self, application_key: str, amount: float) -> None:
        """Take an amount from the credit of an application, where it is limited."""
        credit = self.credit[application_key]
        if credit is not None:
            self.credit[application_key] = credit - amount
