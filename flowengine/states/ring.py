"""ring: call one or several people while the caller waits, and connect the first who takes the call."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Final

import msgspec
from msgspec import UNSET, Meta

from flowengine.expr import EvalError
from flowengine.sinch import Ace, Pie
from flowengine.source import KeyPath
from flowengine.states.builder import StateBuilder
from flowengine.states.call_offer import (
    CompiledOffer,
    compile_offer,
    find_group,
    find_stranded_caller,
)
from flowengine.states.flow_context import RingGroup
from flowengine.states.orchestration_result import OrchestrationResult
from flowengine.states.prompt import CompiledPrompt
from flowengine.states.ring_members import (
    CompiledMember,
    MemberError,
    compile_members,
    format_member,
)
from flowengine.states.ring_options import AuthoredRing, RingWait
from flowengine.states.ring_plan import RingMember, RingOrder
from flowengine.states.state_kind import AuthoredFact, StateKind
from flowengine.states.state_results import (
    AnswerCallback,
    AnswerEffects,
    Exit,
    StateFailure,
    StateResult,
)
from flowengine.states.step_context import StepContext
from flowengine.states.verb import (
    CALL_OTHERS,
    DialledText,
    NoEffect,
    PromptSequence,
    Verb,
    filter_prompts,
)
from flowengine.states.whisper import list_whisper_facts
from flowengine.svaml import ConnectConf, Continue, Hangup

EXITS = ("nobody", "busy", "no_answer", "after")
DEFAULT_ORDER: Final = "all at once"
MAX_SHOWN_MEMBERS = 3  # in a diagram
EXAMPLE = """
sales:
  ring:
    who: ["+14045009001", "sip:desk@pbx.example.com"]
    order: in turn
    each: 15s
    accept: A call for sales. Press 1 to take it.
    wait: {say: We are looking for somebody., music: music1}
    nobody: sorry
