"""The length of what is said in one answer, by one state or by several in a row, against what the
platform speaks.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from flowengine.compile.checks.program_graph import split_by_links
from flowengine.compile.checks.speech_budget import (
    NO_SPEECH,
    PromptMeasure,
    SpeechBefore,
    SpeechByState,
    compute_speech_before,
)
from flowengine.compile.program import CompiledState, Program
from flowengine.expr import Template
from flowengine.limits import MAX_MENU_ID, MAX_PROMPT_PARTS, MAX_SAY, MAX_TTS_TOTAL
from flowengine.model import CompileCache
from flowengine.problems import Problem
from flowengine.source import KeyPath
from flowengine.states.prompt import CompiledPrompt, PromptPart
from flowengine.states.verb import PromptSequence, filter_prompts

MAX_SHOWN_STATES = 8  # states of a way that a person still reads


def check(programs: Mapping[str, Program], memory: CompileCache) -> Iterator[Problem]:
    linked, alone = split_by_links(programs)
    yield from check_linked(linked, memory)
    for program in alone.values():
        yield from program.compute_once(check_alone)


def check_alone(program: Program) -> list[Problem]:
    if speaks_little(program):
        return []
    return list(check_linked({program.flow: program}, CompileCache()))


def speaks_little(program: Program) -> bool:
    """Whether all states together stay within every limit of this module."""
    characters = parts = 0
    for state in program.states.values():
        answers = list_answers(state)
        characters += max(sum(map(count_characters, said)) for said in answers)
        parts += max(sum(map(count_parts, said)) for said in answers)
        if max(map(len, state.verb.list_menu_ids()), default=0) > MAX_MENU_ID:
            return False
    return characters <= MAX_SAY and parts <= MAX_PROMPT_PARTS


def check_linked(programs: Mapping[str, Program], memory: CompileCache) -> Iterator[Problem]:
    spoken, parts = (
        compute_speech_before(programs, measure, memory)
        for measure in (count_characters, count_parts)
    )
    for name, program in programs.items():
        before = (spoken[name], parts[name])
        yield from memory.get_or_compute(
            ("prompts", name), (program, before), partial(check_flow_lengths, program, *before)
        )


def check_flow_lengths(
    program: Program, spoken: SpeechByState, parts: SpeechByState
) -> list[Problem]:
    return [
        problem
        for state in program.states.values()
        for problem in check_state_length(program, state, spoken, parts)
    ]


def check_state_length(
    program: Program, state: CompiledState, spoken: SpeechByState, parts: SpeechByState
) -> Iterator[Problem]:
    answers = list_answers(state)
    yield from find_state_faults(program, state, answers)
    explain = partial(explain_excess, state, answers)
    before = spoken.get(state.name, NO_SPEECH)
    if told := explain(before, count_characters, MAX_TTS_TOTAL, "characters"):
        span = program.document.find_key_span((*state.path, state.kind))
        yield Problem("FE404", span, told, "shorten it, or ask something in between")
    before = parts.get(state.name, NO_SPEECH)
    if told := explain(before, count_parts, MAX_PROMPT_PARTS, "prompts"):
        span = program.document.find_key_span((*state.path, state.kind))
        yield Problem("FE405", span, told, "join texts, or ask something in between")


def explain_excess(
    state: CompiledState,
    answers: Sequence[PromptSequence],
    before: SpeechBefore,
    measure: PromptMeasure,
    most: int,
    unit: str,
) -> str:
    """What is wrong where an answer exceeds the platform's limits. Later texts of the same answer
    are not reported again.
    """
    first, *retries = [sum(map(measure, said)) for said in answers]
    longest = max([first + before.size, *retries])
    # more than the limit before this state: an earlier state has the problem
    if longest <= most or before.size > most:
        return ""
    chain = longest == first + before.size and before.states
    way = f": {' -> '.join([*before.states[-MAX_SHOWN_STATES:], state.name])}" if chain else ""
    return f"{state.name} makes it {longest} {unit} at once; the platform takes {most}{way}"


def find_state_faults(
    program: Program, state: CompiledState, answers: Sequence[PromptSequence]
) -> Iterator[Problem]:
    for path, size in find_long_texts(program, state, answers):
        message = f"this text has {size} characters besides its ${{…}}; the platform speaks at most {MAX_SAY}"
        yield Problem(
            "FE410",
            program.document.find_span(path),
            message,
            "split it into a list of prompts or into two states",
        )
    longest = max(state.verb.list_menu_ids(), key=len, default="")
    if len(longest) > MAX_MENU_ID:
        span = program.document.find_key_span((*state.path, state.kind))
        message = f"flow and state make a menu name of {len(longest)} characters; the platform takes {MAX_MENU_ID}"
        yield Problem("FE406", span, message, "shorten the name of the flow or of the state")


def find_long_texts(
    program: Program, state: CompiledState, answers: Sequence[PromptSequence]
) -> Iterator[tuple[KeyPath, int]]:
    """Texts whose constant pieces alone are too long. Those without `${…}` are reported when they
    are compiled.
    """
    authored = program.document.get_value(state.path)
    for plan in {id(plan): plan for said in answers for plan in said}.values():
        for template in (
            template
            for part in plan.parts
            if part.kind == "text"
            for template in part.texts.values()
        ):
            size = count_constant_characters(template)
            if template.constant is None and size > MAX_SAY:
                yield (*state.path, *(find_text_path(authored, template.text) or ())), size


def find_text_path(data: Any, text: str) -> KeyPath | None:
    """Where the author wrote a text; a text of messages stands in another file."""
    if data == text:
        return ()
    entries = (
        data.items()
        if isinstance(data, dict)
        else enumerate(data)
        if isinstance(data, list)
        else ()
    )
    return next(
        (
            (key, *inner)
            for key, value in entries
            if (inner := find_text_path(value, text)) is not None
        ),
        None,
    )


def list_answers(state: CompiledState) -> list[PromptSequence]:
    """Everything that the state may say in one answer, by the way that leads to the answer."""
    entered, *others = state.verb.list_answers()
    return [(*filter_prompts(state.preamble.say if state.preamble else None), *entered), *others]


def list_spoken_parts(program: Program) -> list[tuple[CompiledState, PromptPart]]:
    """Every piece of a prompt that a flow has, with its state."""
    return [
        (state, part)
        for state in program.states.values()
        for plan in iterate_prompts(state)
        for part in plan.parts
    ]


def iterate_prompts(state: CompiledState) -> Iterator[CompiledPrompt]:
    """Everything that the state may ever say, each once."""
    if state.preamble and state.preamble.say:
        yield state.preamble.say
    yield from state.verb.list_prompts()


def count_characters(plan: CompiledPrompt) -> int:
    return sum(measure_longest(part) for part in plan.parts if part.kind not in ("audio", "pause"))


def count_parts(plan: CompiledPrompt) -> int:
    return len(plan.parts)


def measure_longest(part: PromptPart) -> int:
    """The characters that are sure to be spoken, in the wordiest locale."""
    return max(map(count_constant_characters, part.texts.values()))


def count_constant_characters(template: Template) -> int:
    return sum(len(piece) for piece in template.parts if isinstance(piece, str))
