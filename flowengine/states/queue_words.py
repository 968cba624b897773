"""What a caller hears who waits in a queue: how it stands, at first and from time to time."""

import math

import msgspec
from msgspec import UNSET
from msgspec.structs import replace

from flowengine.expr import Type
from flowengine.expr.cldr import format_minutes
from flowengine.limits import (
    MAX_ANNOUNCEMENT_SECONDS,
    MAX_QUEUE_SECONDS,
    MIN_ANNOUNCEMENT_SECONDS,
    MIN_MENU_TIMEOUT_MILLIS,
    SPOKEN_CHARACTERS_PER_SECOND,
)
from flowengine.source import KeyPath
from flowengine.states.builder import StateBuilder
from flowengine.states.prompt import CompiledPrompt, join_prompts
from flowengine.states.question import Question, RetryPrompts
from flowengine.states.queue_options import AuthoredQueue, QueueWait
from flowengine.states.queue_plan import POSITION_NAME, WAIT_NAME, QueueTerms
from flowengine.states.state_results import InstructionToSend
from flowengine.states.step_context import StepContext
from flowengine.states.verb import PromptSequence, filter_prompts
from flowengine.svaml import Menu, MenuOption, RunMenu

NO_RETRY_PROMPTS = RetryPrompts(())


class QueueWords(msgspec.Struct, frozen=True):
    """What is said, and after that where somebody knows how long it takes. `question` is the menu in
    which an announcement is spoken.
    """

    first: CompiledPrompt | None
    estimate: CompiledPrompt | None
    question: Question

    def bind_names(self, run: StepContext, position: int, wait: int) -> None:
        """Let the words read how it stands. A wait is told in whole minutes: nobody knows better."""
        run.names[POSITION_NAME] = position
        if self.estimate and wait:
            locale = self.estimate.choose_locale(run.locale)
            run.names[WAIT_NAME] = format_minutes(math.ceil(wait / 60), locale)

    def choose_prompts(self, run: StepContext) -> list[CompiledPrompt]:
        return list(filter_prompts(self.first, self.estimate if WAIT_NAME in run.names else None))

    def build_instructions(self, run: StepContext) -> list[InstructionToSend]:
        return [
            instruction
            for prompt in self.choose_prompts(run)
            for instruction in prompt.build_instructions(run)
        ]

    def build_menu(self, run: StepContext, options: tuple[MenuOption, ...]) -> RunMenu | None:
        """The menu that says it; None where there is nothing to say."""
        prompts = self.choose_prompts(run)
        words = join_prompts([*prompts], run)
        if not words:
            return None
        menu = Menu(
            id="main",
            main_prompt=words,
            repeats=0,
            timeout_mills=MIN_MENU_TIMEOUT_MILLIS,
            options=options,
        )
        return self.question.build_run_menu_in_locale([menu], prompts[0].choose_locale(run.locale))

    def list_prompts(self) -> PromptSequence:
        return filter_prompts(self.first, self.estimate)


def compile_words(
    builder: StateBuilder, path: KeyPath, authored: AuthoredQueue, every: int
) -> QueueWords:
    wait = QueueWait() if authored.wait is UNSET else authored.wait
    path = (*path, "wait")
    # in scopes of their own: elsewhere nobody knows how it stands
    place = replace(builder, scope=builder.scope.extend({POSITION_NAME: Type.INTEGER}))
    both = replace(
        builder,
        scope=builder.scope.extend({POSITION_NAME: Type.INTEGER, WAIT_NAME: Type.TEXT}),
    )
    if every:
        # a menu speaks it, later again
        first = place.compile_embedded_prompt((*path, "say"), wait.say, late=True)
        estimate = both.compile_embedded_prompt((*path, "estimate"), wait.estimate, late=True)
    else:
        first = place.compile_prompt((*path, "say"), wait.say)
        estimate = both.compile_prompt((*path, "estimate"), wait.estimate)
    for names in (builder.reads, builder.late_reads):
        names -= {POSITION_NAME, WAIT_NAME}
    words = QueueWords(first, estimate, build_question(builder, has_keys=bool(authored.keys)))
    if every:
        check_length(builder, path, words, every)
    return words


def build_question(builder: StateBuilder, *, has_keys: bool) -> Question:
    """The menu of announcements."""
    return Question(
        menu_id=f"{builder.context.flow}.{builder.state}",
        first=None,
        again=None,
        no_input=NO_RETRY_PROMPTS,
        no_match=NO_RETRY_PROMPTS,
        attempts=1,
        barge=has_keys,
        has_named_menus=builder.context.menu_ids == "named",
        accepts_voice=False,
        voice=builder.context.voice,
    )


def check_length(builder: StateBuilder, path: KeyPath, words: QueueWords, every: int) -> None:
    """Report words that are not over when they begin anew."""
    size = sum(
        max(
            sum(len(piece) for piece in template.parts if isinstance(piece, str))
            for template in part.texts.values()
        )
        for prompt in words.list_prompts()
        for part in prompt.parts
        if part.kind == "text"
    )
    takes = math.ceil(size / SPOKEN_CHARACTERS_PER_SECOND)
    if takes >= every:
        builder.add_problem(
            "FE440",
            (*path, "every"),
            f"these words take about {takes}s, so the caller would hear nothing else",
            f"write every: {2 * takes}s or more, or say less",
        )


def compile_queue_times(
    builder: StateBuilder, path: KeyPath, authored: AuthoredQueue
) -> QueueTerms:
    """How long the caller waits, and how often they hear how it stands."""
    limit, every = 0, 0
    if authored.limit is not UNSET:
        what = "how long a caller waits"
        limit = builder.compile_seconds((*path, "limit"), authored.limit, MAX_QUEUE_SECONDS, what)
    if authored.wait is not UNSET and authored.wait.every is not UNSET:
        what = "the time from one announcement to the next"
        most, least = MAX_ANNOUNCEMENT_SECONDS, MIN_ANNOUNCEMENT_SECONDS
        place = (*path, "wait", "every")
        every = builder.compile_seconds(place, authored.wait.every, most, what, least)
    return QueueTerms(limit=limit, every=every)
