"""Recordings: their notifications, file names and storage."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Literal

import msgspec

from flowengine.svaml import RecordingOptions
from flowengine.switch.clock import Clock
from flowengine.switch.switch_settings import SwitchSettings

RecordingNotice = Literal["recording_finished", "recording_available", "transcription_available"]
_NOT_IN_KEYS = re.compile(r"[^\w.-]+")
"""A key is part of a path; made of the whole URL, no two files share it"""
MAX_KEPT = 10_000
"""A switch that runs for days forgets its oldest recordings"""
_MPEG = b"\xff\xfb\x90\x00" + bytes(413)
_WAVE = (
    b"RIFF\x74\0\0\0WAVEfmt \x10\0\0\0\1\0\1\0\x40\x1f\0\0\x40\x1f\0\0\1\0\x08\0data\x50\0\0\0"
    + b"\x80" * 80
)


def build_silent_audio(name: str) -> bytes:
    """The content of every recording of this switch: a moment of silence, in the format that its
    name tells.
    """
    return _WAVE if name.endswith(".wav") else _MPEG


class RecordedFile(msgspec.Struct, frozen=True):
    """A file recorded from a call."""

    key: str
    call_id: str
    url: str
    created: datetime
    expires: datetime
    content: bytes


class RecordingFiles:
    """All stored recordings; a file of the same name replaces the one before."""

    def __init__(self) -> None:
        self._files: dict[str, RecordedFile] = {}

    def add(self, recording: RecordedFile) -> None:
        """Store a file. Where there are too many, the oldest is deleted."""
        self._files.pop(recording.key, None)
        self._files[recording.key] = recording
        if len(self._files) > MAX_KEPT:
            self.delete(next(iter(self._files)))

    def get(self, key: str) -> RecordedFile | None:
        """The recording of this key."""
        return self._files.get(key)

    def delete(self, key: str) -> bool:
        """Delete a recording; whether there was one."""
        return self._files.pop(key, None) is not None

    def find_between(self, begin: datetime, end: datetime) -> list[RecordedFile]:
        """The recordings made in this time, oldest first."""
        return [
            recording for recording in self._files.values() if begin <= recording.created <= end
        ]


class LegRecorder:
    """Records one call or one conference. Starting again ends the recording so far."""

    def __init__(
        self,
        clock: Clock,
        settings: SwitchSettings,
        call_id: str,
        application_key: str,
        notify: Callable[[RecordingNotice, str], None],
        store: RecordingFiles,
    ) -> None:
        self._clock, self._settings = clock, settings
        self._call_id, self._application_key = call_id, application_key
        self._notify, self._store = notify, store
        self._options: RecordingOptions | None = None
        self._url = ""

    @property
    def is_recording(self) -> bool:
        """Whether it records."""
        return self._options is not None

    def start(self, options: RecordingOptions) -> None:
        """Record from now on."""
        self.stop()
        self._options = options
        # the platform's own pattern of names (platform notes, 1.3)
        name = f"{self._clock.now():%Y%m%d%H%M%S}_{self._application_key}_{self._call_id}.{options.format}"
        self._url = build_file_url(options.destination_url, name)

    def stop(self) -> None:
        """End the recording. Its file and transcript come later."""
        options, self._options = self._options, None
        if options is None:
            return
        url, ended = self._url, self._clock.now()
        self._send_notice(options, "recording_finished")
        self._clock.call_later(
            self._settings.upload_seconds, lambda: self._finish_upload(options, url, ended)
        )

    def _finish_upload(self, options: RecordingOptions, url: str, ended: datetime) -> None:
        key = _NOT_IN_KEYS.sub("_", url)
        expires = ended + timedelta(days=self._settings.recording_days)
        self._store.add(
            RecordedFile(key, self._call_id, url, ended, expires, build_silent_audio(url))
        )
        self._send_notice(options, "recording_available", url)
        if options.transcription_options is not None and options.transcription_options.enabled:
            rest = self._settings.transcription_seconds - self._settings.upload_seconds
            self._clock.call_later(
                rest,
                lambda: self._send_notice(
                    options, "transcription_available", build_transcript_url(url)
                ),
            )

    def _send_notice(
        self, options: RecordingOptions, what: RecordingNotice, destination: str = ""
    ) -> None:
        if options.notification_events:
            self._notify(what, destination)


def build_file_url(destination: str, name: str) -> str:
    """The URL of the file: `destination` names it itself, or only the bucket, container or folder."""
    scheme, _, path = destination.partition("://")
    places = path.rstrip("/").split("/")
    # azure://account/container, s3://bucket (platform notes, 1.3)
    fixed = {"azure": 2, "sdrive": 0}.get(scheme.lower(), 1)
    named = len(places) > fixed and "." in places[-1] and not path.endswith("/")
    return destination if named else f"{destination.rstrip('/')}/{name}"


def build_transcript_url(recording: str) -> str:
    """The URL of the transcript, beside its recording."""
    folder, _, name = recording.rpartition("/")
    return f"{folder}/{name.rpartition('.')[0]}-transcript.json"
