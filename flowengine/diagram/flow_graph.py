"""A flow as nodes and edges, whatever it is drawn with."""

import msgspec
from msgspec.structs import replace

from flowengine.states import Shape


class Node(msgspec.Struct, frozen=True):
    """A state. `label` is what it does in its author's words; `mark` singles it out, such as
    `added`; `line` is where it stands in the file of the flow.
    """

    name: str
    shape: Shape
    label: str = ""
    mark: str = ""
    kind: str = ""
    line: int = 0


class Edge(msgspec.Struct, frozen=True):
    """Ways from one state to another by these exits, whose `labels` are what an author would call
    them.
    """

    source: str
    target: str
    labels: tuple[str, ...]
    exits: tuple[str, ...] = ()
    mark: str = ""


class EntryPoint(msgspec.Struct, frozen=True):
    """A way into the flow. With `failing` it is where a call goes when a state fails that does not
    say otherwise; `label` is what the routes ask of a call that comes this way.
    """

    name: str
    target: str
    failing: bool = False
    label: str = ""

    @property
    def text(self) -> str:
        return f"{self.name}: {self.label}" if self.label else self.name


class FlowGraph(msgspec.Struct, frozen=True):
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

    def keep_neighbourhood(self, state: str, distance: int) -> "FlowGraph":
        """What is at most so many edges away from the state, in either direction."""
        kept = {state}
        for _ in range(distance):
            kept |= {
                name
                for edge in self.edges
                for name in (edge.source, edge.target)
                if edge.source in kept or edge.target in kept
            }
        return replace(
            self,
            entries=tuple(entry for entry in self.entries if entry.target in kept),
            nodes=tuple(node for node in self.nodes if node.name in kept),
            edges=tuple(edge for edge in self.edges if edge.source in kept and edge.target in kept),
        )
