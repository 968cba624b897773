"""The pure function `conduct_room`, from the state of a conference and what has happened to the state
after it and the requests to send. It does no I/O.
"""

from collections.abc import Callable, Iterable
from typing import NamedTuple

from msgspec.structs import replace

from flowengine.orchestration.room_state import LedConference, RoomMember, remember
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
    """What a turn comes to: the conference after it, and what is to be done."""

    room: LedConference
    effects: tuple[RoomEffect, ...] = ()


def conduct_room(room: LedConference, event: RoomEvent) -> RoomTurn:
    """Handle one event. An event that comes twice has its effects once."""
    turn = _RoomTurn(room)
    turn.handle_event(event)
    if room.has_moderator and not turn.room.has_moderator:
        turn.end_for_members()
    turn.request_changes()
    return RoomTurn(turn.room, tuple(turn.effects))


class _RoomTurn:
    """A turn in progress."""

    def __init__(self, room: LedConference) -> None:
        self.room = room
        self.effects: list[RoomEffect] = []

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

    def request_changes(self) -> None:
        """Ask for what members shall be and were not asked to be. Nobody is on hold for want of a
        moderator once one is there.
        """
        for member in self.room.members:
            if member.is_leaving:
                continue
            waits = bool(member.plan.wait) and not member.plan.is_moderator
            is_waiting = waits and not self.room.has_moderator
            shall_hold = member.is_held or is_waiting
            if shall_hold != member.asked_hold:
                music = member.plan.wait if shall_hold else ""
                self._request(member, "onhold" if shall_hold else "resume", music)
            if member.is_muted != member.asked_mute:
                self._request(member, "mute" if member.is_muted else "unmute")
            self._replace(replace(member, asked_hold=shall_hold, asked_mute=member.is_muted))

    def _request(self, member: RoomMember, command: MemberCommand, music: RoomMusic = "") -> None:
        place = member.call_id, member.call_url, self.room.name
        self.effects.append(ChangeMember(*place, command, music))

    def _add_member(self, joined: MemberJoined) -> None:
        room, call_id = self.room, joined.call_id
        if call_id in room.left or room.find_member(call_id):
            return
        member = RoomMember(call_id, joined.call_url, joined.plan)
        self.room = replace(
            room,
            application=joined.application,
            name=joined.plan.room,
            members=(*room.members, member),
        )
        if joined.plan.is_moderator:
            self.effects.append(FindMember(call_id, joined.call_url, self.room.name))

    def end_for_members(self) -> None:
        """With the last moderator go those whose conference ends then."""
        self._remove([one for one in self._list_staying() if one.plan.ends])

    def _drop_member(self, call_id: str) -> None:
        room = self.room
        if call_id in room.left:
            return
        others = tuple(one for one in room.members if one.call_id != call_id)
        self.room = replace(room, members=others, left=remember(room.left, call_id))
        self.effects.append(ForgetMember(call_id))

    def _note_present(self, call_id: str) -> None:
        if member := self.room.find_member(call_id):
            self._replace(replace(member, is_present=True))

    def _note_change(self, call_id: str, command: MemberCommand) -> None:
        """Note what the platform has done last. A request that was overtaken by a later one is
        obeyed after it at times: then the later one is to be sent again.
        """
        member = self.room.find_member(call_id)
        if member is None:
            return
        member = replace(member, is_present=True)
        if command in ("onhold", "resume"):
            member = replace(member, asked_hold=command == "onhold")
        else:
            member = replace(member, asked_mute=command == "mute")
        self._replace(member)

    def _handle_key(self, event: MemberPressed) -> None:
        member = self.room.find_member(event.call_id)
        if member is None or self._is_handled(event.id):
            return
        others = [one for one in self._list_staying() if not one.plan.is_moderator]
        match member.plan.find_action(event.key):
            case "mute":
                self._replace(replace(member, is_muted=not member.is_muted))
            case "hold":
                self._replace(replace(member, is_held=not member.is_held))
            case "mute all":
                is_muted = not all(one.is_muted for one in others)
                self._change(others, lambda one: replace(one, is_muted=is_muted))
            case "hold all":
                is_held = not all(one.is_held for one in others)
                self._change(others, lambda one: replace(one, is_held=is_held))
            case "end":
                self._remove(self._list_staying())

    def _handle_command(self, event: RoomCommanded) -> None:
        if self._is_handled(event.id):
            return
        members = [one for one in self._list_staying() if is_meant(one, event.who)]
        match event.do:
            case "mute" | "unmute":
                self._change(members, lambda one: replace(one, is_muted=event.do == "mute"))
            case "hold" | "resume":
                self._change(members, lambda one: replace(one, is_held=event.do == "hold"))
            case "remove":
                self._remove(members)
            case "end":
                self._remove(self._list_staying())

    def _is_handled(self, id: str) -> bool:  # noqa: A002  # as the events call it
        """Whether this was handled before; from now on it was."""
        if id in self.room.handled:
            return True
        self.room = replace(self.room, handled=remember(self.room.handled, id))
        return False

    def _list_staying(self) -> list[RoomMember]:
        return [one for one in self.room.members if not one.is_leaving]

    def _remove(self, members: Iterable[RoomMember]) -> None:
        """Hang up on members. One who is still to come in is hung up on there."""
        for member in members:
            self._replace(replace(member, is_leaving=True))
            self.effects += [
                ForgetMember(member.call_id),
                RemoveMember(member.call_id, member.call_url, self.room.name),
            ]

    def _change(
        self, members: Iterable[RoomMember], change: Callable[[RoomMember], RoomMember]
    ) -> None:
        for member in members:
            self._replace(change(member))

    def _replace(self, member: RoomMember) -> None:
        members = (member if one.call_id == member.call_id else one for one in self.room.members)
        self.room = replace(self.room, members=tuple(members))


def is_meant(member: RoomMember, who: str) -> bool:
    """Whether a command is for this member."""
    if who == "others":
        return not member.plan.is_moderator
    return who in ("all", member.plan.number)
