"""A difference for a pull request: a table to glance at, details to open, the flow before and after
as pictures.
"""

import re
from collections.abc import Iterable, Iterator, Mapping

from flowengine.compile import Compiled
from flowengine.diagram import graph, to_mermaid
from flowengine.releases.diff import Difference, FlowDifference, Item, StateDifference, summary

MOST_PICTURES = 8  # wikis stop drawing, and comments have an end
MOST_STATES_IN_A_PICTURE = 120
LONGEST_CELL = 160


def to_markdown(difference: Difference, old: Compiled, new: Compiled, folder: str = "") -> str:
    """`folder` stands in front of the files."""
    return "\n".join(lines(difference, old, new, folder)) + "\n"


def lines(difference: Difference, old: Compiled, new: Compiled, folder: str) -> Iterator[str]:
    yield f"### Call flows: {summary(difference)}"
    if not difference:
        return
    yield from ["", "| flow | state | what changed |", "|---|---|---|", *rows(difference)]
    if difference.project:
        yield from section("What flows share", bullets(difference.project))
    drawn = 0
    for flow in difference.flows:
        if flow.change == "removed":
            continue
        pictures = list(before_and_after(flow, old, new)) if drawn < MOST_PICTURES else []
        drawn += bool(pictures)
        yield from section(f"<code>{flow.flow}</code>", [*details(flow, folder), *pictures])


def section(title: str, inside: Iterable[str]) -> Iterator[str]:
    yield from ["", f"<details><summary>{title}</summary>", "", *inside, "", "</details>"]


def rows(difference: Difference) -> Iterator[str]:
    if difference.project:
        yield row("(all)", "", ", ".join(labels(difference.project)))
    for flow in difference.flows:
        name = f"{flow.flow} (was {flow.was})" if flow.was else flow.flow
        if flow.items or not flow.states:
            yield row(
                name,
                "",
                ", ".join(
                    [*([] if flow.change == "changed" else [flow.change]), *labels(flow.items)]
                ),
            )
        for state in flow.states:
            was = f" (was {state.was})" if state.was else ""
            yield row(name, f"{state.state}{was}", what(state))


def row(*cells: str) -> str:
    return f"| {' | '.join(cell_text(cell) for cell in cells)} |"


def cell_text(text: str) -> str:
    short = text if len(text) <= LONGEST_CELL else f"{text[: LONGEST_CELL - 1]}…"
    return plain(short).replace("|", "\\|")


def what(state: StateDifference) -> str:
    if state.change in ("added", "removed"):
        return f"{state.change} ({state.kind})"
    return ", ".join([*(["renamed"] if state.was else []), *labels(state.items)])


def labels(items: Iterable[Item]) -> list[str]:
    return list(dict.fromkeys(item.label for item in items))


def details(flow: FlowDifference, folder: str) -> Iterator[str]:
    yield from bullets(flow.items)
    for state in flow.states:
        was = f", which was `{state.was}`" if state.was else ""
        where = f" ({folder}{state.place})" if state.place else ""
        yield f"- **`{state.state}`** {state.change}{was}{where}"
        yield from bullets(state.items, "  ")
    yield from (f"- calls now come to `{name}`" for name in flow.reached)
    yield from (f"- calls no longer come to `{name}`" for name in flow.unreached)
    yield from (f"- new way: {code(way)}" for way in flow.paths.gained)
    yield from (f"- lost way: {code(way)}" for way in flow.paths.lost)
    for word, more in (("new", flow.paths.more_gained), ("lost", flow.paths.more_lost)):
        if more:
            yield f"- and {more} more ways {word}"


def bullets(items: Iterable[Item], margin: str = "") -> Iterator[str]:
    for item in items:
        yield f"{margin}- {told(item)}{affected(item.affects)}"


def told(item: Item) -> str:
    label = plain(item.label)
    if item.change == "changed":
        return (
            f"{label}: {code(item.old)} → {code(item.new)}"
            if item.old
            else f"{label}: {plain(item.new)}"
        )
    value = item.old or item.new
    return f"{label} {item.change}: {code(value)}" if value else f"{label} {item.change}"


def affected(states: tuple[str, ...]) -> str:
    return f"; affects {', '.join(f'`{name}`' for name in states)}" if states else ""


def code(text: str) -> str:
    """Text that is shown as it is, whatever it holds."""
    line = " ".join(text.split())
    fence = "`" * (max(map(len, re.findall("`+", line)), default=0) + 1)
    room = " " if line.startswith("`") or line.endswith("`") else ""
    return f"{fence}{room}{line}{room}{fence}"


def plain(text: str) -> str:
    """Text in which nothing is a tag, a link or emphasis."""
    line = " ".join(text.split()).replace("&", "&amp;").replace("<", "&lt;")
    return re.sub(r"([\\`*_\[\]])", r"\\\1", line)


def before_and_after(flow: FlowDifference, old: Compiled, new: Compiled) -> Iterator[str]:
    """The pictures; removed states are marked in the first, added ones in the second, changed ones
    in both.
    """
    yield from picture(
        "Before",
        old,
        flow.was or flow.flow,
        {state.was or state.state: mark(state) for state in flow.states},
    )
    yield from picture("After", new, flow.flow, {state.state: mark(state) for state in flow.states})


def mark(state: StateDifference) -> str:
    return "changed" if state.change == "renamed" else state.change


def picture(title: str, version: Compiled, flow: str, marks: Mapping[str, str]) -> Iterator[str]:
    program = version.programs.get(flow)
    if program is None or not marks:
        return
    if len(program.states) > MOST_STATES_IN_A_PICTURE:
        yield f"\n{title}: too many states for a picture here; see `flowengine diagram`."
        return
    yield from [
        "",
        f"{title}:",
        "",
        "```mermaid",
        to_mermaid(graph(program).marked(dict(marks))).rstrip(),
        "```",
    ]
