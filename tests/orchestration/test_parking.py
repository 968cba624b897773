"""Who has a code, and who gets the call that is parked under it."""

from hypothesis import given, settings
from hypothesis import strategies as st

from flowengine.orchestration.parking import (
    BringParked,
    CallParks,
    CallPicksUp,
    ForgetCall,
    ParkedBrought,
    ParkedGone,
    ParkingCode,
    ParkingDue,
    ParkingEvent,
    ParkingLeft,
    ParkingTurn,
    ReleaseParked,
    RemoveOther,
    SetLimit,
    conduct_parking,
    format_parking_room,
)
from tests.thoroughness import examples

LIMIT = 60
PARKS = CallParks("caller", "app", "", LIMIT, has_exit=True)
ROOM = format_parking_room("caller")


def play(*events: ParkingEvent, now: float = 0.0) -> ParkingTurn:
    """The last of the turns, which all happen at this moment."""
    turn = ParkingTurn(ParkingCode(id="parking:1"))
    for event in events:
        turn = conduct_parking(turn.code, event, now)
    return turn


def test_first_who_picks_up_gets_the_call() -> None:
    turn = play(PARKS, CallPicksUp("anna", ""))
    assert (turn.status, turn.room) == (200, ROOM)
    assert turn.effects == (BringParked("caller", "", ROOM),)
    again = play(PARKS, CallPicksUp("anna", ""), CallPicksUp("anna", ""))
    assert (again.status, again.room, again.effects) == (200, ROOM, ())
    assert play(PARKS, CallPicksUp("anna", ""), CallPicksUp("bo", "")).status == 404
    assert play(CallPicksUp("anna", "")).status == 404


def test_code_in_use_takes_no_other_call_until_it_is_free() -> None:
    second = CallParks("second", "app", "", LIMIT, has_exit=False)
    assert play(PARKS).effects == (SetLimit(1, LIMIT),)
    assert play(PARKS, second).status == 409
    assert play(PARKS, PARKS).status == 200
    for freed in (ParkingLeft("caller"), CallPicksUp("anna", ""), ParkingDue(1)):
        assert play(PARKS, freed, second).status == 200
    late = conduct_parking(play(PARKS).code, second, LIMIT + 1.0)
    assert late.status == 200


def test_limit_lets_the_call_go_on_unless_it_was_picked_up() -> None:
    assert play(PARKS, ParkingDue(1)).effects == (ReleaseParked("caller", "", 1, "too_long"),)
    assert play(PARKS, CallPicksUp("anna", ""), ParkingDue(1)).effects == ()
    assert play(PARKS, PARKS, ParkingDue(1)).effects == ()


def test_end_of_one_of_two_ends_the_other() -> None:
    talk = PARKS, CallPicksUp("anna", ""), ParkedBrought("caller")
    for left, other in (("caller", "anna"), ("anna", "caller")):
        turn = play(*talk, ParkingLeft(left))
        assert turn.effects == (ForgetCall(left), RemoveOther(other, "", ROOM))
        assert turn.code.pairs == ()


def test_end_of_a_call_that_was_parked_again_frees_the_code_and_the_other() -> None:
    talk = PARKS, CallPicksUp("anna", ""), ParkedBrought("caller")
    turn = play(*talk, PARKS, ParkingLeft("caller"))
    assert turn.code.parked is None
    assert turn.code.pairs == ()
    assert turn.effects == (ForgetCall("caller"), RemoveOther("anna", "", ROOM))


def test_call_whose_picker_leaves_before_it_comes_waits_on_until_its_limit() -> None:
    picked = play(PARKS, CallPicksUp("anna", "")).code
    turn = conduct_parking(picked, ParkingLeft("anna"), 10.5)
    assert turn.effects == (ForgetCall("anna"), ForgetCall("caller"), SetLimit(2, 50))
    assert conduct_parking(turn.code, CallPicksUp("bo", ""), 11.0).room == ROOM
    assert conduct_parking(turn.code, ParkingDue(1), 60.0).effects == ()
    # the request to bring it may be obeyed late
    released = (ReleaseParked("caller", "", 2, "too_long", ROOM),)
    assert conduct_parking(turn.code, ParkingDue(2), 60.0).effects == released
    late = conduct_parking(picked, ParkingLeft("anna"), LIMIT)
    assert late.effects[2:] == released


