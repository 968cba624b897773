"""Credentials of a recording go to the storage that they open, and nowhere else."""

from datetime import UTC, datetime
from typing import Any

import pytest

from flowengine.runtime.step import step
from flowengine.svaml import StartRecording
from tests.states.conversation import compiled, event

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
OWN = {"credentials": "own"}
RECORDINGS = {
    "no address": ({}, "s3://box/a", "hush"),
    "the same bucket": ({"to": "s3://box/b"}, "s3://box/a", "hush"),
    "the same bucket alone": ({"to": "s3://box"}, "s3://box/a", "hush"),
    "a value behind the bucket": ({"to": "s3://box/${call.id}"}, "s3://box", "hush"),
    "own credentials": ({"to": "s3://box/b", **OWN}, "s3://box/a", "own"),
    "no credentials on purpose": ({"to": "s3://box/b", "credentials": ""}, "s3://box", ""),
    "another bucket": ({"to": "s3://boxes/b"}, "s3://box/a", ""),
    "another scheme": ({"to": "azure://box/b"}, "s3://box/a", ""),
    "a value in the bucket": ({"to": "s3://box${call.id}/b"}, "s3://box", ""),
    "a value for an address": ({"to": "${call.custom}"}, "s3://box/a", ""),
}


def find_credentials(state: dict[str, Any], address: str) -> str:
    made = compiled(
        {
            "flow": {
                "vars": {"message": {"type": "text", "max": 256}},
                "states": {"first": state, "out": {"say": "${vars.message}", "hangup": {}}},
            },
            "project": {
                "secrets": {"s3": "S3"},
                "recordings": {"to": address, "credentials": "${secrets.s3}"},
            },
            "environment": {"S3": "hush"},
        }
    )
    assert made.release, made.problems
    outcome = step(made.release, None, event("ice", {"custom": "s3://box/c"}), NOON)
    found = [item for item in outcome.instructions if isinstance(item, StartRecording)]
    return found[0].options.credentials


@pytest.mark.parametrize(("options", "address", "credentials"), RECORDINGS.values(), ids=RECORDINGS)
def test_recording_has_credentials_of_its_storage(
    options: dict[str, Any], address: str, credentials: str
) -> None:
    message = {"prompt": "Speak.", "into": "message", **options}
    assert find_credentials({"record_message": message, "next": "out"}, address) == credentials
    assert (
        find_credentials({"record": options, "say": "Speak.", "next": "out"}, address)
        == credentials
    )
