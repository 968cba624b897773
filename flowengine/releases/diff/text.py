"""A difference as a flow author reads it: what flows share, then flow by flow and state by state,
with places of the new version.
"""

from collections.abc import Iterable, Iterator

from flowengine.releases.diff.difference import (
    Difference,
    FlowDifference,
    Item,
    Place,
    StateDifference,
)

SIGNS = {"added": "+", "removed": "-", "changed": "~", "renamed": "="}
MOST_AFFECTED = 6
SAME = "no change in meaning"


def to_text(difference: Difference, folder: str = "") -> str:
    """`folder` stands in front of the files, so that a terminal can open them."""
    if not difference:
        return f"{SAME}\n"
    blocks = (
        [["what flows share", *items(difference.project, "  ", folder)]]
        if difference.project
        else []
    )
    blocks += [list(flow_lines(flow, folder)) for flow in difference.flows]
    return "\n".join("\n".join(block) + "\n" for block in [*blocks, [summary(difference)]])


def summary(difference: Difference) -> str:
    """One line: how much changed."""
    if not difference:
        return SAME
    states = [state.change for flow in difference.flows for state in flow.states]
    counts = [f"{counted(len(difference.flows), 'flow')} affected"] if difference.flows else []
    counts += [
        f"{counted(states.count(change), 'state')} {change}" for change in SIGNS if change in states
    ]
    counts += (
        [f"{counted(len(difference.project), 'change')} in what flows share"]
        if difference.project
        else []
    )
    return ", ".join(counts)


def counted(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"


def flow_lines(flow: FlowDifference, folder: str) -> Iterator[str]:
    head = {"added": "flow added: ", "removed": "flow removed: "}.get(flow.change, "")
    was = f", which was {flow.was}" if flow.was else ""
    yield f"{head}{flow.flow}{was}{at(flow.place, folder)}"
    yield from items(flow.items, "  ", folder)
    for state in flow.states:
        yield from state_lines(state, folder)
    yield from (f"  calls now come to {name}" for name in flow.reached)
    yield from (f"  calls no longer come to {name}" for name in flow.unreached)
    yield from listed("new way", flow.paths.gained, flow.paths.more_gained)
    yield from listed("lost way", flow.paths.lost, flow.paths.more_lost)


def listed(word: str, ways: Iterable[str], more: int) -> Iterator[str]:
    yield from (f"  {word}: {way}" for way in ways)
    if more:
        yield f"  and {counted(more, f'more {word}')}"


def state_lines(state: StateDifference, folder: str) -> Iterator[str]:
    was = f", which was {state.was}" if state.was else ""
    yield f"  {SIGNS[state.change]} {state.state} ({state.kind}){was}{at(state.place, folder)}"
    yield from items(state.items, "      ", folder)


def items(found: Iterable[Item], margin: str, folder: str) -> Iterator[str]:
    for item in found:
        yield f"{margin}{SIGNS[item.change]} {described(item)}{at(item.place, folder)}"
        if item.affects:
            yield f"{margin}    affects {affected(item.affects)}"


def described(item: Item) -> str:
    """One change in a line, without its place."""
    if item.change == "changed":
        return (
            f"{item.label}: {item.old} -> {item.new}" if item.old else f"{item.label}: {item.new}"
        )
    return f"{item.label}: {item.old or item.new}" if item.old or item.new else item.label


def affected(states: tuple[str, ...]) -> str:
    more = len(states) - MOST_AFFECTED
    return ", ".join([*states[:MOST_AFFECTED], *([f"and {more} more"] if more > 0 else [])])


def at(place: Place | None, folder: str) -> str:
    return f"  [{folder}{place}]" if place else ""
