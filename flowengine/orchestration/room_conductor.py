"""The pure function `conduct_room`, from the state of a conference and what has happened to the state
after it and the requests to send. It does no I/O.
"""

from collections.abc import Iterable
from typing import NamedTuple

from msgspec.structs import replace

from flowengine.orchestration.room_state import ModeratedConference, RoomMember, remember
from flowengine.orchestration.room_turn import (
    ChangeMember,
    FindMember,
    ForgetMember,
    MemberChanged,
    MemberCommand,
    MemberFound,
    MemberJoined,
    MemberLeft,
    MemberPressed,
    RemoveMember,
    RoomCommanded,
    RoomEffect,
    RoomEvent,
)
from flowengine.states.room_plan import RoomMusic


class RoomTurn(NamedTuple):
    """What a turn comes to: the conference after it, and what is to be done. A command is for nobody
    where it means none of the members.
    """

    room: ModeratedConference
    effects: tuple[RoomEffect, ...] = ()
    is_for_anybody: bool = True


def conduct_room(room: ModeratedConference, event: RoomEvent) -> RoomTurn:
    """Handle one event. An event that comes twice has its effects once."""
    turn = _RoomTurn(room)
    had_moderator = room.has_moderator
    turn.handle_event(event)
    has_moderator = turn.has_moderator
    if had_moderator and not has_moderator:
        turn.end_for_members()
    if not turn.members:
        turn.room = replace(turn.room, is_muting_all=False, is_holding_all=False)
    turn.request_changes(has_moderator=has_moderator)
    return RoomTurn(turn.build_room(), tuple(turn.effects), turn.is_for_anybody)


