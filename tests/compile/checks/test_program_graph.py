"""The graph algorithms against their definitions."""

from hypothesis import given
from hypothesis import strategies as st

from flowengine.compile.checks.program_graph import find_components, find_reachable

GRAPHS = st.integers(1, 8).flatmap(
    lambda size: st.fixed_dictionaries(
        {str(node): st.lists(st.integers(0, size - 1).map(str), max_size=4) for node in range(size)}
    )
)


@given(GRAPHS)
def test_nodes_share_a_component_when_each_is_reached_from_the_other(graph):
    found = find_components(graph)
    place = {node: index for index, component in enumerate(found) for node in component}
    assert sorted(place) == sorted(graph)
    assert sum(map(len, found)) == len(graph)
    for one in graph:
        for other in graph:
            together = other in find_reachable(graph, [one]) and one in find_reachable(
                graph, [other]
            )
            assert (place[one] == place[other]) == together


@given(GRAPHS)
def test_successors_come_first(graph):
    place = {
        node: index for index, component in enumerate(find_components(graph)) for node in component
    }
    assert all(
        place[target] <= place[node] for node, targets in graph.items() for target in targets
    )


def test_components_of_a_long_chain_need_no_recursion():
    graph = {str(node): [str(node + 1)] for node in range(5000)} | {"5000": ["0"]}
    assert [len(component) for component in find_components(graph)] == [5001]
