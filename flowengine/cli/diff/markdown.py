"""A difference for a pull request: a table to glance at, details to open, the flow before and after
as pictures.
"""

import re
from collections.abc import Iterable, Iterator, Mapping

from flowengine.compile import CompileResult
from flowengine.diagram import build_graph, to_mermaid
from flowengine.diff import (
    DiffItem,
    FlowDifference,
    ProjectDifference,
    StateDifference,
    format_summary,
)

MAX_DIAGRAMS = 8  # wikis stop drawing, and comments have an end
MAX_DIAGRAM_STATES = 120
MAX_CELL_LENGTH = 160


def to_markdown(
    difference: ProjectDifference, old: CompileResult, new: CompileResult, folder: str = ""
) -> str:
    """`folder` stands in front of the files."""
    return "\n".join(format_lines(difference, old, new, folder)) + "\n"


def format_lines(
    difference: ProjectDifference, old: CompileResult, new: CompileResult, folder: str
) -> Iterator[str]:
    yield f"### Call flows: {format_summary(difference)}"
    if not difference:
        return
    yield from ["", "| flow | state | what changed |", "|---|---|---|", *format_rows(difference)]
    if difference.project:
        yield from format_section("What flows share", format_bullets(difference.project))
    drawn = 0
    for flow in difference.flows:
        if flow.change in ("removed", "unreadable"):
            continue
        pictures = list(format_diagrams(flow, old, new)) if drawn < MAX_DIAGRAMS else []
        drawn += bool(pictures)
        yield from format_section(
            f"<code>{flow.flow}</code>", [*format_details(flow, folder), *pictures]
        )


def format_section(title: str, inside: Iterable[str]) -> Iterator[str]:
    yield from ["", f"<details><summary>{title}</summary>", "", *inside, "", "</details>"]


def format_rows(difference: ProjectDifference) -> Iterator[str]:
    if difference.project:
        yield format_table_row("(all)", "", ", ".join(list_labels(difference.project)))
    for flow in difference.flows:
        name = f"{flow.flow} (was {flow.was})" if flow.was else flow.flow
        if flow.items or not flow.states:
            yield format_table_row(
                name,
                "",
                ", ".join(
                    [*([] if flow.change == "changed" else [flow.change]), *list_labels(flow.items)]
                ),
            )
        for state in flow.states:
            was = f" (was {state.was})" if state.was else ""
            yield format_table_row(name, f"{state.state}{was}", describe_state_change(state))


def format_table_row(*cells: str) -> str:
    return f"| {' | '.join(format_cell(cell) for cell in cells)} |"


def format_cell(text: str) -> str:
    short = text if len(text) <= MAX_CELL_LENGTH else f"{text[: MAX_CELL_LENGTH - 1]}…"
    return escape_markdown(short).replace("|", "\\|")


def describe_state_change(state: StateDifference) -> str:
    if state.change in ("added", "removed"):
        return f"{state.change} ({state.kind})"
    return ", ".join([*(["renamed"] if state.was else []), *list_labels(state.items)])


def list_labels(items: Iterable[DiffItem]) -> list[str]:
    return list(dict.fromkeys(item.label for item in items))


def format_details(flow: FlowDifference, folder: str) -> Iterator[str]:
    yield from format_bullets(flow.items)
    for state in flow.states:
        was = f", which was `{state.was}`" if state.was else ""
        where = f" ({folder}{state.place})" if state.place else ""
        yield f"- **`{state.state}`** {state.change}{was}{where}"
        yield from format_bullets(state.items, "  ")
    yield from (f"- calls now come to `{name}`" for name in flow.reached)
    yield from (f"- calls no longer come to `{name}`" for name in flow.unreached)
    yield from (f"- new way: {format_code(way)}" for way in flow.paths.gained)
    yield from (f"- lost way: {format_code(way)}" for way in flow.paths.lost)
    for word, more in (("new", flow.paths.more_gained), ("lost", flow.paths.more_lost)):
        if more:
            yield f"- and {more} more ways {word}"


def format_bullets(items: Iterable[DiffItem], margin: str = "") -> Iterator[str]:
    for item in items:
        yield f"{margin}- {format_item(item)}{format_affected(item.affects)}"


def format_item(item: DiffItem) -> str:
    label = escape_markdown(item.label)
    if item.change == "changed":
        return (
            f"{label}: {format_code(item.old)} → {format_code(item.new)}"
            if item.old
            else f"{label}: {escape_markdown(item.new)}"
        )
    if item.change == "renamed":
        return f"{label} renamed, which was {format_code(item.old)}"
    value = item.old or item.new
    return f"{label} {item.change}: {format_code(value)}" if value else f"{label} {item.change}"


def format_affected(states: tuple[str, ...]) -> str:
    return f"; affects {', '.join(f'`{name}`' for name in states)}" if states else ""


def format_code(text: str) -> str:
    """Text that is shown as it is, whatever it holds."""
    line = " ".join(text.split())
    fence = "`" * (max(map(len, re.findall("`+", line)), default=0) + 1)
    room = " " if line.startswith("`") or line.endswith("`") else ""
    return f"{fence}{room}{line}{room}{fence}"


def escape_markdown(text: str) -> str:
    """Text in which nothing is a tag, a link or emphasis."""
    line = " ".join(text.split()).replace("&", "&amp;").replace("<", "&lt;")
    return re.sub(r"([\\`*_\[\]])", r"\\\1", line)


def format_diagrams(flow: FlowDifference, old: CompileResult, new: CompileResult) -> Iterator[str]:
    """The pictures; removed states are marked in the first, added ones in the second, changed ones
    in both.
    """
    yield from format_diagram(
        "Before",
        old,
        flow.was or flow.flow,
        {state.was or state.state: to_mark(state) for state in flow.states},
    )
    yield from format_diagram(
        "After", new, flow.flow, {state.state: to_mark(state) for state in flow.states}
    )


def to_mark(state: StateDifference) -> str:
    return "changed" if state.change == "renamed" else state.change


def format_diagram(
    title: str, version: CompileResult, flow: str, marks: Mapping[str, str]
) -> Iterator[str]:
    program = version.programs.get(flow)
    if program is None or not marks:
        return
    if len(program.states) > MAX_DIAGRAM_STATES:
        yield f"\n{title}: too many states for a picture here; see `flowengine diagram`."
        return
    yield from [
        "",
        f"{title}:",
        "",
        "```mermaid",
        to_mermaid(build_graph(program).mark_states(dict(marks))).rstrip(),
        "```",
    ]
