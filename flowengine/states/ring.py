"""ring: call one or several people while the caller waits, and connect the first who takes the call."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final

from msgspec import UNSET, Meta

from flowengine.expr import EscapeMode, EvalError, Template
from flowengine.limits import MAX_MENU_TIMEOUT_MILLIS, MAX_RING_SECONDS
from flowengine.problems import suggest_name
from flowengine.sinch import Ace, Pie
from flowengine.source import KeyPath
from flowengine.states.builder import StateBuilder
from flowengine.states.connect_actions import explain_omissions, format_caller_id
from flowengine.states.connect_checks import check_caller_id
from flowengine.states.field_types import parse_seconds
from flowengine.states.flow_context import RingGroup
from flowengine.states.orchestration_result import OrchestrationResult
from flowengine.states.prompt import CompiledPrompt, PromptPart, join_prompts
from flowengine.states.ring_members import (
    CompiledMember,
    MemberError,
    compile_members,
    format_member,
)
from flowengine.states.ring_options import AuthoredRing, RingWait, Whisper
from flowengine.states.ring_plan import HOST_FACT, RingMember, RingOrder, RingPlan
from flowengine.states.state_kind import AuthoredFact, StateKind
from flowengine.states.state_results import AnswerCallback, Exit, StateFailure, StateResult
from flowengine.states.step_context import StepContext
from flowengine.states.verb import (
    CALL_OTHERS,
    DialledText,
    NoEffect,
    PromptSequence,
    Verb,
    filter_prompts,
)
from flowengine.svaml import ConnectConf, Continue, Hangup, format_tts, format_voice

EXITS = ("nobody", "busy", "no_answer", "after")
DEFAULT_EACH_SECONDS = 20
DEFAULT_ORDER: Final = "all at once"
ROOM_DIGEST_BYTES = 16
ORIGIN_FACT, APP_ORIGIN = "call.origin", "mxp"
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


@dataclass(frozen=True, slots=True)
class CompiledWhisper:
    """What members hear who pick up, and the key that takes the call."""

    prompt: CompiledPrompt | None
    key: str
    timeout: int
    taken: CompiledPrompt | None

    def list_spoken_parts(self) -> list[PromptPart]:
        plans = filter_prompts(self.prompt, self.taken)
        return [part for plan in plans for part in plan.parts if part.kind != "audio"]

    def render_words(self, run: StepContext) -> str:
        """What members hear. Without words it is the key alone: with nothing to hear, whoever picks
        up would have the call, be it an answering machine.
        """
        return join_prompts([self.prompt], run) or format_tts(self.key)

    def choose_voice(self, run_locale: str) -> str:
        """The voice or locale of all that members hear."""
        spoken = self.list_spoken_parts()
        return spoken[0].get_voice(run_locale) if spoken else format_voice(run_locale)


@dataclass(frozen=True, slots=True)
class CompiledRing(Verb):
    """Has others called for the caller, who waits in a conference of their own. `exits` are those
    that the author wrote.
    """

    members: tuple[CompiledMember, ...]
    group: RingGroup | None
    order: RingOrder
    each: int
    caller_id: Template | None
    whisper: CompiledWhisper | None
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
        # a route without an origin takes such callers, too, so no check can tell them all
        if run.names.get(ORIGIN_FACT) == APP_ORIGIN:
            return StateFailure("the platform brings no caller from an app out of a conference")
        members = self.find_members(run)
        if not members:
            return StateFailure("none of the members can be rung")
        plan = self.build_plan(run, members)
        if self.waiting:
            run.instructions.extend(self.waiting.build_instructions(run))
        return AnswerCallback(ConnectConf(conference_id=plan.room, moh=self.music), plan)

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

    def build_plan(self, run: StepContext, members: tuple[RingMember, ...]) -> RingPlan:
        whisper = self.whisper
        shown = {"caller_id": self.caller_id.render(run.names)} if self.caller_id else {}
        run.notes.extend(explain_omissions(shown))
        return RingPlan(
            room=format_room_name(run.event.call_id),
            members=members,
            order=self.order,
            each=self.each,
            cli=format_caller_id(shown),
            locale=whisper.choose_voice(run.locale) if whisper else format_voice(run.locale),
            whisper=whisper.render_words(run) if whisper else "",
            accept_key=whisper.key if whisper else "1",
            whisper_timeout=whisper.timeout if whisper else 0,
            taken=whisper.taken.render_prompt(run) if whisper and whisper.taken else "",
            music=self.music,
            group=self.group.name if self.group else "",
            wrap_up=self.group.wrap_up if self.group else 0,
            exits=self.exits - {"nobody"},
        )

    @property
    def unanswered_exits(self) -> frozenset[str]:
        return self.exits - {"after"}

    @property
    def group_name(self) -> str:
        return self.group.name if self.group else ""

    def list_dialled_texts(self) -> Iterator[DialledText]:
        for member in self.members:
            yield DialledText(("who", member.place), member.address, takes_sip=True)
        if self.caller_id:
            yield DialledText(("caller_id",), self.caller_id, is_caller_id=True)

    def list_prompts(self) -> PromptSequence:
        return tuple(prompt for answer in self.list_answers() for prompt in answer)

    def list_answers(self) -> list[PromptSequence]:
        """The first is what the caller hears, the others are for members."""
        whisper = self.whisper
        heard = (whisper.prompt, whisper.taken) if whisper else ()
        return [filter_prompts(self.waiting), *((prompt,) for prompt in heard if prompt)]

    def find_no_effects(self, authored: Any, _deadline: float) -> Iterator[NoEffect]:
        """What is for several members, where there is one."""
        if len(self.group.members if self.group else self.members) > 1:
            return
        hint = "remove it, or name more members"
        if "order" in authored:
            yield NoEffect(("order",), "one member has no order", hint)
        if isinstance(authored.get("accept"), dict) and "taken" in authored["accept"]:
            yield NoEffect(("accept", "taken"), "nobody else can take the call", hint)


def format_room_name(call_id: str) -> str:
    """The conference of one caller, whose name nobody else can guess or has."""
    digest = hashlib.blake2b(call_id.encode(), digest_size=ROOM_DIGEST_BYTES)
    return f"ring-{digest.hexdigest()}"


def compile_ring(
    builder: StateBuilder, path: KeyPath, authored: AuthoredRing
) -> CompiledRing | None:
    builder.reads |= {HOST_FACT, ORIGIN_FACT}
    group = find_group(builder, path, authored)
    members: tuple[CompiledMember, ...] | None = ()
    if authored.who is not UNSET:
        members = compile_members(builder, (*path, "who"), authored.who)
    whisper = compile_whisper(builder, (*path, "accept"), authored.accept)
    wait = RingWait() if authored.wait is UNSET else authored.wait
    waiting = builder.compile_prompt((*path, "wait", "say"), wait.say)
    check_caller_id(builder, path, authored.caller_id)
    caller_id = compile_caller_id(builder, path, authored)
    for name in EXITS:
        builder.add_exit(name, getattr(authored, name), (*path, name), "ice")
    if not members and group is None:
        return None
    return CompiledRing(
        members=members or (),
        group=group,
        order=choose_order(group, authored),
        each=compile_each(builder, path, group, authored),
        caller_id=caller_id,
        whisper=whisper,
        waiting=waiting,
        music=wait.music,
        exits=frozenset(builder.exits),
    )


def find_group(builder: StateBuilder, path: KeyPath, authored: AuthoredRing) -> RingGroup | None:
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
    groups = builder.context.groups
    if authored.group not in groups and builder.context.unread.has_name("groups", authored.group):
        return None
    if authored.group not in groups:
        builder.add_problem(
            "FE202",
            (*path, "group"),
            f"there is no group {authored.group}",
            suggest_name(authored.group, groups) or f"write groups/{authored.group}.yaml",
        )
        return None
    return groups[authored.group]


def compile_whisper(builder: StateBuilder, path: KeyPath, authored: Any) -> CompiledWhisper | None:
    if authored is UNSET:
        return None
    is_short = isinstance(authored, str)
    whisper = Whisper(prompt=authored) if is_short else authored
    most, what = MAX_MENU_TIMEOUT_MILLIS // 1000, "how long a member may take to press the key"
    compiled = CompiledWhisper(
        prompt=builder.compile_prompt(path if is_short else (*path, "prompt"), whisper.prompt),
        key=str(whisper.key),
        timeout=builder.compile_seconds((*path, "timeout"), whisper.timeout, most, what),
        taken=builder.compile_prompt((*path, "taken"), whisper.taken),
    )
    if len({(part.locale, part.voice) for part in compiled.list_spoken_parts()}) > 1:
        builder.add_problem(
            "FE416",
            path,
            "members hear everything in one voice and locale",
            "give all parts of prompt: and taken: the same voice: and locale:",
            at_key=True,
        )
    return compiled


def compile_each(
    builder: StateBuilder, path: KeyPath, group: RingGroup | None, authored: AuthoredRing
) -> int:
    if authored.each is UNSET:
        return group.each if group else DEFAULT_EACH_SECONDS
    what = "how long a phone may ring"
    return builder.compile_seconds((*path, "each"), authored.each, MAX_RING_SECONDS, what)


def choose_order(group: RingGroup | None, authored: AuthoredRing) -> RingOrder:
    if authored.order is UNSET:
        return group.order if group else DEFAULT_ORDER
    return authored.order


def compile_caller_id(
    builder: StateBuilder, path: KeyPath, authored: AuthoredRing
) -> Template | None:
    if authored.caller_id is UNSET:
        return None
    return builder.compile_template((*path, "caller_id"), authored.caller_id, EscapeMode.PLAIN)


def list_ring_facts(authored: AuthoredRing) -> Iterator[AuthoredFact]:
    """Its ways, its words, whom it rings, and what a group says in its place."""
    for name in EXITS:
        if (target := getattr(authored, name)) is not UNSET:
            yield AuthoredFact("target", name, target, (name,))
    if authored.group is not UNSET:
        yield AuthoredFact("topic", f"group {authored.group}", None)
    if authored.who is not UNSET:
        yield AuthoredFact("text", "who", ", ".join(map(format_member, authored.who)), ("who",))
    if isinstance(authored.accept, str):
        yield AuthoredFact("prompt", "accept", authored.accept, ("accept",))
        yield from list_key_facts(Whisper(prompt=authored.accept))
    elif authored.accept is not UNSET:
        yield from list_whisper_facts(authored.accept)


def list_whisper_facts(whisper: Whisper) -> Iterator[AuthoredFact]:
    yield AuthoredFact("prompt", "accept", whisper.prompt, ("accept", "prompt"))
    yield from list_key_facts(whisper)
    if whisper.taken is not UNSET:
        yield AuthoredFact("prompt", "accept taken", whisper.taken, ("accept", "taken"))


def list_key_facts(whisper: Whisper) -> Iterator[AuthoredFact]:
    yield AuthoredFact("text", "accept key", str(whisper.key), ("accept", "key"))
    wait = f"{parse_seconds(whisper.timeout)}s"
    yield AuthoredFact("number", "accept timeout", wait, ("accept", "timeout"))


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
