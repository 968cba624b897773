"""The decisions of a conference: who is on hold, muted and removed."""

import sys

import pytest

from flowengine.orchestration.room_conductor import conduct_room
from flowengine.orchestration.room_state import MAX_REMEMBERED, ModeratedConference
from flowengine.orchestration.room_turn import (
    ChangeMember,
    FindMember,
    ForgetMember,
    MemberChanged,
    MemberFound,
    MemberJoined,
    MemberLeft,
    MemberPressed,
    RemoveMember,
    RoomCommanded,
    RoomEffect,
    RoomEvent,
)
from flowengine.states.room_plan import RoomKeyAction, RoomPlan

KEYS: tuple[tuple[str, RoomKeyAction], ...] = (
    ("1", "mute"),
    ("2", "hold"),
    ("8", "mute all"),
    ("9", "end"),
    ("0", "hold all"),
)
GUEST = RoomPlan("board", wait="music1", ends=True, keys=KEYS)
HOST = RoomPlan("board", is_moderator=True, keys=KEYS)
STARTED = (
    MemberJoined("anna", "app", "", GUEST),
    MemberJoined("host", "app", "", HOST),
    MemberJoined("bo", "app", "", GUEST),
    MemberFound("host"),
)


def play(*events: RoomEvent) -> tuple[ModeratedConference, list[RoomEffect]]:
    """The conference after all events, and the effects of the last one."""
    room, effects = ModeratedConference(id="room:1"), ()
    for event in events:
        room, effects, _ = conduct_room(room, event)
    return room, list(effects)


def change(call: str, command: str, music: str = "") -> ChangeMember:
    return ChangeMember(call, "", "board", command, music)  # type: ignore[arg-type]


def test_member_waits_in_music_until_the_moderator_is_in_the_conference() -> None:
    assert play(STARTED[0])[1] == [change("anna", "onhold", "music1")]
    assert play(*STARTED[:2])[1] == [FindMember("host", "", "board")]
    assert play(*STARTED)[1] == [change("anna", "resume"), change("bo", "resume")]
    late = MemberJoined("cy", "app", "", GUEST)
    assert play(*STARTED, late)[1] == []


def test_members_leave_with_the_last_moderator() -> None:
    second = MemberJoined("second", "app", "", HOST), MemberFound("second")
    assert play(*STARTED, *second, MemberLeft("host"))[1] == [ForgetMember("host")]
    room, effects = play(*STARTED, *second, MemberLeft("host"), MemberLeft("second"))
    removed = [effect.call_id for effect in effects if isinstance(effect, RemoveMember)]
    assert removed == ["anna", "bo"]
    assert all(member.is_leaving for member in room.members)


def test_members_wait_again_when_their_conference_goes_on_without_a_moderator() -> None:
    stays = MemberJoined("cy", "app", "", RoomPlan("board", wait="music2"))
    _, effects = play(*STARTED, stays, MemberLeft("host"))
    assert effects[-1] == change("cy", "onhold", "music2")


CY, LATE = (
    MemberJoined("cy", "app", "", RoomPlan("board", number="+46", keys=KEYS)),
    MemberJoined("late", "app", "", RoomPlan("board", keys=KEYS)),
)
MUTE_ALL, HOLD_ALL = MemberPressed("all 1", "host", "8"), MemberPressed("all 2", "host", "0")


def test_mute_of_all_ends_with_the_last_moderator() -> None:
    _, effects = play(*STARTED, CY, MUTE_ALL, HOLD_ALL, MemberLeft("host"))
    assert effects[-2:] == [change("cy", "resume"), change("cy", "unmute")]
    room, _ = play(*STARTED, CY, MUTE_ALL, HOLD_ALL, MemberLeft("host"), LATE)
    assert not any(one.shall_mute or one.shall_hold for one in room.members if not one.is_leaving)


def test_member_who_has_muted_themselves_stays_so() -> None:
    own = MemberPressed("own", "cy", "1")
    again = MemberPressed("all 3", "host", "8")
    assert play(*STARTED, CY, own, MUTE_ALL, again)[1] == [
        change("anna", "unmute"),
        change("bo", "unmute"),
    ]
    left, _ = play(*STARTED, CY, own, MUTE_ALL, MemberLeft("host"))
    assert [one.call_id for one in left.members if one.asked_mute and not one.is_leaving] == ["cy"]


@pytest.mark.parametrize(("all_", "key", "command"), [("8", "1", "mute"), ("0", "2", "onhold")])
def test_mute_of_all_is_for_late_members_and_for_nobody_else_to_take_back(
    all_: str, key: str, command: str
) -> None:
    done = MemberPressed("all", "host", all_)
    assert play(*STARTED, done, LATE)[1] == [change("late", command)]
    for who in ("anna", "late"):
        assert play(*STARTED, done, LATE, MemberPressed("own", who, key))[1] == []
    back = MemberPressed("all again", "host", all_)
    assert play(*STARTED, done, back, LATE)[1] == []


def test_flow_takes_a_single_member_out_of_what_is_done_to_all() -> None:
    commands = RoomCommanded("1", "mute", "others"), RoomCommanded("2", "unmute", "+46")
    assert play(*STARTED, CY, *commands)[1] == [change("cy", "unmute")]
    assert play(*STARTED, CY, *commands, LATE)[1] == [change("late", "mute")]


