"""The groups of people that a project names, ready to be rung."""

from collections.abc import Iterator

import msgspec

from flowengine.limits import MAX_RING_SECONDS, MAX_WRAP_UP_SECONDS
from flowengine.model import AuthoredProject
from flowengine.model.group_file import GroupFile
from flowengine.problems import Problem
from flowengine.source import Document, KeyPath
from flowengine.states.builder import format_duration
from flowengine.states.field_types import parse_millis
from flowengine.states.flow_context import RingGroup
from flowengine.states.ring_members import (
    REPEATED_HINT,
    REPEATED_MEMBER,
    MemberError,
    find_repeated,
    parse_member,
)
from flowengine.states.ring_plan import RingMember


def compile_groups(authored: AuthoredProject, problems: list[Problem]) -> dict[str, RingGroup]:
    """The groups by name; their mistakes are added to `problems`."""
    return {
        name: GroupCompiler(*authored.locations["groups", name], problems).compile(name, group)
        for name, group in authored.project.groups.items()
    }


class GroupCompiler(msgspec.Struct, frozen=True):
    """Compiles the group at a place of a document."""

    document: Document
    path: KeyPath
    problems: list[Problem]

    def compile(self, name: str, group: GroupFile) -> RingGroup:
        return RingGroup(
            name=name,
            members=tuple(self.iterate_members(group)),
            order=group.order,
            each=self.read_seconds("each", group.each, 1, MAX_RING_SECONDS),
            wrap_up=self.read_seconds("wrap_up", group.wrap_up, 0, MAX_WRAP_UP_SECONDS),
            most_waiting=group.most_waiting,
            pause=self.read_seconds("pause", group.pause, 0, MAX_WRAP_UP_SECONDS),
        )

    def iterate_members(self, group: GroupFile) -> Iterator[RingMember]:
        known: list[RingMember | None] = []
        for place, authored in enumerate(group.members):
            try:
                known.append(parse_member(authored))
            except MemberError as error:
                known.append(None)
                self.add_problem("FE415", ("members", place), str(error), error.hint)
        for place in find_repeated(known):
            self.add_problem("FE426", ("members", place), REPEATED_MEMBER, REPEATED_HINT)
        return iter(dict.fromkeys(member for member in known if member))

    def read_seconds(self, key: str, authored: str, least: int, most: int) -> int:
        wait = parse_millis(authored)
        if wait % 1000 or not least * 1000 <= wait <= most * 1000:
            span = f"{least}s to {format_duration(most * 1000)}"
            message = f"{key} is a whole number of seconds from {span}"
            self.add_problem("FE412", (key,), message, "choose a time in that range")
        return min(max(wait // 1000, least), most)

    def add_problem(self, code: str, path: KeyPath, message: str, hint: str) -> None:
        span = self.document.find_span((*self.path, *path))
        self.problems.append(Problem(code, span, message, hint))
