"""Which variables each callback of a recorded call changed, by taking its steps again on the release
that answered it.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from flowengine.compile import Release
from flowengine.journal import RecordedCall
from flowengine.journal.redaction import REDACTED_TEXT, Redaction, build_plain_redaction
from flowengine.replay.call_replay import (
    NewLookupError,
    NotReplayableError,
    decode_event,
    read_sealed_part,
    run_step,
    skip_repeated,
)
from flowengine.runtime.call_state import Call

VARIABLE_PREFIX = "vars."


class ValueChange(msgspec.Struct, frozen=True):
    """A variable of a flow that a callback changed, as people may read it."""

    flow: str
    name: str
    before: str
    after: str


class StepChanges(msgspec.Struct, frozen=True):
    """The variables that the callback at this time changed."""

    at: float
    changes: tuple[ValueChange, ...]


def list_value_changes(
    releases: Mapping[str, Release], callbacks: Sequence[RecordedCall]
) -> list[StepChanges]:
    """The changes of each callback; `releases` are those that the call was answered by. Raises
    NotReplayableError.
    """
    call: Call | None = None
    found: list[StepChanges] = []
    for recorded in skip_repeated(callbacks):
        whole = read_sealed_part(recorded)
        if whole.is_known and call is None:
            raise NotReplayableError("its beginning is not in the journal")
        release = releases[recorded.release]
        try:
            event = decode_event(whole, recorded.event)
            outcome = run_step(release, call if whole.is_known else None, event, whole)
        except NewLookupError as error:
            raise NotReplayableError(str(error)) from error
        before, call = call, outcome.call or call
        found.append(StepChanges(recorded.at, tuple(compare_values(release, before, call))))
    return found


def compare_values(release: Release, before: Call | None, after: Call | None) -> list[ValueChange]:
    """The variables whose values differ, in each flow that the call is in."""
    if after is None:
        return []
    old = dict(before.iter_flow_values()) if before else {}
    changes = []
    for flow, values in after.iter_flow_values():
        program = release.programs.get(flow)
        initial: Mapping[str, Any] = program.initial if program else {}
        secrets = program.secret_names if program else values.keys()
        for name, value in values.items():
            was = old.get(flow, {}).get(name, initial.get(name, ""))
            if name.startswith(VARIABLE_PREFIX) and value != was:
                redact = Hider(release, is_secret=name in secrets)
                shown = name.removeprefix(VARIABLE_PREFIX)
                changes.append(ValueChange(flow, shown, redact.show(was), redact.show(value)))
    return changes


class Hider:
    """Shows the values of variables as the project of a release lets people read its journal."""

    def __init__(self, release: Release, *, is_secret: bool) -> None:
        self._redaction: Redaction = build_plain_redaction(release.journal, is_secret)
        self._is_secret = is_secret

    def show(self, value: Any) -> str:
        """A value in words. What a caller or another system may have said is words."""
        if value == "" or isinstance(value, bool):
            return str(value).lower() if isinstance(value, bool) else ""
        if self._is_secret or (isinstance(value, str) and self._redaction.words):
            return REDACTED_TEXT
        return self._redaction.redact_number(str(value))
