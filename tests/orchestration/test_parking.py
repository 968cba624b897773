"""Who has a code, and who gets the call that is parked under it."""

from hypothesis import given, settings
from hypothesis import strategies as st

from flowengine.orchestration.parking import (
    BringParkedCall,
    ForgetCall,
    ParkedCallBrought,
    ParkedCallLost,
    ParkingCallEnded,
    ParkingCode,
    ParkingEvent,
    ParkingLimitReached,
    ParkingTurn,
    ParkRequested,
    PickUpRequested,
    ReleaseParkedCall,
    RemoveOther,
    SetLimit,
    conduct_parking,
    format_parking_room,
)
from tests.thoroughness import examples

LIMIT = 60
PARKS = ParkRequested("caller", "app", "", LIMIT, has_exit=True)
ROOM = format_parking_room("caller")


def play(*events: ParkingEvent, now: float = 0.0) -> ParkingTurn:
    """The last of the turns, which all happen at this moment."""
    turn = ParkingTurn(ParkingCode(id="parking:1"))
    for event in events:
        turn = conduct_parking(turn.code, event, now)
    return turn


def test_first_who_picks_up_gets_the_call() -> None:
    turn = play(PARKS, PickUpRequested("anna", ""))
    assert (turn.status, turn.room) == (200, ROOM)
    assert turn.effects == (BringParkedCall("caller", "", ROOM),)
    again = play(PARKS, PickUpRequested("anna", ""), PickUpRequested("anna", ""))
    assert (again.status, again.room, again.effects) == (200, ROOM, ())
    assert play(PARKS, PickUpRequested("anna", ""), PickUpRequested("bo", "")).status == 404
    assert play(PickUpRequested("anna", "")).status == 404


def test_code_in_use_takes_no_other_call_until_it_is_free() -> None:
    second = ParkRequested("second", "app", "", LIMIT, has_exit=False)
    assert play(PARKS).effects == (SetLimit(1, LIMIT),)
    assert play(PARKS, second).status == 409
    assert play(PARKS, PARKS).status == 200
    for freed in (ParkingCallEnded("caller"), PickUpRequested("anna", ""), ParkingLimitReached(1)):
        assert play(PARKS, freed, second).status == 200
    late = conduct_parking(play(PARKS).code, second, LIMIT + 1.0)
    assert late.status == 200


def test_limit_lets_the_call_go_on_unless_it_was_picked_up() -> None:
    assert play(PARKS, ParkingLimitReached(1)).effects == (
        ReleaseParkedCall("caller", "", 1, "too_long"),
    )
    assert play(PARKS, PickUpRequested("anna", ""), ParkingLimitReached(1)).effects == ()
    assert play(PARKS, PARKS, ParkingLimitReached(1)).effects == ()


def test_end_of_one_of_two_ends_the_other() -> None:
    talk = PARKS, PickUpRequested("anna", ""), ParkedCallBrought("caller")
    for left, other in (("caller", "anna"), ("anna", "caller")):
        turn = play(*talk, ParkingCallEnded(left))
        assert turn.effects == (ForgetCall(left), RemoveOther(other, "", ROOM))
        assert turn.code.pairs == ()


def test_end_of_a_call_that_was_parked_again_frees_the_code_and_the_other() -> None:
    talk = PARKS, PickUpRequested("anna", ""), ParkedCallBrought("caller")
    turn = play(*talk, PARKS, ParkingCallEnded("caller"))
    assert turn.code.parked is None
    assert turn.code.pairs == ()
    assert turn.effects == (ForgetCall("caller"), RemoveOther("anna", "", ROOM))


