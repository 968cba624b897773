"""Fields and menus: what callers are asked, and what becomes of their answer."""

import re
from typing import Any, Final

from msgspec.structs import replace

from flowengine.importers.flow_parts import TEXT_LENGTH
from flowengine.importers.templates import escape_words, write_literal
from flowengine.importers.voicexml.attempts import add_attempts
from flowengine.importers.voicexml.document_import import ElementImport
from flowengine.importers.voicexml.grammars import (
    KEYS_IN_ORDER,
    AnswerShape,
    GrammarChoice,
    read_builtin,
    read_grammar,
)
from flowengine.importers.voicexml.sequences import (
    SequenceScope,
    write_conditional_prompt,
    write_goto,
    write_throw,
)
from flowengine.importers.voicexml.voice_document import VoiceElement
from flowengine.importers.voicexml.voice_prompts import (
    SPOKEN_TAGS,
    build_parts,
    join_parts,
    read_millis,
    write_millis,
)
from flowengine.limits import MAX_MENU_TIMEOUT_MILLIS, MIN_MENU_TIMEOUT_MILLIS
from flowengine.states.field_types import MAX_OPTION_KEYS
from flowengine.states.spoken_input import fold_words

# as # ends an input of several keys, it is an option by itself alone
_OPTION_KEYS: Final = re.compile(rf"[0-9*]{{1,{MAX_OPTION_KEYS}}}|#")
_FIXED_LENGTHS: Final = {"date": (8, 8), "time": (4, 5)}


def read_settings(scope: SequenceScope) -> dict[str, str]:
    """The properties that hold here, those of the innermost element first."""
    found: dict[str, str] = {}
    for element in scope.handlers:
        found = element.settings | found
    return found


def add_timing(scope: SequenceScope, element: VoiceElement, body: dict[str, Any]) -> None:
    """How long to wait for an answer, and whether keys interrupt the prompt."""
    settings = read_settings(scope)
    prompts = element.list_children("prompt")
    named = next((each.get("timeout") for each in prompts if each.get("timeout")), "")
    millis = read_millis(named or settings.get("timeout", ""))
    if millis is not None:
        body["timeout"] = write_millis(
            min(max(millis, MIN_MENU_TIMEOUT_MILLIS), MAX_MENU_TIMEOUT_MILLIS)
        )
    barge = next((each.get("bargein") for each in prompts if each.get("bargein")), "")
    if (barge or settings.get("bargein", "")) == "false":
        body["barge"] = False


def build_question(
    scope: SequenceScope, origin: ElementImport, choices: str = ""
) -> tuple[dict[str, Any], list[VoiceElement]]:
    """`prompt` and `again`, and the prompts under a condition, which are said before."""
    first: list[str | VoiceElement] = []
    again: list[str | VoiceElement] = []
    earlier: list[VoiceElement] = []
    for each in origin.element.content:
        if isinstance(each, str):
            first.append(each)
            continue
        if each.tag not in SPOKEN_TAGS:
            continue
        if each.get("cond") == "false":
            scope.document.begin_element(each, scope.ask)
        elif each.get("cond") not in ("", "true"):
            earlier.append(each)
        elif each.get("count") not in ("", "1"):
            again.append(each)
        else:
            first.append(each)
    body: dict[str, Any] = {}
    for key, content in (("prompt", first), ("again", again)):
        parts: list[Any] = []
        for each in content:
            parts += build_piece(scope, origin, each, choices)
        if parts:
            body[key] = join_parts(parts)
    body.setdefault("prompt", {"pause": "100ms"})
    return body, earlier


def build_piece(
    scope: SequenceScope, origin: ElementImport, piece: str | VoiceElement, choices: str
) -> list[Any]:
    if isinstance(piece, str):
        return build_parts(origin, [piece])
    if piece.tag == "prompt":
        prompt = scope.document.begin_element(piece, scope.ask)
        return build_parts(prompt, piece.content, choices, is_question=True)
    return build_parts(origin, [piece], choices)


