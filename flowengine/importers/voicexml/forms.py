"""Forms: their items one after the other, as the interpreter visits them."""

from typing import Final

import msgspec
from msgspec.structs import replace

from flowengine.importers.voicexml.calls import write_record, write_transfer
from flowengine.importers.voicexml.document_import import (
    DocumentImport,
    ElementImport,
    iterate_handlers,
)
from flowengine.importers.voicexml.other_documents import write_document_use
from flowengine.importers.voicexml.questions import write_field
from flowengine.importers.voicexml.sequences import (
    SequenceScope,
    SequenceStep,
    add_fallback,
    clear_value,
    write_plain,
    write_sequence,
)
from flowengine.importers.voicexml.voice_document import VoiceElement

_INPUT_TAGS: Final = ("field", "record", "transfer", "subdialog")
_ITEM_TAGS_OF_FORMS: Final = (*_INPUT_TAGS, "block", "initial", "object")
_ENTERED_TAGS: Final = ("var", "script", "assign")
_MAX_NESTING: Final = 3


class FormItem(msgspec.Struct, frozen=True):
    """An item, or what is done when items are filled; `state` is where it begins."""

    element: VoiceElement
    name: str
    state: str


def list_items(document: DocumentImport, form: VoiceElement, prefix: str) -> list[FormItem]:
    """The items in the order of their visits, what follows an input after it."""
    items: list[FormItem] = []
    for number, each in enumerate(form.list_children(*_ITEM_TAGS_OF_FORMS), 1):
        wanted = each.get("name") or f"{each.tag}_{number}"
        state = document.make_state_name(f"{prefix}_{wanted}" if prefix else wanted)
        items.append(FormItem(each, each.get("name") or f"{prefix}.{wanted}", state))
    for each in form.list_children("filled"):
        names = each.get("namelist").split()
        places = [
            place
            for place, item in enumerate(items)
            if item.element.tag in _INPUT_TAGS and (not names or item.name in names)
        ]
        state = document.make_state_name(f"{prefix}_filled" if prefix else "filled")
        place = places[-1] + 1 if places else len(items)
        while place < len(items) and items[place].element.tag == "filled":
            place += 1
        items.insert(place, FormItem(each, "", state))
    return items


def write_form(scope: SequenceScope, form: VoiceElement, state: str, nesting: int = 0) -> None:
    """The states of a form, which begins in `state`; `scope.returning` is behind its end."""
    document = scope.document
    origin = document.begin_element(form, state)
    items = list_items(document, form, scope.prefix)
    after = scope.returning or document.get_end_state()
    names = {item.name: item.state for item in items if item.element.tag != "filled"}
    repeats = any(
        each.tag == "clear" or each.get("nextitem") or each.get("expritem") for each in form.walk()
    )
    inner = replace(
        scope,
        items={name: found for name, found in names.items() if not name.startswith(".")},
        handlers=(form, *scope.handlers),
        next=after,
        first_input=find_first_input(items) if repeats else "",
    )
    for item in reversed(items):
        write_item(replace(inner, next=after), item, repeats=repeats, nesting=nesting)
        after = item.state
    entered: list[str | VoiceElement] = [*form.list_children(*_ENTERED_TAGS)]
    first = write_sequence(inner, entered, after)
    guarded = {
        document.get_variable(item.name): clear_value(document, item.name)
        for item in items
        if repeats and item.element.tag in _INPUT_TAGS and item.name in document.known_names
    }
    body = ({"set": guarded} if guarded else {}) | {"next": first}
    document.add_state(state, body, origin)


def find_first_input(items: list[FormItem]) -> str:
    """The first question, where nothing but questions stands up to the last one."""
    places = [place for place, item in enumerate(items) if item.element.tag in _INPUT_TAGS]
    between = items[places[0] : places[-1]] if places else []
    is_plain = all(item.element.tag in _INPUT_TAGS and item.element.get("name") for item in between)
    return items[places[0]].state if places and is_plain else ""


