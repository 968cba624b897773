"""Each element of VoiceXML that the report counts, and what it is in the language of flows."""

from typing import Final

from flowengine.importers.voicexml.document_import import ElementImport

ELEMENTS: Final = {
    "form": "a state that leads to its first item",
    "menu": "`menu`",
    "choice": "an option of the menu, of up to six keys",
    "link": "a key under `keys:` of the flow",
    "field": "`collect`; `menu` where the grammars name the answers",
    "option": "an option of the menu",
    "grammar": "`digits`, or options with `hear`",
    "dtmf": "`digits`, or options",
    "filled": "the states behind the question",
    "noinput": "`no_input`, and `silent` where it leads on",
    "nomatch": "`no_match` or `invalid`, and `otherwise` where it leads on",
    "block": "states",
    "prompt": "`say`, or `prompt` of a question",
    "audio": "`audio`",
    "value": "`${…}`",
    "var": "a variable, and `set`",
    "assign": "`set`",
    "clear": "`set`, and the way back to the first cleared item",
    "if": "`choose`",
    "elseif": "a way of the `choose`",
    "else": "the last way of the `choose`",
    "goto": "`next`; `next_flow` for another document",
    "submit": "`fetch` of a service, after which the call ends",
    "subdialog": "the states of the form once more; `subflow` for another document",
    "param": "`set`",
    "return": "the way back behind the subdialog; `return: done` of a document",
    "transfer": "`ring`; `connect` for a blind transfer",
    "record": "`record_message`",
    "throw": "the states of the handler",
    "catch": "as the handlers of its events",
    "error": "`error` of the flow",
    "reprompt": "nothing: a question is asked again anyway",
    "disconnect": "`hangup`",
    "exit": "`hangup`",
    "property": "`timeout` and `barge` of questions; those of fetches have no effect",
    "log": "nothing: the journal records every call",
    "data": "`fetch`",
    "help": "nothing",
    "initial": "nothing",
    "object": "nothing",
    "script": "nothing",
    "foreach": "nothing",
}
_KNOWN_PROPERTIES: Final = frozenset(("timeout", "bargein", "inputmodes"))
_HARMLESS_PREFIXES: Final = ("fetch", "audio", "document", "grammar", "object", "script", "data")
_HARMLESS_PROPERTIES: Final = frozenset(
    ("caching", "universals", "bargeintype", "termtimeout", "maxnbest")
)


def drop_property(origin: ElementImport) -> None:
    """Tell of a property that has no counterpart."""
    name, value = origin.element.get("name"), origin.element.get("value")
    if name in _KNOWN_PROPERTIES or name in _HARMLESS_PROPERTIES:
        return
    if name.startswith(_HARMLESS_PREFIXES) and "." not in name:
        origin.add_remark("nothing is fetched from a server of documents: it has no effect")
    elif name == "termchar":
        if value not in ("#", ""):
            origin.note_change("only # ends an input")
    elif name == "interdigittimeout":
        origin.add_remark("a question waits as long for the next key as for the first one")
    else:
        origin.note_loss(f'nothing stands for the property "{name[:60]}"')
