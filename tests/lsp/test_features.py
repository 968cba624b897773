"""What editors ask the language server: names, keys, states, and edits."""

import shutil
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

import pytest

from flowengine.scenarios.scenario_project import ScenarioProject
from tests.lsp.conftest import FLOWS
from tests.lsp.editor import Editor

Opened = tuple[Editor, Path, str]


@pytest.fixture(scope="session")
def opened(editor: Editor, tmp_path_factory: pytest.TempPathFactory) -> Opened:
    """The sample flows with the support line open; tests leave it as it is."""
    folder = Path(shutil.copytree(FLOWS, tmp_path_factory.mktemp("project") / "flows"))
    uri = editor.open(folder / "support-line.yaml")
    assert editor.wait_for_problems(uri) == []
    return editor, folder, uri


def read_hover(answer: dict[str, Any] | None) -> str:
    return answer["contents"]["value"] if answer else ""


def list_places(locations: list[dict[str, Any]]) -> list[tuple[str, int]]:
    return sorted(
        (place["uri"].rpartition("/flows/")[2], place["range"]["start"]["line"])
        for place in locations
    )


def list_labels(items: list[dict[str, Any]]) -> list[str]:
    return [item["label"] for item in items]


@pytest.mark.parametrize(
    ("marked", "shown"),
    [
        ("next: ask_acc|ount, hear", "Please enter your eight digit account number."),
        ("  gre|et:", "Hello ${vars.name}."),
        ("  acc|ount: {type", "digits, at most 8 characters, secret\n\nset in `ask_account`"),
        ("luhn(vars.acco|unt)", "**account**: digits"),
        ("when: hours.supp|ort.open", "America/New_York"),
        ("service: cr|m", "https://crm.example.com/v1"),
        ("      ring|: 20s", "**ring**: How long to ring."),
        ("      fai|led: agents", "Where the call goes when the lookup fails"),
        ("otherwise|: agents\n    next", "**otherwise**"),
    ],
)
def test_hover_tells_what_stands_there(opened: Opened, marked: str, shown: str) -> None:
    editor, _, uri = opened
    assert shown in read_hover(editor.ask_at("hover", uri, marked))


def test_hover_on_a_word_of_a_prompt_is_nothing(opened: Opened) -> None:
    editor, _, uri = opened
    assert editor.ask_at("hover", uri, "You are now conn|ected") is None


def test_hover_on_a_problem_or_its_code_shows_the_page(editor: Editor, tmp_path: Path) -> None:
    text = "flow: hello\n# FE905\nstates:\n  welcome:\n    next: nowhere\n"
    uri = editor.open(tmp_path / "hello.yaml", text)
    editor.wait_for_problems(uri)
    assert "**FE203**" in read_hover(editor.ask_at("hover", uri, "next: now|here"))
    assert "**FE905**" in read_hover(editor.ask_at("hover", uri, "# FE|905"))


@pytest.mark.parametrize(
    ("marked", "file", "line"),
    [
        ("next: gold_de|sk", "support-line.yaml", "  gold_desk:"),
        ("vars.ti|er ==", "support-line.yaml", "  tier: {type"),
        ("hours.supp|ort.open", "calendars/support.yaml", ""),
        ("service: cr|m", "project.yaml", "  crm:"),
    ],
)
def test_definition_is_found_over_all_files(
    opened: Opened, marked: str, file: str, line: str
) -> None:
    editor, folder, uri = opened
    ((name, number),) = list_places(editor.ask_at("definition", uri, marked))
    assert name == file
    assert (folder / file).read_text().splitlines()[number].startswith(line)


