"""`flowengine new`."""

from pathlib import Path

from click.testing import CliRunner

from flowengine.cli import main
from flowengine.templates import list_templates


def test_new_writes_a_project_that_check_and_test_accept(tmp_path: Path) -> None:
    folder = tmp_path / "my-shop"
    result = CliRunner().invoke(main, ["new", str(folder)])
    assert result.exit_code == 0
    assert result.output.splitlines() == [
        f"{folder}: project.yaml, scenarios/shop.yaml, shop.yaml",
        f"  flowengine check {folder}",
        f"  flowengine test {folder}",
        f"  flowengine console {folder}",
        f"  flowengine serve {folder}",
        f"  flowengine call {folder} --flow shop",
    ]
    assert "project: my-shop\n" in (folder / "project.yaml").read_text()
    assert CliRunner().invoke(main, ["check", str(folder)]).exit_code == 0
    assert CliRunner().invoke(main, ["test", str(folder)]).exit_code == 0


def test_new_keeps_the_sample_name_where_the_folder_is_no_plain_word(tmp_path: Path) -> None:
    folder = tmp_path / "0: [1]"
    assert CliRunner().invoke(main, ["new", str(folder)]).exit_code == 0
    assert "project: acme\n" in (folder / "project.yaml").read_text()


def test_new_in_a_folder_with_files_is_refused_and_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    result = CliRunner().invoke(main, ["new", str(tmp_path), "--template", "voicemail"])
    assert result.exit_code == 2
    assert "is not empty" in result.output
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_new_below_a_file_says_why_it_cannot_write(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    result = CliRunner().invoke(main, ["new", str(tmp_path / "notes.txt" / "shop")])
    assert result.exit_code == 1
    assert result.output == f"Error: {tmp_path / 'notes.txt' / 'shop'}: Not a directory\n"


def test_new_with_an_unknown_template_names_those_there_are(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["new", str(tmp_path / "x"), "--template", "fax"])
    assert result.exit_code == 2
    assert all(name in result.output for name in list_templates())


def test_help_of_new_lists_the_templates_with_what_they_do() -> None:
    output = " ".join(CliRunner().invoke(main, ["new", "--help"]).output.split())
    assert all(f"{name} {words[:20]}" in output for name, words in list_templates().items())