def write_item(scope: SequenceScope, item: FormItem, *, repeats: bool, nesting: int) -> None:
    """One item: whether it is visited, what it does, and what follows when it is filled."""
    document, element = scope.document, item.element
    origin = document.begin_element(element, item.state)
    conditions: list[str] = []
    if element.get("cond") not in ("", "true") and element.tag != "filled":
        value = origin.read_script(element.get("cond"))
        conditions += [value.to_condition()] if value else []
    if repeats and element.tag in _INPUT_TAGS and item.name in document.known_names:
        conditions.append(f'vars.{document.get_variable(item.name)} == ""')
    if element.get("expr") and element.tag != "transfer":
        origin.note_change("an item with a value is not visited at first: it is here")
    own = item.state
    if conditions:
        own = document.make_state_name(f"{item.state}_visit")
        joined = " && ".join(f"({each})" for each in conditions)
        joined = conditions[0] if len(conditions) == 1 else joined
        ways = [{"when": joined, "next": own}, {"next": scope.next}]
        document.add_state(item.state, add_fallback({"choose": ways}), None)
    inner = replace(scope, prefix=item.state, ask=own, handlers=(element, *scope.handlers))
    write_item_states(inner, origin, item, nesting)
    if element.tag in _INPUT_TAGS:
        add_error_exit(inner, own)


def add_error_exit(scope: SequenceScope, state: str) -> None:
    """Errors in an item go where the handler of the item or of its form leads."""
    document = scope.document
    handlers = iterate_handlers([*scope.handlers[:-1]], "error.semantic")
    handler = next((each for each in handlers if each.tag != "help"), None)
    draft = document.draft.states.get(state)
    if handler is None or draft is None or "error" in draft.body or "hangup" in draft.body:
        return
    origin = document.begin_element(handler, state)
    target = write_sequence(scope, handler.content, document.get_end_state())
    origin.entry.state = target
    draft.body["error"] = target


def write_item_states(
    scope: SequenceScope, origin: ElementImport, item: FormItem, nesting: int
) -> None:
    document, element = scope.document, item.element
    if element.tag in ("block", "filled"):
        if element.get("mode") == "any":
            origin.note_change("it is done after the last of its items, not after each")
        known = {*document.draft.states}
        # a block that throws is not visited again: the call goes on behind it
        inside = replace(scope, ask=scope.next, first_input="")
        first = write_sequence(inside, element.content, scope.next)
        document.replace_state(scope.ask, first, known, origin)
        return
    filled: list[str | VoiceElement] = []
    for each in element.list_children("filled"):
        document.begin_element(each, scope.ask)
        filled += each.content
    is_clearing = any(each.tag == "clear" for holder in element.children for each in holder.walk())
    after = scope.first_input if is_clearing and scope.first_input else scope.next
    answered = write_sequence(replace(scope, next=after), filled, after)
    for each in element.list_children("filled"):
        document.entries[id(each)].entry.state = answered
    if element.tag == "field":
        write_field(scope, origin, item.name, answered)
    elif element.tag == "record":
        write_record(scope, origin, item.name, answered)
    elif element.tag == "transfer":
        write_transfer(scope, origin, item.name, answered)
    elif element.tag == "subdialog":
        write_subdialog(scope, origin, answered, nesting)
    else:
        origin.note_loss(f"nothing stands for <{element.tag}>: the call goes on")
        document.add_state(scope.ask, {"next": scope.next}, origin)


def write_subdialog(
    scope: SequenceScope, origin: ElementImport, answered: str, nesting: int
) -> None:
    """A form of this document stands here again; another document is a subflow."""
    document, element = scope.document, origin.element
    source = element.get("src")
    params = element.list_children("param")
    form = next(
        (
            each
            for each in document.root.list_children("form")
            if source.startswith("#") and each.get("id") == source[1:]
        ),
        None,
    )
    if form is not None and nesting < _MAX_NESTING and not document.is_full:
        state = document.make_state_name(f"{scope.prefix}_{source[1:]}")
        inner = replace(
            scope,
            prefix=state,
            returning=answered,
            ask="",
            items={},
            handlers=(document.root,),
        )
        write_form(inner, form, state, nesting + 1)
    elif source and not source.startswith("#"):
        state = write_document_use(origin, source, answered, scope.prefix)
        for each in params:
            document.begin_element(each, scope.ask).note_change("hand it over by with: and inputs:")
    else:
        remark = (
            "the dialog is a value there" if not source else "dialogs that use each other end here"
        )
        origin.note_loss(f"{remark}: the call goes on")
        state = answered
    made = [
        document.share_entry(
            VoiceElement("assign", dict(each.attributes), each.line),
            document.begin_element(each, scope.ask),
        )
        for each in params
        if form is not None
    ]
    if made:
        state = write_plain(scope, SequenceStep(values=made), state)
    document.add_state(scope.ask, {"next": state}, origin)
