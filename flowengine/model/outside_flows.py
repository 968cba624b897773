"""What is known of the flows of a project beside those that are being compiled."""

from collections.abc import Mapping

import msgspec

Column = tuple[str, str]  # a table, and a column of it


class OutsideFlows(msgspec.Struct, frozen=True):
    """All that the problems of other flows, and of what all flows share, may depend on. No flow that
    is compiled uses one of these as a subflow.

    `files` are their files by name. Of conferences, `rooms` are those that callers are known to be
    in and `led_rooms` those that a moderator may lead; None is one whose name a call tells.
    `parked` are the codes under which they park calls; None is one that a call tells. `targets` are
    the numbers of the project that they dial.
    """

    files: Mapping[str, str] = msgspec.field(default_factory=dict)
    leads_back: bool = False
    call_locales: frozenset[str] | None = frozenset()
    locales: frozenset[str] = frozenset()
    spoken_locales: frozenset[str] = frozenset()
    secrets: frozenset[str] = frozenset()
    groups: frozenset[str] = frozenset()
    rooms: frozenset[str | None] = frozenset()
    led_rooms: frozenset[str | None] = frozenset()
    parked: frozenset[str | None] = frozenset()
    dialled: frozenset[Column] = frozenset()
    rung: frozenset[Column] = frozenset()
    spoken: frozenset[Column] = frozenset()
    targets: frozenset[str] = frozenset()


NO_OUTSIDE_FLOWS = OutsideFlows()
