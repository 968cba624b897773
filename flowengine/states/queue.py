"""queue: have the caller wait until a member of a group is free, and connect the two."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType

from flowengine.expr import Expression, Type
from flowengine.sinch import Ace, Pie
from flowengine.source import KeyPath
from flowengine.states.builder import StateBuilder
from flowengine.states.call_offer import (
    CompiledOffer,
    compile_offer,
    find_group,
    find_stranded_caller,
    format_room_name,
)
from flowengine.states.flow_context import RingGroup
from flowengine.states.orchestration_result import OrchestrationResult, QueueAnnouncement
from flowengine.states.queue_options import AuthoredQueue, list_queue_keys
from flowengine.states.queue_plan import (
    LEFT,
    LOOKUP_OF_QUEUE,
    MAX_PRIORITY,
    TAKEN,
    TURN_FACT,
    LeaveRoom,
    QueueFacts,
    QueueOrder,
    QueueRequest,
    QueueTerms,
    QueueTurn,
    StayInRoom,
    format_queue_turn,
    parse_queue_turn,
)
from flowengine.states.queue_words import QueueWords, compile_queue_times, compile_words
from flowengine.states.ring_plan import RingPlan
from flowengine.states.state_kind import AuthoredFact, StateKind
from flowengine.states.state_results import (
    AnswerCallback,
    AnswerEffects,
    Exit,
    LookupRequest,
    LookupResult,
    StateFailure,
    StateResult,
)
from flowengine.states.step_context import StepContext
from flowengine.states.verb import CALL_OTHERS, DialledText, NoEffect, PromptSequence, Verb
from flowengine.states.whisper import list_whisper_facts
from flowengine.svaml import ConferenceDtmfOptions, ConnectConf, Continue, Hangup, MenuOption

QUEUE_EXITS = ("nobody", "full", "too_long", "after")
KEYS_IN_ROOM = ConferenceDtmfOptions(mode="detect", max_digits=1)
QUEUE_TIMEOUT_SECONDS = 2.0
ANSWERED = 200
EXAMPLE = """
support:
  queue:
    of: support
    wait: {say: "You are number ${queue.position}.", estimate: "It takes about ${queue.wait}.", every: 30s}
    keys: {2: call_back}
    limit: 20m
    nobody: closed
    too_long: call_back
