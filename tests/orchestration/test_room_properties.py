"""What holds for a conference whatever happens in whatever order, on a platform that obeys requests
late and out of order.
"""

from hypothesis import given, settings
from hypothesis import strategies as st

from flowengine.orchestration.room_conductor import conduct_room
from flowengine.orchestration.room_state import ModeratedConference
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
    RoomEvent,
    RoomRequest,
)
from flowengine.states.room_plan import KEY_ACTIONS, RoomPlan
from tests.thoroughness import examples

KEYS = tuple((str(number), action) for number, action in enumerate(KEY_ACTIONS))
HOSTS = ("host", "second host")
PLANS = {
    **{name: RoomPlan("board", wait="music1", ends=True, keys=KEYS) for name in ("anna", "bo")},
    "cy": RoomPlan("board", wait="music1", keys=KEYS),
    **{name: RoomPlan("board", is_moderator=True, keys=KEYS) for name in HOSTS},
}
ACTS = st.one_of(
    st.tuples(st.sampled_from(["joins", "comes in", "leaves"]), st.sampled_from([*PLANS])),
    st.tuples(st.sampled_from(["0", "1", "2", "3", "4"]), st.sampled_from([*PLANS])),
    st.tuples(st.just("obeys"), st.sampled_from("0123")),
)


class Platform:
    """Participants, and requests that are under way."""

    def __init__(self) -> None:
        self.room = ModeratedConference(id="room:1")
        self.expected: set[str] = set()
        self.inside: set[str] = set()
        self.held: set[str] = set()
        self.gone: set[str] = set()
        self.ended: set[str] = set()
        self.pending: dict[tuple[str, str], RoomRequest] = {}
        self.in_flight: list[RoomRequest] = []
        self.presses = 0

    def tell(self, event: RoomEvent) -> None:
        had_moderator = self.room.has_moderator
        self.room, effects, _ = conduct_room(self.room, event)
        if had_moderator and not self.room.has_moderator:
            self.ended |= {one.call_id for one in self.room.members if one.plan.ends}
        for effect in effects:
            if isinstance(effect, ForgetMember):
                for key in [key for key in self.pending if key[0] == effect.call_id]:
                    del self.pending[key]
                continue
            subject = effect.subject if isinstance(effect, ChangeMember) else type(effect).__name__
            self.pending[effect.call_id, subject] = effect

    def act(self, what: str, who: str) -> None:
        if what == "joins" and who not in self.expected | self.gone:
            self.expected.add(who)
            self.tell(MemberJoined(who, "app", "", PLANS[who]))
        elif what == "comes in" and who in self.expected - self.inside:
            self.inside.add(who)
        elif what == "leaves" and who in self.expected:
            self.leave(who)
        elif what.isdigit() and who in self.inside:
            self.presses += 1
            self.tell(MemberPressed(str(self.presses), who, what))
        elif what == "obeys":
            self.obey(int(who))

    def leave(self, who: str) -> None:
        for calls in (self.expected, self.inside, self.held):
            calls.discard(who)
        self.gone.add(who)
        self.tell(MemberLeft(who))

    def obey(self, place: int) -> None:
        """Send one of the requests, or let one arrive that was sent: perhaps after a later one."""
        requests = [*self.pending.values()]
        if place < len(self.in_flight):
            self.perform(self.in_flight.pop(place))
        elif requests:
            request = requests[place % len(requests)]
            self.in_flight.append(request)

    def perform(self, request: RoomRequest) -> None:
        who = request.call_id
        if who not in self.inside:
            return
        key = who, request.subject if isinstance(request, ChangeMember) else type(request).__name__
        if self.pending.get(key) == request:
            del self.pending[key]
        match request:
            case FindMember():
                self.tell(MemberFound(who))
            case RemoveMember():
                self.leave(who)
            case ChangeMember(command=command):
                if command == "onhold":
                    self.held.add(who)
                elif command == "resume":
                    self.held.discard(who)
                self.tell(MemberChanged(who, command))

    def settle(self) -> None:
        """All words are said, and all requests are obeyed."""
        self.inside |= self.expected
        for _ in range(200):
            if not self.pending and not self.in_flight:
                return
            self.in_flight += self.pending.values()
            while self.in_flight:
                self.perform(self.in_flight.pop(0))
        raise AssertionError("requests without end")


@settings(max_examples=examples(150), deadline=None)
@given(st.lists(ACTS, max_size=40))
def test_members_are_on_hold_without_a_moderator_alone_and_leave_with_the_last(
    acts: list[tuple[str, str]],
) -> None:
    platform = Platform()
    for what, who in acts:
        platform.act(what, who)
    platform.settle()
    members = {one.call_id: one for one in platform.room.members}
    assert set(members) == platform.inside == platform.expected
    wanted = {name for name, one in members.items() if one.shall_hold}
    guests = platform.inside - {*HOSTS}
    if platform.inside & {*HOSTS}:
        assert platform.held == wanted
    else:
        assert platform.held == wanted | guests
    assert not platform.ended & platform.inside
