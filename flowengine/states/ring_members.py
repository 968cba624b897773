"""The members of a ring or of a group: as an author names them, and as the platform dials them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from flowengine.expr import EscapeMode, Template
from flowengine.source import KeyPath
from flowengine.states.builder import StateBuilder
from flowengine.states.connect_actions import normalize_number
from flowengine.states.ring_plan import RingMember
from flowengine.svaml import NUMBER_PATTERN, SIP_PATTERN

SIP_SCHEME = "sip:"
REPEATED_MEMBER = "this member stands there twice"
REPEATED_HINT = "remove one of them: a phone rings once at a time"


class MemberError(ValueError):
    """Nobody can be rung at this address. `hint` says what to write."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.hint = hint


class CompiledMember(msgspec.Struct, frozen=True):
    """A member whose address may have values of a call in it, and its place in the list."""

    address: Template
    place: int

    def find_member(self, names: Mapping[str, Any]) -> RingMember:
        """The member for this call. Raises EvalError, and MemberError for an address that cannot be
        rung.
        """
        return parse_member(self.address.render(names))


def parse_member(text: str) -> RingMember:
    """A phone number or a SIP address. Raises MemberError, whose message repeats no number, as it
    may be a caller's. One phone has one address: capital and small letters of a host are equal.
    """
    written = text.strip()
    address = to_bare_sip(written)
    if "@" in address or address != written:
        if not SIP_PATTERN.fullmatch(address):
            raise MemberError("this is no SIP address", "write user@host: sip:desk@pbx.example.com")
        return RingMember("sip", address)
    if address.startswith("app:"):
        raise MemberError(
            "an app user cannot be rung: the platform does not tell when they answer",
            "lead the call to connect: {app: …}, or write a phone number or a SIP address",
        )
    number = normalize_number(address)
    if not NUMBER_PATTERN.fullmatch(number):
        raise MemberError(
            "this is no phone number",
            "write + and the country code: +14045009000; or a SIP address: sip:user@host",
        )
    return RingMember("number", number)


def to_bare_sip(address: str) -> str:
    """A SIP address in the one spelling in which it is dialled: without `sip:`, and with a host in
    small letters. Other texts stay as they are.

    >>> to_bare_sip("SIP:Desk@PBX.example.com"), to_bare_sip("+14045009001")
    ('Desk@pbx.example.com', '+14045009001')
    """
    if address[: len(SIP_SCHEME)].lower() == SIP_SCHEME:
        address = address[len(SIP_SCHEME) :]
    user, at, host = address.rpartition("@")
    return f"{user}{at}{host.lower()}" if at else address


def format_member(member: str) -> str:
    """A member as people read it, in one spelling."""
    if "${" in member:
        return member.removeprefix(SIP_SCHEME)
    text = to_bare_sip(member)
    return text if "@" in text else text.replace(" ", "")


def find_repeated(members: Iterable[RingMember | None]) -> Iterator[int]:
    """The places of members that stand before, too; None stands for one that is not known."""
    seen: set[RingMember] = set()
    for place, member in enumerate(members):
        if member in seen:
            yield place
        elif member is not None:
            seen.add(member)


def compile_members(
    builder: StateBuilder, path: KeyPath, authored: Sequence[str]
) -> tuple[CompiledMember, ...] | None:
    """The members of a state. None where one of them has a mistake."""
    compiled: list[CompiledMember] = []
    for place, text in enumerate(authored):
        template = builder.compile_template((*path, place), text, EscapeMode.PLAIN)
        compiled += [CompiledMember(template, place)] if template else []
    known = [find_constant_member(builder, path, member) for member in compiled]
    for index in find_repeated(known):
        builder.add_problem("FE426", (*path, compiled[index].place), REPEATED_MEMBER, REPEATED_HINT)
    return tuple(compiled) if len(compiled) == len(authored) else None


def find_constant_member(
    builder: StateBuilder, path: KeyPath, member: CompiledMember
) -> RingMember | None:
    """The member, where it is the same for all calls; an address that cannot be rung is a problem."""
    if member.address.constant is None:
        return None
    try:
        return member.find_member({})
    except MemberError as error:
        builder.add_problem("FE415", (*path, member.place), str(error), error.hint)
        return None
