"""Recordings: startRecording of the platform notes, section 1.3, and their notifications, section
2.7.
"""

import io
import wave
from datetime import timedelta

import pytest

from flowengine.svaml import RecordingOptions, TranscriptionOptions
from flowengine.switch.clock import VIRTUAL_START, VirtualClock
from flowengine.switch.media import recording
from flowengine.switch.media.recording import (
    LegRecorder,
    RecordedFile,
    RecordingFiles,
    build_file_url,
    build_silent_audio,
    build_transcript_url,
)
from flowengine.switch.switch_settings import SwitchSettings

SETTINGS = SwitchSettings(upload_seconds=2, transcription_seconds=60, recording_days=1)
FILE = "s3://bucket/talk.mp3"
FINISHED = ("recording_finished", "")


class Bench:
    """A recorder, and what is notified of it."""

    def __init__(self):
        self.clock, self.store, self.notices = VirtualClock(), RecordingFiles(), []
        self.recorder = LegRecorder(self.clock, SETTINGS, "call-1", "app-1", self.note, self.store)

    def note(self, what, destination):
        self.notices.append((self.clock.seconds, what, destination))

    def record(self, seconds, **options):
        self.recorder.start(RecordingOptions(**{"destination_url": FILE, **options}))
        self.clock.advance(seconds)
        self.recorder.stop()


@pytest.mark.parametrize(
    ("options", "notices"),
    [
        pytest.param(
            {}, [(10, *FINISHED), (12, "recording_available", FILE)], id="finished, then available"
        ),
        pytest.param(
            {"transcription_options": TranscriptionOptions(enabled=True, locale="en-US")},
            [
                (10, *FINISHED),
                (12, "recording_available", FILE),
                (70, "transcription_available", "s3://bucket/talk-transcript.json"),
            ],
            id="then transcribed",
        ),
        pytest.param(
            {"transcription_options": TranscriptionOptions(enabled=False)},
            [(10, *FINISHED), (12, "recording_available", FILE)],
            id="no transcript unless enabled",
        ),
        pytest.param(
            {
                "notification_events": False,
                "transcription_options": TranscriptionOptions(enabled=True),
            },
            [],
            id="notificationEvents false",
        ),
    ],
)
def test_notifications_of_a_recording(options, notices):
    bench = Bench()
    bench.record(10, **options)
    bench.clock.run()
    assert bench.notices == notices
    assert bench.store.get("s3_bucket_talk.mp3") is not None


@pytest.mark.parametrize(
    ("destination", "file"),
    [
        ("s3://bucket", "s3://bucket/NAME"),
        ("s3://bucket.name", "s3://bucket.name/NAME"),
        ("s3://bucket/calls", "s3://bucket/calls/NAME"),
        ("s3://bucket/v1.2/", "s3://bucket/v1.2/NAME"),
        ("s3://bucket/calls/talk.mp3", "s3://bucket/calls/talk.mp3"),
        ("azure://account/container", "azure://account/container/NAME"),
        ("azure://account/my.container", "azure://account/my.container/NAME"),
        ("azure://account/container/talk.wav", "azure://account/container/talk.wav"),
        ("sdrive://talk.mp3", "sdrive://talk.mp3"),
    ],
)
def test_destination_url_names_a_file_or_where_to_put_it(destination, file):
    assert build_file_url(destination, "NAME") == file


def test_automatic_file_name_is_time_application_call_and_format():
    bench = Bench()
    bench.clock.advance(65)
    bench.record(1, destination_url="s3://bucket", format="wav")
    bench.clock.run()
    assert bench.notices[-1][2] == "s3://bucket/20260302090105_app-1_call-1.wav"


def test_transcript_url_is_beside_its_recording():
    assert build_transcript_url("azure://a/c/my.talk.mp3") == "azure://a/c/my.talk-transcript.json"


def test_recording_is_listed_read_deleted_and_expires():
    bench = Bench()
    bench.record(10)
    bench.clock.run()
    ended = VIRTUAL_START + timedelta(seconds=10)
    kept = RecordedFile(
        "s3_bucket_talk.mp3",
        "call-1",
        FILE,
        ended,
        ended + timedelta(days=1),
        build_silent_audio(FILE),
    )
    assert bench.store.find_between(ended, ended) == [kept]
    assert bench.store.find_between(ended + timedelta(seconds=1), ended + timedelta(days=9)) == []
    assert bench.store.delete("s3_bucket_talk.mp3")
    assert not bench.store.delete("s3_bucket_talk.mp3")
    assert bench.store.get("s3_bucket_talk.mp3") is None


def test_recording_is_a_valid_file_of_its_format():
    with wave.open(io.BytesIO(build_silent_audio("s3://bucket/talk.wav"))) as file:
        assert (file.getnchannels(), file.getframerate(), file.getnframes()) == (1, 8000, 80)
    assert build_silent_audio("s3://bucket/talk.mp3").startswith(b"\xff\xfb"), (
        "a frame of MPEG audio"
    )


def test_recording_of_the_same_name_overwrites_silently():
    bench = Bench()
    bench.record(10)
    bench.record(10)
    bench.clock.run()
    assert len(bench.store.find_between(VIRTUAL_START, VIRTUAL_START + timedelta(days=1))) == 1


def test_oldest_recordings_are_deleted(monkeypatch):
    monkeypatch.setattr(recording, "MAX_KEPT", 2)
    store = RecordingFiles()
    for name in "abc":
        store.add(RecordedFile(name, "call-1", FILE, VIRTUAL_START, VIRTUAL_START, b""))
    assert [kept.key for kept in store.find_between(VIRTUAL_START, VIRTUAL_START)] == ["b", "c"]


def test_stop_without_start_is_nothing_and_a_new_start_ends_the_recording_before():
    bench = Bench()
    bench.recorder.stop()
    assert bench.notices == []
    bench.recorder.start(RecordingOptions(FILE))
    bench.clock.advance(5)
    bench.record(5, destination_url="s3://bucket/second.mp3")
    bench.clock.run()
    assert [(at, what) for at, what, _ in bench.notices] == [
        (5, "recording_finished"), (7, "recording_available"), (10, "recording_finished"), (12, "recording_available"),
    ]  # fmt: skip