def write_field(scope: SequenceScope, origin: ElementImport, name: str, answered: str) -> None:
    """The state that asks for a field, under the name `scope.ask`; `answered` follows it."""
    document, element = scope.document, origin.element
    shape = read_shape(scope, origin)
    body, earlier = build_question(scope, origin, describe_choices(shape.choices))
    state = scope.ask
    if earlier:
        state = document.make_state_name(f"{scope.prefix}_ask")
        first = state
        for each in reversed(earlier):
            first = write_conditional_prompt(scope, each, first)
        document.add_state(scope.ask, {"next": first}, None)
    add_timing(scope, element, body)
    if read_settings(scope).get("inputmodes") == "dtmf":
        shape.hears = False
    if shape.choices and all(not each.key or is_option_key(each.key) for each in shape.choices):
        add_attempts(scope, origin, body, "no_match")
        body["options"] = build_options(scope, shape, name, answered)
        document.add_state(state, {"menu": body}, origin)
        return
    add_attempts(scope, origin, body, "invalid")
    body["into"] = declare_answer(scope, shape, name)
    add_input(origin, shape, body)
    document.add_state(state, {"collect": body, "next": answered}, origin)


def read_shape(scope: SequenceScope, origin: ElementImport) -> AnswerShape:
    """What a field takes."""
    element = origin.element
    shape = AnswerShape()
    type_ = element.get("type")
    is_known = bool(type_) and read_builtin(type_, shape)
    if is_known:
        shape.keys = shape.hears = True
    elif type_:
        origin.note_change(f'the type "{type_[:40]}" is not known: any words are taken')
    for each in element.list_children("grammar", "dtmf"):
        grammar = scope.document.begin_element(each, scope.ask)
        source = replace(each, attributes=each.attributes | {"mode": "dtmf"})
        problem = read_grammar(source if each.tag == "dtmf" else each, shape)
        if problem:
            grammar.note_loss(f"{problem}: any words are taken")
    for each in element.list_children("option"):
        scope.document.begin_element(each, scope.ask)
        words = each.text
        shape.add_choice(
            GrammarChoice(
                each.get("value") or words, each.get("dtmf"), [words.lower()] * bool(words)
            )
        )
        shape.hears = shape.hears or bool(words)
    if shape.builtin == "boolean" and not shape.choices:
        shape.choices = [
            GrammarChoice("true", "1", ["yes"]),
            GrammarChoice("false", "2", ["no"]),
        ]
    shape.choices = shape.choices[: len(KEYS_IN_ORDER)]
    return shape


def describe_choices(choices: list[GrammarChoice]) -> str:
    """What <enumerate> says."""
    texts = [
        f"{' '.join(each.words[:1])}{f', press {each.key}' if each.key else ''}."
        for each in choices
    ]
    return escape_words(" ".join(texts))


def build_options(
    scope: SequenceScope, shape: AnswerShape, name: str, answered: str
) -> dict[str | int, Any]:
    """The options of a menu, each with a state that keeps its value."""
    document = scope.document
    used = {each.key for each in shape.choices}
    free = iter([each for each in KEYS_IN_ORDER if each not in used])
    variable = document.get_variable(name, max(len(each.value) for each in shape.choices))
    options: dict[str | int, Any] = {}
    heard: set[str] = set()
    for each in shape.choices:
        key = each.key or next(free, "")
        if not key or key in map(str, options):
            continue
        target = document.add_state(
            document.make_state_name(f"{scope.prefix}_key_{'star' if key == '*' else key}"),
            {"set": {variable: escape_words(each.value[:500])}, "next": answered},
            None,
        )
        words = each.words if shape.hears else []
        options[to_option_key(key)] = build_option(target, words, heard)
    return options


def is_option_key(keys: str) -> bool:
    """Whether these keys, pressed one after the other, can be an option."""
    return bool(_OPTION_KEYS.fullmatch(keys))