def test_group_is_found_completed_and_told(editor: Editor, flows: Path) -> None:
    uri = editor.open(flows / "hunt-group.yaml")
    ((name, _),) = list_places(editor.ask_at("definition", uri, "group: sal|es"))
    assert name == "groups/sales.yaml"
    assert "- sip:sales-desk@pbx.example.com" in read_hover(
        editor.ask_at("hover", uri, "group: sal|es")
    )
    typed = "flow: x\nstart: a\nstates:\n  a:\n    ring:\n      group: |"
    assert "sales" in complete(editor, flows, typed, "new.yaml")
    assert {"members", "order", "each"} <= set(complete(editor, flows, "|", "groups/new.yaml"))
    queue = typed.replace("ring:\n      group: |", "queue:\n      of: support\n      wait:\n")
    place = queue + "        say: ${queue.|}"
    assert complete(editor, flows, place, "new.yaml") == ["position"]
    place = queue + "        estimate: ${queue.|}"
    assert complete(editor, flows, place, "new.yaml") == ["position", "wait"]


def test_references_of_a_state_include_scenarios(opened: Opened) -> None:
    editor, folder, uri = opened
    found = editor.ask_at(
        "references", uri, "  ask_acc|ount:", context={"includeDeclaration": False}
    )
    text = (folder / "scenarios" / "support-line.yaml").read_text().splitlines()
    places = list_places(found)
    assert {name for name, _ in places} == {"support-line.yaml", "scenarios/support-line.yaml"}
    assert all("ask_account" in text[line] for name, line in places if name.startswith("scenarios"))


def test_references_of_a_variable_include_flows_that_hand_it_in(
    editor: Editor, flows: Path
) -> None:
    uri = editor.open(flows / "ask-pin.yaml")
    found = editor.ask_at(
        "references", uri, "inputs: [expec|ted", context={"includeDeclaration": True}
    )
    files = {name for name, _ in list_places(found)}
    assert files == {"ask-pin.yaml", "conference-pin.yaml"}


def test_document_symbols_are_flow_variables_and_states(opened: Opened) -> None:
    editor, _, uri = opened
    found = editor.ask("textDocument/documentSymbol", {"textDocument": {"uri": uri}})
    names = [(symbol["name"], symbol["kind"]) for symbol in found]
    assert names[:5] == [
        ("support-line", 2), ("account", 13), ("name", 13), ("tier", 13), ("welcome", 6),
    ]  # fmt: skip


def complete(editor: Editor, folder: Path, marked: str, name: str = "typed.yaml") -> list[str]:
    """The labels that are offered at `|`."""
    uri = editor.open(folder / name, marked.replace("|", "", 1))
    before = marked.partition("|")[0]
    line = before.count("\n")
    units = len(before.rpartition("\n")[2].encode("utf-16-le")) // 2
    place = {"textDocument": {"uri": uri}, "position": {"line": line, "character": units}}
    answer = editor.ask("textDocument/completion", place)
    editor.close(uri)
    return list_labels(answer or [])


HEAD = "flow: typed\nvars:\n  tier: {type: text}\nstates:\n  first:\n    say: Hello.\n"


