"""FE1xx: the file as YAML (FE100-FE139), and its shape (FE150-FE169)."""

from typing import Final

from flowengine.problems.catalogue_entry import CatalogueEntry, Severity

_YAML_ENTRIES: Final = (
    CatalogueEntry(
        "FE101",
        "the file is too large",
        Severity.ERROR,
        "A file may have up to 1 MiB, about thirty times a large flow. Split the flow into "
        "subflows, each in a file of its own; "
        "keep prompts with many words in the project's messages.",
        "",
        "",
    ),
    CatalogueEntry(
        "FE102",
        "the file is not UTF-8",
        Severity.ERROR,
        "Files are read as UTF-8, which every editor can write. The message says at which byte "
        "reading failed. "
        "Save the file again as UTF-8; a byte order mark at its beginning is fine.",
        "",
        "",
    ),
    CatalogueEntry(
        "FE103",
        "a control character",
        Severity.ERROR,
        "The file has a character that nobody can see and no voice can say, such as NUL. It "
        "usually comes from copying out of "
        "another program. Delete it.",
        "say: Hello\x07 there",
        "say: Hello there",
    ),
    CatalogueEntry(
        "FE104",
        "the file is empty",
        Severity.ERROR,
        "There is nothing in the file, or only comments.",
        "# to be written",
        "flow: support\nstart: welcome",
    ),
    CatalogueEntry(
        "FE105",
        "not valid YAML",
        Severity.ERROR,
        "The file cannot be read further here. Look at the place itself and at the line above: a "
        "missing colon or quote, a bracket "
        "that never closes, or a line that is indented differently from its neighbours.",
        "states:\n  welcome:\n    say: Hello\n   next: main",
        "states:\n  welcome:\n    say: Hello\n    next: main",
    ),
    CatalogueEntry(
        "FE106",
        "a tab as indentation",
        Severity.ERROR,
        "YAML indents with spaces only: how wide a tab is differs between editors. Set the editor "
        "to insert spaces.",
        "states:\n\twelcome: {hangup: }",
        "states:\n  welcome: {hangup: }",
    ),
    CatalogueEntry(
        "FE107",
        "nested too deeply",
        Severity.ERROR,
        "Values may be nested 32 deep; a flow needs about ten. Usually a bracket is missing or "
        "doubled.",
        "value: " + "[" * 33,
        "value: [[1]]",
    ),
    CatalogueEntry(
        "FE108",
        "too many values",
        Severity.ERROR,
        "A file may have up to 100,000 keys and values. Split it into several files.",
        "",
        "",
    ),
    CatalogueEntry(
        "FE109",
        "several documents in one file",
        Severity.ERROR,
        "A line with --- begins a second YAML document. One file holds one flow: give each a file "
        "of its own.",
        "flow: one\n---\nflow: two",
        "flow: one",
    ),
    CatalogueEntry(
        "FE110",
        "a key twice",
        Severity.ERROR,
        "The same key is given twice in the same place. YAML readers keep one of the two silently, "
        "and rarely the one that was meant. "
        'Keys are text: 1 and "1" are the same key.',
        "say: Hello\nsay: Good morning",
        "say: Hello. Good morning",
    ),
    CatalogueEntry(
        "FE111",
        "a YAML tag",
        Severity.ERROR,
        "A value that begins with an exclamation mark is a tag to YAML, and what follows it is "
        "lost: `when: !vars.known` is an empty "
        "condition. Put quotes around the whole value.",
        "when: !vars.known",
        'when: "!vars.known"',
    ),
    CatalogueEntry(
        "FE112",
        "an anchor",
        Severity.ERROR,
        "A value that begins with an ampersand is an anchor to YAML. Anchors are not used in "
        "flows: give the shared thing a name in the "
        "project (messages, services, calendars) or make it a subflow. If the ampersand belongs to "
        "the text, put quotes around the text.",
        "say: &Co is here",
        'say: "&Co is here"',
    ),
    CatalogueEntry(
        "FE113",
        "an alias",
        Severity.ERROR,
        "A value that begins with an asterisk is an alias to YAML: it repeats an anchored value. "
        "Aliases are not used in flows: give the "
        "shared thing a name in the project or make it a subflow. If the asterisk is text, put "
        "quotes around it.",
        "options: [*repeat]",
        'options: ["*repeat"]',
    ),
    CatalogueEntry(
        "FE114",
        "a merge key",
        Severity.ERROR,
        "The key << merges other values into this one in some YAML readers. Flows do not use it: "
        "what holds for many states belongs into "
        "`defaults:`, and what many flows share into the project.",
        "state:\n  <<: {say: Hello}\n  next: main",
        "state:\n  say: Hello\n  next: main",
    ),
    CatalogueEntry(
        "FE115",
        "a key that is not text",
        Severity.ERROR,
        "A key is a word or a number. Here a list or a group of keys stands where a key belongs.",
        "options:\n  [1, 2]: main",
        "options:\n  1: main\n  2: main",
    ),
    CatalogueEntry(
        "FE116",
        "{{ }} in place of ${ }",
        Severity.ERROR,
        "A value of a variable is written as ${...}; it needs no quotes. To YAML, {{ }} is a group "
        "within a group.",
        "say: {{ vars.name }}",
        "say: ${vars.name}",
    ),
    CatalogueEntry(
        "FE117",
        "text that needs quotes",
        Severity.ERROR,
        "Some text means something else to YAML: text with a colon and a space inside it, and text "
        "that begins with one of "
        "* & @ % ` or goes on after a closing quote. Put quotes around the whole text, or write | "
        "and the text on the lines below.",
        "say: Our hours: nine to five",
        'say: "Our hours: nine to five"',
    ),
    CatalogueEntry(
        "FE118",
        "a key is missing",
        Severity.ERROR,
        "A line begins with a colon: the key before it is missing.",
        "options:\n  : main",
        "options:\n  1: main",
    ),
    CatalogueEntry(
        "FE119",
        "too many problems",
        Severity.ERROR,
        "Only the first problems of the file are shown. Cure those and check again.",
        "",
        "",
    ),
    CatalogueEntry(
        "FE120",
        "a merge conflict",
        Severity.ERROR,
        "Git, or a tool like it, could not put two versions of this file together, and has marked "
        "where they differ: <<<<<<< begins one version, ======= the other, and >>>>>>> ends it. Keep "
        "what is right and delete the lines with the markers. Until then nothing else is checked "
        "that could follow from it.",
        "flow: support\n<<<<<<< HEAD\nstart: welcome\n=======\nstart: main\n>>>>>>> feature",
        "flow: support\nstart: welcome",
    ),
    CatalogueEntry(
        "FE130",
        "text is cut off by #",
        Severity.WARNING,
        "A # after a space begins a comment, so the rest of the line is not part of the text. If "
        "the # belongs to the text, put quotes "
        "around the text. If it is a comment, end the text with a full stop or put the comment on "
        "a line of its own.",
        "say: Press # to go on",
        'say: "Press # to go on"',
    ),
    CatalogueEntry(
        "FE131",
        "a key # that is a comment",
        Severity.WARNING,
        "A line that begins with # is a comment, so the key # of the telephone is not there. Put "
        "quotes around it.",
        "options:\n  1: main\n  #: back",
        'options:\n  1: main\n  "#": back',
    ),
)