def test_call_whose_picker_leaves_goes_on_where_another_has_the_code() -> None:
    second = CallParks("second", "app", "", LIMIT, has_exit=True)
    turn = play(PARKS, CallPicksUp("anna", ""), second, ParkingLeft("anna"))
    assert turn.effects[2:] == (ReleaseParked("caller", "", 3, "too_long", ROOM),)
    due = conduct_parking(turn.code, ParkingDue(2), LIMIT)
    assert due.effects == (ReleaseParked("second", "", 2, "too_long"),)


def test_call_without_an_exit_is_not_alone_in_its_conference_where_another_has_the_code() -> None:
    first, second = (CallParks(name, "app", "", LIMIT, False) for name in ("caller", "second"))
    left = first, CallPicksUp("anna", ""), second, ParkingLeft("anna")
    assert play(*left).effects[2:] == (RemoveOther("caller", "", ROOM),)
    again = conduct_parking(play(*left[:2], left[3]).code, ParkingDue(2), LIMIT)
    assert again.effects == (RemoveOther("caller", "", ROOM),)


def test_call_that_was_brought_as_its_picker_left_is_not_alone_for_ever() -> None:
    left = PARKS, CallPicksUp("anna", ""), ParkingLeft("anna"), ParkedBrought("caller")
    turn = play(*left)
    assert turn.effects == (ReleaseParked("caller", "", 2, "too_long", ROOM),)
    assert turn.code.parked is None
    without_exit = CallParks("caller", "app", "", LIMIT, has_exit=False)
    assert play(without_exit, *left[1:]).effects == (RemoveOther("caller", "", ROOM),)


def test_call_that_cannot_be_brought_lets_its_picker_go_on() -> None:
    released = ReleaseParked("anna", "", 2, "nobody", ROOM)
    for gone, effects in (
        (ParkedGone("caller"), (released,)),
        (ParkingLeft("caller"), (ForgetCall("caller"), released)),
    ):
        turn = play(PARKS, CallPicksUp("anna", ""), gone)
        assert (turn.effects, turn.code.pairs) == (effects, ())


def test_expired_call_goes_on_when_another_gets_its_code() -> None:
    second = CallParks("second", "app", "", LIMIT, has_exit=True)
    turn = conduct_parking(play(PARKS).code, second, LIMIT + 0.001)
    assert turn.effects == (ReleaseParked("caller", "", 1, "too_long"), SetLimit(2, LIMIT))


CALLS = ("anna", "bo", "cy", "dee")
EVENTS = st.one_of(
    st.sampled_from([CallParks(name, "app", "", LIMIT, has_exit=True) for name in CALLS]),
    st.sampled_from([CallPicksUp(name, "") for name in CALLS]),
    st.sampled_from([ParkingLeft(name) for name in CALLS]),
    st.sampled_from([ParkedBrought(name) for name in CALLS]),
    st.sampled_from([ParkedGone(name) for name in CALLS]),
    st.integers(1, 4).map(ParkingDue),
)


@settings(max_examples=examples(100), deadline=None)
@given(st.lists(EVENTS, max_size=30))
def test_parked_call_is_given_to_one_call_alone(events: list[ParkingEvent]) -> None:
    turn = ParkingTurn(ParkingCode(id="parking:1"))
    for event in events:
        before = turn.code
        turn = conduct_parking(before, event, 0.0)
        code = turn.code
        talking = [call.call_id for pair in code.pairs for call in (pair.parked, pair.picker)]
        pickers = [pair.picker.call_id for pair in code.pairs]
        assert len(pickers) == len(set(pickers))
        if type(event) is CallPicksUp and turn.status == 200 and turn.effects:
            assert before.parked is not None
            assert code.parked is None
        if type(event) is ParkingLeft:
            assert event.call_id not in talking
