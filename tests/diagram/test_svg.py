"""Pictures of flows: nothing lies on anything else, few lines cross, and whatever stands in a label
stays text.
"""

import json
import re
import shutil
from itertools import combinations, pairwise
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from flowengine.cli import main
from flowengine.compile import Program, compile_project
from flowengine.diagram import (
    Edge,
    EntryPoint,
    FlowGraph,
    Node,
    build_graph,
    render_for_page,
    to_svg,
)
from flowengine.diagram.flow_drawing import FlowDrawing, draw_flow
from flowengine.sources.project_folder import read_folder
from tests.diagram.drawn_lines import count_crossings, list_graphviz_lines, list_lines
from tests.diagram.test_drawings import LABELS, graph_of

FLOWS = Path(__file__).parents[2] / "flows"
SVG = "{http://www.w3.org/2000/svg}"
Box = tuple[float, float, float, float]


@pytest.fixture(scope="module")
def programs() -> dict[str, Program]:
    return dict(compile_project(read_folder(FLOWS), {}).programs)


def build_random_graph(links: list[tuple[int, int]], count: int) -> FlowGraph:
    names = [f"state_{number}" for number in range(count)]
    labels: dict[tuple[str, str], tuple[str, ...]] = {
        (names[source % count], names[target % count]): (f"key {number}",) * (number % 3)
        for number, (source, target) in enumerate(links)
    }
    return FlowGraph(
        "random",
        "",
        (EntryPoint("start", names[0]), EntryPoint("ended", names[-1])),
        tuple(Node(name, "action", f"{name} says " * (len(name) % 5)) for name in names),
        tuple(Edge(source, target, found) for (source, target), found in labels.items()),
    )


def build_tree(count: int) -> FlowGraph:
    """A tree of menus; each has a way back to the first, and some lead to an operator."""
    names = [f"menu_{number}" for number in range(count)]
    edges = [
        Edge(names[(n - 1) // 4], names[n], (f"key {(n - 1) % 4 + 1}",)) for n in range(1, count)
    ]
    edges += [Edge(names[n], names[0], ("key 0",)) for n in range(7, count, 29)]
    edges += [Edge(names[n], "operator", ("otherwise",)) for n in range(0, count, 23)]
    nodes = [Node(name, "question", "Press a key.") for name in names]
    return FlowGraph(
        "tree",
        "A tree",
        (EntryPoint("start", names[0]),),
        (*nodes, Node("operator", "connection", "+14045550100")),
        tuple(edges),
    )


def list_boxes(drawing: FlowDrawing) -> list[Box]:
    cards = [
        (
            card.at[0] - card.width / 2,
            card.at[1],
            card.at[0] + card.width / 2,
            card.at[1] + card.height,
        )
        for card in drawing.cards
    ]
    pills = [
        (pill.at[0] - pill.width / 2, pill.at[1], pill.at[0] + pill.width / 2, pill.at[1] + 24)
        for pill in drawing.entries
    ]
    return cards + pills


def list_label_boxes(drawing: FlowDrawing) -> list[Box]:
    return [
        (
            drawn.label_at[0] - drawn.label.left,
            drawn.label_at[1],
            drawn.label_at[0] + drawn.label.right,
            drawn.label_at[1] + drawn.label.height,
        )
        for drawn in drawing.edges
        if drawn.label and drawn.label_at
    ]


def assert_nothing_overlaps(drawing: FlowDrawing) -> None:
    boxes = [*list_boxes(drawing), *list_label_boxes(drawing)]
    for one, other in combinations(boxes, 2):
        assert (
            one[2] <= other[0] + 0.01
            or other[2] <= one[0] + 0.01
            or one[3] <= other[1] + 0.01
            or other[3] <= one[1] + 0.01
        )
    for box in boxes:
        assert box[0] >= 0
        assert box[1] >= 0
        assert box[2] <= drawing.width
        assert box[3] <= drawing.height
    for line in list_lines(drawing):
        for (x, y), (right, down) in pairwise(line.points):
            for box in list_boxes(drawing):
                middle_x, middle_y = (x + right) / 2, (y + down) / 2
                is_inside = box[0] < middle_x < box[2] and box[1] + 0.01 < middle_y < box[3] - 0.01
                assert not is_inside, line


def test_picture_of_a_sample_flow_has_nothing_on_anything_else(
    programs: dict[str, Program],
) -> None:
    for program in programs.values():
        assert_nothing_overlaps(draw_flow(build_graph(program)))


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(0, 20)), max_size=40), st.integers(1, 14))
def test_picture_of_any_graph_has_nothing_on_anything_else(
    links: list[tuple[int, int]], count: int
) -> None:
    graph = build_random_graph(links, count)
    drawing = draw_flow(graph)
    assert_nothing_overlaps(drawing)
    assert draw_flow(graph) == drawing
    assert [card.node for card in drawing.cards] == list(graph.nodes)
    assert {drawn.edge for drawn in drawing.edges} == set(graph.edges)


