"""What one state says at once, against what the platform speaks in one answer."""

from collections.abc import Iterator, Mapping

from flowengine.compile.program import CompiledState, Program
from flowengine.limits import MAX_MENU_ID, MAX_PROMPT_PARTS, MAX_TTS_TOTAL
from flowengine.problems import Problem
from flowengine.states.asking import Question, Wording
from flowengine.states.collect import CompiledCollect
from flowengine.states.ending import CompiledPark
from flowengine.states.menu import CompiledMenu
from flowengine.states.prompt import Part, Plan

Said = tuple[Plan, ...]


def check(programs: Mapping[str, Program]) -> Iterator[Problem]:
    for program in programs.values():
        for state in program.states.values():
            yield from faults(program, state)


def faults(program: Program, state: CompiledState) -> Iterator[Problem]:
    span = program.document.key_span((*state.path, state.kind))
    answers = [said for said in answered(state) if said]
    spoken = max((sum(map(characters, said)) for said in answers), default=0)
    parts = max((sum(len(plan.parts) for plan in said) for said in answers), default=0)
    if spoken > MAX_TTS_TOTAL:
        message = f"{state.name} says {spoken} characters at once; the platform speaks at most {MAX_TTS_TOTAL}"
        yield Problem("FE404", span, message, "shorten it, or ask something in between")
    if parts > MAX_PROMPT_PARTS:
        yield Problem(
            "FE405",
            span,
            f"{state.name} says {parts} prompts at once; the platform takes {MAX_PROMPT_PARTS}",
            "join texts, or ask something in between",
        )
    longest = max(menu_ids(state), key=len, default="")
    if len(longest) > MAX_MENU_ID:
        message = f"flow and state make a menu name of {len(longest)} characters; the platform takes {MAX_MENU_ID}"
        yield Problem("FE406", span, message, "shorten the name of the flow or of the state")


def answered(state: CompiledState) -> list[Said]:
    """Everything that the state may say in one answer, by the way that leads to the answer."""
    first = plans(state.preamble.say if state.preamble else None)
    verb = state.verb
    if isinstance(verb, CompiledMenu):
        inner = plans(*(menu.prompt for menu in verb.inner))
        return [(*said, *inner) for said in asked(verb.question, first, verb.question.no_input, verb.question.no_match)]
    if isinstance(verb, CompiledCollect):
        return [*asked(verb.question, first, verb.question.no_input, verb.invalid), plans(verb.confirm)]
    if isinstance(verb, CompiledPark):
        return [(*first, *plans(verb.intro, verb.hold))]
    return [first]


def asked(question: Question, first: Said, *wordings: Wording) -> list[Said]:
    retries = [plans(words, question.again or question.first) for wording in wordings for words in wording.plans]
    return [(*first, *plans(question.first)), *retries]


def plans(*given: Plan | None) -> Said:
    return tuple(plan for plan in given if plan)


def characters(plan: Plan) -> int:
    return sum(longest(part) for part in plan.parts if part.kind != "audio")


def longest(part: Part) -> int:
    """The characters that are sure to be spoken, in the wordiest locale."""
    return max(sum(len(piece) for piece in template.parts if isinstance(piece, str)) for template in part.texts.values())


def menu_ids(state: CompiledState) -> Iterator[str]:
    if isinstance(state.verb, (CompiledMenu, CompiledCollect)) and state.verb.question.named:
        yield state.verb.question.menu_id
    if isinstance(state.verb, CompiledMenu):
        yield from (menu.id for menu in state.verb.inner)