_SCHEMA_ENTRIES: Final = (
    CatalogueEntry(
        "FE150",
        "an unknown key",
        Severity.ERROR,
        "The key means nothing in this place: it is mistyped, or indented too far or not far "
        "enough.",
        "welcome:\n  sya: Hello",
        "welcome:\n  say: Hello",
    ),
    CatalogueEntry(
        "FE151",
        "a key is missing",
        Severity.ERROR,
        "Something that has no sensible default is not there.",
        "menu: {options: {1: main}}",
        "menu: {prompt: Press 1., options: {1: main}}",
    ),
    CatalogueEntry(
        "FE152",
        "the wrong kind of value",
        Severity.ERROR,
        "Text, number, true or false, list and group of keys are different things. Digits without "
        "quotes are a number (unless they begin "
        "with + or 0, or hold anything that is no digit); true and false without quotes are yes "
        "and no.",
        "title: 42",
        'title: "42"',
    ),
    CatalogueEntry(
        "FE153",
        "not one of the choices",
        Severity.ERROR,
        "Only certain words are possible here; the message lists them.",
        "type: strnig",
        "type: text",
    ),
    CatalogueEntry(
        "FE154",
        "not written as expected",
        Severity.ERROR,
        "The value is text, but not of the form that this place needs, such as a duration (20s) or "
        "a name (letters, digits, _).",
        "ring: 20 seconds",
        "ring: 20s",
    ),
    CatalogueEntry(
        "FE155",
        "out of range",
        Severity.ERROR,
        "The number is too small or too large, or the text too short or too long.",
        "attempts: 0",
        "attempts: 3",
    ),
    CatalogueEntry(
        "FE156",
        "too few or too many",
        Severity.ERROR,
        "The list or group has fewer or more entries than it may have, or the same entry twice.",
        "choose: []",
        "choose: [{next: main}]",
    ),
    CatalogueEntry(
        "FE157",
        "fits none of the possible forms",
        Severity.ERROR,
        "The value may be written in several ways, but this is none of them; the message names "
        "them.",
        "connect: nobody",
        'connect: "+14045009000"',
    ),
    CatalogueEntry(
        "FE158",
        "not allowed here",
        Severity.ERROR,
        "The key or value exists, but not in this place or not together with its neighbours.",
        "welcome: {hangup: , next: main}",
        "welcome: {say: Goodbye., hangup: }",
    ),
)

ENTRIES: Final[tuple[CatalogueEntry, ...]] = _YAML_ENTRIES + _SCHEMA_ENTRIES
