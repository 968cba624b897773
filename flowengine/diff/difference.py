"""A difference as values. Their fields are the shape of its JSON, so a change here is one for its
readers.
"""

from typing import Literal

import msgspec

DiffChange = Literal["added", "removed", "changed", "renamed"]
FlowChange = DiffChange | Literal["unreadable"]
DiffPart = Literal[
    "kind", "words", "exit", "option", "condition", "number", "value", "setting", "order", "entry", "variable", "default", "key",
    "message", "table", "calendar", "group", "service", "secret", "route", "application",
]  # fmt: skip


class DiffLocation(msgspec.Struct, frozen=True):
    """Where to look in the new version; for what is gone, at what it was part of. Lines and columns
    count from 1.
    """

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


class DiffItem(msgspec.Struct, frozen=True):
    """One change. `label` names the thing as the author wrote it; `affects` are the states that
    rely on it, as `flow.state`.
    """

    change: DiffChange
    part: DiffPart
    label: str
    old: str
    new: str
    place: DiffLocation | None = None
    affects: tuple[str, ...] = ()


class StateDifference(msgspec.Struct, frozen=True):
    """A state that is not what it was. `was` is its old name where it has been renamed."""

    state: str
    was: str
    change: DiffChange
    kind: str
    place: DiffLocation | None
    items: tuple[DiffItem, ...] = ()


class PathChanges(msgspec.Struct, frozen=True):
    """Ways that callers have now or have no more, one for each way to go on; `more` counts those
    that are not listed.
    """

    gained: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()
    more_gained: int = 0
    more_lost: int = 0


class FlowDifference(msgspec.Struct, frozen=True):
    """A flow that is not what it was. `reached` and `unreached` are states of both versions that
    calls now come to, or no more. A flow is unreadable where the file of one version has mistakes that
    leave nothing to compare.
    """

    flow: str
    was: str
    change: FlowChange
    place: DiffLocation | None
    items: tuple[DiffItem, ...] = ()
    states: tuple[StateDifference, ...] = ()
    reached: tuple[str, ...] = ()
    unreached: tuple[str, ...] = ()
    paths: PathChanges = PathChanges()


class ProjectDifference(msgspec.Struct, frozen=True):
    """Everything that changed: first what flows share, then flow by flow."""

    project: tuple[DiffItem, ...] = ()
    flows: tuple[FlowDifference, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.project or self.flows)
