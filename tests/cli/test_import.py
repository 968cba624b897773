"""`flowengine import`: a folder, a report and an exit code."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from flowengine.cli import main
from flowengine.importers.connect.construct_table import CONSTRUCTS
from flowengine.importers.studio.widget_table import WIDGET_CONSTRUCTS
from flowengine.importers.voicexml.element_table import ELEMENTS

FLOWS = Path(__file__).parents[1] / "importers" / "connect" / "flows"
STUDIO_FLOWS = FLOWS.parents[1] / "studio" / "flows"
VOICE_DOCUMENTS = FLOWS.parents[1] / "voicexml" / "documents"
FERRY = [str(FLOWS / f"{name}.json") for name in ("reception", "departures", "opinion")]


def run_import(*arguments: str, system: str = "connect") -> Result:
    return CliRunner().invoke(main, ["import", *arguments, "--from", system])


def test_import_writes_a_project_that_passes_check_and_test(tmp_path: Path) -> None:
    folder = tmp_path / "ferry"
    result = run_import(*FERRY, "--to", str(folder))
    assert result.exit_code == 0, result.output
    assert "30 constructs: 23 converted, 7 changed, 0 lost" in result.output
    assert "$.Actions[4] GetParticipantInput (main) -> ferry-reception.main" in result.output
    assert (folder / "ferry-reception.yaml").is_file()
    for command in ("check", "test"):
        assert CliRunner().invoke(main, [command, str(folder)]).exit_code == 0
    assert CliRunner().invoke(main, ["fmt", "--check", str(folder)]).exit_code == 0


def test_import_of_studio_flows_writes_a_project_that_passes_check_and_test(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "bakery"
    sources = [str(STUDIO_FLOWS / "bakery.json"), str(STUDIO_FLOWS / "opinion.json")]
    result = run_import(*sources, "--to", str(folder), system="studio")
    assert result.exit_code == 0, result.output
    assert "31 constructs: 17 converted, 8 changed, 6 lost" in result.output
    for command in (["check"], ["test"], ["fmt", "--check"]):
        assert CliRunner().invoke(main, [*command, str(folder)]).exit_code == 0


def test_import_of_voicexml_documents_writes_a_project_that_passes_check_and_test(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "account"
    sources = [str(VOICE_DOCUMENTS / "account.vxml"), str(VOICE_DOCUMENTS / "pin.vxml")]
    result = run_import(*sources, "--to", str(folder), system="voicexml")
    assert result.exit_code == 0, result.output
    assert "line 4 param (tries) -> account.check" in result.output
    for command in (["check"], ["test"], ["fmt", "--check"]):
        assert CliRunner().invoke(main, [*command, str(folder)]).exit_code == 0


def test_import_of_a_huge_document_says_why(tmp_path: Path) -> None:
    huge = tmp_path / "huge.vxml"
    huge.write_bytes(b"<vxml>" + b" " * 50_000_000)
    result = run_import(str(huge), "--to", str(tmp_path / "new"), system="voicexml")
    assert result.exit_code == 1
    assert "huge.vxml is not imported: it is too long" in result.stderr


def test_import_without_a_folder_names_one_after_the_first_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run_import(str(FLOWS / "waiting.json")).exit_code == 0
    assert (tmp_path / "waiting" / "project.yaml").is_file()


def test_import_as_json_holds_the_whole_report(tmp_path: Path) -> None:
    result = run_import(str(FLOWS / "slips.json"), "--to", str(tmp_path / "new"), "--json")
    data = json.loads(result.stdout)
    assert data["counts"] == {"converted": 0, "changed": 1, "lost": 4}
    assert data["constructs"]["PaintTheHull"] == {"converted": 0, "changed": 0, "lost": 1}
    assert data["entries"][0]["path"] == "$.Actions[0]"
    assert data["check"]["errors"] == []
    assert data["problems"] == {}


def test_import_of_a_bad_file_beside_a_good_one_exits_1(tmp_path: Path) -> None:
    bad = tmp_path / "bad.json"
    bad.write_text('{"modules": []}')
    result = run_import(str(bad), str(FLOWS / "waiting.json"), "--to", str(tmp_path / "new"))
    assert result.exit_code == 1
    assert "bad.json is not imported: it is in the form that Connect wrote before" in result.stderr
    assert (tmp_path / "new" / "waiting.yaml").is_file()


def test_import_of_bad_files_alone_writes_nothing(tmp_path: Path) -> None:
    bad = tmp_path / "bad.json"
    bad.write_text("[")
    result = run_import(str(bad), "--to", str(tmp_path / "new"))
    assert result.exit_code == 1
    assert not (tmp_path / "new").exists()


def test_import_of_a_project_with_errors_says_why(tmp_path: Path) -> None:
    flow = {
        "StartAction": "round",
        "Actions": [
            {"Identifier": "round", "Type": "MessageParticipant"}
            | {"Parameters": {"Text": "Hello."}, "Transitions": {"NextAction": "round"}}
        ],
    }
    source = tmp_path / "round.json"
    source.write_text(json.dumps(flow))
    result = run_import(str(source), "--to", str(tmp_path / "new"))
    assert result.exit_code == 1
    assert "FE230" in result.stderr


def test_import_into_a_full_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("flow: mine")
    result = run_import(FERRY[0], "--to", str(tmp_path))
    assert result.exit_code == 2
    assert "is not empty" in result.output


def test_import_of_a_missing_file_is_refused(tmp_path: Path) -> None:
    result = run_import(str(tmp_path / "none.json"), "--to", str(tmp_path / "new"))
    assert result.exit_code == 2
    assert "none.json cannot be read" in result.output


def test_manual_names_each_construct_as_the_table_does() -> None:
    page = (FLOWS.parents[3] / "docs" / "import.md").read_text(encoding="utf-8")
    missing = [
        name
        for name, construct in [*CONSTRUCTS.items(), *WIDGET_CONSTRUCTS.items()]
        if f"| `{name}` | {construct.becomes} |" not in page
    ]
    missing += [
        name for name, becomes in ELEMENTS.items() if f"| `{name}` | {becomes} |" not in page
    ]
    assert missing == []
