"""continue, park, hangup and done: let a call go on, hold it, end it, or end what an event asked
for.
"""

from dataclasses import dataclass
from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from flowengine.limits import MAX_PARK_SECONDS
from flowengine.sinch import Ace
from flowengine.source import Path
from flowengine.states.builder import Builder
from flowengine.states.fields import Duration
from flowengine.states.move import Answer, Move
from flowengine.states.prompt import Plan, Prompt
from flowengine.states.run import Run
from flowengine.svaml import Action, Continue, Hangup, voice
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


class Nothing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """No settings."""


class Park(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
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
class CompiledEnding:
    """An action that is the same for every call; None where an event wants no action."""

    action: Action | None
    actions: frozenset[str]
    waits: bool

    def enter(self, _run: Run) -> Move:
        return Answer(self.action)

    def resume(self, _run: Run) -> Move:
        return Answer(self.action)


@dataclass(frozen=True, slots=True)
class CompiledPark:
    """A hold at work."""

    intro: Plan | None
    hold: Plan | None
    limit: int
    voice: str
    actions = frozenset({"park"})
    waits = True

    def enter(self, run: Run) -> Move:
        intro = self.intro.prompt(run) if self.intro else ""
        hold = self.hold.prompt(run) if self.hold else ""
        main = self.intro or self.hold
        spoken = voice(main.locale(run.locale) if main else run.locale, self.voice)
        return Answer(
            WirePark(intro_prompt=intro, hold_prompt=hold, max_duration=self.limit, locale=spoken)
        )

    def resume(self, run: Run) -> Move:
        """Whoever took the call out has connected it, and that was answered: nobody is parked any
        more.
        """
        return Answer(Continue() if type(run.event) is Ace else Hangup())


def compile_continue(_builder: Builder, _path: Path, _authored: Nothing | None) -> CompiledEnding:
    return CompiledEnding(Continue(), frozenset({"continue"}), waits=True)


def compile_hangup(_builder: Builder, _path: Path, _authored: Nothing | None) -> CompiledEnding:
    return CompiledEnding(Hangup(), frozenset({"hangup"}), waits=True)


def compile_done(_builder: Builder, _path: Path, _authored: Nothing | None) -> CompiledEnding:
    return CompiledEnding(None, frozenset({"done"}), waits=True)


def compile_park(builder: Builder, path: Path, park: Park) -> CompiledPark:
    limit = builder.seconds(
        (*path, "limit"), park.limit, MAX_PARK_SECONDS, "how long the platform holds a call"
    )
    intro = builder.listed((*path, "intro"), park.intro)
    return CompiledPark(
        intro, builder.listed((*path, "hold"), park.hold), limit, builder.around.voice
    )
