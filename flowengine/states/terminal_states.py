"""continue, park, hangup and done: let a call go on, hold it, end it, or end what an event asked
for.
"""

from dataclasses import dataclass
from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from flowengine.limits import MAX_PARK_SECONDS
from flowengine.sinch import Ace
from flowengine.source import KeyPath
from flowengine.states.builder import StateBuilder
from flowengine.states.field_types import Duration
from flowengine.states.prompt import CompiledPrompt, Prompt
from flowengine.states.state_kind import StateKind
from flowengine.states.state_results import AnswerCallback, StateResult
from flowengine.states.step_context import StepContext
from flowengine.states.verb import PromptSequence, Verb, filter_prompts
from flowengine.svaml import Action, Continue, Hangup, format_voice
from flowengine.svaml import Park as WirePark

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


@dataclass(frozen=True, slots=True)
class CompiledFixedAction(Verb):
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


@dataclass(frozen=True, slots=True)
class CompiledPark(Verb):
    """Holds the call."""

    intro: CompiledPrompt | None
    hold: CompiledPrompt | None
    limit: int
    voice: str
    actions = frozenset({"park"})
    waits = True
    is_end = True
    ends_call = True

    def enter(self, run: StepContext) -> StateResult:
        intro = self.intro.render_prompt(run) if self.intro else ""
        hold = self.hold.render_prompt(run) if self.hold else ""
        # park has one locale for both prompts (platform notes, 1.2)
        main = self.intro or self.hold
        spoken = format_voice(main.choose_locale(run.locale) if main else run.locale, self.voice)
        return AnswerCallback(
            WirePark(intro_prompt=intro, hold_prompt=hold, max_duration=self.limit, locale=spoken)
        )

    def resume(self, run: StepContext) -> StateResult:
        """Let the call go on where it was unparked and the callee has answered. Anything else ends
        it.
        """
        return AnswerCallback(Continue() if type(run.event) is Ace else Hangup())

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


def compile_park(builder: StateBuilder, path: KeyPath, park: AuthoredPark) -> CompiledPark:
    limit = builder.compile_seconds(
        (*path, "limit"), park.limit, MAX_PARK_SECONDS, "how long the platform holds a call"
    )
    intro = builder.compile_embedded_prompt((*path, "intro"), park.intro)
    return CompiledPark(
        intro,
        builder.compile_embedded_prompt((*path, "hold"), park.hold),
        limit,
        builder.context.voice,
    )


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