@pytest.mark.parametrize(
    ("typed", "offered", "not_offered"),
    [
        ("    ne|", ["next", "menu", "connect"], ["say", "states"]),
        ("    next: |\n  second:\n    hangup:\n", ["first", "second"], ["next"]),
        ("    menu:\n      |", ["prompt", "options", "otherwise"], ["next", "hangup"]),
        ("    menu:\n      options:\n        1: |", ["first", "repeat", "back"], []),
        ("    menu:\n      options:\n        1: {next: fi|", ["first", "repeat"], []),
        ("    menu: {prompt: Hi., options: {1: {|", ["next", "hear", "menu"], ["prompt"]),
        ("    choose:\n      - when: |", ["vars", "hours", "upper"], []),
        ("    choose:\n      - when: vars.|", ["tier"], ["upper"]),
        ("    choose:\n      - when: hours.|", ["support"], []),
        ("    choose:\n      - when: hours.support.|", ["open", "next_open"], []),
        ("    choose:\n      - when: tables.extensions.|", ["has"], []),
        ("    choose:\n      - wh|", ["when", "next"], []),
        ('    connect: "${call.|', ["from", "to"], []),
        ("    set:\n      |", ["tier"], []),
        ("    locale: |", ["sv-SE"], []),
        ("    fetch:\n      service: |", ["crm", "desk"], []),
        ("    fetch:\n      into: {tier: |", ["body", "status"], []),
        ("    subflow:\n      flow: |", ["ask-pin", "support-line"], []),
        ("    next: first\n  second:\n    say: {message: |", ["goodbye"], []),
        ("    connect:\n      transport: |", ["tls", "tcp"], []),
        ("    answer: |", ["true", "false"], []),
        ("    next: first\nkeys: {0: |", ["first", "repeat"], []),
    ],
)  # fmt: skip
def test_completion_offers_what_fits(
    opened: Opened, typed: str, offered: list[str], not_offered: list[str]
) -> None:
    """The text can often not be read: a bracket or a quote is open, a key has no colon."""
    editor, folder, _ = opened
    labels = complete(editor, folder, HEAD + typed)
    assert set(offered) <= set(labels), labels
    assert not set(not_offered) & set(labels), labels


def test_completion_in_other_files_follows_their_schemas(opened: Opened) -> None:
    editor, folder, _ = opened
    assert {"flow", "states", "vars"} <= set(complete(editor, folder, "|", "new.yaml"))
    routes = complete(editor, folder, "project: x\nroutes:\n  - flow: |", "project.yaml")
    assert "support-line" in routes
    scenario = "flow: support-line\nscenarios:\n  one:\n    when:\n      - asked: |"
    assert "ask_account" in complete(editor, folder, scenario, "scenarios/new.yaml")
    assert {"zone", "open"} <= set(complete(editor, folder, "|", "calendars/new.yaml"))
    steps = scenario.replace("asked: ", "")
    assert {"hears", "press", "hangs up"} <= set(
        complete(editor, folder, steps, "scenarios/new.yaml")
    )


def test_completion_of_a_key_describes_it_and_replaces_the_word(opened: Opened) -> None:
    editor, folder, _ = opened
    uri = editor.open(folder / "typed.yaml", HEAD + "    ne")
    place = {"line": 6, "character": 6}
    found = editor.ask("textDocument/completion", {"textDocument": {"uri": uri}, "position": place})
    (item,) = [one for one in found if one["label"] == "next"]
    assert item["documentation"]["value"] == "The state to go to next."
    assert item["textEdit"]["newText"] == "next: "
    assert item["textEdit"]["range"]["start"] == {"line": 6, "character": 4}
    editor.close(uri)


def apply_edits(folder: Path, changes: dict[str, list[dict[str, Any]]]) -> None:
    for uri, edits in changes.items():
        file = folder / uri.rpartition("/flows/")[2]
        lines = file.read_text().splitlines(keepends=True)
        for edit in sorted(edits, key=lambda one: str(one["range"]["start"]), reverse=True):
            start, end = edit["range"]["start"], edit["range"]["end"]
            line = lines[start["line"]]
            new = line[: start["character"]] + edit["newText"] + line[end["character"] :]
            lines[start["line"]] = new
        file.write_text("".join(lines))


def test_rename_of_a_state_changes_flows_and_scenarios(editor: Editor, flows: Path) -> None:
    uri = editor.open(flows / "support-line.yaml")
    edit = editor.ask_at("rename", uri, "  ask_acc|ount:", newName="ask_number")
    editor.close(uri)
    apply_edits(flows, edit["changes"])
    cases, problems = ScenarioProject.from_folder(flows).load_cases()
    assert cases
    assert not problems
    assert "ask_account" not in (flows / "support-line.yaml").read_text()
    assert "asked: ask_number" in (flows / "scenarios" / "support-line.yaml").read_text()


