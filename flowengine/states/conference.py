"""conference: change who hears whom in a conference, from any flow."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from flowengine.expr import EscapeMode, EvalError, Template
from flowengine.limits import MAX_CONFERENCE_ID
from flowengine.source import KeyPath
from flowengine.states.builder import StateBuilder
from flowengine.states.connect_actions import normalize_number
from flowengine.states.ring_plan import HOST_FACT
from flowengine.states.room_plan import CommandRoom, RoomCommandName, check_room_name
from flowengine.states.state_kind import StateKind
from flowengine.states.state_results import Exit, StateFailure, StateResult
from flowengine.states.step_context import StepContext
from flowengine.states.verb import NoEffect, TextLimit, Verb
from flowengine.svaml import NUMBER_PATTERN

GROUPS = ("others", "all")
DEFAULT_WHO = "others"
EXAMPLE = """
quiet_please:
  conference: {name: board, do: mute, who: others}
  next: meeting
meeting:
  say: Everybody listens now.
  connect: {conference: board, moderator: true}
"""


class AuthoredConference(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Change the members of a conference. The flow goes on at once."""

    name: Annotated[
        str,
        Meta(description="The conference, as its connection names it.", examples=["board"]),
    ]
    do: Annotated[
        Literal["mute", "unmute", "hold", "resume", "remove", "end"],
        Meta(
            description="Mute members or put them on hold, take that back, end the calls of some, or "
            "`end` those of everybody.",
            examples=["mute"],
        ),
    ]
    who: Annotated[
        str,
        Meta(
            description="The `others` than moderators, `all`, or those who call from this number.",
            examples=["others", "${vars.number}"],
        ),
    ] = DEFAULT_WHO


class CompiledConference(Verb, msgspec.Struct, frozen=True):
    """Has members of a conference changed."""

    name: Template
    do: RoomCommandName
    who: Template
    actions = frozenset[str]()
    waits = False

    def enter(self, run: StepContext) -> StateResult:
        try:
            name, who = self.name.render(run.names), self.who.render(run.names)
            check_room_name(name)
        except EvalError as error:
            return StateFailure(error.message)
        except ValueError as error:
            return StateFailure(str(error))
        if not is_known_form(who):
            return StateFailure("who: is no phone number")
        who = who if who in GROUPS else normalize_number(who)
        return Exit("next", room=CommandRoom(name, self.do, who))

    @property
    def changes_room(self) -> bool:
        return True

    @property
    def room_name(self) -> Template | None:
        return self.name

    def list_text_limits(self) -> Iterator[TextLimit]:
        then = "the call takes its error exit"
        what = "the name of a conference"
        yield TextLimit(("name",), what, MAX_CONFERENCE_ID, then, {"": self.name})

    def find_no_effects(self, authored: Any, _deadline: float) -> Iterator[NoEffect]:
        if self.do == "end" and "who" in authored:
            hint = "remove it, or use `do: remove`"
            yield NoEffect(("who",), "`end` ends the calls of everybody", hint)


def compile_conference(
    builder: StateBuilder, path: KeyPath, authored: AuthoredConference
) -> CompiledConference | None:
    name = builder.compile_template((*path, "name"), authored.name, EscapeMode.PLAIN)
    who = builder.compile_template((*path, "who"), authored.who, EscapeMode.PLAIN)
    if name is None or who is None:
        return None
    builder.reads.add(HOST_FACT)
    if not compile_room_name(builder, (*path, "name"), name):
        return None
    if who.constant is not None and not is_known_form(who.constant):
        builder.add_problem(
            "FE415",
            (*path, "who"),
            "this is no phone number",
            "write + and the country code, `others` or `all`",
        )
        return None
    return CompiledConference(name, authored.do, who)


def compile_room_name(builder: StateBuilder, path: KeyPath, name: Template) -> bool:
    """Whether a conference may have this name, as far as it is known."""
    try:
        # a name that is too long is told of with all texts
        if name.constant is not None and len(name.constant) <= MAX_CONFERENCE_ID:
            check_room_name(name.constant)
    except ValueError as error:
        builder.add_problem("FE415", path, str(error), "choose another name")
        return False
    return True


def is_known_form(who: str) -> bool:
    """Whether it means members of a conference."""
    return who in GROUPS or NUMBER_PATTERN.fullmatch(normalize_number(who)) is not None


def summarise_conference(authored: Mapping[str, Any]) -> str:
    who = "" if authored["do"] == "end" else f" {authored.get('who', DEFAULT_WHO)}"
    return f"{authored['do']}{who} in {authored['name']}"


CONFERENCE_KIND = StateKind(
    "conference",
    "Change a conference",
    EXAMPLE,
    Annotated[
        AuthoredConference,
        Meta(
            title="conference",
            description="Mute, hold or remove members of a conference, or end it.",
            examples=[{"name": "board", "do": "mute"}],
        ),
    ],
    compile_conference,
    "same",
    summarise=summarise_conference,
    is_summary_first=True,
    identifying_options=frozenset({"name"}),
)