call_back: {say: We call you back., hangup: }
closed: {say: Nobody is there. Please call again., hangup: }
"""


class CompiledQueue(Verb, msgspec.Struct, frozen=True):
    """Has the caller wait in a conference of their own until a member of the group takes the call.
    `exits` are those that the author wrote, but for those of keys.
    """

    group: RingGroup
    order: QueueOrder
    offer: CompiledOffer
    terms: QueueTerms
    priority: Expression | int
    words: QueueWords
    music: str
    key_exits: Mapping[str, str]
    exits: frozenset[str]
    # as for a ring: in place of connectConf
    actions = frozenset({CALL_OTHERS})
    waits = True
    is_end = True
    ends_call = True
    joins_callee = True
    calls_others = True
    waits_in_queue = True
    unanswered_when = "nobody is signed in"

    def enter(self, run: StepContext) -> StateResult:
        """Ask the queue how it stands."""
        if stranded := find_stranded_caller(run):
            return stranded
        turn = self.find_kept_turn(run)
        priority = turn.priority if turn else self.compute_priority(run)
        kept = (turn.entered_at, turn.placement) if turn else (0.0, "")
        request = QueueRequest(
            self.group.name, self.queue_members, priority, *kept,
            most=0 if turn else self.group.most_waiting, step=run.steps + 1,
        )  # fmt: skip
        return self.build_request(f"priority={priority}", request)

    def build_request(self, what: str, request: QueueRequest) -> LookupRequest:
        return LookupRequest(
            service=LOOKUP_OF_QUEUE,
            method="GET",
            url=f"queue:{self.group.name}?{what}",
            headers={},
            body=b"",
            timeout=QUEUE_TIMEOUT_SECONDS,
            retries=0,
            queue=request,
        )

    def resume(self, run: StepContext) -> StateResult:
        """Go on by what has become of the wait. On anything else the caller stays where they are."""
        event = run.event
        if run.lookup_result is not None:
            if type(event) is Pie and run.lookup_result.body in (LEFT, TAKEN):
                return self.leave(run, event.value)
            return self.enter_room(run, run.lookup_result)
        if type(event) is OrchestrationResult:
            return Exit(event.exit)
        if type(event) is QueueAnnouncement:
            return self.announce(run, event)
        if type(event) is Pie:
            return self.answer_key(run, event)
        return AnswerCallback(Continue() if type(event) is Ace else None)

    def find_kept_turn(self, run: StepContext) -> QueueTurn | None:
        """The place of somebody who was called back to this queue, until they have come to it."""
        turn = parse_queue_turn(run.names.get(TURN_FACT, ""))
        return turn if turn and turn.placement and turn.group == self.group.name else None

    def compute_priority(self, run: StepContext) -> int:
        if isinstance(self.priority, int):
            return self.priority
        value = int(self.priority.evaluate(run.names))
        priority = min(max(value, 0), MAX_PRIORITY)
        if priority != value:
            run.notes.append(f"cut: a priority is from 0 to {MAX_PRIORITY}")
        return priority

    def enter_room(self, run: StepContext, answer: LookupResult) -> StateResult:
        """Wait, unless the queue takes nobody now."""
        if answer.status != ANSWERED:
            return StateFailure(f"the queue cannot be asked: {answer.error or answer.status}")
        try:
            facts = msgspec.convert(answer.body, QueueFacts)
        except msgspec.ValidationError as error:
            return StateFailure(f"the queue cannot be asked: {error}")
        terms = self.build_terms(run, facts)
        since = terms.since or run.names.now.timestamp()
        run.names[TURN_FACT] = format_queue_turn(QueueTurn(self.group.name, terms.priority, since))
        if not facts.signed_in:
            return Exit("nobody")
        if not terms.placement and 0 < self.group.most_waiting <= facts.waiting:
            return Exit("full" if "full" in self.exits else "nobody")
        self.words.bind_names(run, facts.position, facts.wait)
        run.instructions.extend(self.words.build_instructions(run))
        return AnswerCallback(self.build_room(run), AnswerEffects(self.build_plan(run, terms)))

    def announce(self, run: StepContext, event: QueueAnnouncement) -> StateResult:
        """Say how it stands, in a menu that returns to the room."""
        self.words.bind_names(run, event.position, event.wait)
        options = tuple(MenuOption(dtmf=key, action=f"return({key})") for key in self.key_exits)
        menu = self.words.build_menu(run, options)
        return AnswerCallback(menu) if menu else self.return_to_room(run)

    def answer_key(self, run: StepContext, event: Pie) -> StateResult:
        """The answer to keys in the room, which wants none, and to the end of an announcement."""
        if event.type == "hangup":
            return AnswerCallback(Hangup())
        leads = self.key_exits.get(event.value)
        if event.type == "sequence":
            leaving = AnswerEffects(queue_update=LeaveRoom(leads)) if leads else None
            return AnswerCallback(None, leaving)
        if event.type == "return" and leads:
            return self.ask_to_leave(run)
        return self.return_to_room(run)

    def ask_to_leave(self, run: StepContext) -> LookupRequest:
        """Ask whether a member has taken the call while the caller heard the words."""
        step = run.steps + 1
        return self.build_request(
            "leave", QueueRequest(self.group.name, self.queue_members, 0, leaving_step=step)
        )

    def leave(self, run: StepContext, key: str) -> StateResult:
        """Go where the key leads, unless a member waits in the room."""
        if run.lookup_result is not None and run.lookup_result.body == TAKEN:
            run.notes.append("a member has taken the call")
            return self.return_to_room(run)
        return Exit(self.key_exits[key], leaves_queue=True)

    def return_to_room(self, run: StepContext) -> AnswerCallback:
        staying = AnswerEffects(queue_update=StayInRoom(self.terms.every))
        return AnswerCallback(self.build_room(run), staying)

    def build_room(self, run: StepContext) -> ConnectConf:
        return ConnectConf(
            conference_id=format_room_name(run.event.call_id),
            conference_dtmf_options=KEYS_IN_ROOM if self.key_exits else None,
            moh=self.music,
        )

    def build_terms(self, run: StepContext, facts: QueueFacts) -> QueueTerms:
        if turn := self.find_kept_turn(run):
            run.notes.append("comes in front, at the place of before")
            since, placement = turn.entered_at, turn.placement
            return msgspec.structs.replace(
                self.terms, priority=turn.priority, since=since, placement=placement
            )
        priority = self.compute_priority(run)
        return msgspec.structs.replace(self.terms, priority=priority, since=facts.entered_at)

    def build_plan(self, run: StepContext, terms: QueueTerms) -> RingPlan:
        exits = (self.exits - {"nobody"}) | frozenset(self.key_exits.values())
        members = self.group.members
        return self.offer.build_plan(
            run, members, self.order, self.music, self.group, exits, queue=terms
        )

    @property
    def unanswered_exits(self) -> frozenset[str]:
        return self.exits & {"nobody", "full"}

    @property
    def group_name(self) -> str:
        return self.group.name

    @property
    def most_waiting(self) -> int:
        return self.group.most_waiting

    @property
    def queue_members(self) -> tuple[str, ...]:
        return tuple(member.address for member in self.group.members)

    @property
    def longest_wait(self) -> int:
        return self.terms.limit

    @property
    def key_targets(self) -> Mapping[str, str]:
        return self.key_exits

    def list_dialled_texts(self) -> Iterator[DialledText]:
        return self.offer.list_dialled_texts()

    def list_menu_ids(self) -> Iterator[str]:
        return self.words.question.list_menu_ids()

    def list_prompts(self) -> PromptSequence:
        return tuple(prompt for answer in self.list_answers() for prompt in answer)

    def list_answers(self) -> list[PromptSequence]:
        """The first is what the caller hears, at first and in announcements; the others are for
        members.
        """
        return [self.words.list_prompts(), *self.offer.list_answers()]

    def find_no_effects(self, authored: Any, _deadline: float) -> Iterator[NoEffect]:
        if self.terms.every and not self.words.list_prompts():
            yield NoEffect(("wait", "every"), "nothing is said", "write wait: say:, or remove it")
        if "too_long" in authored and not self.terms.limit:
            hint = "write limit:, or remove it"
            yield NoEffect(("too_long",), "callers wait for as long as they like", hint)
        if "full" in authored and not self.group.most_waiting:
            hint = "write most_waiting: in the group, or remove it"
            yield NoEffect(("full",), "any number of callers may wait", hint)
        if "order" in authored and len(self.group.members) == 1:
            hint = "remove it, or add members to the group"
            yield NoEffect(("order",), "one member has no order", hint)


def compile_queue(
    builder: StateBuilder, path: KeyPath, authored: AuthoredQueue
) -> CompiledQueue | None:
    group = find_group(builder, (*path, "of"), authored.of)
    offer = compile_offer(builder, path, group, authored)
    terms = compile_queue_times(builder, path, authored)
    words = compile_words(builder, path, authored, terms.every)
    priority = compile_priority(builder, path, authored.priority)
    add_queue_exits(builder, path, authored)
    exits = frozenset(builder.exits)
    key_exits = {
        # by a request where the key comes from the room, else by the answer to the key
        key: builder.add_exit(f"key {key}", target, (*path, "keys", key), "ice", also_via="pie")
        for key, target in authored.keys.items()
    }
    builder.reads.add(TURN_FACT)
    builder.writes.add(TURN_FACT)
    if group is None or priority is None:
        return None
    return CompiledQueue(
        group=group,
        order=choose_queue_order(group, authored.order),
        offer=offer,
        terms=replace_pause(terms, group),
        priority=priority,
        words=words,
        music="music1" if authored.wait is UNSET else authored.wait.music,
        key_exits=key_exits,
        exits=exits,
    )


def add_queue_exits(builder: StateBuilder, path: KeyPath, authored: AuthoredQueue) -> None:
    """The exits but for those of keys. A queue that takes nobody is left within the same answer, and
    nobody is also the exit of a limit without one of its own.
    """
    builder.add_exit("nobody", authored.nobody, (*path, "nobody"), "same", also_via="ice")
    builder.add_exit("full", authored.full, (*path, "full"), "same")
    builder.add_exit("too_long", authored.too_long, (*path, "too_long"), "ice")
    builder.add_exit("after", authored.after, (*path, "after"), "ice")


def replace_pause(terms: QueueTerms, group: RingGroup) -> QueueTerms:
    return msgspec.structs.replace(terms, pause=group.pause)


def choose_queue_order(group: RingGroup, authored: QueueOrder | UnsetType) -> QueueOrder:
    return group.queue_order if authored is UNSET else authored


def compile_priority(
    builder: StateBuilder, path: KeyPath, authored: int | str
) -> Expression | int | None:
    if isinstance(authored, int):
        return authored
    return builder.compile_expression((*path, "priority"), authored, Type.INTEGER)


def list_queue_facts(authored: AuthoredQueue) -> Iterator[AuthoredFact]:
    """Its ways, its words for members, and the group that says what it does not."""
    for name in QUEUE_EXITS:
        if (target := getattr(authored, name)) is not UNSET:
            yield AuthoredFact("target", name, target, (name,))
    for key, target in authored.keys.items():
        yield AuthoredFact("target", f"key {key}", target, ("keys", key))
    yield AuthoredFact("topic", f"group {authored.of}", None)
    yield from list_whisper_facts(authored.accept)


QUEUE_STATE_KIND = StateKind(
    "queue",
    "Let callers wait for a free member",
    EXAMPLE,
    Annotated[
        AuthoredQueue,
        Meta(
            title="queue",
            description="Have the caller wait, with music and words, until a member of a group is "
            "free and takes the call.",
            examples=[{"of": "support", "limit": "20m", "nobody": "voicemail"}],
            extra_json_schema={"x-hint": "write {of: <group>, nobody: <state>}"},
        ),
    ],
    compile_queue,
    "none",
    shape="connection",
    summarise=lambda authored: f"queue of {authored['of']}",
    is_summary_first=True,
    list_keys=lambda authored: iter(list_queue_keys(authored)),
    list_facts=list_queue_facts,
    actions={"": CALL_OTHERS},
    identifying_options=frozenset({"of"}),
)
