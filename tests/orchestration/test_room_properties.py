"""What holds for a conference whatever happens in whatever order: moderators who come and go, keys and
commands, workers that are killed, and a platform that obeys requests late, twice and out of order.
"""

from collections.abc import Callable
from typing import Any, get_args

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)
from msgspec.structs import replace

from flowengine.orchestration.room_conductor import RoomTurn, _RoomTurn, conduct_room
from flowengine.orchestration.room_state import ModeratedConference, RoomMember
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
    RoomEvent,
    RoomRequest,
)
from flowengine.states.room_plan import RoomCommandName, RoomKeyAction, RoomPlan
from tests.orchestration.state_machines import assert_finds_fault, choose_settings

KEYS = tuple((str(number), action) for number, action in enumerate(get_args(RoomKeyAction)))
HOSTS = ("host", "second host")
PLANS = {
    **{
        name: RoomPlan("board", number=f"+1{name}", wait="music1", ends=True, keys=KEYS)
        for name in ("anna", "bo")
    },
    "cy": RoomPlan("board", wait="music1", keys=KEYS),
    "dee": RoomPlan("board", keys=KEYS),  # waits for nobody
    **{name: RoomPlan("board", is_moderator=True, keys=KEYS) for name in HOSTS},
}
COMMANDS: tuple[RoomCommandName, ...] = ("mute", "unmute", "hold", "resume", "remove", "end")
Subject = tuple[str, str]


