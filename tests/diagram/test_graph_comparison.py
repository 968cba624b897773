"""A change of a flow as one picture: what was added, removed and changed."""

from xml.etree import ElementTree as ET

from flowengine.compile import compile_project
from flowengine.diagram import FlowGraph, build_graph, merge_graphs, render_for_page

OLD = """
flow: line
start: hello
states:
  hello:
    menu:
      prompt: Press a key.
      options: {1: sales, 2: fax, 3: bye}
      otherwise: bye
  sales:
    connect: +14045550101
  fax:
    say: We have no fax.
    next: bye
  bye:
    hangup:
"""
NEW = """
flow: line
start: hello
states:
  hello:
    menu:
      prompt: Press a key.
      options: {1: sales, 2: shop, 4: bye}
      otherwise: bye
  sales:
    connect: +14045550102
  shop:
    say: The shop is closed.
    next: bye
  bye:
    hangup:
"""


def build(text: str) -> FlowGraph:
    compiled = compile_project({"line.yaml": text.encode()}, {})
    assert compiled.release, compiled.problems
    return build_graph(compiled.programs["line"])


def test_merged_graph_marks_states_and_ways() -> None:
    merged = merge_graphs(build(OLD), build(NEW), frozenset({"hello", "sales"}))
    assert {node.name: node.mark for node in merged.nodes} == {
        "hello": "changed",
        "sales": "changed",
        "shop": "added",
        "bye": "",
        "fax": "removed",
    }
    assert {(edge.source, edge.target): edge.mark for edge in merged.edges} == {
        ("hello", "sales"): "",
        ("hello", "shop"): "added",
        ("hello", "bye"): "changed",
        ("shop", "bye"): "added",
        ("hello", "fax"): "removed",
        ("fax", "bye"): "removed",
    }


def test_merged_graph_follows_a_renamed_state() -> None:
    renamed = OLD.replace("fax", "telex")
    merged = merge_graphs(build(OLD), build(renamed), frozenset({"telex"}), {"fax": "telex"})
    assert {node.name: node.mark for node in merged.nodes}["telex"] == "changed"
    assert not {edge.mark for edge in merged.edges} - {""}


def test_merged_graph_is_drawn_with_its_marks() -> None:
    merged = merge_graphs(build(OLD), build(NEW), frozenset({"sales"}))
    root = ET.fromstring(render_for_page(merged))
    classes = {
        group.get("data-state"): group.get("class")
        for group in root.iter()
        if "data-state" in group.keys()  # noqa: SIM118
    }
    assert classes["fax"] == "state shape-action mark-removed"
    assert classes["shop"] == "state shape-action mark-added"
    assert classes["sales"] == "state shape-connection mark-changed"
    assert classes["bye"] == "state shape-end"
