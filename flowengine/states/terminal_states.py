"""continue, park, hangup and done: let a call go on, hold it, end it, or end what an event asked
for.
"""

from collections.abc import Iterator
from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from flowengine.expr import Template
from flowengine.limits import MAX_PARK_SECONDS
from flowengine.sinch import Ace
from flowengine.source import KeyPath
from flowengine.states.builder import StateBuilder
from flowengine.states.call_offer import ORIGIN_FACT, find_stranded_caller
from flowengine.states.field_types import Duration, StateName
from flowengine.states.orchestration_result import OrchestrationResult
from flowengine.states.parking_plan import CODE_FACT, DONE_STATUS, IN_USE_STATUS
from flowengine.states.pick_up import (
    build_parking_lookup,
    compile_code,
    limit_code,
    render_code,
)
from flowengine.states.prompt import CompiledPrompt, Prompt
from flowengine.states.state_kind import StateKind
from flowengine.states.state_results import (
    AnswerCallback,
    AnswerEffects,
    Exit,
    LookupResult,
    StateFailure,
    StateResult,
)
from flowengine.states.step_context import StepContext
from flowengine.states.verb import PromptSequence, TextLimit, Verb, filter_prompts
from flowengine.svaml import Action, Continue, Hangup, format_voice
from flowengine.svaml import Park as WirePark

LIMIT_MARGIN_SECONDS = 30  # the platform holds the call for so much longer
CONTINUE_EXAMPLE = """
announce:
  say: You are now connected to an agent.
  continue:
"""
PARK_EXAMPLE = """
wait:
  park:
    intro: Please hold.
    hold: {audio: "https://example.com/music.mp3"}
    limit: 5m
"""
HANGUP_EXAMPLE = """
closed:
  say: We are closed.
  hangup:
"""
DONE_EXAMPLE = """
reported:
  done:
"""


class NoSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """No settings."""


