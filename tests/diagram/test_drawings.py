"""Flows are drawn as their authors think of them; whatever stands in a label, the picture stays
whole.
"""

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from flowengine.cli import main
from flowengine.compile import Program, compile_project
from flowengine.diagram import (
    Edge,
    EntryPoint,
    FlowGraph,
    Node,
    build_graph,
    to_dot,
    to_mermaid,
)
from flowengine.sources.project_folder import read_folder
from flowengine.templates import read_template

FLOWS = Path(__file__).parents[2] / "flows"
GOLDEN = Path(__file__).parent / "golden"
DRAWN = ("departments", "order-status", "outbound-async", "voicemail")
AWKWARD = """
flow: awkward-one
start: end
error: style
states:
  end:
    say: 'One; two "three" #4 <b> & `x` 100% {a} [b] (c) | \\ back'
    menu:
      prompt: Press.
      options: {1: graph, 2: end, 3: repeat, "#": graph}
      otherwise: graph
  graph:
    choose:
      - {when: 'call.from == "a;b-->c" || call.to == "|"', next: style}
      - next: style
  style:
    hangup:
"""


@pytest.fixture(scope="session")
def programs() -> dict[str, Program]:
    return dict(compile_project(read_folder(FLOWS), {}).programs)


@pytest.fixture
def awkward() -> Program:
    compiled = compile_project({"main.yaml": AWKWARD.encode()}, {})
    assert compiled.release, compiled.problems
    return compiled.programs["awkward-one"]


@pytest.mark.parametrize("name", DRAWN)
def test_mermaid_of_shipped_flows(
    programs: dict[str, Program], name: str, golden: Callable[[Path, str], None]
) -> None:
    golden(GOLDEN / f"{name}.mmd", to_mermaid(build_graph(programs[name])))


@pytest.mark.parametrize("name", DRAWN)
def test_dot_of_shipped_flows(
    programs: dict[str, Program], name: str, golden: Callable[[Path, str], None]
) -> None:
    golden(GOLDEN / f"{name}.dot", to_dot(build_graph(programs[name])))


def test_graph_of_a_sample_flow_has_each_state_and_exit(
    programs: dict[str, Program],
) -> None:
    for program in programs.values():
        drawn = build_graph(program)
        assert [node.name for node in drawn.nodes] == list(program.states)
        leads = {
            (state.name, target.state)
            for state in program.states.values()
            for target in state.exits.values()
        }
        assert leads <= {(edge.source, edge.target) for edge in drawn.edges}


def test_exits_are_labelled_as_authors_think_of_them(awkward: Program) -> None:
    labels = {(edge.source, edge.target): edge.labels for edge in build_graph(awkward).edges}
    assert labels["end", "graph"] == ("key 1", "key #", "otherwise")
    assert labels["end", "end"] == ("key 2", "key 3")
    assert labels["graph", "style"] == ('call.from == "a;b-->c" || call.to == "|"', "else")


def test_failures_that_all_states_share_are_one_entry(awkward: Program) -> None:
    drawn = build_graph(awkward)
    assert [(entry.name, entry.target, entry.failing) for entry in drawn.entries] == [
        ("start", "end", False),
        ("when something fails", "style", True),
    ]
    assert not any("error" in edge.labels for edge in drawn.edges)


def test_mermaid_is_not_broken_by_what_labels_and_names_hold(awkward: Program) -> None:
    text = to_mermaid(build_graph(awkward))
    bare = re.sub(r"#\d+;", "", text)
    assert ";" not in bare
    assert all(line.count('"') in (0, 2) for line in bare.splitlines())
    ids = re.findall(r"^    (\w+)", bare, re.MULTILINE)
    assert not set(ids) & {"end", "graph", "style"}
    assert "s_end" in ids


def test_marks_single_states_out(awkward: Program) -> None:
    marked = build_graph(awkward).mark_states({"end": "changed"})
    assert '"]:::' not in to_mermaid(build_graph(awkward))
    assert ":::changed" in to_mermaid(marked)
    assert "classDef changed" in to_mermaid(marked)
    assert "fillcolor" in next(
        line for line in to_dot(marked).splitlines() if line.startswith('  "s end" [')
    )


LABELS = [
    *("$$x^2$$", "costs $$5 and $$6", "a $5$ b", "\\$$$x"),
    *("fa:fa-car", "fab:fa-x", "far:a fas:b", "sofa: fa : x"),
    *("&eacute;", "&#35;", "&amp;lt;", "#quot;", "#35;", "a & b", "a;b"),
    *("<b>x</b>", "<br>", "-->", "`code`", "`**bold** markdown`", "~~x~~", "1. one", "- item"),
    *("%% c", "%%{init: {}}%%", "\"q\" 'q'", "[a](b) {c} |d| ((e))", "@{ shape: rect }"),
    *("a\\nb", "a\\lb", "\\N \\G", "end", "subgraph", "class:::x", "日本 😀", "x" * 500),
]


