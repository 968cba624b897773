"""Executable content: what is said, set and decided one after the other."""

import json
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from flowengine.importers.flow_parts import ANSWER_SECONDS
from flowengine.importers.templates import escape_words
from flowengine.importers.voicexml.document_import import (
    DocumentImport,
    ElementImport,
    iterate_handlers,
    strip_scope,
)
from flowengine.importers.voicexml.ecmascript import ScriptValue
from flowengine.importers.voicexml.other_documents import build_request, write_document_change
from flowengine.importers.voicexml.voice_document import VoiceElement
from flowengine.importers.voicexml.voice_prompts import SPOKEN_TAGS, build_parts, join_parts

_MAX_THROWS: Final = 5
_SET_TAGS: Final = frozenset(("assign", "var", "clear"))
_SILENT_TAGS: Final = frozenset(("log", "reprompt", "meta", "metadata"))
_LAST_TAGS: Final = frozenset(("goto", "submit", "exit", "disconnect", "return", "throw"))


class SequenceScope(msgspec.Struct, frozen=True):
    """Where content stands: what catches its events, and where `clear` and `return` lead.

    `first_input` is the first question of a form that looks for the next one without an answer.
    """

    document: DocumentImport
    prefix: str
    next: str
    dialogs: dict[str, str]
    ask: str = ""
    returning: str = ""
    items: dict[str, str] = msgspec.field(default_factory=dict)
    handlers: tuple[VoiceElement, ...] = ()
    throws: int = 0
    first_input: str = ""


@dataclass
class SequenceStep:
    """What one state does: it sets, and then it says; or one element that does more."""

    values: list[VoiceElement] = field(default_factory=list)
    spoken: list[str | VoiceElement] = field(default_factory=list)
    control: VoiceElement | None = None


def group_steps(content: list[str | VoiceElement]) -> list[SequenceStep]:
    """Neighbours that one state can do are one step; what follows a last element is left out."""
    steps: list[SequenceStep] = []

    def get_plain(*, for_value: bool) -> SequenceStep:
        if not steps or steps[-1].control or (for_value and steps[-1].spoken):
            steps.append(SequenceStep())
        return steps[-1]

    for each in content:
        if isinstance(each, str):
            if each.strip():
                get_plain(for_value=False).spoken.append(each)
        elif each.tag in SPOKEN_TAGS and not each.get("cond"):
            get_plain(for_value=False).spoken.append(each)
        elif each.tag in _SET_TAGS and (each.tag != "var" or each.get("expr")):
            get_plain(for_value=True).values.append(each)
        else:
            steps.append(SequenceStep(control=each))
            if each.tag in _LAST_TAGS:
                break
    return steps


def write_sequence(scope: SequenceScope, content: list[str | VoiceElement], after: str) -> str:
    """The states of some content that leads on to `after`; the name of the first one."""
    if scope.document.is_full:
        return after
    cleared = [each for each in content if isinstance(each, VoiceElement) and each.tag == "clear"]
    if cleared and after == scope.next:
        after = find_cleared(scope, cleared[0]) or after
    elif cleared and not scope.first_input:
        origin = scope.document.begin_element(cleared[0], after)
        origin.note_change("the call goes on with what follows, and does not ask again at once")
    target = after
    for step in reversed(group_steps(content)):
        element = step.control
        target = (
            write_control(scope, element, target) if element else write_plain(scope, step, target)
        )
    return target


def find_cleared(scope: SequenceScope, element: VoiceElement) -> str:
    """The first item that is asked again."""
    names = element.get("namelist").split()
    found = (state for name, state in scope.items.items() if not names or name in names)
    return next(found, "")


def write_plain(scope: SequenceScope, step: SequenceStep, target: str) -> str:
    """One state for values that are set and words that are said after each other; give its name."""
    document = scope.document
    tags = [each.tag for each in step.values] + ["say"] * bool(step.spoken)
    name = document.make_state_name(f"{scope.prefix}_{tags[0]}")
    origins = [document.begin_element(each, name) for each in step.values]
    values: dict[str, Any] = {}
    for origin in origins:
        values |= build_values(scope, origin)
    body: dict[str, Any] = {"set": values} if values else {}
    parts: list[Any] = []
    words: list[str | VoiceElement] = []
    for each in step.spoken:
        if isinstance(each, VoiceElement) and each.tag in ("prompt", "audio"):
            parts += build_unreported_parts(scope, words, name, origins)
            words = []
            origins.append(document.begin_element(each, name))
            inner: list[str | VoiceElement] = each.content if each.tag == "prompt" else [each]
            parts += build_parts(origins[-1], inner)
        else:
            words.append(each)
    parts += build_unreported_parts(scope, words, name, origins)
    if parts:
        body["say"] = join_parts(parts)
    add_origins(document, name, body | {"next": target}, origins)
    return name


