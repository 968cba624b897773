"""The colours of pictures, in light and in dark."""

from string import Template
from typing import Final

LIGHT: Final = {
    "ground": "#ffffff", "card": "#ffffff", "ink": "#1b2330", "soft": "#586273", "border": "#c6ccd6",
    "line": "#8a93a1", "action": "#64707f", "question": "#2563eb", "decision": "#b45309",
    "end": "#be3a4a", "subflow": "#7c3aed", "connection": "#15803d", "lookup": "#0e7490",
    "added": "#1a7f37", "removed": "#cf222e", "changed": "#9a6700", "added_fill": "#e3f7e8",
    "removed_fill": "#ffebe9", "changed_fill": "#fff6d6", "accent": "#1f5f8b", "symbol": "#ffffff",
    "current": "#e1edf6",
}  # fmt: skip
DARK: Final = {
    "ground": "#12161d", "card": "#1e2530", "ink": "#e4e9f0", "soft": "#a0abba", "border": "#3b4554",
    "line": "#768192", "action": "#8b96a6", "question": "#6ea0ff", "decision": "#e0a04a",
    "end": "#f07a86", "subflow": "#b292ff", "connection": "#4cc273", "lookup": "#45b8d0",
    "added": "#4cc273", "removed": "#f47068", "changed": "#dfb143", "added_fill": "#15301e",
    "removed_fill": "#3a1c1e", "changed_fill": "#352b12", "accent": "#7cbcea", "symbol": "#12161d",
    "current": "#1c3347",
}  # fmt: skip
FONTS: Final = (
    'system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "Noto Sans", Arial, sans-serif'
)
SHAPES: Final = ("action", "question", "decision", "end", "subflow", "connection", "lookup")
PART_COLOURS: Final = Template(
    """\
.flow-picture .ground { fill: $ground; }
.flow-picture .card, .flow-picture .under { fill: $card; stroke: $border; }
.flow-picture .title, .flow-picture .pill-text { fill: $ink; }
.flow-picture .text { fill: $soft; }
.flow-picture .symbol { stroke: $symbol; }
.flow-picture .line { stroke: $line; }
.flow-picture .head { fill: $line; }
.flow-picture .label { fill: $ground; }
.flow-picture .label-text { fill: $soft; }
.flow-picture .pill { fill: $ground; stroke: $line; }
.flow-picture .mark { stroke: $ground; }
.flow-picture .mark-sign { stroke: $ground; }
.flow-picture .edge.is-visited > .line, .flow-picture .edge:hover > .line { stroke: $accent; }
.flow-picture .edge.is-visited > .head, .flow-picture .edge:hover > .head { fill: $accent; }
.flow-picture .edge:hover .label-text { fill: $ink; }
.flow-picture .state.is-visited .card { stroke: $accent; }
.flow-picture .state.is-current .card, .flow-picture .state.is-selected .card { stroke: $accent; }
.flow-picture .state:focus-visible .card { stroke: $accent; }
.flow-picture .state.is-current .card { fill: $current; }
.flow-picture .number rect { fill: $accent; stroke: $ground; }
.flow-picture .number text { fill: $symbol; }
"""
)
SHAPE_COLOUR: Final = Template(".flow-picture .shape-$shape .band { fill: $colour; }\n")
MARK_COLOURS: Final = Template(
    """\
.flow-picture .mark-$mark .card { stroke: $colour; fill: $fill; }
.flow-picture .mark-$mark .mark { fill: $colour; }
.flow-picture .mark-$mark > .line { stroke: $colour; }
.flow-picture .mark-$mark > .head { fill: $colour; }
.flow-picture .mark-$mark .label-text { fill: $colour; }
"""
)
PART_FORMS: Final = f"""\
.flow-picture {{ font-family: {FONTS}; }}
.flow-picture text {{ text-anchor: start; }}
.flow-picture .title {{ font-size: 13px; font-weight: 600; }}
.flow-picture .text {{ font-size: 12px; }}
.flow-picture .label-text {{ font-size: 11.5px; text-anchor: middle; }}
.flow-picture .pill-text {{ font-size: 11.5px; font-weight: 600; text-anchor: middle; }}
.flow-picture .card, .flow-picture .under, .flow-picture .pill {{ stroke-width: 1.2; }}
.flow-picture .jump {{ cursor: pointer; }}
.flow-picture .band {{ stroke: none; }}
.flow-picture .symbol {{ fill: none; stroke-width: 1.6; stroke-linecap: round; stroke-linejoin: round; }}
.flow-picture .shape-question .symbol {{ stroke-width: 2.6; }}
.flow-picture .line {{ fill: none; stroke-width: 1.5; }}
.flow-picture .is-failing .line, .flow-picture .is-failing .pill {{ stroke-dasharray: 4 3; }}
.flow-picture .mark {{ stroke-width: 1.5; }}
.flow-picture .mark-sign {{ fill: none; stroke-width: 1.8; stroke-linecap: round; }}
.flow-picture .mark-added .card, .flow-picture .mark-removed .card, .flow-picture .mark-changed .card {{ stroke-width: 2; }}
.flow-picture .mark-removed .card, .flow-picture .mark-removed > .line {{ stroke-dasharray: 5 3; }}
.flow-picture .state.is-current .card, .flow-picture .state.is-selected .card {{ stroke-width: 3; }}
.flow-picture .state.is-visited .card, .flow-picture .edge.is-visited > .line {{ stroke-width: 2.2; }}
.flow-picture .state[role="button"] {{ cursor: pointer; }}
.flow-picture .state:focus {{ outline: none; }}
.flow-picture .state:focus-visible .card {{ stroke-width: 3; }}
.flow-picture .is-faded {{ opacity: 0.25; }}
.flow-picture .number text {{ font-size: 11px; font-weight: 700; text-anchor: middle; }}
"""


def build_stylesheet() -> str:
    """The rules for pictures, by the classes of their parts. It has no custom properties, which many
    programs that show SVG do not know.
    """
    dark = "".join(f"  {line}\n" for line in build_colours(DARK).splitlines())
    return f"{PART_FORMS}{build_colours(LIGHT)}@media (prefers-color-scheme: dark) {{\n{dark}}}\n"


def build_colours(palette: dict[str, str]) -> str:
    shapes = (SHAPE_COLOUR.substitute(shape=shape, colour=palette[shape]) for shape in SHAPES)
    marks = (
        MARK_COLOURS.substitute(mark=mark, colour=palette[mark], fill=palette[f"{mark}_fill"])
        for mark in ("added", "removed", "changed")
    )
    return "".join([*shapes, *marks, PART_COLOURS.substitute(palette)])