def graph_of(label: str) -> FlowGraph:
    nodes = (Node("a", "question", label), Node("b", "end", "bye"))
    return FlowGraph("f", label, (EntryPoint("start", "a"),), nodes, (Edge("a", "b", (label,)),))


@pytest.mark.parametrize("label", LABELS)
def test_mermaid_label_is_drawn_as_typed(label: str) -> None:
    # Each row was rendered by mermaid 10.9, 11.4 and 11.17 in a browser; these are the rules for it.
    text = to_mermaid(graph_of(label))
    escapes = re.compile(r"#(\d+);")
    for written in re.findall(r'"(.*?)"', text):
        assert not re.search(r"[;<>&`%\\]", escapes.sub("", written.replace("<br>", "")))
        decoded = escapes.sub(lambda found: chr(int(found[1])), written)
        assert not re.search(r"\$\$|\bfa[a-z]?:|\\n", decoded)
    drawn = escapes.sub(lambda found: chr(int(found[1])), text).replace("\ufeff", "")
    assert drawn.count(f'<br>{label}"') == drawn.count(f'|"{label}"|') == 1


@pytest.mark.skipif(not shutil.which("dot"), reason="needs Graphviz")
def test_dot_is_understood_by_graphviz(awkward: Program) -> None:
    graphs = [build_graph(awkward), *map(graph_of, LABELS)]
    drawn = subprocess.run(
        ["dot", "-Tplain"],
        input="".join(map(to_dot, graphs)).encode(),
        capture_output=True,
        check=True,
    )
    assert drawn.stderr == b""
    assert drawn.stdout.count(b"stop") == len(graphs)


def test_diagram_command_draws_one_flow_or_all() -> None:
    one = CliRunner().invoke(main, ["diagram", str(FLOWS), "voicemail"])
    assert (one.exit_code, one.output.splitlines()[0]) == (0, "flowchart TD")
    every = CliRunner().invoke(main, ["diagram", str(FLOWS), "--format", "dot"])
    assert every.output.count("digraph") == len([*FLOWS.glob("*.yaml")]) - 1  # project.yaml


def test_diagram_of_a_call_in_turn_says_so(tmp_path: Path) -> None:
    for name, text in read_template("queue-with-call-back", "acme").items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    drawn = CliRunner().invoke(main, ["diagram", str(tmp_path), "support"]).output
    assert "call-back: ${call.from}, my turn" in drawn


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["voicemial"], "there is no flow voicemial"),
        (["--format", "svg"], "an SVG is of one flow"),
        (["--format", "png"], "Invalid value"),
    ],
)
def test_diagram_command_on_what_cannot_be_drawn_exits_2(
    arguments: list[str], message: str
) -> None:
    result = CliRunner().invoke(main, ["diagram", str(FLOWS), *arguments])
    assert result.exit_code == 2
    assert message in result.output


def test_flows_with_errors_are_not_drawn(tmp_path: Path) -> None:
    (tmp_path / "line.yaml").write_text("flow: line\nstart: nowhere\nstates: {a: {hangup: }}\n")
    result = CliRunner().invoke(main, ["diagram", str(tmp_path)])
    assert result.exit_code == 1
    assert "FE203" in result.output


def test_command_draws_what_the_routes_ask_beside_the_start(tmp_path: Path) -> None:
    (tmp_path / "project.yaml").write_text(
        "project: acme\nroutes:\n"
        '  - {to: "+1404*", origin: pstn, flow: line}\n'
        "  - {to: support@pbx.example.com, type: sip, flow: line}\n"
        "  - {flow: other}\n"
    )
    for name in ("line", "other"):
        (tmp_path / f"{name}.yaml").write_text(
            f"flow: {name}\nstart: hello\nstates:\n  hello: {{say: Hello., hangup: }}\n"
        )

    def draw(*arguments: str) -> str:
        return CliRunner().invoke(main, ["diagram", str(tmp_path), *arguments]).output

    asked = "to +1404*, origin pstn; to support@pbx.example.com, type sip"
    assert f'entry0 -> "s hello" [label="{asked}"];' in draw("line", "--format", "dot")
    assert f">start: {asked}<" in draw("line", "--format", "svg")
    assert 'entry0 -->|"all other calls"| s_hello' in draw("other")
