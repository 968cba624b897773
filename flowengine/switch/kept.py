"""What the store holds of a switch, brought back into it when it starts, and kept up to date while
it runs.
"""

from typing import Any

import msgspec

from flowengine.switch.exchange import Exchange
from flowengine.switch.media.recording import Recording, Recordings
from flowengine.switch.store import Store
from flowengine.switch.world import Number

MAX_REPORTS = 100_000


class Report(msgspec.Struct):
    """A call that is over: CallInfo, whose it was, and what its application said of it."""

    application: str
    info: dict[str, Any]
    status: str = ""
    details: str = ""


class Callbacks(msgspec.Struct):
    """Where the callbacks of an application go."""

    primary: str
    fallback: str


class KeptRecordings(Recordings):
    """Recordings that outlive a restart."""

    def __init__(self, store: Store) -> None:
        super().__init__()
        for content in store.all("recording").values():
            super().add(msgspec.json.decode(content, type=Recording))
        self._store = store

    def add(self, recording: Recording) -> None:
        """Keep it, here and in the store."""
        super().add(recording)
        self._store.put("recording", recording.key, msgspec.json.encode(recording))

    def delete(self, key: str) -> bool:
        """Whether there was one to delete."""
        self._store.drop("recording", key)
        return super().delete(key)


class Kept:
    """The memory of a switch."""

    def __init__(self, exchange: Exchange, store: Store) -> None:
        self._exchange = exchange
        self._store = store
        self.reports = {
            name: msgspec.json.decode(content, type=Report)
            for name, content in store.all("report").items()
        }
        exchange.recordings = KeptRecordings(store)
        for content in store.all("number").values():
            self._number(msgspec.json.decode(content, type=Number))
        for key, content in store.all("callbacks").items():
            if key in exchange.applications:
                self._callbacks(key, msgspec.json.decode(content, type=Callbacks))

    def assign(self, number: Number) -> None:
        """Whose a number is from now on."""
        self._number(number)
        self._store.put("number", number.number, msgspec.json.encode(number))

    def _number(self, number: Number) -> None:
        if number.application in self._exchange.applications or not number.application:
            self._exchange.numbers[number.number] = number

    def set_callbacks(self, key: str, primary: str, fallback: str) -> None:
        """Where the callbacks of an application go from now on."""
        made = Callbacks(primary, fallback)
        self._callbacks(key, made)
        self._store.put("callbacks", key, msgspec.json.encode(made))

    def _callbacks(self, key: str, made: Callbacks) -> None:
        self._exchange.set_callbacks(key, made.primary, made.fallback)

    def ended(self, call_id: str) -> None:
        """Keep the record of a call that is over, and what its backend has said of it by now."""
        call = self._exchange.calls[call_id]
        status, details = call.report
        self.keep(call_id, Report(call.application_key, call.info(), status, details))

    def keep(self, call_id: str, report: Report) -> None:
        """Keep this record, at the cost of the oldest where there are too many."""
        self.reports[call_id] = report
        self._store.put("report", call_id, msgspec.json.encode(report))
        if len(self.reports) > MAX_REPORTS:
            oldest = next(iter(self.reports))
            del self.reports[oldest]
            self._store.drop("report", oldest)
