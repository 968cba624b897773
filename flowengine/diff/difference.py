"""A difference as values. Their fields are the shape of its JSON, so a change here is one for its
readers.
"""

from dataclasses import dataclass
from typing import Literal

DiffChange = Literal["added", "removed", "changed", "renamed"]
FlowChange = DiffChange | Literal["unreadable"]
DiffPart = Literal[
    "kind", "words", "exit", "option", "condition", "number", "value", "setting", "order", "entry", "variable", "default", "key",
    "message", "table", "calendar", "group", "service", "secret", "route", "application",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class DiffLocation:
    """Where to look in the new version; for what is gone, at what it was part of. Lines and columns
    count from 1.
    """

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True)
class DiffItem:
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


@dataclass(frozen=True, slots=True)
class StateDifference:
    """A state that is not what it was. `was` is its old name where it has been renamed."""

    state: str
    was: str
    change: DiffChange
    kind: str
    place: DiffLocation | None
    items: tuple[DiffItem, ...] = ()


@dataclass(frozen=True, slots=True)
class PathChanges:
    """Ways that callers have now or have no more, one for each way to go on; `more` counts those
    that are not listed.
    """

    gained: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()
    more_gained: int = 0
    more_lost: int = 0


@dataclass(frozen=True, slots=True)
class FlowDifference:
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


@dataclass(frozen=True, slots=True)
class ProjectDifference:
    """Everything that changed: first what flows share, then flow by flow."""

    project: tuple[DiffItem, ...] = ()
    flows: tuple[FlowDifference, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.project or self.flows)
