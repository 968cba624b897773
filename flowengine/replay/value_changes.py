"""Which variables each callback of a recorded call changed, by taking its steps again on the release
that answered it.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from flowengine.compile import Release
from flowengine.journal import RecordedCallback
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
from flowengine.runtime.step_outcome import Outcome

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
    releases: Mapping[str, Release], callbacks: Sequence[RecordedCallback]
) -> list[StepChanges]:
    """The changes of each callback; `releases` are those that the call was answered by. Raises
    NotReplayableError.
    """
    call: Call | None = None
    known: dict[tuple[str, str], Any] = {}
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
        call = outcome.call or call
        changes = list_changed_values(release, outcome, known)
        found.append(StepChanges(recorded.at, tuple(changes)))
    return found


def list_changed_values(
    release: Release, outcome: Outcome, known: dict[tuple[str, str], Any]
) -> Iterator[ValueChange]:
    """The variables of the flow that the call is in now which have another value than is known of
    them; takes note of the new one. A call keeps only what later states read: so a variable that is
    as in the beginning may just be read no more.
    """
    flow = outcome.call.flow if outcome.call else ""
    program = release.programs.get(flow)
    if program is None:
        return
    for name, value in outcome.names.items():
        if not name.startswith(VARIABLE_PREFIX):
            continue
        initial = program.initial.get(name, "")
        before = known.get((flow, name), initial)
        if value in (before, initial):
            continue
        known[flow, name] = value
        hider = ValueHider(release, is_secret=name in program.secret_names)
        shown = name.removeprefix(VARIABLE_PREFIX)
        yield ValueChange(flow, shown, hider.show(before), hider.show(value))


class ValueHider:
    """Shows the values of variables as the project of a release lets people read its journal."""

    def __init__(self, release: Release, *, is_secret: bool) -> None:
        self._redaction: Redaction = build_plain_redaction(release.journal, is_secret)
        self._is_secret = is_secret

    def show(self, value: Any) -> str:
        """A value in words. What a caller or another system may have said is words."""
        if value == "" or isinstance(value, bool):
            return str(value).lower() if isinstance(value, bool) else ""
        if self._is_secret:
            return REDACTED_TEXT
        return str(self._hide_parts(value))

    def _hide_parts(self, value: Any) -> Any:
        """The value, hidden where need be, also within lists and records."""
        if isinstance(value, Mapping):
            redact = self._redaction.redact_number
            return {redact(str(key)): self._hide_parts(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self._hide_parts(item) for item in value]
        if value in ("", None) or isinstance(value, bool):
            return value
        if isinstance(value, str) and self._redaction.words:
            return REDACTED_TEXT
        text = str(value)
        shown = self._redaction.redact_number(text)
        return value if shown == text else shown