sorry: {say: Nobody is there. Please call again., hangup: }
"""


class CompiledRing(Verb, msgspec.Struct, frozen=True):
    """Has others called for the caller, who waits in a conference of their own. `exits` are those
    that the author wrote.
    """

    members: tuple[CompiledMember, ...]
    group: RingGroup | None
    order: RingOrder
    offer: CompiledOffer
    waiting: CompiledPrompt | None
    music: str
    exits: frozenset[str]
    # in place of connectConf: the platform takes it in more places than a caller can wait in
    actions = frozenset({CALL_OTHERS})
    waits = True
    is_end = True
    ends_call = True
    joins_callee = True
    calls_others = True

    def enter(self, run: StepContext) -> StateResult:
        if stranded := find_stranded_caller(run):
            return stranded
        members = self.find_members(run)
        if not members:
            return StateFailure("none of the members can be rung")
        plan = self.offer.build_plan(
            run, members, self.order, self.music, self.group, self.exits - {"nobody"}
        )
        if self.waiting:
            run.instructions.extend(self.waiting.build_instructions(run))
        room = ConnectConf(conference_id=plan.room, moh=self.music)
        return AnswerCallback(room, AnswerEffects(ring=plan))

    def resume(self, run: StepContext) -> StateResult:
        """Go on by what has become of the calls. On anything else the caller stays where they are."""
        event = run.event
        if type(event) is OrchestrationResult:
            return Exit(event.exit)
        if type(event) is Pie and event.type == "hangup":
            return AnswerCallback(Hangup())
        return AnswerCallback(Continue() if type(event) is Pie or type(event) is Ace else None)

    def find_members(self, run: StepContext) -> tuple[RingMember, ...]:
        """Whom to ring, each once; an address out of a value that cannot be rung is left out."""
        if self.group:
            return self.group.members
        found: dict[RingMember, None] = {}
        for member in self.members:
            try:
                found[member.find_member(run.names)] = None
            except (EvalError, MemberError) as error:
                run.notes.append(f"left out: a member: {error}")
        return tuple(found)

    @property
    def unanswered_exits(self) -> frozenset[str]:
        return self.exits - {"after"}

    @property
    def group_name(self) -> str:
        return self.group.name if self.group else ""

    def list_dialled_texts(self) -> Iterator[DialledText]:
        for member in self.members:
            yield DialledText(("who", member.place), member.address, takes_sip=True)
        yield from self.offer.list_dialled_texts()

    def list_prompts(self) -> PromptSequence:
        return tuple(prompt for answer in self.list_answers() for prompt in answer)

    def list_answers(self) -> list[PromptSequence]:
        """The first is what the caller hears, the others are for members."""
        return [filter_prompts(self.waiting), *self.offer.list_answers()]

    def find_no_effects(self, authored: Any, _deadline: float) -> Iterator[NoEffect]:
        """What is for several members, where there is one."""
        if len(self.group.members if self.group else self.members) > 1:
            return
        hint = "remove it, or name more members"
        if "order" in authored:
            yield NoEffect(("order",), "one member has no order", hint)
        if isinstance(authored.get("accept"), dict) and "taken" in authored["accept"]:
            yield NoEffect(("accept", "taken"), "nobody else can take the call", hint)


def compile_ring(
    builder: StateBuilder, path: KeyPath, authored: AuthoredRing
) -> CompiledRing | None:
    group = choose_group(builder, path, authored)
    members: tuple[CompiledMember, ...] | None = ()
    if authored.who is not UNSET:
        members = compile_members(builder, (*path, "who"), authored.who)
    offer = compile_offer(builder, path, group, authored)
    wait = RingWait() if authored.wait is UNSET else authored.wait
    waiting = builder.compile_prompt((*path, "wait", "say"), wait.say)
    for name in EXITS:
        builder.add_exit(name, getattr(authored, name), (*path, name), "ice")
    if not members and group is None:
        return None
    return CompiledRing(
        members=members or (),
        group=group,
        order=choose_order(group, authored),
        offer=offer,
        waiting=waiting,
        music=wait.music,
        exits=frozenset(builder.exits),
    )


def choose_group(builder: StateBuilder, path: KeyPath, authored: AuthoredRing) -> RingGroup | None:
    """The group that the state rings, or None. It rings a group or members of its own."""
    if (authored.who is UNSET) == (authored.group is UNSET):
        builder.add_problem(
            "FE425",
            path if authored.who is UNSET else (*path, "group"),
            "a ring has members of its own (who:) or those of a group (group:)",
            "write one of the two",
            at_key=True,
        )
    if authored.group is UNSET:
        return None
    return find_group(builder, (*path, "group"), authored.group)


def choose_order(group: RingGroup | None, authored: AuthoredRing) -> RingOrder:
    if authored.order is UNSET:
        return group.order if group else DEFAULT_ORDER
    return authored.order


def list_ring_facts(authored: AuthoredRing) -> Iterator[AuthoredFact]:
    """Its ways, its words, whom it rings, and what a group says in its place."""
    for name in EXITS:
        if (target := getattr(authored, name)) is not UNSET:
            yield AuthoredFact("target", name, target, (name,))
    if authored.group is not UNSET:
        yield AuthoredFact("topic", f"group {authored.group}", None)
    if authored.who is not UNSET:
        yield AuthoredFact("text", "who", ", ".join(map(format_member, authored.who)), ("who",))
    yield from list_whisper_facts(authored.accept)


def summarise_ring(authored: Mapping[str, Any]) -> str:
    """Whom it rings."""
    if "group" in authored:
        return f"group {authored['group']}"
    names = authored["who"]
    rest = f" and {len(names) - MAX_SHOWN_MEMBERS} more" if len(names) > MAX_SHOWN_MEMBERS else ""
    return ", ".join(names[:MAX_SHOWN_MEMBERS]) + rest


RING_KIND = StateKind(
    "ring",
    "Ring several people",
    EXAMPLE,
    Annotated[
        AuthoredRing,
        Meta(
            title="ring",
            description="Ring one or several people, and connect the caller to the first who "
            "takes the call.",
            examples=[{"who": ["+14045009001", "+14045009002"], "nobody": "voicemail"}],
            extra_json_schema={
                "x-hint": "write {who: ['+14045009001'], nobody: <state>}; the time that a connect: "
                "rings belongs inside it"
            },
        ),
    ],
    compile_ring,
    "none",
    shape="connection",
    summarise=summarise_ring,
    is_summary_first=True,
    list_facts=list_ring_facts,
    actions={"": CALL_OTHERS},
    identifying_options=frozenset({"who", "group"}),
)
