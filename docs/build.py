"""Writes the pages that repeat what the code knows: language.md from the typed model, problems.md
from the catalogue, ARCHITECTURE.md from the docstrings of modules, the list of decisions, and the
recipes with the files of their templates.

Run `python docs/build.py` after a change; a test fails while a page is out of date. Words are in
docs/parts/, where a line such as `@fields Menu` stands for a generated part.
"""

import ast
import json
import re
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from flowengine.cli.serve_options import SERVE_OPTIONS
from flowengine.compile.checks.legality import LEGAL_ACTIONS_BY_CONTEXT
from flowengine.compile.expression_names import CALL_FACTS, CLOCK_NAMES, EVENT_NAMES
from flowengine.expr import FUNCTIONS, Type
from flowengine.importers.connect.construct_table import CONSTRUCTS, OTHERS
from flowengine.importers.studio.widget_table import OTHER_WIDGETS, WIDGET_CONSTRUCTS
from flowengine.importers.voicexml.element_table import ELEMENTS
from flowengine.model.json_schemas import SCHEMA_MODELS, generate_schema
from flowengine.problems import CATALOGUE
from flowengine.server.secret_variables import SECRET_VARIABLES
from flowengine.sinch import vocabulary
from flowengine.states import STATE_KINDS
from flowengine.states.connect_checks import OPTIONS_BY_TARGET
from flowengine.states.spoken_words import DIGIT_WORDS, YES_NO_WORDS

DOCS = Path(__file__).parent
CODE = DOCS.parent / "flowengine"
PACKAGES = (
    "limits", "environment", "operator_error", "cooperative", "garbage_collection", "cross_site", "public_addresses", "templates",
    "problems", "source", "expr", "svaml", "sinch", "states", "orchestration",
    "sources", "cache", "model", "compile", "storage", "runtime", "journal",
    "releases", "diff", "replay", "server", "switch", "scenarios", "diagram", "explanation",
    "importers", "phone", "console", "lsp", "cli",
)  # fmt: skip  # each imports only what stands before it; tests/test_house.py enforces it
COMPONENTS: Mapping[str, Any] = {
    name: part
    for model in reversed(SCHEMA_MODELS)
    for name, part in generate_schema(model)["$defs"].items()
}
CALLBACKS = {
    "ice": "a call comes in",
    "ace": "a callee has answered",
    "pie": "a caller has pressed or spoken",
}
SERIES = {
    "FE1": "The file as YAML, and its shape",
    "FE2": "Names, and where a call can go",
    "FE3": "Expressions and templates",
    "FE4": "What the platform allows",
    "FE5": "The project",
    "FE6": "The switch",
    "FE7": "Scenarios",
    "FE9": "Advice (warnings)",
}
TYPES = {
    "string": "text",
    "integer": "whole number",
    "number": "number",
    "boolean": "true or false",
    "null": "nothing",
}
SCALAR = ["text", "whole number", "number", "true or false"]
ANCHORS = {
    "State": "states",
    "EventEntries": "other-events",
    "Var": "variables",
    "Recordings": "recordings",
    "Service": "services-and-secrets",
    "TableFile": "tables",
    "GroupFile": "groups",
}
HEADINGS = {"EventEntries": "On", "SplitShare": "Share", "TableFile": "Table", "GroupFile": "Group"}
HINTS = {  # beginnings of the hints that the model gives for a kind of text
    "state names": "state",
    "flow names": "flow",
    "names are": "name",
    "write language": "locale",
    "write a number and a unit": "duration",
    "write a number above zero and a unit": "duration",
    "write one second or more": "duration",
}


def words(each: Iterable[str]) -> str:
    return ", ".join(f"`{word}`" for word in each)


