"""A flow as nodes and edges, whatever it is drawn with."""

from dataclasses import dataclass, replace

from flowengine.states import Shape


@dataclass(frozen=True, slots=True)
class Node:
    """A state. `label` is what it does in its author's words; `mark` singles it out, such as
    `added`.
    """

    name: str
    shape: Shape
    label: str = ""
    mark: str = ""


@dataclass(frozen=True, slots=True)
class Edge:
    """Ways from one state to another by these exits."""

    source: str
    target: str
    labels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class EntryPoint:
    """A way into the flow. With `failing` it is where a call goes when a state fails that does not
    say otherwise.
    """

    name: str
    target: str
    failing: bool = False


@dataclass(frozen=True, slots=True)
class FlowGraph:
    """One flow."""

    flow: str
    title: str
    entries: tuple[EntryPoint, ...]
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]

    def mark_states(self, marks: dict[str, str]) -> "FlowGraph":
        """The same graph with these states singled out."""
        return replace(
            self, nodes=tuple(replace(node, mark=marks.get(node.name, "")) for node in self.nodes)
        )