def build_unreported_parts(
    scope: SequenceScope, words: list[str | VoiceElement], name: str, origins: list[ElementImport]
) -> list[Any]:
    """Words outside of any prompt, which are one."""
    if not words:
        return []
    holder = VoiceElement("prompt", {}, 0, words)
    entry = origins[-1].entry if origins else scope.document.build_unreported_entry(name)
    made = ElementImport(element=holder, document=scope.document, entry=entry)
    held = [each for each in words if isinstance(each, VoiceElement)]
    origins += [scope.document.begin_element(each, name) for each in held]
    return build_parts(made, words)


def add_origins(
    document: DocumentImport, name: str, body: dict[str, Any], origins: list[ElementImport]
) -> None:
    """A state that stands for several elements."""
    document.add_state(name, body, origins[0] if origins else None)
    if name in document.draft.states:
        document.draft.states[name].others += [each.entry for each in origins[1:]]


def build_values(scope: SequenceScope, origin: ElementImport) -> dict[str, Any]:
    """What an assign, a var or a clear sets."""
    element = origin.element
    if element.tag == "clear":
        names = element.get("namelist").split() or list(scope.items)
        return {
            scope.document.get_variable(name): clear_value(scope.document, name)
            for name in names[:50]
            if name in scope.document.known_names
        }
    name = strip_scope(element.get("name"))
    source = element.get("expr")
    if not name or (element.tag == "var" and not source):
        return {}
    if "." in name:
        origin.note_loss("a member of an object is no variable: it is left out")
        return {}
    value = origin.read_script(source)
    if value is None:
        return {}
    return {scope.document.get_variable(name): write_value(scope.document, name, value)}


def clear_value(document: DocumentImport, name: str) -> Any:
    return 0 if strip_scope(name) in document.numbers else ""


def write_value(document: DocumentImport, name: str, value: ScriptValue) -> Any:
    """A value as `set` has it, in the type of the variable."""
    if name in document.numbers:
        return int(value.code) if value.code.isdecimal() else f"${{{value.to_number()}}}"
    if value.code.startswith('"'):
        try:
            text = json.loads(value.code)
        except ValueError:
            return f"${{{value.code}}}"
        variable = document.get_variable(name, len(text))
        declared = document.draft.variables[variable]
        return escape_words(text[: declared["max"]])
    return f"${{{value.to_text()}}}"


def write_control(scope: SequenceScope, element: VoiceElement, target: str) -> str:
    """The states of one element; where the call goes on when there are none."""
    document = scope.document
    if element.tag in _SILENT_TAGS or element.tag == "var":
        document.begin_element(element, target)
        return target
    if element.tag == "if":
        return write_choice(scope, element, target)
    if element.tag in SPOKEN_TAGS:
        return write_conditional_prompt(scope, element, target)
    if element.tag in _LAST_TAGS:
        return write_last(scope, element)
    origin = document.begin_element(element, target)
    if element.tag == "data":
        return write_data(scope, origin, target)
    remark = (
        "what a script computes is not converted"
        if element.tag == "script"
        else (f"nothing stands for <{element.tag[:30]}>: the call goes on")
    )
    origin.note_loss(remark)
    return target


def write_conditional_prompt(scope: SequenceScope, element: VoiceElement, target: str) -> str:
    plain = replace_attribute(element, "cond")
    state = write_plain(scope, SequenceStep(spoken=[plain]), target)
    origin = scope.document.begin_element(plain, state)
    scope.document.entries[id(element)] = origin
    value = origin.read_script(element.get("cond"))
    if value is None:
        return state
    name = scope.document.make_state_name(f"{scope.prefix}_if")
    ways = [{"when": value.to_condition(), "next": state}, {"next": target}]
    scope.document.add_state(name, add_fallback({"choose": ways}), None)
    return name


def replace_attribute(element: VoiceElement, name: str) -> VoiceElement:
    """The element without an attribute."""
    kept = {key: value for key, value in element.attributes.items() if key != name}
    return replace(element, attributes=kept)