@pytest.mark.parametrize(("mute", "unmute"), [("mute", "unmute"), ("hold", "resume")])
def test_flow_takes_back_whatever_members_are(mute: str, unmute: str) -> None:
    """Whoever has done it, and for those who come later."""
    commands = [
        RoomCommanded(f"{do} {who}", do, who)  # type: ignore[arg-type]
        for do, who in ((mute, "+46"), (mute, "others"), (unmute, "all"))
    ]
    room, _ = play(*STARTED, CY, *commands, LATE)
    assert not any(one.asked_mute or one.asked_hold for one in room.members)


def test_mute_of_all_ends_when_a_conference_is_empty() -> None:
    command = RoomCommanded("1", "mute", "others")
    assert play(CY, command, MemberLeft("cy"), LATE)[1] == []


def test_moderator_who_presses_a_key_is_there() -> None:
    _, effects = play(*STARTED[:3], MemberPressed("own", "host", "5"))
    assert effects == [change("anna", "resume"), change("bo", "resume")]


@pytest.mark.parametrize(("who", "is_for_anybody"), [("others", True), ("+47", False)])
def test_command_for_those_who_are_so_already_is_for_somebody(
    who: str, is_for_anybody: bool
) -> None:
    room, _ = play(*STARTED, RoomCommanded("1", "mute", "others"))
    turn = conduct_room(room, RoomCommanded("2", "mute", who))
    assert (turn.effects, turn.is_for_anybody) == ((), is_for_anybody)


def count_work(members: int) -> int:
    """How many members are made anew or asked while the moderator of so many mutes all."""
    guests = [MemberJoined(str(number), "app", "", GUEST) for number in range(members)]
    room, _ = play(*STARTED, *guests)
    calls = 0

    def count(_frame: object, what: str, _argument: object) -> None:
        nonlocal calls
        calls += what in ("call", "c_call")

    sys.setprofile(count)
    try:
        conduct_room(room, MUTE_ALL)
    finally:
        sys.setprofile(None)
    return calls


def test_turn_of_twice_as_many_members_is_twice_the_work() -> None:
    assert count_work(80) < 2.2 * count_work(40)


@pytest.mark.parametrize(
    ("caller", "key", "effects"),
    [
        ("anna", "1", [change("anna", "mute")]),
        ("anna", "2", [change("anna", "onhold", "music1")]),
        ("anna", "8", []),
        ("anna", "9", []),
        ("anna", "5", []),
        ("host", "1", [change("host", "mute")]),
        ("host", "8", [change("anna", "mute"), change("bo", "mute")]),
        ("host", "0", [change("anna", "onhold", "music1"), change("bo", "onhold", "music1")]),
    ],
)
def test_key_does_what_its_member_may(caller: str, key: str, effects: list[RoomEffect]) -> None:
    pressed = MemberPressed("press 1", caller, key)
    assert play(*STARTED, pressed)[1] == effects
    assert play(*STARTED, pressed, pressed)[1] == []


def test_key_that_is_pressed_again_takes_back_what_it_did() -> None:
    pressed = [MemberPressed(f"press {number}", "host", "8") for number in range(2)]
    assert play(*STARTED, *pressed)[1] == [change("anna", "unmute"), change("bo", "unmute")]


def test_moderator_ends_the_conference_for_all() -> None:
    _, effects = play(*STARTED, MemberPressed("press 1", "host", "9"))
    removed = [effect.call_id for effect in effects if isinstance(effect, RemoveMember)]
    assert removed == ["anna", "host", "bo"]


@pytest.mark.parametrize(
    ("do", "who", "effects"),
    [
        ("mute", "others", [change("anna", "mute"), change("bo", "mute")]),
        ("mute", "+46", [change("cy", "mute")]),
        ("mute", "+47", []),
        ("unmute", "all", []),
        ("hold", "+46", [change("cy", "onhold", "")]),
        ("remove", "+46", [ForgetMember("cy"), RemoveMember("cy", "", "board")]),
    ],
)
def test_command_of_a_flow_changes_the_members_that_it_means(
    do: str, who: str, effects: list[RoomEffect]
) -> None:
    cy = MemberJoined("cy", "app", "", RoomPlan("board", number="+46"))
    command = RoomCommanded("command 1", do, who)  # type: ignore[arg-type]
    found = [
        one for one in play(*STARTED, cy, command)[1] if who != "others" or one.call_id != "cy"
    ]
    assert found == effects
    assert play(*STARTED, cy, command, command)[1] == []


def test_request_that_overtakes_a_later_one_is_sent_again() -> None:
    """The hold was in flight when the moderator came: the platform obeys it after the resume."""
    assert play(*STARTED, MemberChanged("anna", "resume"))[1] == []
    assert play(*STARTED, MemberChanged("anna", "onhold"))[1] == [change("anna", "resume")]


def test_call_that_has_left_comes_in_no_more() -> None:
    room, effects = play(MemberLeft("anna"), STARTED[0])
    assert (room.members, effects) == ((), [])
    room, _ = play(*(MemberLeft(str(number)) for number in range(MAX_REMEMBERED + 1)))
    assert len(room.left) == MAX_REMEMBERED