def test_call_whose_picker_leaves_before_it_comes_waits_on_until_its_limit() -> None:
    picked = play(PARKS, PickUpRequested("anna", "")).code
    turn = conduct_parking(picked, ParkingCallEnded("anna"), 10.5)
    assert turn.effects == (ForgetCall("anna"), ForgetCall("caller"), SetLimit(2, 50))
    assert conduct_parking(turn.code, PickUpRequested("bo", ""), 11.0).room == ROOM
    assert conduct_parking(turn.code, ParkingLimitReached(1), 60.0).effects == ()
    # the request to bring it may be obeyed late
    released = (ReleaseParkedCall("caller", "", 2, "too_long", ROOM),)
    assert conduct_parking(turn.code, ParkingLimitReached(2), 60.0).effects == released
    late = conduct_parking(picked, ParkingCallEnded("anna"), LIMIT)
    assert late.effects[2:] == released


def test_call_whose_picker_leaves_goes_on_where_another_has_the_code() -> None:
    second = ParkRequested("second", "app", "", LIMIT, has_exit=True)
    turn = play(PARKS, PickUpRequested("anna", ""), second, ParkingCallEnded("anna"))
    assert turn.effects[2:] == (ReleaseParkedCall("caller", "", 3, "too_long", ROOM),)
    due = conduct_parking(turn.code, ParkingLimitReached(2), LIMIT)
    assert due.effects == (ReleaseParkedCall("second", "", 2, "too_long"),)


def test_call_without_an_exit_is_not_alone_in_its_conference_where_another_has_the_code() -> None:
    first, second = (ParkRequested(name, "app", "", LIMIT, False) for name in ("caller", "second"))
    left = first, PickUpRequested("anna", ""), second, ParkingCallEnded("anna")
    assert play(*left).effects[2:] == (RemoveOther("caller", "", ROOM),)
    again = conduct_parking(play(*left[:2], left[3]).code, ParkingLimitReached(2), LIMIT)
    assert again.effects == (RemoveOther("caller", "", ROOM),)


def test_call_that_was_brought_as_its_picker_left_is_not_alone_for_ever() -> None:
    left = PARKS, PickUpRequested("anna", ""), ParkingCallEnded("anna"), ParkedCallBrought("caller")
    turn = play(*left)
    assert turn.effects == (ReleaseParkedCall("caller", "", 2, "too_long", ROOM),)
    assert turn.code.parked is None
    without_exit = ParkRequested("caller", "app", "", LIMIT, has_exit=False)
    assert play(without_exit, *left[1:]).effects == (RemoveOther("caller", "", ROOM),)


def test_call_that_cannot_be_brought_lets_its_picker_go_on() -> None:
    released = ReleaseParkedCall("anna", "", 2, "nobody", ROOM)
    for gone, effects in (
        (ParkedCallLost("caller"), (released,)),
        (ParkingCallEnded("caller"), (ForgetCall("caller"), released)),
    ):
        turn = play(PARKS, PickUpRequested("anna", ""), gone)
        assert (turn.effects, turn.code.pairs) == (effects, ())


def test_expired_call_goes_on_when_another_gets_its_code() -> None:
    second = ParkRequested("second", "app", "", LIMIT, has_exit=True)
    turn = conduct_parking(play(PARKS).code, second, LIMIT + 0.001)
    assert turn.effects == (ReleaseParkedCall("caller", "", 1, "too_long"), SetLimit(2, LIMIT))


CALLS = ("anna", "bo", "cy", "dee")
EVENTS = st.one_of(
    st.sampled_from([ParkRequested(name, "app", "", LIMIT, has_exit=True) for name in CALLS]),
    st.sampled_from([PickUpRequested(name, "") for name in CALLS]),
    st.sampled_from([ParkingCallEnded(name) for name in CALLS]),
    st.sampled_from([ParkedCallBrought(name) for name in CALLS]),
    st.sampled_from([ParkedCallLost(name) for name in CALLS]),
    st.integers(1, 4).map(ParkingLimitReached),
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
        if type(event) is PickUpRequested and turn.status == 200 and turn.effects:
            assert before.parked is not None
            assert code.parked is None
        if type(event) is ParkingCallEnded:
            assert event.call_id not in talking
