"""A project out of documents."""

from collections.abc import Mapping
from typing import Any, Final

from flowengine.importers.flow_parts import DONE, ImportResult, is_reaching
from flowengine.importers.project_draft import FlowDraft, ProjectDraft, StateDraft
from flowengine.importers.source_files import read_source_files
from flowengine.importers.templates import LANGUAGE
from flowengine.importers.voicexml.alias_states import fold_aliases
from flowengine.importers.voicexml.document_import import (
    MAX_STATES,
    DocumentImport,
    VoiceProject,
    iterate_handlers,
)
from flowengine.importers.voicexml.element_table import ELEMENTS, drop_property
from flowengine.importers.voicexml.forms import write_form
from flowengine.importers.voicexml.grammars import AnswerShape, read_grammar
from flowengine.importers.voicexml.questions import (
    to_option_key,
    write_choice_target,
    write_menu,
)
from flowengine.importers.voicexml.sequences import SequenceScope, write_sequence
from flowengine.importers.voicexml.voice_document import VoiceElement, read_voice_document
from flowengine.importers.voicexml.voice_prompts import to_locale
from flowengine.states.connect_options import KEYS_OF_PHONES

_HANG_UPS: Final = ("connection.disconnect.hangup", "telephone.disconnect.hangup")
_HARMLESS_TAGS: Final = frozenset(("exit", "log", "disconnect", "return"))
_HANDLER_TAGS: Final = frozenset(("catch", "noinput", "nomatch", "error", "help"))


def import_voicexml(files: Mapping[str, bytes], name: str) -> ImportResult:
    """Import all files that can be read, by name, into one project."""
    project = VoiceProject(ProjectDraft(name))
    roots, problems = read_source_files(files, lambda content, _file: read_voice_document(content))
    for file, root in roots.items():
        project.documents.append(begin_document(project, root, file))
    for document in project.documents:
        write_document(document)
    link_documents(project)
    for document in project.documents:
        finish_document(document)
    return ImportResult(project.draft, problems)


def begin_document(project: VoiceProject, root: VoiceElement, file: str) -> DocumentImport:
    draft = FlowDraft("", comment=f"imported from VoiceXML: {file}")
    document = DocumentImport(draft=draft, project=project, file=file, root=root)
    key = f"{file}\n{len(project.documents)}"
    draft.name = project.flow_names.get_name(key, document.stem, "document")
    project.draft.flows[draft.name] = draft
    if document.returns:
        draft.head["outcomes"] = [DONE]
    language = root.get("lang")
    if LANGUAGE.fullmatch(language) and to_locale(language) != "en-US":
        draft.head["locale"] = to_locale(language)
    return document


def write_document(document: DocumentImport) -> None:
    """Translate all dialogs; the first one is where the document begins."""
    document.find_numbers()
    document.get_hang_up_state()
    root = document.root
    forms = root.list_children("form", "menu")
    states = [document.make_state_name(each.get("id") or each.tag) for each in forms]
    dialogs: dict[str, str] = {}
    for form, state in zip(forms, states, strict=True):
        dialogs.setdefault(form.get("id"), state)
    end = document.get_end_state()
    scope = SequenceScope(document=document, prefix="", next=end, dialogs=dialogs, handlers=(root,))
    entered: list[str | VoiceElement] = [*root.list_children("var", "script")]
    document.draft.start = states[0]
    document.draft.start = write_sequence(scope, entered, states[0])
    write_links(scope, root)
    write_error_handler(scope)
    for form, state in zip(forms, states, strict=True):
        if form.tag == "menu":
            origin = document.begin_element(form, state)
            handlers = (form, root)
            asked = SequenceScope(document, state, end, dialogs, ask=state, handlers=handlers)
            write_menu(asked, origin)
        else:
            prefix = state if len(forms) > 1 else ""
            write_form(SequenceScope(document, prefix, end, dialogs, handlers=(root,)), form, state)
            write_links(scope, form)


def write_links(scope: SequenceScope, holder: VoiceElement) -> None:
    """Links by key are keys of the flow."""
    document = scope.document
    keys: dict[str | int, str] = {}
    for element in holder.list_children("link"):
        origin = document.begin_element(element, document.draft.start)
        shape = AnswerShape()
        for each in element.list_children("grammar"):
            problem = read_grammar(each, shape)
            if problem:
                document.begin_element(each, document.draft.start).note_loss(problem)
            else:
                document.begin_element(each, document.draft.start)
        pressed = [element.get("dtmf"), *(each.key for each in shape.choices)]
        found = [each for each in pressed if each in [*KEYS_OF_PHONES]]
        if shape.hears:
            origin.note_change("words lead nowhere from everywhere: only keys do")
        if not found:
            origin.note_loss("it has no key, and words do not lead on from everywhere")
            continue
        target = write_choice_target(scope, origin)
        if holder.tag != "vxml":
            origin.note_change(
                "the key leads on from each question of the flow, not of the form alone"
            )
        keys |= {to_option_key(each): target for each in found}
    if keys:
        document.draft.head["keys"] = keys | document.draft.head.get("keys", {})


