"""What rings and queues have in common: the room that the caller waits in, and how a member is
offered the call.
"""

import hashlib
import re
from collections.abc import Iterator

import msgspec
from msgspec import UNSET

from flowengine.expr import EscapeMode, Template
from flowengine.limits import MAX_RING_SECONDS
from flowengine.problems import suggest_name
from flowengine.source import KeyPath
from flowengine.states.builder import StateBuilder
from flowengine.states.connect_actions import explain_omissions, format_caller_id
from flowengine.states.connect_checks import check_caller_id
from flowengine.states.flow_context import RingGroup
from flowengine.states.queue_options import AuthoredQueue
from flowengine.states.queue_plan import QueueTerms
from flowengine.states.ring_options import AuthoredRing
from flowengine.states.ring_plan import HOST_FACT, RingMember, RingOrder, RingPlan
from flowengine.states.state_results import StateFailure
from flowengine.states.step_context import StepContext
from flowengine.states.verb import DialledText, PromptSequence
from flowengine.states.whisper import CompiledWhisper, compile_whisper
from flowengine.svaml import format_voice

DEFAULT_EACH_SECONDS = 20
ROOM_DIGEST_BYTES = 16
ROOM_PREFIX = "ring-"
ROOM_PATTERN = re.compile(rf"{ROOM_PREFIX}[0-9a-f]{{{2 * ROOM_DIGEST_BYTES}}}")
ORIGIN_FACT, APP_ORIGIN = "call.origin", "mxp"
DIALLED_FACT = "call.to"


class CompiledOffer(msgspec.Struct, frozen=True):
    """How a member is offered the call: how long a phone rings, the number that it shows, and what
    is heard on picking up.
    """

    each: int
    caller_id: Template | None
    whisper: CompiledWhisper | None

    def build_plan(
        self,
        run: StepContext,
        members: tuple[RingMember, ...],
        order: RingOrder,
        music: str,
        group: RingGroup | None,
        exits: frozenset[str],
        queue: QueueTerms | None = None,
    ) -> RingPlan:
        whisper = self.whisper
        shown = {"caller_id": self.caller_id.render(run.names)} if self.caller_id else {}
        run.notes.extend(explain_omissions(shown))
        return RingPlan(
            room=format_room_name(run.event.call_id),
            members=members,
            order=order,
            each=self.each,
            # one's own number: the platform brings some calls without one to nobody
            cli=format_caller_id(shown or {"caller_id": run.names.get(DIALLED_FACT, "")}),
            locale=whisper.choose_voice(run.locale) if whisper else format_voice(run.locale),
            whisper=whisper.render_words(run) if whisper else "",
            accept_key=whisper.key if whisper else "1",
            whisper_timeout=whisper.timeout if whisper else 0,
            taken=whisper.taken.render_prompt(run) if whisper and whisper.taken else "",
            music=music,
            group=group.name if group else "",
            wrap_up=group.wrap_up if group else 0,
            exits=exits,
            queue=queue,
        )

    def list_dialled_texts(self) -> Iterator[DialledText]:
        if self.caller_id:
            yield DialledText(("caller_id",), self.caller_id, is_caller_id=True)

    def list_answers(self) -> list[PromptSequence]:
        """What members hear."""
        whisper = self.whisper
        heard = (whisper.prompt, whisper.taken) if whisper else ()
        return [(prompt,) for prompt in heard if prompt]


def format_room_name(call_id: str) -> str:
    """The conference of one caller, whose name nobody else can guess or has."""
    digest = hashlib.blake2b(call_id.encode(), digest_size=ROOM_DIGEST_BYTES)
    return f"{ROOM_PREFIX}{digest.hexdigest()}"


def is_room_of_ring(name: str) -> bool:
    """Whether `format_room_name` has made this name, and nobody's words are in it."""
    return name.startswith(ROOM_PREFIX) and ROOM_PATTERN.fullmatch(name) is not None


def find_stranded_caller(run: StepContext) -> StateFailure | None:
    """The failure of a caller whom the platform would bring out of no room. A route without an
    origin takes such callers, too, so no check can tell them all.
    """
    if run.names.get(ORIGIN_FACT) == APP_ORIGIN:
        return StateFailure("the platform brings no caller from an app out of a conference")
    return None


def compile_offer(
    builder: StateBuilder,
    path: KeyPath,
    group: RingGroup | None,
    authored: AuthoredRing | AuthoredQueue,
) -> CompiledOffer:
    builder.reads |= {HOST_FACT, ORIGIN_FACT}
    whisper = compile_whisper(builder, (*path, "accept"), authored.accept)
    check_caller_id(builder, path, authored.caller_id)
    return CompiledOffer(
        compile_each(builder, path, group, authored),
        compile_caller_id(builder, path, authored),
        whisper,
    )


def find_group(builder: StateBuilder, path: KeyPath, name: str) -> RingGroup | None:
    """The group of this name, or None, which is a problem."""
    groups = builder.context.groups
    if name not in groups and not builder.context.unread.has_name("groups", name):
        hint = suggest_name(name, groups) or f"write groups/{name}.yaml"
        builder.add_problem("FE202", path, f"there is no group {name}", hint)
    return groups.get(name)


def compile_each(
    builder: StateBuilder,
    path: KeyPath,
    group: RingGroup | None,
    authored: AuthoredRing | AuthoredQueue,
) -> int:
    if authored.each is UNSET:
        return group.each if group else DEFAULT_EACH_SECONDS
    what = "how long a phone may ring"
    return builder.compile_seconds((*path, "each"), authored.each, MAX_RING_SECONDS, what)


def compile_caller_id(
    builder: StateBuilder, path: KeyPath, authored: AuthoredRing | AuthoredQueue
) -> Template | None:
    if authored.caller_id is UNSET:
        builder.reads.add(DIALLED_FACT)
        return None
    return builder.compile_template((*path, "caller_id"), authored.caller_id, EscapeMode.PLAIN)