def to_option_key(keys: str) -> str | int:
    """Keys as authors write them, digits without quotes; a number would lose its first zeros."""
    return int(keys) if str(keys).isdecimal() and str(int(keys)) == keys else keys


def build_option(target: str, words: list[str], heard: set[str]) -> Any:
    """An option with its words; those that an option before it has are its own no more."""
    kept = {fold_words(each): each for each in words}
    kept = {key: each for key, each in kept.items() if key and key not in heard}
    heard.update(kept)
    return {"next": target, "hear": list(kept.values())[:10]} if kept else target


def declare_answer(scope: SequenceScope, shape: AnswerShape, name: str) -> str:
    """The variable of a field, with room for the longest input."""
    return scope.document.get_variable(name, max(TEXT_LENGTH, shape.most))


def add_input(origin: ElementImport, shape: AnswerShape, body: dict[str, Any]) -> None:
    """How many keys, or which words."""
    if shape.choices:
        lengths = [len(each.key) for each in shape.choices if each.key] or [1]
        body["digits"] = write_range(min(lengths), max(lengths))
        known = ", ".join(write_literal(each.key) for each in shape.choices if each.key)
        body["valid"] = f"vars.{body['into']} in [{known}]"
        if any(each.value != each.key for each in shape.choices):
            origin.note_change("the keys themselves are kept, not the values that stand for them")
        return
    if shape.builtin:
        least, most = _FIXED_LENGTHS.get(shape.builtin, (shape.least, shape.most))
        body["digits"] = write_range(least, most)
        if shape.builtin in ("date", "time", "currency", "number", "phone") and shape.hears:
            origin.add_remark("callers key it in, and do not say it")
        return
    body["voice"] = True
    if not shape.keys:
        origin.note_change("no grammar limits the answer: any words, or keys, are taken")


def write_range(least: int, most: int) -> int | str:
    return least if least == most else f"{least}-{most}"


def write_menu(scope: SequenceScope, origin: ElementImport) -> None:
    """A menu with its choices, in the state `scope.ask`."""
    document, element = scope.document, origin.element
    found = element.list_children("choice")
    taken = {each.get("dtmf") for each in found}
    numbers = iter([each for each in KEYS_IN_ORDER if each not in taken])
    options: dict[str | int, Any] = {}
    heard: set[str] = set()
    choices: list[GrammarChoice] = []
    for each in found:
        choice = document.begin_element(each, scope.ask)
        words = (
            " ".join("".join(part for part in each.content if isinstance(part, str)).split())
            or each.text
        )
        key = each.get("dtmf").replace(" ", "") or next(numbers, "")
        if not is_option_key(key) or key in map(str, options):
            choice.note_loss(
                "it has keys that no option can have, or those of another: it is left out"
            )
            continue
        target = write_choice_target(scope, choice)
        choice.entry.state = target
        hears = bool(words) and read_settings(scope).get("inputmodes") != "dtmf"
        spoken = [words.lower()] if hears else []
        options[to_option_key(key)] = build_option(target, spoken, heard)
        pressed = key if each.get("dtmf") or element.get("dtmf") == "true" else ""
        choices.append(GrammarChoice(words, pressed, [words] if words else []))
    body, earlier = build_question(scope, origin, describe_choices(choices))
    for each in earlier:
        document.begin_element(each, scope.ask).note_loss("a prompt under a condition is left out")
    if not options:
        origin.note_loss("no choice is left: the call ends")
        document.add_state(scope.ask, {"next": document.get_end_state()}, origin)
        return
    add_timing(scope, element, body)
    add_attempts(scope, origin, body, "no_match")
    document.add_state(scope.ask, {"menu": body | {"options": options}}, origin)


def write_choice_target(scope: SequenceScope, choice: ElementImport) -> str:
    """Where a choice or a link leads."""
    element = choice.element
    tag = "throw" if element.get("event") and not element.get("next") else "goto"
    made = VoiceElement(tag, dict(element.attributes), element.line)
    scope.document.share_entry(made, choice)
    return write_throw(scope, made) if tag == "throw" else write_goto(scope, made)
