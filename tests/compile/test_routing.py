"""Which route takes a call: found by its number, but always the one that stands first."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET

from flowengine.compile import compile_project
from flowengine.compile.routing import DialledAddress, RoutesByNumber, compile_route
from flowengine.model import Route

FLOW = "flow: {0}\nstart: only\nstates: {{only: {{hangup: }}}}\n"
numbers = st.sampled_from(
    ["", "+1404", "+1405", "+1404*", "*5", "sip:help@acme.com", "sip:*@acme.com"]
)
kinds, origins, keys = (
    st.sampled_from(["", "did", "sip"]),
    st.sampled_from(["", "pstn", "server"]),
    st.sampled_from(["", "key-1"]),
)
routes = st.builds(
    lambda *asks: Route("line", *(ask or UNSET for ask in asks)), numbers, kinds, origins, keys
)
asked = st.builds(
    DialledAddress,
    st.sampled_from(["1404", "1405", "14045", "help@acme.com", ""]),
    kinds,
    origins,
    keys,
)


@given(st.lists(routes, max_size=12), asked)
def test_route_index_finds_what_a_walk_through_all_routes_finds(
    given_routes: list[Route], call: DialledAddress
) -> None:
    ready = [compile_route(route) for route in given_routes]
    assert RoutesByNumber.from_routes(ready).find_route(call) is next(
        (route for route in ready if route.is_match(call)), None
    )


@pytest.mark.parametrize(
    ("routes", "flow"),
    [
        ("[{to: '+1404*', flow: all}, {to: '+14045550100', flow: one}]", "all"),
        ("[{to: '+14045550100', flow: one}, {to: '+1404*', flow: all}]", "one"),
        ("[{to: '+14045550100', type: sip, flow: one}, {flow: all}]", "all"),
        (
            "[{to: '+14045550100', origin: server, flow: all}, {to: '+14045550100', flow: one}]",
            "one",
        ),
    ],
)
def test_first_of_several_routes_for_a_number_wins(routes: str, flow: str) -> None:
    files = {f"{name}.yaml": FLOW.format(name).encode() for name in ("one", "all")}
    made = compile_project(
        {**files, "project.yaml": f"project: test\nroutes: {routes}\n".encode()}, {}
    )
    assert made.release, made.problems
    assert made.release.find_flow("+14045550100", "did", "PSTN", "") == flow
