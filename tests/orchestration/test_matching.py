"""Who of those who wait is offered to whom."""

from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flowengine.orchestration.matching import (
    Presence,
    Queue,
    count_members,
    estimate_wait,
    format_queue_id,
    match_callers,
    parse_queue_group,
)
from flowengine.orchestration.turn import AgentFacts
from flowengine.states.ring_plan import RingMember, RingOrder
from tests.thoroughness import examples

NOW = 1000.0
ANNA, BO, CY = (RingMember("number", f"+4670000000{number}") for number in range(3))
BUSY = {"occupied_by": "a call"}


class Waiting(NamedTuple):
    name: str
    priority: int = 0
    entered_at: float = 0.0


def facts(member: RingMember, **values: object) -> AgentFacts:
    return AgentFacts(member.address, **values)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("known", "offered", "look_at"),
    [
        ([], [("first", ANNA), ("second", BO), ("third", CY)], None),
        ([facts(ANNA, **BUSY), facts(CY, status="out")], [("first", BO)], None),
        (
            [facts(ANNA, not_before=1005.0), facts(BO, status="pause"), facts(CY, **BUSY)],
            [],
            1005.0,
        ),
        ([facts(ANNA, not_before=1e9, occupied_by="x"), facts(BO, **BUSY)], [("first", CY)], None),
        (
            [facts(ANNA, idle_since=9.0), facts(BO, idle_since=3.0), facts(CY, not_before=NOW)],
            [("first", CY), ("second", BO), ("third", ANNA)],
            None,
        ),
        ([facts(ANNA, not_before=1009.0), facts(BO, not_before=1004.0)], [("first", CY)], 1004.0),
    ],
)
def test_callers_go_to_members_who_are_free(
    known: list[AgentFacts], offered: list[tuple[str, RingMember]], look_at: float | None
) -> None:
    calls = [
        Waiting("third", 0, 3.0),
        Waiting("first", 7, 5.0),
        Waiting("second", 0, 1.0),
    ]
    agents = {one.address: one for one in known}
    matching = match_callers(calls, Queue("sales", (ANNA, BO, CY)), agents, NOW)
    assert [(call.name, member) for call, member in matching.offers] == offered
    assert matching.look_at == look_at


@settings(max_examples=examples(200), deadline=None)
@given(
    calls=st.lists(st.tuples(st.integers(0, 9), st.integers(0, 50)), max_size=6),
    busy=st.sets(st.sampled_from([ANNA, BO, CY])),
    order=st.sampled_from(["in turn", "round robin", "longest idle"]),
)
def test_caller_is_never_passed_over(
    calls: list[tuple[int, int]], busy: set[RingMember], order: RingOrder
) -> None:
    waiting = [Waiting(str(place), *one) for place, one in enumerate(calls)]
    agents = {one.address: facts(one, **BUSY) for one in busy}
    offers = match_callers(waiting, Queue("g", (ANNA, BO, CY), order), agents, NOW).offers
    assert len(offers) == min(len(calls), 3 - len(busy))
    assert len({member for _, member in offers}) == len(offers)
    assert not busy & {member for _, member in offers}
    taken = [call for call, _ in offers]
    left = [call for call in waiting if call not in taken]
    rank = [(-call.priority, call.entered_at) for call in (*taken, *left)]
    assert all(one <= other for one in rank[: len(taken)] for other in rank[len(taken) :])


@pytest.mark.parametrize(
    ("position", "answered_calls", "seconds", "presence", "wait"),
    [
        (1, 2, 60.0, Presence(2, 0), 0),
        (1, 3, 60.0, Presence(2, 0), 24),
        (4, 3, 60.0, Presence(2, 0), 96),
        (1, 10, 0.001, Presence(2, 0), 1),
        (1, 3, 60.0, Presence(2, 1), 0),
        (2, 3, 60.0, Presence(2, 1), 48),
        (4, 3, 60.0, Presence(0, 0), 0),
    ],
)
def test_wait_is_estimated_from_the_latest_answered_calls(
    position: int, answered_calls: int, seconds: float, presence: Presence, wait: int
) -> None:
    assert estimate_wait(position, answered_calls, seconds, presence) == wait


def test_members_who_pause_rest_or_talk_are_signed_in_and_not_free() -> None:
    away = AgentFacts(ANNA.address, status="out")
    pausing = AgentFacts(ANNA.address, status="pause")
    resting = AgentFacts(BO.address, not_before=NOW + 1)
    known = [away, pausing, resting, facts(BO, **BUSY), AgentFacts(CY.address)]
    assert count_members(known, NOW) == Presence(signed_in=4, free=1)


def test_id_of_a_queue_names_its_group() -> None:
    assert parse_queue_group(format_queue_id("an app key", "sales")) == "sales"
