"""What happens when callers say nothing, or what no grammar has: words, and the way out."""

from typing import Any, Final

from msgspec.structs import replace

from flowengine.importers.voicexml.document_import import ElementImport, iterate_handlers
from flowengine.importers.voicexml.sequences import SequenceScope, write_sequence
from flowengine.importers.voicexml.voice_document import VoiceElement
from flowengine.importers.voicexml.voice_prompts import SPOKEN_TAGS, build_parts, join_parts

_MAX_ATTEMPTS: Final = 9
_SIMPLE_TAGS: Final = SPOKEN_TAGS | {"reprompt", "log"}
_SILENCE: Final = "noinput"
_WRONG: Final = "nomatch"


def list_handlers(scope: SequenceScope, event: str) -> dict[int, VoiceElement]:
    """The handlers of an event by their count; the innermost one of each counts."""
    found: dict[int, VoiceElement] = {}
    for each in iterate_handlers([*scope.handlers], event):
        count = each.get("count")
        found.setdefault(int(count) if count.isdecimal() and len(count) < 3 else 1, each)
    return dict(sorted(found.items()))


def is_simple(handler: VoiceElement) -> bool:
    """Whether a handler only speaks, so that the question is asked again."""
    return all(each.tag in _SIMPLE_TAGS and not each.get("cond") for each in handler.children)


def add_attempts(
    scope: SequenceScope, origin: ElementImport, body: dict[str, Any], wrong_key: str
) -> None:
    """Add the words of each attempt, `silent` and `otherwise` to a question, which stands in
    `scope.ask`.
    """
    silent, wrong = list_handlers(scope, _SILENCE), list_handlers(scope, _WRONG)
    leaving = {
        event: next((count for count, each in found.items() if not is_simple(each)), 0)
        for event, found in ((_SILENCE, silent), (_WRONG, wrong))
    }
    known = [count for count in leaving.values() if count]
    attempts = min([*known, _MAX_ATTEMPTS])
    body["attempts"] = max(attempts, 1)
    if not known:
        origin.add_remark(f"the question is asked {_MAX_ATTEMPTS} times, then the call ends")
    for found, key in ((silent, "no_input"), (wrong, wrong_key)):
        words = [build_words(scope, found, count) for count in range(1, body["attempts"])]
        if any(words):
            body[key] = join_words(words)
    body |= write_unanswered_targets(scope, silent, wrong, leaving)
    handlers = [*silent.values(), *wrong.values()]
    if body["attempts"] > 1 and handlers and not any(map(has_reprompt, handlers)):
        body.setdefault("again", {"pause": "100ms"})  # only the words of the handler are heard


def has_reprompt(handler: VoiceElement) -> bool:
    return any(each.tag == "reprompt" for each in handler.walk())


def build_words(scope: SequenceScope, handlers: dict[int, VoiceElement], count: int) -> list[Any]:
    chosen = max((each for each in handlers if each <= count), default=0)
    if not chosen:
        return []
    handler = handlers[chosen]
    origin = scope.document.begin_element(handler, scope.ask)
    for each in handler.children:
        scope.document.begin_element(each, scope.ask)
    spoken = [each for each in handler.content if isinstance(each, str) or each.tag in SPOKEN_TAGS]
    return build_parts(origin, spoken, is_question=True)


def join_words(words: list[list[Any]]) -> Any:
    """The words of each attempt; the last ones are those of all that follow."""
    filled: list[Any] = []
    for each in words:
        filled.append(join_parts(each) if each else (filled[-1] if filled else {"pause": "100ms"}))
    while len(filled) > 1 and filled[-1] == filled[-2]:
        filled.pop()
    return filled[0] if len(filled) == 1 else {"each": filled}


def write_unanswered_targets(
    scope: SequenceScope,
    silent: dict[int, VoiceElement],
    wrong: dict[int, VoiceElement],
    leaving: dict[str, int],
) -> dict[str, str]:
    """Where the call goes when the attempts are over: after silence, and after a wrong answer."""
    document = scope.document
    targets: dict[str, str] = {}
    for event, found in ((_SILENCE, silent), (_WRONG, wrong)):
        if not leaving[event]:
            targets[event] = scope.ask if any(leaving.values()) else document.get_end_state()
            continue
        handler = found[leaving[event]]
        document.begin_element(handler, scope.ask)
        inner = replace(scope, prefix=f"{scope.prefix}_{event}", next=scope.ask)
        targets[event] = write_sequence(inner, handler.content, scope.ask)
        for each in list(found.values())[list(found).index(leaving[event]) + 1 :]:
            later = document.begin_element(each, targets[event])
            if not is_simple(handler) and not ends(handler):
                later.note_change("the handler of the first count is used for all that follow")
    ways = {"otherwise": targets[_WRONG]}
    if targets[_SILENCE] != targets[_WRONG]:
        ways = {"silent": targets[_SILENCE]} | ways
    return ways


def ends(handler: VoiceElement) -> bool:
    """Whether a handler surely leaves the question."""
    return any(each.tag in ("goto", "exit", "disconnect", "submit") for each in handler.children)