MEANINGS = {
    "call.from": "The phone number that calls: `+` and digits, or the digits alone of a short or "
    "national number. Empty when withheld or unknown, and for callers without a number.",
    "call.to": "What was dialled: a number as `+` and digits, an app user, a SIP address.",
    "call.user": "The app user who calls.",
    "call.sip": "The SIP address that calls, as `user@host`.",
    "call.withheld": "Whether the caller withholds the number; false when it is merely not known.",
    "call.redirected_from": "The number that forwarded the call here; empty when none did.",
    "call.origin": "Where the call comes from: `pstn`, `mxp` (an app), `sip` or `server` (a call "
    "that was placed for you).",
    "call.locale": "The locale of the call just now.",
    "call.failed_state": "The state that failed last, in this flow or in a subflow; empty while none has.",
    "call.failure": "Why it failed, in a word: for a lookup `timeout`, `connection`, `refused`, `status 503` and the "
    "like, or `answer` where an expression under `into:` failed; `error` for every other state.",
    "call.id": "The platform's id of the call.",
    "call.custom": "The text that was handed in with a placed call.",
    "event.digits": "The keys just pressed, or the words just spoken.",
    "event.input": "How they came: `dtmf` or `voice`.",
    "event.type": f"The kind of menu result ({words(vocabulary.MENU_TYPES)}) or of notice "
    f"({words(vocabulary.NOTICE_TYPES)}).",
    "event.destination": "Where a finished recording or transcript is.",
    "event.result": f"How the call ended: {words(vocabulary.RESULTS)}.",
    "event.reason": f"Why the call ended: {words(vocabulary.REASONS)}.",
    "event.amd": f"What machine detection found: {words(vocabulary.AMD_STATUSES)}.",
    "event.amd_reason": f"Why it thinks so: {words(vocabulary.AMD_REASONS)}.",
    "event.error": "What went wrong, where a notice tells of an error.",
    "event.conference": "The conference in which a key was pressed.",
    "event.duration": "Seconds that the ended call lasted.",
    "event.headers": 'Call headers by name: `event.headers["X-Tier"]`, empty where the call has no '
    "such header. Case does not count; in front of `in`, a name that is worked out is in small "
    "letters.",
    "now.date": "Today in the project's zone, such as `2026-12-24`.",
    "now.time": "The time of day there, such as `09:30`.",
    "now.weekday": "The day of the week there, such as `monday`.",
}