def test_rename_of_a_variable_changes_the_flows_that_hand_it_in(
    editor: Editor, flows: Path
) -> None:
    uri = editor.open(flows / "ask-pin.yaml")
    edit = editor.ask_at("rename", uri, "inputs: [expec|ted", newName="wanted")
    editor.close(uri)
    apply_edits(flows, edit["changes"])
    _, problems = ScenarioProject.from_folder(flows).load_cases()
    assert not problems
    assert "wanted:" in (flows / "conference-pin.yaml").read_text()


def test_rename_of_a_calendar_edits_the_places_and_moves_the_file(
    editor: Editor, flows: Path
) -> None:
    uri = editor.open(flows / "support-line.yaml")
    edit = editor.ask_at("rename", uri, "when: hours.supp|ort.open", newName="office")
    editor.close(uri)
    *edits, move = edit["documentChanges"]
    assert {
        one["textDocument"]["version"] for one in edits if one["textDocument"]["uri"] == uri
    } == {1}
    assert move["kind"] == "rename"
    apply_edits(flows, {one["textDocument"]["uri"]: one["edits"] for one in edits})
    Path(url2pathname(urlsplit(move["oldUri"]).path)).rename(
        url2pathname(urlsplit(move["newUri"]).path)
    )
    cases, problems = ScenarioProject.from_folder(flows).load_cases()
    assert cases
    assert not problems
    assert (flows / "calendars" / "office.yaml").exists()


def test_rename_of_a_calendar_in_an_editor_that_moves_no_files_says_what_to_run(
    flows: Path,
) -> None:
    with Editor(moves_files=False) as editor:
        uri = editor.open(flows / "support-line.yaml")
        with pytest.raises(AssertionError, match="run flowengine rename FOLDER calendar support"):
            editor.ask_at("rename", uri, "when: hours.supp|ort.open", newName="office")


@pytest.mark.parametrize(
    ("new_name", "why"), [("Ask-It", "small letters"), ("greet", "already"), ("back", "small")]
)
def test_rename_to_what_is_no_free_name_says_why(opened: Opened, new_name: str, why: str) -> None:
    editor, _, uri = opened
    with pytest.raises(AssertionError, match=why):
        editor.ask_at("rename", uri, "  ask_acc|ount:", newName=new_name)


def test_code_action_takes_the_suggested_word(editor: Editor, tmp_path: Path) -> None:
    text = "flow: hello\nstart: welcome\nstates:\n  welcome:\n    next: goodbey\n  goodbye:\n    hangup:\n"
    uri = editor.open(tmp_path / "hello.yaml", text)
    found = editor.wait_for_problems(uri)
    (problem,) = [one for one in found if one["code"] == "FE203"]
    request = {"textDocument": {"uri": uri}, "range": problem["range"]}
    (action,) = editor.ask(
        "textDocument/codeAction", {**request, "context": {"diagnostics": found}}
    )
    assert action["title"] == "Write goodbye"
    (edit,) = action["edit"]["changes"][uri]
    assert edit == {"range": problem["range"], "newText": "goodbye"}


def test_formatting_changes_the_lines_that_are_not_in_form(editor: Editor, tmp_path: Path) -> None:
    text = "flow: hello\nstart: welcome\n\nstates:\n  welcome:\n    say: Hello.\n    hangup:"
    unformed = text.replace("say:  ", "say: ").replace("say: ", "say:   ")
    uri = editor.open(tmp_path / "hello.yaml", unformed)
    options = {"tabSize": 2, "insertSpaces": True}
    asked = {"textDocument": {"uri": uri}, "options": options}
    edits = editor.ask("textDocument/formatting", asked)
    assert [(edit["range"]["start"]["line"], edit["newText"]) for edit in edits] == [
        (5, "    say: Hello.\n    hangup:\n")
    ]
    editor.change(uri, "flow: [hello\n")
    assert editor.ask("textDocument/formatting", asked) == []
