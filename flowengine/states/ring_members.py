"""The members of a ring or of a group: as an author names them, and as the platform dials them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flowengine.expr import EscapeMode, Template
from flowengine.limits import MAX_USER_NAME
from flowengine.source import KeyPath
from flowengine.states.builder import StateBuilder
from flowengine.states.connect_actions import normalize_number
from flowengine.states.ring_options import AppMember
from flowengine.states.ring_plan import RingMember
from flowengine.svaml import NUMBER_PATTERN, SIP_PATTERN

SIP_SCHEME = "sip:"


class MemberError(ValueError):
    """Nobody can be rung at this address. `hint` says what to write."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.hint = hint


@dataclass(frozen=True, slots=True)
class CompiledMember:
    """A member whose address may have values of a call in it. `path` is below the list."""

    address: Template
    is_app: bool
    path: KeyPath

    def find_member(self, names: Mapping[str, Any]) -> RingMember:
        """The member for this call. Raises EvalError, and MemberError for an address that cannot be
        rung.
        """
        text = self.address.render(names)
        return parse_user(text) if self.is_app else parse_address(text)


def parse_address(text: str) -> RingMember:
    """A phone number or a SIP address. Raises MemberError, whose message repeats no number, as it
    may be a caller's.
    """
    address = text.strip().removeprefix(SIP_SCHEME)
    if "@" in address or text.strip().startswith(SIP_SCHEME):
        if not SIP_PATTERN.fullmatch(address):
            raise MemberError("this is no SIP address", "write user@host: sip:desk@pbx.example.com")
        return RingMember("sip", address)
    number = normalize_number(address)
    if NUMBER_PATTERN.fullmatch(number):
        return RingMember("number", number)
    if any(letter.isalpha() for letter in address):
        hint = "for an app user write {app: …}, for a SIP address sip:user@host"
    else:
        hint = "write + and the country code: +14045009000"
    raise MemberError("this is no phone number", hint)


def parse_user(text: str) -> RingMember:
    """An app user. Raises MemberError."""
    if not 1 <= len(text) <= MAX_USER_NAME:
        raise MemberError(
            f"the name of an app user has 1 to {MAX_USER_NAME} characters",
            "write the name that the app has signed in with: {app: anna}",
        )
    return RingMember("username", text)


def parse_member(authored: str | AppMember) -> RingMember:
    """A member whose address is known. Raises MemberError."""
    return parse_user(authored.app) if isinstance(authored, AppMember) else parse_address(authored)


def find_repeated(members: Iterable[RingMember | None]) -> Iterator[int]:
    """The places of members that stand before, too; None stands for one that is not known."""
    seen: set[RingMember] = set()
    for place, member in enumerate(members):
        if member in seen:
            yield place
        elif member is not None:
            seen.add(member)


def get_member_path(authored: str | AppMember, place: int) -> KeyPath:
    """Where the address of a member stands, below the list of members."""
    return (place, "app") if isinstance(authored, AppMember) else (place,)


def compile_members(
    builder: StateBuilder, path: KeyPath, authored: Sequence[str | AppMember]
) -> tuple[CompiledMember, ...] | None:
    """The members of a state. None where one of them has a mistake."""
    compiled = [compile_member(builder, path, one, at) for at, one in enumerate(authored)]
    known = [find_constant_member(builder, path, member) if member else None for member in compiled]
    for place in find_repeated(known):
        add_repeated_problem(builder, (*path, *get_member_path(authored[place], place)))
    return None if None in compiled else tuple(member for member in compiled if member)


def compile_member(
    builder: StateBuilder, path: KeyPath, authored: str | AppMember, place: int
) -> CompiledMember | None:
    below = get_member_path(authored, place)
    is_app = isinstance(authored, AppMember)
    text = authored.app if isinstance(authored, AppMember) else authored
    template = builder.compile_template((*path, *below), text, EscapeMode.PLAIN)
    return CompiledMember(template, is_app, below) if template else None


def find_constant_member(
    builder: StateBuilder, path: KeyPath, member: CompiledMember
) -> RingMember | None:
    """The member, where it is the same for all calls; an address that cannot be rung is a problem."""
    if member.address.constant is None:
        return None
    try:
        return member.find_member({})
    except MemberError as error:
        builder.add_problem("FE415", (*path, *member.path), str(error), error.hint)
        return None


def add_repeated_problem(builder: StateBuilder, path: KeyPath) -> None:
    builder.add_problem("FE426", path, REPEATED_MEMBER, REPEATED_HINT)


REPEATED_MEMBER = "this member stands there twice"
REPEATED_HINT = "remove one of them: a phone rings once at a time"