def table(heads: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    heads = list(heads)
    lines = [
        heads,
        ["---"] * len(heads),
        *([cell.replace("|", "\\|").replace("\n", " ") for cell in row] for row in rows),
    ]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def code(value: Any) -> str:
    """A value as one writes it in YAML, in one line."""
    text = value if isinstance(value, str) else flowing(value)
    return f"`{text}`" if text else ""


def flowing(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {flowing(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(flowing(item) for item in value) + "]"
    plain = isinstance(value, str) and re.fullmatch(r"[A-Za-z][\w+./:@ -]*", value)
    return value if plain else json.dumps(value, ensure_ascii=False)


def kind_of(part: Mapping[str, Any]) -> str:
    """What may be written, in a few words."""
    if part.get("title") in ("Prompt", "Words"):
        return "words" if part["title"] == "Words" else "prompt"
    if "$ref" in part:
        return f"{linked(part['$ref'].rsplit('/', 1)[1])}"
    if "anyOf" in part:
        kinds = list(dict.fromkeys(kind_of(one) for one in part["anyOf"]))
        return "value" if kinds == SCALAR else " or ".join(kinds)
    if "enum" in part:
        return (
            " ".join(f"`{one}`" for one in part["enum"])
            if len(part["enum"]) < 12
            else "one of a list"
        )
    return plain_kind(part)


def plain_kind(part: Mapping[str, Any]) -> str:
    if isinstance(part.get("type"), list):
        return " or ".join(plain_kind({**part, "type": one}) for one in part["type"])
    if part.get("type") == "array":
        return f"list of {kind_of(part.get('items', {}))}"
    if part.get("type") == "object":
        inner = part.get("additionalProperties")
        return f"names, each with {kind_of(inner)}" if isinstance(inner, Mapping) else "names"
    if "maximum" in part:
        return f"{part.get('minimum', 0)} to {part['maximum']}"
    named = next(
        (word for start, word in HINTS.items() if part.get("x-hint", "").startswith(start)), ""
    )
    return named or TYPES.get(part.get("type", ""), "anything")


def linked(name: str) -> str:
    anchor = ANCHORS.get(name, heading(name).lower())
    return "nothing" if name == "NoSettings" else f"[{heading(name)}](#{anchor})"


def heading(struct: str) -> str:
    """What authors call a struct: `AuthoredOption` is an Option to them."""
    return HEADINGS.get(struct, struct.removeprefix("Authored"))


def fields(name: str, without: Iterable[str] = ()) -> str:
    """The properties of a struct as a table."""
    part = COMPONENTS[name]
    needed = part.get("required", [])
    rows = [
        (
            f"`{key}`",
            field_meaning(key, value, needed),
            kind_of(value),
            default_of(value),
            code(value.get("examples", [""])[0]),
        )
        for key, value in part["properties"].items()
        if key not in without
    ]
    return table(("", "what it says", "written as", "default", "example"), rows)


def field_meaning(key: str, value: Mapping[str, Any], needed: Iterable[str]) -> str:
    reference = value.get("$ref", "").rsplit("/", 1)[-1]
    text = value.get("description") or COMPONENTS.get(reference, {}).get("description", "")
    return f"{text} **Needed.**" if key in needed else text


def default_of(value: Mapping[str, Any]) -> str:
    found = value.get("default")
    return "" if found in (None, "", [], {}) else code(found)


def common() -> str:
    return fields("State", without=STATE_KINDS)


def kinds() -> str:
    return "\n\n".join(kind(name) for name in STATE_KINDS)


def kind(name: str) -> str:
    """The section on one kind of state."""
    entry, part = STATE_KINDS[name], COMPONENTS["State"]["properties"][name]
    structs = [
        found for found in re.findall(r"#/\$defs/(\w+)", json.dumps(part)) if found != "NoSettings"
    ]
    words = part.get("description") or COMPONENTS[structs[0]]["description"]
    if words.split()[0] != entry.title.split()[0]:
        words = f"{entry.title}. {words}"
    head = f"### {name}\n\n{words}\n\n```yaml states\n{entry.example.strip()}\n```"
    after = {
        "none": "",
        "same": "It goes on at once by `next:`.",
        "pie": "When it has its answer, it goes on by `next:`.",
    }[entry.next]
    return "\n\n".join(filter(None, [head, after, *(section(one) for one in nested(structs))]))


def nested(structs: Iterable[str]) -> list[str]:
    """The structs of a kind and those inside, except the ones that have sections of their own."""
    found: list[str] = []
    waiting = list(structs)
    while waiting:
        name = waiting.pop(0)
        if name not in (*found, "PromptSpec", "PromptByAttempt", "TextByLocale", "NoSettings"):
            found.append(name)
            waiting += re.findall(r"#/\$defs/(\w+)", json.dumps(COMPONENTS[name]["properties"]))
    return found


def section(name: str) -> str:
    title = heading(name)
    if title.lower() in STATE_KINDS:
        return fields(name)
    return f"#### {title}\n\n{COMPONENTS[name]['description']}\n\n{fields(name)}"


def functions() -> str:
    rows = (
        (f"`{one.signature}`", one.meaning, f"`{one.example}`", f"`{flowing(one.result)}`")
        for one in FUNCTIONS.values()
    )
    return table(("function", "what it gives", "example", "result"), rows)


def names() -> str:
    types: dict[str, Type] = {**CALL_FACTS, **EVENT_NAMES, **CLOCK_NAMES}
    rows = [(f"`{name}`", str(kind), MEANINGS[name]) for name, kind in types.items()]
    return table(("name", "type", "what it is"), rows)


def legal() -> str:
    """Which states may be reached under which callback."""
    found: dict[str, list[str]] = {}
    several_first = sorted(STATE_KINDS.values(), key=lambda one: -len(one.actions))
    for one in several_first:
        for target, action in one.actions.items():
            name = f"`{one.name}` to {target}" if target else f"`{one.name}`"
            found.setdefault(action, []).append(name)
    rows = [(", ".join(names), action) for action, names in found.items()]
    return table(
        ("state", *(f"when {words}" for words in CALLBACKS.values())),
        (
            (
                name,
                *(
                    "yes" if action in LEGAL_ACTIONS_BY_CONTEXT[callback] else "—"
                    for callback in CALLBACKS
                ),
            )
            for name, action in rows
        ),
    )


def legs() -> str:
    """Which options a connection takes, by what it connects to."""
    options = sorted(set().union(*OPTIONS_BY_TARGET.values()))
    return table(
        ("option", *OPTIONS_BY_TARGET),
        (
            (
                f"`{one}`",
                *("yes" if one in OPTIONS_BY_TARGET[leg] else "—" for leg in OPTIONS_BY_TARGET),
            )
            for one in options
        ),
    )


def spoken() -> str:
    """Words for digits, yes and no, by language."""
    rows = []
    for language in sorted({*DIGIT_WORDS, *YES_NO_WORDS}):
        digits = DIGIT_WORDS.get(language, "").split("|")
        yes, no, neither = YES_NO_WORDS.get(language, ("", "", ""))
        shown = " · ".join(word.replace(" ", ", ") for word in digits)
        rows.append((language, shown, *(one.replace("|", ", ") for one in (yes, no, neither))))
    return table(("language", "0 to 9", "yes", "no", "polite words"), rows)


def modules() -> str:
    """Every module with the first sentence of its docstring, in the order of imports."""
    parts = []
    for name in PACKAGES:
        files = sorted((CODE / name).rglob("*.py")) or [CODE / f"{name}.py"]
        rows = [
            (f"`{file.relative_to(CODE)}`", first_sentence(file))
            for file in files
            if file.read_text(encoding="utf-8").strip()
        ]
        parts.append(f"### {name}\n\n{table(('module', 'what it holds'), rows)}")
    return "\n\n".join(parts)


def first_sentence(file: Path) -> str:
    words = " ".join((ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or "").split())
    return re.split(r"(?<=[.:]) (?=[A-Z])", words, maxsplit=1)[0].removesuffix(":")


def decisions() -> str:
    """Every decision with its title, in the order of their numbers."""
    files = sorted((DOCS / "decisions").glob("[0-9]*.md"))
    return "\n".join(f"- [{file.name[:4]}]({file.name}) {title_of(file)}" for file in files)


def title_of(file: Path) -> str:
    return file.read_text(encoding="utf-8").split("\n", 1)[0].removeprefix("# ")


def template(name: str) -> str:
    """A file of a template, as a recipe shows it."""
    text = (CODE / "templates" / name).read_text(encoding="utf-8")
    return f"```yaml recipe\n{text}```"


def options() -> str:
    """The options of `serve`, by flag, variable and key of the file."""
    rows = [
        (
            f"`{option.opts[0] if option.opts[0].startswith('--') else 'FLOWS'}`",
            f"`{option.envvar}`",
            f"`{option.key}`",
            f"`{option.default}`" if option.to_info_dict().get("default") not in (None, "") else "",
            option.help + (f" [More]({option.see})." if option.see else ""),
        )
        for option in SERVE_OPTIONS
    ]
    return table(("flag", "variable", "in the file", "default", "meaning"), rows)


def secrets() -> str:
    """The variables with secrets."""
    rows = [(f"`{name}`", f"`{name}_FILE`", meaning) for name, meaning in SECRET_VARIABLES.items()]
    return table(("variable", "or a file", "meaning"), rows)


def constructs(system: str) -> str:
    """What each construct of another system becomes."""
    columns: Mapping[str, tuple[str, Mapping[str, str], str]] = {
        "connect": (
            "action",
            {name: found.becomes for name, found in CONSTRUCTS.items()},
            OTHERS.becomes,
        ),
        "studio": (
            "widget",
            {name: found.becomes for name, found in WIDGET_CONSTRUCTS.items()},
            OTHER_WIDGETS.becomes,
        ),
        "voicexml": ("element", ELEMENTS, "nothing; their words are said"),
    }
    heading, becomes, others = columns[system]
    rows = [(f"`{name}`", text) for name, text in becomes.items()]
    return table((heading, "here"), [*rows, ("all others", others)])


PARTS: Mapping[str, Callable[..., str]] = {
    "fields": fields, "common": common, "kinds": kinds, "functions": functions, "names": names, "legal": legal, "legs": legs,
    "spoken": spoken, "modules": modules, "decisions": decisions, "template": template, "options": options, "secrets": secrets,
    "constructs": constructs,
}  # fmt: skip


def filled(text: str) -> str:
    """The words of a part with its `@` lines filled in."""

    def fill(found: re.Match[str]) -> str:
        name, *rest = found[1].split()
        return PARTS[name](*rest)

    return re.sub(r"^@(\w.*)$", fill, text, flags=re.MULTILINE)


def language() -> str:
    return filled((DOCS / "parts" / "language.md").read_text(encoding="utf-8"))


def architecture() -> str:
    return filled((DOCS / "parts" / "architecture.md").read_text(encoding="utf-8"))


def configuration() -> str:
    return filled((DOCS / "parts" / "operations" / "configuration.md").read_text(encoding="utf-8"))


def importing() -> str:
    return filled((DOCS / "parts" / "import.md").read_text(encoding="utf-8"))


def index_of_decisions() -> str:
    return filled((DOCS / "parts" / "decisions.md").read_text(encoding="utf-8"))


def recipe(part: Path) -> str:
    """A recipe with the files of its template."""
    return filled(part.read_text(encoding="utf-8"))


def problems() -> str:
    """The catalogue as a page."""
    parts = [(DOCS / "parts" / "problems.md").read_text(encoding="utf-8").rstrip()]
    for series, title in SERIES.items():
        entries = [entry for found, entry in CATALOGUE.items() if found.startswith(series)]
        parts += [f"## {title}", *(problem(entry) for entry in entries)]
    return "\n\n".join(parts) + "\n"


def problem(entry: Any) -> str:
    words = "\n\n".join(
        " ".join(paragraph.split()) for paragraph in entry.explanation.split("\n\n")
    )
    shown = [
        f"```yaml {label}\n{example.rstrip()}\n```"
        for label, example in (("wrong", entry.wrong), ("right", entry.right))
        if example
    ]
    return "\n\n".join((f"### {entry.code}: {entry.title}", words, *shown))


PAGES: Mapping[str, Callable[[], str]] = {
    "language.md": language,
    "problems.md": problems,
    "import.md": importing,
    "operations/configuration.md": configuration,
    "decisions/README.md": index_of_decisions,
    "../ARCHITECTURE.md": architecture,
    **{
        f"recipes/{part.name}": partial(recipe, part)
        for part in sorted((DOCS / "parts" / "recipes").glob("*.md"))
    },
}

if __name__ == "__main__":
    for page, build in PAGES.items():
        (DOCS / page).write_text(build(), encoding="utf-8")