class RoomMachine(RuleBasedStateMachine):
    """The platform, the store and the conductor; each rule is one thing that may happen next.

    `expected` are the calls whose flow has connected them, `inside` the participants that the platform
    has, `events` what is saved and no turn was taken of, `pending` the requests that are tasks, and
    `in_flight` those that were sent and not obeyed.
    """

    @initialize()
    def open_room(self) -> None:
        self.room = ModeratedConference(id="room:1")
        self.expected: set[str] = set()
        self.inside: set[str] = set()
        self.held: set[str] = set()
        self.muted: set[str] = set()
        self.gone: set[str] = set()
        self.ended: set[str] = set()
        self.events: list[RoomEvent] = []
        self.pending: dict[Subject, RoomRequest] = {}
        self.in_flight: list[RoomRequest] = []
        self.number = 0

    @property
    def members(self) -> dict[str, RoomMember]:
        return {one.call_id: one for one in self.room.members}

    def take_turn(self, event: RoomEvent) -> None:
        had_moderator = self.room.has_moderator
        turn: RoomTurn = conduct_room(self.room, event)
        self.room = turn.room
        if had_moderator and not self.room.has_moderator:
            self.ended |= {one.call_id for one in self.room.members if one.plan.ends}
        for effect in turn.effects:
            if isinstance(effect, ForgetMember):
                for key in [key for key in self.pending if key[0] == effect.call_id]:
                    del self.pending[key]
            else:
                self.pending[find_subject(effect)] = effect
        again = conduct_room(self.room, event)
        assert again.room == self.room
        # these ask again for what is to be done in any case
        assert not again.effects or isinstance(event, MemberLeft | MemberChanged)

    def is_known(self, who: str) -> bool:
        return who in self.members

    @rule(who=st.sampled_from([*PLANS]))
    def connect(self, who: str) -> None:
        if who not in self.expected | self.gone:
            self.expected.add(who)
            self.events.append(MemberJoined(who, "app", "", PLANS[who]))

    @rule(who=st.sampled_from([*PLANS]))
    def arrive(self, who: str) -> None:
        """Connect a call as usual: nothing else happens meanwhile."""
        if who not in self.expected | self.gone:
            self.expected.add(who)
            self.take_turn(MemberJoined(who, "app", "", PLANS[who]))
            self.inside.add(who)

    @precondition(lambda self: self.events)
    @rule(data=st.data(), comes_again=st.booleans())
    def deliver(self, data: st.DataObject, comes_again: bool) -> None:
        """A worker that is killed after the turn leaves its task to another one."""
        event = data.draw(st.sampled_from(self.events))
        self.take_turn(event)
        if not comes_again:
            self.events.remove(event)

    @precondition(lambda self: self.expected - self.inside)
    @rule(data=st.data())
    def come_in(self, data: st.DataObject) -> None:
        """The platform has said the words."""
        self.inside.add(data.draw(st.sampled_from(sorted(self.expected - self.inside))))

    @precondition(lambda self: self.expected)
    @rule(data=st.data())
    def hang_up(self, data: st.DataObject) -> None:
        self.leave(data.draw(st.sampled_from(sorted(self.expected))))

    def leave(self, who: str) -> None:
        for calls in (self.expected, self.inside, self.held, self.muted):
            calls.discard(who)
        self.gone.add(who)
        self.events.append(MemberLeft(who))

    @precondition(lambda self: any(map(self.is_known, self.inside)))
    @rule(data=st.data(), key=st.sampled_from([key for key, _ in KEYS]))
    def press(self, data: st.DataObject, key: str) -> None:
        who = data.draw(st.sampled_from(sorted(filter(self.is_known, self.inside))))
        self.number += 1
        self.events.append(MemberPressed(f"press {self.number}", who, key))

    @rule(do=st.sampled_from(COMMANDS), who=st.sampled_from(["all", "others", "+1anna"]))
    def command(self, do: RoomCommandName, who: str) -> None:
        """Another flow changes members, as one that kicks somebody."""
        self.number += 1
        self.events.append(RoomCommanded(f"command {self.number}", do, who))

    @precondition(lambda self: self.pending)
    @rule()
    def send(self) -> None:
        """Send the requests, some of them again."""
        self.in_flight += self.pending.values()

    @precondition(lambda self: self.in_flight)
    @rule(data=st.data(), is_answer_lost=st.booleans())
    def obey(self, data: st.DataObject, is_answer_lost: bool) -> None:
        """A request arrives, perhaps after a later one. It is sent again where its answer is lost."""
        place = data.draw(st.integers(0, len(self.in_flight) - 1))
        request = self.in_flight.pop(place)
        is_latest = self.pending.get(find_subject(request)) == request
        self.perform(request, is_answer_lost=is_answer_lost and is_latest)

    def perform(self, request: RoomRequest, *, is_answer_lost: bool = False) -> None:
        who = request.call_id
        if who not in self.inside:
            return  # 404: it is sent again
        if isinstance(request, RemoveMember):
            self.leave(who)
        if isinstance(request, ChangeMember):
            self.change(who, request.command)
        if is_answer_lost:
            return
        if self.pending.get(find_subject(request)) == request:
            del self.pending[find_subject(request)]
        if isinstance(request, FindMember):
            self.take_turn(MemberFound(who))
        elif isinstance(request, ChangeMember):
            self.take_turn(MemberChanged(who, request.command))

    def change(self, who: str, command: str) -> None:
        calls = self.held if command in ("onhold", "resume") else self.muted
        if command in ("onhold", "mute"):
            calls.add(who)
        else:
            calls.discard(who)

    def is_requested(self, who: str, subject: str) -> bool:
        key = who, subject
        return key in self.pending or any(find_subject(one) == key for one in self.in_flight)

    @invariant()
    def members_are_as_they_were_asked_to_be_or_will_be(self) -> None:
        for who, member in self.members.items():
            if who not in self.inside or member.is_leaving:
                continue
            assert (who in self.held) == member.asked_hold or self.is_requested(who, "hold")
            assert (who in self.muted) == member.asked_mute or self.is_requested(who, "mute")

    @invariant()
    def whose_conference_has_ended_is_hung_up_on(self) -> None:
        for who in self.ended & self.members.keys() & self.inside:
            assert self.members[who].is_leaving
            assert self.is_requested(who, "RemoveMember")

    @invariant()
    def who_has_left_comes_in_no_more(self) -> None:
        told = {one.call_id for one in self.events if isinstance(one, MemberLeft)}
        assert not self.members.keys() & (self.gone - told)

    @invariant()
    def moderators_are_never_asked_to_wait(self) -> None:
        for who in {*HOSTS} & self.members.keys():
            assert self.members[who].asked_hold == self.members[who].shall_hold

    def settle(self) -> None:
        """All words are said, all turns are taken, and all requests are obeyed."""
        self.inside |= self.expected
        for _ in range(200):
            while self.events:
                self.take_turn(self.events.pop(0))
            if not self.pending and not self.in_flight:
                return
            self.in_flight += self.pending.values()
            while self.in_flight:
                self.perform(self.in_flight.pop(0))
        raise AssertionError("requests without end")

    def teardown(self) -> None:
        if not hasattr(self, "room"):
            return
        self.settle()
        members = self.members
        assert set(members) == self.inside == self.expected
        assert not self.ended & self.inside
        assert self.muted == {name for name, one in members.items() if one.shall_mute}
        held = {name for name, one in members.items() if one.shall_hold}
        if self.inside & {*HOSTS}:
            assert self.held == held
        else:
            waiting = {name for name, one in members.items() if one.plan.wait}
            assert self.held == held | waiting
        if not members:
            assert not self.room.is_muting_all
            assert not self.room.is_holding_all


def find_subject(request: RoomRequest) -> Subject:
    """Whom a request is about, and what: a later one about the same takes its place."""
    what = request.subject if isinstance(request, ChangeMember) else type(request).__name__
    return request.call_id, what


RoomMachine.TestCase.settings = choose_settings(100)
TestRooms = RoomMachine.TestCase


def forget_ends(turn: _RoomTurn) -> None:
    """Let the others go on when the last moderator leaves."""


def bring_in_again(turn: _RoomTurn, joined: MemberJoined) -> None:
    """Forget that a call has left."""
    turn.room = replace(turn.room, left=())
    _ADD_MEMBER(turn, joined)


_ADD_MEMBER = _RoomTurn._add_member
FAULTS: dict[str, tuple[str, Callable[..., Any]]] = {
    "the conference goes on without its moderator": ("end_for_members", forget_ends),
    "a call that has left comes in again": ("_add_member", bring_in_again),
    "a key counts twice": ("_is_handled", lambda *_: False),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_fault_in_a_conference_is_found(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_RoomTurn, *FAULTS[fault])
    assert_finds_fault(RoomMachine)