@pytest.mark.skipif(not shutil.which("dot"), reason="needs Graphviz")
def test_picture_has_hardly_more_crossings_than_graphviz(programs: dict[str, Program]) -> None:
    graphs = [*(build_graph(program) for program in programs.values()), build_tree(300)]
    *ours, our_tree = (count_crossings(list(list_lines(draw_flow(graph)))) for graph in graphs)
    *theirs, their_tree = map(count_crossings, list_graphviz_lines(graphs))
    assert sum(ours) <= 1.1 * sum(theirs)
    assert our_tree <= 1.1 * their_tree


def test_arrow_goes_from_the_state_to_where_its_exit_leads(programs: dict[str, Program]) -> None:
    for program in programs.values():
        drawing = draw_flow(build_graph(program))
        cards = {card.node.name: card for card in drawing.cards}
        for drawn in drawing.edges:
            for name, (x, y) in (
                (drawn.edge.source, drawn.points[0]),
                (drawn.edge.target, drawn.points[-1]),
            ):
                card = cards[name]
                assert abs(x - card.at[0]) <= card.width / 2 + 0.01
                assert card.at[1] <= y <= card.at[1] + card.height


def test_lines_to_a_state_that_very_many_lead_to_end_in_its_name() -> None:
    graph = build_tree(300)
    drawing = draw_flow(graph)
    leading = [drawn for drawn in drawing.edges if drawn.edge.target == "operator"]
    assert [bool(drawn.jump) for drawn in leading] == [False] + [True] * (len(leading) - 1)
    for drawn in leading[1:]:
        assert drawn.jump
        assert drawn.points[-1][1] == drawn.jump.at[1]
    assert "→ operator" in parse_texts(render_for_page(graph))
    centred = draw_flow(graph.keep_neighbourhood("operator", 1), "operator")
    assert not any(drawn.jump for drawn in centred.edges if drawn.edge.target == "operator")


def parse_texts(svg: str) -> list[str]:
    return ["".join(text.itertext()) for text in ET.fromstring(svg).iter(f"{SVG}text")]


@pytest.mark.parametrize("label", [*LABELS, "\x00\x07 bell", "\ud800", "</title><script>"])
def test_svg_label_is_drawn_as_typed(label: str) -> None:
    for svg in (to_svg(graph_of(label)), render_for_page(graph_of(label))):
        root = ET.fromstring(svg)
        assert not [*root.iter(f"{SVG}script")]
        shown = re.sub("[\x00-\x08\ud800]", "\ufffd", label)
        assert f"a: {shown}" in {title.text for title in root.iter(f"{SVG}title")}
        joined = "".join(parse_texts(svg)).replace(" ", "")
        assert joined.count(shown.replace(" ", "")[:20]) >= 2


def test_svg_says_where_its_states_and_edges_belong(programs: dict[str, Program]) -> None:
    program = programs["departments"]
    root = ET.fromstring(render_for_page(build_graph(program)))
    states = {
        group.get("data-state"): group for group in root.iter(f"{SVG}g") if group.get("data-state")
    }
    assert list(states) == list(program.states)
    written = (FLOWS / "departments.yaml").read_text().splitlines()
    for name, group in states.items():
        assert written[int(group.get("data-line", 0)) - 1].strip().startswith(f"{name}:")
        assert group.get("data-kind") == program.states[name or ""].kind
    ways = {
        (group.get("data-from"), name, group.get("data-to"))
        for group in root.iter(f"{SVG}g")
        if group.get("data-from")
        for name in json.loads(group.get("data-exits", "[]"))
    }
    for state in program.states.values():
        for name, target in state.exits.items():
            assert (state.name, name, target.state) in ways


def test_svg_for_a_page_has_no_styles_of_its_own(programs: dict[str, Program]) -> None:
    page, file = (make(build_graph(programs["survey"])) for make in (render_for_page, to_svg))
    assert "style" not in page
    assert file.count("<style>") == 1
    assert "prefers-color-scheme: dark" in file
    assert " style=" not in file


def test_neighbourhood_keeps_what_is_near(programs: dict[str, Program]) -> None:
    graph = build_graph(programs["order-status"])
    near = graph.keep_neighbourhood("ask_day", 1)
    assert {node.name for node in near.nodes} == {"agent", "keep_or_move", "ask_day", "set_day"}
    assert {edge.source for edge in near.edges} == {"keep_or_move", "ask_day"}
    assert len(graph.keep_neighbourhood("ask_day", 99).nodes) == len(graph.nodes)


def test_svg_command_needs_no_graphviz(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    result = CliRunner().invoke(main, ["diagram", str(FLOWS), "voicemail", "--format", "svg"])
    assert result.exit_code == 0
    assert ET.fromstring(result.output).tag == f"{SVG}svg"