class _RoomTurn:
    """A turn in progress. It has the members by their calls: a conference may have many, and an event
    may change them all.
    """

    def __init__(self, room: ModeratedConference) -> None:
        self.room = room
        self.members = {one.call_id: one for one in room.members}
        self.effects: list[RoomEffect] = []
        self.is_for_anybody = True

    @property
    def has_moderator(self) -> bool:
        return any(one.is_leading for one in self.members.values())

    def build_room(self) -> ModeratedConference:
        return replace(self.room, members=tuple(self.members.values()))

    def handle_event(self, event: RoomEvent) -> None:
        match event:
            case MemberJoined():
                self._add_member(event)
            case MemberLeft(call_id):
                self._drop_member(call_id)
            case MemberFound(call_id):
                self._note_present(call_id)
            case MemberChanged(call_id, command):
                self._note_change(call_id, command)
            case MemberPressed():
                self._handle_key(event)
            case RoomCommanded():
                self._handle_command(event)

    def request_changes(self, *, has_moderator: bool) -> None:
        """Ask for what members shall be and were not asked to be. Nobody is on hold for want of a
        moderator once one is there.
        """
        for call_id, member in self.members.items():
            waits = bool(member.plan.wait) and not member.plan.is_moderator
            shall_hold = member.shall_hold or (waits and not has_moderator)
            shall_mute = member.shall_mute
            is_held_so = shall_hold == member.asked_hold
            is_muted_so = shall_mute == member.asked_mute
            if member.is_leaving or (is_held_so and is_muted_so):
                continue
            if not is_held_so:
                music = member.plan.wait if shall_hold else ""
                self._request(member, "onhold" if shall_hold else "resume", music)
            if not is_muted_so:
                self._request(member, "mute" if shall_mute else "unmute")
            self.members[call_id] = replace(member, asked_hold=shall_hold, asked_mute=shall_mute)

    def _request(self, member: RoomMember, command: MemberCommand, music: RoomMusic = "") -> None:
        place = member.call_id, member.call_url, self.room.name
        self.effects.append(ChangeMember(*place, command, music))

    def _add_member(self, joined: MemberJoined) -> None:
        room, call_id, plan = self.room, joined.call_id, joined.plan
        if call_id in room.left or call_id in self.members:
            return
        self.room = replace(room, application=joined.application, name=plan.room)
        self.members[call_id] = RoomMember(
            call_id,
            joined.call_url,
            plan,
            is_muted_by_moderator=room.is_muting_all and not plan.is_moderator,
            is_held_by_moderator=room.is_holding_all and not plan.is_moderator,
        )
        if plan.is_moderator:
            self.effects.append(FindMember(call_id, joined.call_url, self.room.name))

    def end_for_members(self) -> None:
        """With the last moderator go those whose conference ends then. For the others ends what the
        moderators have done to all, as nobody could take it back.
        """
        self._remove([one for one in self._list_staying() if one.plan.ends])
        self._mute_all(self._list_staying(), is_muted=False)
        self._hold_all(self._list_staying(), is_held=False)

    def _drop_member(self, call_id: str) -> None:
        room = self.room
        if call_id in room.left:
            return
        self.members.pop(call_id, None)
        self.room = replace(room, left=remember(room.left, call_id))
        self.effects.append(ForgetMember(call_id))

    def _note_present(self, call_id: str) -> None:
        """Note that a moderator is there. Nothing depends on others, and with a conference of many
        each turn that changes nothing need not be saved.
        """
        member = self.members.get(call_id)
        if member and member.plan.is_moderator and not member.is_present:
            self.members[call_id] = replace(member, is_present=True)

    def _note_change(self, call_id: str, command: MemberCommand) -> None:
        """Note what the platform has done last. A request that was overtaken by a later one is
        obeyed after it at times: then the later one is to be sent again.
        """
        self._note_present(call_id)
        member = self.members.get(call_id)
        if member is None:
            return
        if command in ("onhold", "resume"):
            self.members[call_id] = replace(member, asked_hold=command == "onhold")
        else:
            self.members[call_id] = replace(member, asked_mute=command == "mute")

    def _handle_key(self, event: MemberPressed) -> None:
        """Do what a key does. Who presses one is there."""
        self._note_present(event.call_id)
        member = self.members.get(event.call_id)
        if member is None or self._is_handled(event.id):
            return
        others = [one for one in self._list_staying() if not one.plan.is_moderator]
        match member.plan.find_action(event.key):
            case "mute" if member.plan.is_moderator or not member.is_muted_by_moderator:
                self._mute([member], is_muted=not member.shall_mute)
            case "hold" if member.plan.is_moderator or not member.is_held_by_moderator:
                self._hold([member], is_held=not member.shall_hold)
            case "mute all":
                self._mute_all(others, is_muted=not self.room.is_muting_all)
            case "hold all":
                self._hold_all(others, is_held=not self.room.is_holding_all)
            case "end":
                self._remove(self._list_staying())

    def _handle_command(self, event: RoomCommanded) -> None:
        if self._is_handled(event.id):
            return
        who = "all" if event.do == "end" else event.who
        members = [one for one in self._list_staying() if is_meant(one, who)]
        self.is_for_anybody = bool(members)
        is_for_all = event.who in ("all", "others")
        match event.do:
            case "mute" if is_for_all:
                self._mute_all(members, is_muted=True)
            case "hold" if is_for_all:
                self._hold_all(members, is_held=True)
            case "mute" | "unmute":  # to unmute all is for those who come later, too
                is_muting_all = self.room.is_muting_all and not is_for_all
                self.room = replace(self.room, is_muting_all=is_muting_all)
                self._mute(members, is_muted=event.do == "mute")
            case "hold" | "resume":
                is_holding_all = self.room.is_holding_all and not is_for_all
                self.room = replace(self.room, is_holding_all=is_holding_all)
                self._hold(members, is_held=event.do == "hold")
            case "remove" | "end":
                self._remove(members)

    def _is_handled(self, id: str) -> bool:  # noqa: A002  # as the events call it
        """Whether this was handled before; from now on it was."""
        if id in self.room.handled:
            return True
        self.room = replace(self.room, handled=remember(self.room.handled, id))
        return False

    def _list_staying(self) -> list[RoomMember]:
        return [one for one in self.members.values() if not one.is_leaving]

    def _remove(self, members: Iterable[RoomMember]) -> None:
        """Hang up on members. One who is still to come in is hung up on there."""
        for member in members:
            self.members[member.call_id] = replace(member, is_leaving=True)
            self.effects += [
                ForgetMember(member.call_id),
                RemoveMember(member.call_id, member.call_url, self.room.name),
            ]

    def _mute(self, members: Iterable[RoomMember], *, is_muted: bool) -> None:
        """Mute single members, or take it back, also where another moderator has muted them."""
        for one in members:
            changed = replace(one, is_muted=is_muted, is_muted_by_moderator=False)
            self.members[one.call_id] = changed

    def _hold(self, members: Iterable[RoomMember], *, is_held: bool) -> None:
        for one in members:
            changed = replace(one, is_held=is_held, is_held_by_moderator=False)
            self.members[one.call_id] = changed

    def _mute_all(self, members: Iterable[RoomMember], *, is_muted: bool) -> None:
        """Mute all members, those who come later too, or take it back. Who has muted themselves
        stays so.
        """
        self.room = replace(self.room, is_muting_all=is_muted)
        for one in members:
            self.members[one.call_id] = replace(one, is_muted_by_moderator=is_muted)

    def _hold_all(self, members: Iterable[RoomMember], *, is_held: bool) -> None:
        self.room = replace(self.room, is_holding_all=is_held)
        for one in members:
            self.members[one.call_id] = replace(one, is_held_by_moderator=is_held)


def is_meant(member: RoomMember, who: str) -> bool:
    """Whether a command is for this member."""
    if who == "others":
        return not member.plan.is_moderator
    return who in ("all", member.plan.number)