class AuthoredPark(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Hold the call until somebody takes it out, or the limit ends it."""

    intro: (
        Annotated[Prompt, Meta(description="Played once.", examples=["Please hold."])] | UnsetType
    ) = UNSET
    hold: (
        Annotated[
            Prompt,
            Meta(
                description="Played over and over.",
                examples=[{"audio": "https://example.com/music.mp3"}],
            ),
        ]
        | UnsetType
    ) = UNSET
    limit: Annotated[
        Duration,
        Meta(
            description="The longest hold, at most 10m; then the platform hangs up.",
            examples=["5m"],
        ),
    ] = "10m"
    code: (
        Annotated[
            str,
            Meta(
                description="The code by which `pick_up` gets the call; one call at a time has it.",
                examples=["${vars.code}"],
            ),
        ]
        | UnsetType
    ) = UNSET
    in_use: (
        Annotated[
            StateName,
            Meta(
                description="Where to go when another call has the code; must be there with `code`.",
                examples=["sorry"],
            ),
        ]
        | UnsetType
    ) = UNSET
    too_long: (
        Annotated[
            StateName,
            Meta(
                description="Where to go when nobody has picked up the call before the limit, after 9.5m "
                "at the latest; without it the call ends.",
                examples=["voicemail"],
            ),
        ]
        | UnsetType
    ) = UNSET


class CompiledFixedAction(Verb, msgspec.Struct, frozen=True):
    """An action that is the same for every call; None where an event wants no action."""

    action: Action | None
    actions: frozenset[str]
    ends_call: bool = False
    waits = True
    is_end = True

    def enter(self, _run: StepContext) -> StateResult:
        return AnswerCallback(self.action)

    def resume(self, _run: StepContext) -> StateResult:
        return AnswerCallback(self.action)


class CompiledPark(Verb, msgspec.Struct, frozen=True):
    """Holds the call. With a `code` it asks first whether another call has that; `leaves_in_time` says
    that the call goes on by an exit after the limit.
    """

    intro: CompiledPrompt | None
    hold: CompiledPrompt | None
    limit: int
    voice: str
    code: Template | None = None
    leaves_in_time: bool = False
    unanswered_when = "another call has the code"
    actions = frozenset({"park"})
    waits = True
    is_end = True
    ends_call = True

    @property
    def uses_parking(self) -> bool:
        return self.code is not None

    @property
    def longest_wait(self) -> int:
        """As far as the call goes on after it."""
        return self.limit if self.leaves_in_time else 0

    @property
    def parking_code(self) -> Template | None:
        return self.code

    @property
    def is_brought_back(self) -> bool:
        return self.code is not None

    @property
    def unanswered_exits(self) -> frozenset[str]:
        return frozenset() if self.code is None else frozenset({"in_use"})

    def enter(self, run: StepContext) -> StateResult:
        if self.code is None:
            return self.hold_call(run)
        if stranded := find_stranded_caller(run):
            return stranded
        return build_parking_lookup(
            run, self.code, "park", self.limit, has_exit=self.leaves_in_time
        )

    def hold_call(self, run: StepContext) -> StateResult:
        intro = self.intro.render_prompt(run) if self.intro else ""
        hold = self.hold.render_prompt(run) if self.hold else ""
        # park has one locale for both prompts (platform notes, 1.2)
        main = self.intro or self.hold
        spoken = format_voice(main.choose_locale(run.locale) if main else run.locale, self.voice)
        return AnswerCallback(
            WirePark(
                intro_prompt=intro,
                hold_prompt=hold,
                max_duration=self.limit + self.leaves_in_time * LIMIT_MARGIN_SECONDS,
                locale=spoken,
            ),
            AnswerEffects(has_code=True) if self.code is not None else None,
        )

    def resume(self, run: StepContext) -> StateResult:
        """Let the call go on where it was unparked and the callee has answered, or where nobody has
        picked it up. Anything else ends it.
        """
        if run.lookup_result is not None and self.code is not None:
            return self.park_by_code(run, self.code, run.lookup_result)
        if type(run.event) is OrchestrationResult:
            return Exit(run.event.exit)
        return AnswerCallback(Continue() if type(run.event) is Ace else Hangup())

    def park_by_code(self, run: StepContext, code: Template, answer: LookupResult) -> StateResult:
        """Hold the call, unless another call has the code."""
        if answer.status == IN_USE_STATUS:
            return Exit("in_use")
        if answer.status != DONE_STATUS:
            return StateFailure(f"the code cannot be had: {answer.error or answer.status}")
        run.names[CODE_FACT] = render_code(run, code)
        return self.hold_call(run)

    def list_text_limits(self) -> Iterator[TextLimit]:
        if self.code is not None:
            yield limit_code(self.code)

    def list_prompts(self) -> PromptSequence:
        return filter_prompts(self.intro, self.hold)

    def list_answers(self) -> list[PromptSequence]:
        return [self.list_prompts()]


def compile_continue(
    _builder: StateBuilder, _path: KeyPath, _authored: NoSettings | None
) -> CompiledFixedAction:
    return CompiledFixedAction(Continue(), frozenset({"continue"}))


def compile_hangup(
    _builder: StateBuilder, _path: KeyPath, _authored: NoSettings | None
) -> CompiledFixedAction:
    return CompiledFixedAction(Hangup(), frozenset({"hangup"}), ends_call=True)


def compile_done(
    _builder: StateBuilder, _path: KeyPath, _authored: NoSettings | None
) -> CompiledFixedAction:
    return CompiledFixedAction(None, frozenset({"done"}))


def compile_park(builder: StateBuilder, path: KeyPath, park: AuthoredPark) -> CompiledPark | None:
    leaves_in_time = park.too_long is not UNSET
    limit = builder.compile_seconds(
        (*path, "limit"), park.limit, MAX_PARK_SECONDS, "how long the platform holds a call"
    )
    if leaves_in_time:  # the server is first, and may have to try again
        limit = min(limit, MAX_PARK_SECONDS - LIMIT_MARGIN_SECONDS)
    intro = builder.compile_embedded_prompt((*path, "intro"), park.intro)
    hold = builder.compile_embedded_prompt((*path, "hold"), park.hold)
    for name in ("in_use", "too_long"):
        if getattr(park, name) is not UNSET and park.code is UNSET:
            message = f"{name}: is for calls that are parked under a code"
            builder.add_problem("FE453", (*path, name), message, "add `code:`", at_key=True)
    code = None
    if park.code is not UNSET:
        builder.reads.add(ORIGIN_FACT)
        code = compile_code(builder, (*path, "code"), park.code)
        if park.in_use is UNSET:
            builder.add_problem(
                "FE453",
                (*path, "code"),
                "nothing says what becomes of a call whose code another call has",
                "add `in_use: <state>`",
                at_key=True,
            )
        if code is None:
            return None
    builder.add_exit("in_use", park.in_use, (*path, "in_use"))
    builder.add_exit("too_long", park.too_long, (*path, "too_long"), "ice")
    return CompiledPark(intro, hold, limit, builder.context.voice, code, leaves_in_time)


CONTINUE_KIND = StateKind(
    "continue",
    "Let the call go on",
    CONTINUE_EXAMPLE,
    Annotated[
        NoSettings | None,
        Meta(title="continue", description="Let the call go on.", examples=[None]),
    ],
    compile_continue,
    "none",
    shape="end",
    actions={"": "continue"},
)
PARK_KIND = StateKind(
    "park",
    "Hold the call",
    PARK_EXAMPLE,
    Annotated[
        AuthoredPark,
        Meta(
            title="park",
            description="Hold the call.",
            examples=[{"intro": "Please hold.", "limit": "5m"}],
        ),
    ],
    compile_park,
    "none",
    shape="end",
    summarise=lambda authored: authored.get("intro"),
    is_summary_first=True,
    actions={"": "park"},
)
HANGUP_KIND = StateKind(
    "hangup",
    "End the call",
    HANGUP_EXAMPLE,
    Annotated[
        NoSettings | None, Meta(title="hangup", description="End the call.", examples=[None])
    ],
    compile_hangup,
    "none",
    shape="end",
    actions={"": "hangup"},
)
DONE_KIND = StateKind(
    "done",
    "End what an event asked for",
    DONE_EXAMPLE,
    Annotated[
        NoSettings | None,
        Meta(title="done", description="End what an event asked for.", examples=[None]),
    ],
    compile_done,
    "none",
    shape="end",
)
STAND_IN_STATE: dict[str, None] = {"hangup": None}  # well formed, and leads nowhere