def write_error_handler(scope: SequenceScope) -> None:
    """What the document does with errors is where its states fail to."""
    document = scope.document
    handler = next(
        (
            each
            for each in iterate_handlers([document.root], "error.badfetch")
            if each.tag != "help"
        ),
        None,
    )
    if handler is None:
        return
    origin = document.begin_element(handler, document.draft.start)
    state = write_sequence(scope, handler.content, document.get_end_state())
    origin.entry.state = state
    document.draft.head["error"] = state


def link_documents(project: VoiceProject) -> None:
    """No flow can use itself: the call ends where documents use each other in a loop. Others may
    lead to each other as they like.
    """
    used: dict[str, set[str]] = {}
    drafts = {each.draft.name: each.draft for each in project.documents}
    for link in sorted(project.links, key=lambda each: each.is_for_good):
        document, target = link.origin.document, drafts[link.target]
        draft = document.draft
        state = document.renamed.get(link.state, link.state)
        if state not in draft.states:
            continue
        if link.is_for_good and "outcomes" not in target.head:
            draft.leads_to.append(target.name)
        elif draft.name == target.name or is_reaching(used, target.name, draft.name):
            remark = f"{target.name} leads here itself, and a flow cannot use itself: the call ends"
            link.origin.note_loss(remark)
            body = {"next": document.get_end_state()}
            draft.states[state] = StateDraft(body, link.origin.entry)
        else:
            outcomes = {DONE: document.get_end_state()}
            if link.is_for_good:
                draft.states[state].body = {"subflow": {"flow": target.name, "outcomes": outcomes}}
            used.setdefault(draft.name, set()).add(target.name)
            target.head.setdefault("outcomes", [DONE])


def finish_document(document: DocumentImport) -> None:
    """Tell what became of the rest, and put the states in the order of their source."""
    draft = document.draft
    if document.returns:
        end = document.get_end_state()
        draft.states[end].body = {"return": DONE}
    fold_aliases(document)
    for element in document.root.walk():
        if element.tag in ELEMENTS and id(element) not in document.entries:
            settle_element(document, element)
    for element in document.root.walk():
        if element.tag == "property":
            drop_property(document.begin_element(element, draft.start))
    if document.is_full:
        origin = next(iter(document.entries.values()))
        origin.note_loss(f"a document becomes {MAX_STATES:,} states at most: the rest is left out")
    entries = {id(each.entry): each.entry for each in document.entries.values()}
    for entry in entries.values():
        entry.state = document.renamed.get(entry.state, entry.state)
    document.project.draft.report.entries += sorted(
        entries.values(), key=lambda each: int(each.path.split()[-1])
    )
    order_states(draft)


def settle_element(document: DocumentImport, element: VoiceElement) -> None:
    """The conversion of an element that no dialog has asked for."""
    origin = document.begin_element(element, document.draft.start)
    events = element.get("event").split()
    if element.tag in ("log", "reprompt", "param", "property", "var"):
        return
    if element.tag in _HANDLER_TAGS and any(each in _HANG_UPS for each in events):
        if all(each.tag in _HARMLESS_TAGS for each in element.children):
            begin_all(document, element)
            return
        origin.note_loss("what follows a hang-up belongs under on: ended: here")
    elif element.tag == "help":
        origin.note_loss("nothing hears the word help: give it a key under keys:")
    elif element.tag in ("noinput", "nomatch") or events in (["noinput"], ["nomatch"]):
        origin.add_remark("no question asks so often, or there is none")
        begin_all(document, element)
    else:
        origin.note_loss("nothing leads to it here")


def begin_all(document: DocumentImport, element: VoiceElement) -> None:
    """Nothing is lost of what stands in an element."""
    for each in element.walk():
        if each.tag in ELEMENTS:
            document.begin_element(each, document.draft.start)


def order_states(draft: FlowDraft) -> None:
    """The states as a call meets them from the first one on, then all others; the end comes last."""
    order: dict[str, None] = {}
    waiting = [*reversed(draft.states), draft.start]
    while waiting:
        name = waiting.pop()
        if name in order or name not in draft.states:
            continue
        order[name] = None
        waiting += reversed([*iterate_names(draft.states[name].body, draft.states)])
    states = {name: draft.states[name] for name in order}
    draft.states.clear()
    draft.states |= states


def iterate_names(value: Any, states: Mapping[str, Any]) -> list[str]:
    """The states that a body names."""
    if isinstance(value, str):
        return [value] if value in states else []
    if isinstance(value, dict):
        return [name for each in value.values() for name in iterate_names(each, states)]
    if isinstance(value, list):
        return [name for each in value for name in iterate_names(each, states)]
    return []
