"""Restores a switch from its store when it starts, and keeps the store up to date."""

from typing import Any

import msgspec

from flowengine.switch.calls.call_record import build_call_info
from flowengine.switch.exchange import Exchange
from flowengine.switch.media.recording import RecordedFile, RecordingFiles
from flowengine.switch.switch_setup import Number
from flowengine.switch.switch_store import SwitchStore

MAX_STORED_CALLS = 100_000


class EndedCall(msgspec.Struct):
    """A call that is over: CallInfo, whose it was, and what its application said of it."""

    application: str
    info: dict[str, Any]
    status: str = ""
    details: str = ""


class CallbackUrlPair(msgspec.Struct):
    """Where the callbacks of an application go."""

    primary: str
    fallback: str


class StoredRecordings(RecordingFiles):
    """Recordings that survive a restart."""

    def __init__(self, store: SwitchStore) -> None:
        super().__init__()
        for content in store.load_all("recording").values():
            super().add(msgspec.json.decode(content, type=RecordedFile))
        self._store = store

    def add(self, recording: RecordedFile) -> None:
        """Keep a recording, in memory and in the store."""
        super().add(recording)
        self._store.put("recording", recording.key, msgspec.json.encode(recording))

    def delete(self, key: str) -> bool:
        """Delete a recording; whether there was one."""
        self._store.delete("recording", key)
        return super().delete(key)


class SwitchPersistence:
    """Keeps what survives a restart, and restores it."""

    def __init__(self, exchange: Exchange, store: SwitchStore) -> None:
        self._exchange = exchange
        self._store = store
        self.ended_calls = {
            name: msgspec.json.decode(content, type=EndedCall)
            for name, content in store.load_all("report").items()
        }
        exchange.recordings = StoredRecordings(store)
        for content in store.load_all("number").values():
            self._apply_number(msgspec.json.decode(content, type=Number))
        for key, content in store.load_all("callbacks").items():
            # the configuration may have lost an application since
            if key in exchange.applications:
                self._apply_callbacks(key, msgspec.json.decode(content, type=CallbackUrlPair))

    def assign_number(self, number: Number) -> None:
        """Assign a number from now on."""
        self._apply_number(number)
        self._store.put("number", number.number, msgspec.json.encode(number))

    def _apply_number(self, number: Number) -> None:
        if number.application in self._exchange.applications or not number.application:
            self._exchange.numbers[number.number] = number

    def set_callbacks(self, key: str, primary: str, fallback: str) -> None:
        """Set the callback URLs of an application from now on."""
        made = CallbackUrlPair(primary, fallback)
        self._apply_callbacks(key, made)
        self._store.put("callbacks", key, msgspec.json.encode(made))

    def _apply_callbacks(self, key: str, made: CallbackUrlPair) -> None:
        self._exchange.set_callbacks(key, made.primary, made.fallback)

    def save_ended_call(self, call_id: str) -> None:
        """Save the record of an ended call, and what its backend has reported so far."""
        call = self._exchange.calls[call_id]
        status, details = call.status_report
        self.save_call(
            call_id, EndedCall(call.application_key, build_call_info(call), status, details)
        )

    def save_call(self, call_id: str, report: EndedCall) -> None:
        """Save a record. Where there are too many, the oldest is deleted."""
        self.ended_calls[call_id] = report
        self._store.put("report", call_id, msgspec.json.encode(report))
        if len(self.ended_calls) > MAX_STORED_CALLS:
            oldest = next(iter(self.ended_calls))
            del self.ended_calls[oldest]
            self._store.delete("report", oldest)
