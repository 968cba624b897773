"""A difference as a flow author reads it: what flows share, then flow by flow and state by state,
with places of the new version.
"""

from collections.abc import Iterable, Iterator

from flowengine.diff.difference import (
    DiffItem,
    DiffLocation,
    FlowDifference,
    ProjectDifference,
    StateDifference,
)
from flowengine.problems import format_count

CHANGE_SIGNS = {"added": "+", "removed": "-", "changed": "~", "renamed": "="}
FLOW_HEADS = {
    "added": "flow added: ",
    "removed": "flow removed: ",
    "unreadable": "flow not compared, as one of its files has mistakes: ",
}
MAX_LISTED_STATES = 6
NO_CHANGE_TEXT = "no change in meaning"


def to_text(difference: ProjectDifference, folder: str = "") -> str:
    """`folder` stands in front of the files, so that a terminal can open them."""
    if not difference:
        return f"{NO_CHANGE_TEXT}\n"
    blocks = (
        [["what flows share", *format_items(difference.project, "  ", folder)]]
        if difference.project
        else []
    )
    blocks += [list(format_flow(flow, folder)) for flow in difference.flows]
    return "\n".join("\n".join(block) + "\n" for block in [*blocks, [format_summary(difference)]])


def format_summary(difference: ProjectDifference) -> str:
    """One line: how much changed."""
    if not difference:
        return NO_CHANGE_TEXT
    states = [state.change for flow in difference.flows for state in flow.states]
    counts = [f"{format_count(len(difference.flows), 'flow')} affected"] if difference.flows else []
    counts += [
        f"{format_count(states.count(change), 'state')} {change}"
        for change in CHANGE_SIGNS
        if change in states
    ]
    counts += (
        [f"{format_count(len(difference.project), 'change')} in what flows share"]
        if difference.project
        else []
    )
    return ", ".join(counts)


def format_flow(flow: FlowDifference, folder: str) -> Iterator[str]:
    head = FLOW_HEADS.get(flow.change, "")
    was = f", which was {flow.was}" if flow.was else ""
    yield f"{head}{flow.flow}{was}{format_location(flow.place, folder)}"
    yield from format_items(flow.items, "  ", folder)
    for state in flow.states:
        yield from format_state(state, folder)
    yield from (f"  calls now come to {name}" for name in flow.reached)
    yield from (f"  calls no longer come to {name}" for name in flow.unreached)
    yield from format_paths("new way", flow.paths.gained, flow.paths.more_gained)
    yield from format_paths("lost way", flow.paths.lost, flow.paths.more_lost)


def format_paths(word: str, ways: Iterable[str], more: int) -> Iterator[str]:
    yield from (f"  {word}: {way}" for way in ways)
    if more:
        yield f"  and {format_count(more, f'more {word}')}"


def format_state(state: StateDifference, folder: str) -> Iterator[str]:
    was = f", which was {state.was}" if state.was else ""
    yield f"  {CHANGE_SIGNS[state.change]} {state.state} ({state.kind}){was}{format_location(state.place, folder)}"
    yield from format_items(state.items, "      ", folder)


def format_items(found: Iterable[DiffItem], margin: str, folder: str) -> Iterator[str]:
    for item in found:
        yield f"{margin}{CHANGE_SIGNS[item.change]} {format_item(item)}{format_location(item.place, folder)}"
        if item.affects:
            yield f"{margin}    affects {format_affected(item.affects)}"


def format_item(item: DiffItem) -> str:
    """One change in a line, without its place."""
    if item.change == "changed":
        return (
            f"{item.label}: {item.old} -> {item.new}" if item.old else f"{item.label}: {item.new}"
        )
    if item.change == "renamed":
        return f"{item.label}, which was {item.old}"
    return f"{item.label}: {item.old or item.new}" if item.old or item.new else item.label


def format_affected(states: tuple[str, ...]) -> str:
    more = len(states) - MAX_LISTED_STATES
    return ", ".join([*states[:MAX_LISTED_STATES], *([f"and {more} more"] if more > 0 else [])])


def format_location(place: DiffLocation | None, folder: str) -> str:
    return f"  [{folder}{place}]" if place else ""