def write_choice(scope: SequenceScope, element: VoiceElement, target: str) -> str:
    """An if with its elseif and else."""
    branches: list[tuple[VoiceElement, list[str | VoiceElement]]] = [(element, [])]
    for each in element.content:
        if isinstance(each, VoiceElement) and each.tag in ("elseif", "else"):
            branches.append((each, []))
        else:
            branches[-1][1].append(each)
    name = scope.document.make_state_name(f"{scope.prefix}_if")
    ways: list[dict[str, str]] = []
    last = target
    for branch, content in branches:
        origin = scope.document.begin_element(branch, name)
        value = None if branch.tag == "else" else origin.read_script(branch.get("cond"))
        if branch.tag != "else" and value is None:
            origin.note_loss("what stands under this condition is not reached")
        first = write_sequence(scope, content, target)
        if branch.tag == "else":
            last = first
        elif value is not None:
            ways.append({"when": value.to_condition(), "next": first})
    origins = [scope.document.entries[id(branch)] for branch, _ in branches]
    body: dict[str, Any] = {"choose": [*ways, {"next": last}]} if ways else {"next": last}
    add_origins(scope.document, name, add_fallback(body), origins)
    return name


def add_fallback(body: dict[str, Any]) -> dict[str, Any]:
    """A choice whose condition cannot be computed goes its last way."""
    ways = body.get("choose", [])
    if any("decimal(" in way.get("when", "") or "integer(" in way.get("when", "") for way in ways):
        return body | {"error": ways[-1]["next"]}
    return body


def write_last(scope: SequenceScope, element: VoiceElement) -> str:
    """An element after which nothing of its content follows."""
    document = scope.document
    if element.tag == "throw":
        return write_throw(scope, element)
    if element.tag == "goto":
        return write_goto(scope, element)
    if element.tag == "submit":
        return write_submit(scope, element)
    if element.tag == "return":
        end = scope.returning or document.get_end_state()
        origin = document.begin_element(element, end)
        if element.get("event") or element.get("eventexpr"):
            origin.note_change("the event is not thrown where the call goes back: it goes on there")
        names = [strip_scope(each) for each in element.get("namelist").split()]
        if names and document.returns and not scope.returning:
            shown = ", ".join(names)[:80]
            origin.note_change(f"hand {shown} back by outputs: here and into: of who uses it")
        return end
    document.begin_element(element, document.get_hang_up_state())
    return document.get_hang_up_state()


def write_throw(scope: SequenceScope, element: VoiceElement) -> str:
    document = scope.document
    event = element.get("event")
    origin = document.begin_element(element, scope.next)
    handler = next(iterate_handlers([*scope.handlers], event), None) if event else None
    if handler is None or scope.throws >= _MAX_THROWS:
        origin.note_loss(f'nothing catches the event "{event[:40]}": the call ends')
        return document.get_end_state()
    document.begin_element(handler, scope.next)
    inner = replace(scope, throws=scope.throws + 1)
    state = write_sequence(inner, handler.content, scope.ask or scope.next)
    origin.entry.state = state
    return state


def write_goto(scope: SequenceScope, element: VoiceElement) -> str:
    document = scope.document
    origin = document.begin_element(element, document.get_end_state())
    item = element.get("nextitem")
    address = element.get("next")
    if item:
        target = scope.items.get(item, "")
        if not target:
            origin.note_loss(f'there is no item "{item[:40]}": the call ends')
    elif address.startswith("#"):
        target = scope.dialogs.get(address[1:], "")
        if not target:
            origin.note_loss(f'there is no dialog "{address[1:41]}": the call ends')
    elif address:
        target = write_document_change(origin, address, scope.prefix)
    else:
        origin.note_loss("where it leads is a value there: the call ends")
        target = ""
    origin.entry.state = target or document.get_end_state()
    return origin.entry.state


def write_submit(scope: SequenceScope, element: VoiceElement) -> str:
    document = scope.document
    name = document.make_state_name(f"{scope.prefix}_submit")
    origin = document.begin_element(element, name)
    origin.note_change("what is sent is JSON, and the document that is answered is not in the file")
    body = build_request(origin, element.get("next"))
    end = document.get_end_state()
    document.add_state(name, {"fetch": body | {"failed": end}, "next": end}, origin)
    return name


def write_data(scope: SequenceScope, origin: ElementImport, target: str) -> str:
    document = scope.document
    origin.note_change("the answer is JSON here: take what the flow needs of it by into:")
    name = document.make_state_name(f"{scope.prefix}_data")
    body = build_request(origin, origin.element.get("src"))
    body |= {"timeout": f"{ANSWER_SECONDS}s", "failed": target}
    document.add_state(name, {"fetch": body, "next": target}, origin)
    return name
