"""What is said at once, by one state or by several in a row, against what the platform speaks in
one answer.
"""

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from flowengine.compile.checks.before import NONE, Arrivals, Before, Measure, arrivals
from flowengine.compile.program import CompiledState, Program
from flowengine.expr import Template
from flowengine.limits import MAX_MENU_ID, MAX_PROMPT_PARTS, MAX_SAY, MAX_TTS_TOTAL
from flowengine.model import Memory
from flowengine.problems import Problem
from flowengine.source import Path
from flowengine.states.asking import Question, Wording
from flowengine.states.collect import CompiledCollect
from flowengine.states.ending import CompiledPark
from flowengine.states.menu import CompiledMenu
from flowengine.states.prompt import Part, Plan

Said = tuple[Plan, ...]
SHOWN = 8  # states of a way that a person still reads


def check(programs: Mapping[str, Program], memory: Memory) -> Iterator[Problem]:
    spoken, parts = (arrivals(programs, measure, memory) for measure in (characters, pieces))
    for name, program in programs.items():
        before = (spoken[name], parts[name])
        yield from memory.recall(
            ("prompts", name), (program, before), partial(lengths, program, *before)
        )


def lengths(program: Program, spoken: Arrivals, parts: Arrivals) -> list[Problem]:
    return [
        problem
        for state in program.states.values()
        for problem in length(program, state, spoken, parts)
    ]


def length(
    program: Program, state: CompiledState, spoken: Arrivals, parts: Arrivals
) -> Iterator[Problem]:
    yield from faults(program, state)
    span = program.document.key_span((*state.path, state.kind))
    if told := too_much(
        state, spoken.get(state.name, NONE), characters, MAX_TTS_TOTAL, "characters"
    ):
        yield Problem("FE404", span, told, "shorten it, or ask something in between")
    if told := too_much(state, parts.get(state.name, NONE), pieces, MAX_PROMPT_PARTS, "prompts"):
        yield Problem("FE405", span, told, "join texts, or ask something in between")


def too_much(state: CompiledState, before: Before, measure: Measure, most: int, unit: str) -> str:
    """What is wrong where an answer outgrows the platform. What is said after that is not told
    again.
    """
    first, *retries = [sum(map(measure, said)) for said in answered(state)]
    longest = max([first + before.size, *retries])
    if longest <= most or before.size > most:
        return ""
    chain = longest == first + before.size and before.states
    way = f": {' -> '.join([*before.states[-SHOWN:], state.name])}" if chain else ""
    return f"{state.name} makes it {longest} {unit} at once; the platform takes {most}{way}"


def faults(program: Program, state: CompiledState) -> Iterator[Problem]:
    for path, size in long_texts(program, state):
        message = f"this text has {size} characters besides its ${{…}}; the platform speaks at most {MAX_SAY}"
        yield Problem(
            "FE410",
            program.document.span(path),
            message,
            "split it into a list of prompts or into two states",
        )
    longest = max(menu_ids(state), key=len, default="")
    if len(longest) > MAX_MENU_ID:
        span = program.document.key_span((*state.path, state.kind))
        message = f"flow and state make a menu name of {len(longest)} characters; the platform takes {MAX_MENU_ID}"
        yield Problem("FE406", span, message, "shorten the name of the flow or of the state")


def long_texts(program: Program, state: CompiledState) -> Iterator[tuple[Path, int]]:
    """Texts whose constant pieces alone are too long. Those without `${…}` are told when they are
    compiled.
    """
    authored = program.document.at(state.path)
    for plan in {id(plan): plan for said in answered(state) for plan in said}.values():
        for template in (
            template
            for part in plan.parts
            if part.kind == "text"
            for template in part.texts.values()
        ):
            size = constant(template)
            if template.constant is None and size > MAX_SAY:
                yield (*state.path, *(place_of(authored, template.text) or ())), size


def place_of(data: Any, text: str) -> Path | None:
    """Where a text stands in what an author wrote; a text of messages stands elsewhere."""
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
        ((key, *inner) for key, value in entries if (inner := place_of(value, text)) is not None),
        None,
    )


def answered(state: CompiledState) -> list[Said]:
    """Everything that the state may say in one answer, by the way that leads to the answer."""
    first = plans(state.preamble.say if state.preamble else None)
    verb = state.verb
    if isinstance(verb, CompiledMenu):
        inner = plans(*(menu.prompt for menu in verb.inner))
        again = plans(verb.question.first) if verb.repeats else ()
        return [
            (*said, *again, *inner)
            for said in asked(verb.question, first, verb.question.no_input, verb.question.no_match)
        ]
    if isinstance(verb, CompiledCollect):
        return [
            *asked(verb.question, first, verb.question.no_input, verb.invalid),
            plans(verb.confirm),
        ]
    if isinstance(verb, CompiledPark):
        return [(*first, *plans(verb.intro, verb.hold))]
    return [first]


def spoken_parts(program: Program) -> list[tuple[CompiledState, Part]]:
    """Every piece of a prompt that a flow has, with its state."""
    return [
        (state, part)
        for state in program.states.values()
        for plan in plans_of(state)
        for part in plan.parts
    ]


def plans_of(state: CompiledState) -> Iterator[Plan]:
    """Everything that the state may ever say, each once."""
    verb = state.verb
    if state.preamble and state.preamble.say:
        yield state.preamble.say
    if isinstance(verb, CompiledMenu | CompiledCollect):
        asked = verb.question
        yield from plans(asked.first, asked.again, *asked.no_input.plans, *asked.no_match.plans)
    if isinstance(verb, CompiledMenu):
        yield from plans(*(menu.prompt for menu in verb.inner))
    elif isinstance(verb, CompiledCollect):
        yield from plans(*verb.invalid.plans, verb.confirm)
    elif isinstance(verb, CompiledPark):
        yield from plans(verb.intro, verb.hold)


def asked(question: Question, first: Said, *wordings: Wording) -> list[Said]:
    retries = [
        plans(words, question.again or question.first)
        for wording in wordings
        for words in wording.plans
    ]
    return [(*first, *plans(question.first)), *retries]


def plans(*given: Plan | None) -> Said:
    return tuple(plan for plan in given if plan)


def characters(plan: Plan) -> int:
    return sum(longest(part) for part in plan.parts if part.kind != "audio")


def pieces(plan: Plan) -> int:
    return len(plan.parts)


def longest(part: Part) -> int:
    """The characters that are sure to be spoken, in the wordiest locale."""
    return max(map(constant, part.texts.values()))


def constant(template: Template) -> int:
    return sum(len(piece) for piece in template.parts if isinstance(piece, str))


def menu_ids(state: CompiledState) -> Iterator[str]:
    if isinstance(state.verb, (CompiledMenu, CompiledCollect)) and state.verb.question.named:
        yield state.verb.question.menu_id
    if isinstance(state.verb, CompiledMenu):
        yield from (menu.id for menu in state.verb.inner)
