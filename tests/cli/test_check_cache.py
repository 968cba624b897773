"""A check that knows a result says what one without a cache says, whatever happened in between."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from time import time, time_ns
from typing import Any

import pytest
from click.testing import CliRunner, Result
from hypothesis import example, given, settings
from hypothesis import strategies as st

from flowengine.cache import result_cache
from flowengine.cli import main, read_project
from flowengine.states.builder import StateBuilder
from tests.thoroughness import examples
from tests.waiting import PATIENCE_SECONDS

SECRET = "hush, this is a secret"
SOUND = "flow: NAME\nstart: hi\nstates: {hi: {say: Hello., hangup: }}\n"
TEXTS = {
    "line.yaml": (
        SOUND.replace("NAME", "line"),
        SOUND.replace("NAME", "line").replace("start: hi", "start: ho"),
        SOUND.replace("NAME", "other"),
        'flow: line\nstart: hi\nstates: {hi: {say: "Grüße ${vars.gone}.", next: line}}\n',
        "flow: [line\n",
        "\ufeff# \x85\nflow: line\nstarts: hi\n",
        (
            "flow: line\nstart: hi\nstates:\n  hi:\n    fetch: {service: crm, get: /, failed: bye}\n"
            "    next: bye\n  bye: {say: '${shared.bye}', hangup: }\n"
        ),
    ),
    "other.yaml": (SOUND.replace("NAME", "other"), SOUND.replace("NAME", "line")),
    "project.yaml": (
        "project: test\n",
        (
            "project: test\nsecrets: {crm: CRM_TOKEN}\nservices:\n"
            '  crm: {url: "https://crm.example.com", headers: {X-Key: "${secrets.crm}"}}\n'
        ),
        (
            "project: test\napplications: [{key: 00000000-0000-0000-0000-000000000000,"
            " secret: APP_SECRET}]\n"
        ),
        "project: test\nzone: Europe/Stockhlm\n",
    ),
    "messages/shared.yaml": ("bye: Goodbye.\n", "bye: 1\n"),
}
VARIABLES = {"CRM_TOKEN": (None, "", SECRET, "a\nb"), "APP_SECRET": (None, "", "c2VjcmV0")}
OPTIONS = ((), ("--strict",), ("--store", "none"), *(("--format", f) for f in ("json", "sarif", "github")))  # fmt: skip

Edit = tuple[str, Any]
names, variables = st.sampled_from(sorted(TEXTS)), st.sampled_from(sorted(VARIABLES))
edits: st.SearchStrategy[Edit] = st.one_of(
    names.flatmap(lambda name: st.tuples(st.just(name), st.sampled_from(TEXTS[name]))).map(
        lambda chosen: ("write", chosen)
    ),
    names.map(lambda name: ("delete", name)),
    st.tuples(names, names).map(lambda pair: ("rename", pair)),
    variables.flatmap(
        lambda name: st.tuples(st.just(name), st.sampled_from(VARIABLES[name]))
    ).map(lambda chosen: ("set", chosen)),
    st.sampled_from(OPTIONS).map(lambda options: ("options", options)),
    st.sampled_from(["file", "folder"]).map(lambda what: ("check", what)),
)  # fmt: skip


@pytest.fixture(autouse=True)
def settled_code(monkeypatch: pytest.MonkeyPatch) -> None:
    """The program counts as loaded a while after its last change, also right after an edit."""
    monkeypatch.setattr("flowengine.cache.code_identity.LOADED_AT", time_ns() + 10**10)


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


@pytest.fixture
def flows(tmp_path: Path) -> Path:
    """A project with an error in a line of its own, and a secret that it asks for."""
    folder = tmp_path / "flows"
    folder.mkdir()
    (folder / "line.yaml").write_text(TEXTS["line.yaml"][3])
    (folder / "project.yaml").write_text(TEXTS["project.yaml"][1])
    return folder


def check(flows: Path, cache: Path | None, *options: str, **environment: str | None) -> Result:
    given = {"XDG_CACHE_HOME": str(cache or os.devnull), **environment}
    return CliRunner().invoke(main, ["check", str(flows), *options], env=given)


def list_entries(cache: Path) -> list[Path]:
    return sorted((cache / "flowengine" / "check").iterdir())


def describe(result: Result) -> tuple[object, ...]:
    return result.exit_code, result.stdout_bytes, result.stderr_bytes


def count_compilations(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """A list that grows by one with each check that compiles."""
    counted: list[object] = []
    check_files = read_project.check_files

    def count(*arguments: Any, **named: Any) -> Any:
        counted.append(arguments)
        return check_files(*arguments, **named)

    monkeypatch.setattr(read_project, "check_files", count)
    return counted


LINE, PROJECT = TEXTS["line.yaml"], TEXTS["project.yaml"]


@given(st.lists(edits, min_size=1, max_size=12))
@settings(max_examples=examples(40))
@example(
    [("check", "folder"), ("write", ("line.yaml", LINE[1])), ("write", ("line.yaml", LINE[0]))]
)
@example([("write", ("other.yaml", LINE[1])), ("rename", ("line.yaml", "other.yaml"))])
@example(
    [
        ("write", ("project.yaml", PROJECT[1])),
        ("set", ("CRM_TOKEN", SECRET)),
        ("set", ("CRM_TOKEN", None)),
        ("write", ("project.yaml", PROJECT[2])),
        ("set", ("APP_SECRET", "")),
        ("set", ("APP_SECRET", "c2VjcmV0")),
        ("options", ("--strict",)),
        ("set", ("APP_SECRET", None)),
    ]
)
def test_check_after_any_edits_says_the_same_with_and_without_a_cache(steps: list[Edit]) -> None:
    with tempfile.TemporaryDirectory() as place:
        folder, cache = Path(place, "flows"), Path(place, "cache")
        (folder / "messages").mkdir(parents=True)
        (folder / "line.yaml").write_text(TEXTS["line.yaml"][0])
        environment: dict[str, str | None] = dict.fromkeys(VARIABLES)
        options, target = (), folder
        for action, value in steps:
            if action == "set":
                environment[value[0]] = value[1]
            elif action == "options":
                options = value
            elif action == "check":
                target = folder / "line.yaml" if value == "file" else folder
            else:
                edit_files(folder, action, value)
            for _ in range(2):  # the second time from the cache
                with_cache = check(target, cache, *options, **environment)
                assert describe(with_cache) == describe(
                    check(target, None, *options, **environment)
                )


def edit_files(folder: Path, action: str, value: Any) -> None:
    if action == "write":
        (folder / value[0]).write_text(value[1])
    elif action == "delete":
        (folder / value).unlink(missing_ok=True)
    elif (folder / value[0]).exists():
        (folder / value[0]).replace(folder / value[1])


@pytest.mark.parametrize("options", OPTIONS)
def test_check_again_shows_the_same_without_compiling(
    flows: Path, cache: Path, options: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = check(flows, None, *options)
    counted = count_compilations(monkeypatch)
    assert describe(check(flows, cache, *options)) == describe(plain)
    assert describe(check(flows, cache, *options)) == describe(plain)
    assert len(counted) == 1


def test_check_of_moved_flows_names_them_where_they_are(
    flows: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    check(flows, cache)
    moved = flows.rename(flows.with_name("moved"))
    counted = count_compilations(monkeypatch)
    assert f"{moved.as_posix()}/line.yaml:3:" in check(moved, cache).output
    assert not counted


def test_check_by_other_code_compiles_again(
    flows: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    check(flows, cache)
    counted = count_compilations(monkeypatch)
    monkeypatch.setattr("flowengine.cli.check.compute_code_identity", lambda: b"another version")
    check(flows, cache)
    assert len(counted) == 1


def test_check_by_code_that_changes_leaves_nothing(
    flows: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("flowengine.cache.code_identity.LOADED_AT", 0)
    assert describe(check(flows, cache)) == describe(check(flows, None))
    assert not cache.exists()


def test_check_with_an_internal_error_is_not_remembered(flows: Path, cache: Path) -> None:
    def fail(*_arguments: Any, **_named: Any) -> Any:
        raise ValueError("broken")

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(StateBuilder, "compile_prompt", fail)
        assert "FE509" in check(flows, cache).output
    assert describe(check(flows, cache)) == describe(check(flows, None))


def test_check_with_an_unreadable_file_is_not_remembered(flows: Path, cache: Path) -> None:
    (flows / "link.yaml").symlink_to("nowhere")
    assert "FE508" in check(flows, cache).output
    assert not cache.exists()
    check(flows.rename(flows.with_name("other")), cache)
    assert not cache.exists()


def swap_entries(file: Path) -> None:
    other = next(one for one in file.parent.iterdir() if one != file)
    shutil.copy(other, file)


def make_pipe(file: Path) -> None:
    file.unlink()
    os.mkfifo(file)


def make_folder(file: Path) -> None:
    file.unlink()
    (file / "inside").mkdir(parents=True)


def change_message(file: Path) -> None:
    entry = json.loads(file.read_bytes())
    entry["result"]["problems"][0]["message"] = "all is well"
    file.write_text(json.dumps(entry, separators=(",", ":")))


DAMAGES: dict[str, Callable[[Path], object]] = {
    "empty": lambda file: file.write_bytes(b""),
    "truncated": lambda file: file.write_bytes(file.read_bytes()[:-9]),
    "bytes": lambda file: file.write_bytes(b"\xff\x00" * 99),
    "another form": lambda file: file.write_text('{"digest": 1}'),
    "another message": change_message,
    "another entry": swap_entries,
    "a pipe": make_pipe,
    "a folder": make_folder,
    "a link in a loop": lambda file: (file.unlink(), file.symlink_to(file)),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_check_with_a_broken_entry_checks_again(
    flows: Path, sound_flow: Path, cache: Path, damage: Callable[[Path], object]
) -> None:
    check(flows, cache)
    (entry,) = list_entries(cache)
    check(sound_flow, cache)
    damage(entry)
    assert describe(check(flows, cache)) == describe(check(flows, None))


@pytest.fixture
def many_flows(tmp_path: Path) -> Path:
    """A dozen flows, and a warning."""
    folder = tmp_path / "many"
    folder.mkdir()
    (folder / "project.yaml").write_text(
        "project: many\nroutes: [{flow: line0}]\nsecrets: {crm: CRM}\n"
    )
    for number in range(12):
        (folder / f"line{number}.yaml").write_text(SOUND.replace("NAME", f"line{number}"))
    return folder


def change_flow(folder: Path, words: str) -> None:
    (folder / "line3.yaml").write_text(SOUND.replace("NAME", "line3").replace("Hello.", words))


def test_check_of_one_changed_flow_compiles_no_other(many_flows: Path, cache: Path) -> None:
    check(many_flows, cache)
    # a mistake, and then what was known before it
    for words in ("Hi.", "${vars.gone}", "Hello again."):
        change_flow(many_flows, words)
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr("flowengine.compile.repeated_check.compile_and_summarize", None)
            found = check(many_flows, cache)
        assert describe(found) == describe(check(many_flows, None))
        assert "nothing uses the secret crm" in found.output or found.exit_code == 1


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_check_of_a_changed_flow_with_broken_entries_checks_all(
    many_flows: Path, cache: Path, damage: Callable[[Path], object]
) -> None:
    check(many_flows, cache)
    entries = list_entries(cache)
    assert len(entries) == 2
    for entry in entries:
        damage(entry)
    change_flow(many_flows, "Hi.")
    assert describe(check(many_flows, cache)) == describe(check(many_flows, None))


def test_check_of_a_changed_flow_after_a_variable_came_checks_all(
    many_flows: Path, cache: Path
) -> None:
    assert "no CRM" in check(many_flows, cache, CRM=None).output
    change_flow(many_flows, "Hi.")
    assert "no CRM" not in check(many_flows, cache, CRM="1").output


@pytest.mark.parametrize("mode", [0o777, 0o770])
def test_cache_that_others_may_write_is_left_alone(
    flows: Path, cache: Path, mode: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    check(flows, cache)
    (entry,) = list_entries(cache)
    entry.parent.chmod(mode)
    counted = count_compilations(monkeypatch)
    check(flows, cache)
    check(flows, cache, "--store", "none")
    assert len(counted) == 2
    assert list_entries(cache) == [entry]


def test_cache_is_for_its_user_alone_and_complete(flows: Path, cache: Path) -> None:
    check(flows, cache)
    (entry,) = list_entries(cache)
    assert (entry.parent.stat().st_mode & 0o777, entry.stat().st_mode & 0o777) == (0o700, 0o600)


@pytest.mark.parametrize("home", [os.devnull, "relative", "/proc/nowhere"])
def test_check_without_a_folder_for_the_cache_works(
    flows: Path, home: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(flows.parent)
    result = check(flows, Path(home), HOME=os.devnull)
    assert describe(result) == describe(check(flows, None))
    assert not (flows.parent / home).exists() or home == os.devnull


def test_cache_holds_nothing_of_a_secret(flows: Path, cache: Path) -> None:
    written = set()
    for value in (SECRET, "another secret"):
        check(flows, cache, CRM_TOKEN=value)
        (entry,) = list_entries(cache)
        written.add(entry.read_bytes())
        assert sha256(value.encode()).hexdigest().encode() not in entry.read_bytes()
        entry.unlink()
    assert len(written) == 1
    assert SECRET.encode() not in written.pop()


def test_check_after_a_variable_comes_and_goes_compiles_again(
    flows: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted = count_compilations(monkeypatch)
    assert "no CRM_TOKEN" in check(flows, cache, CRM_TOKEN=None).output
    assert "no CRM_TOKEN" not in check(flows, cache, CRM_TOKEN=SECRET).output
    assert "no CRM_TOKEN" not in check(flows, cache, CRM_TOKEN="another", OTHER="1").output
    assert len(counted) == 2
    assert "no CRM_TOKEN" in check(flows, cache, CRM_TOKEN=None).output
    assert len(counted) == 3


@pytest.mark.parametrize(("value", "is_told"), [(None, True), ("", True), ("c2VjcmV0", False)])
def test_check_tells_of_an_application_whose_secret_is_missing_or_empty(
    flows: Path, cache: Path, value: str | None, is_told: bool
) -> None:
    (flows / "project.yaml").write_text(PROJECT[2])
    for _ in range(2):
        found = check(flows, cache, APP_SECRET=value).output
        assert ("the environment has no APP_SECRET" in found) is is_told


def test_cache_keeps_a_bounded_number_of_entries_used_last(
    flows: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(result_cache, "MAX_CACHED_CHECKS", 4)
    check(flows, cache)
    (first,) = list_entries(cache)
    more = flows / "more.yaml"
    for number in range(8):
        for entry in list_entries(cache):
            os.utime(entry, (time() - 60, time() - 60))
        check(flows, cache)
        more.write_text(SOUND.replace("NAME", f"more_{number}"))
        check(flows, cache)
        more.unlink()
        assert len(list_entries(cache)) <= 4
    assert first in list_entries(cache)


def test_cache_drops_entries_that_nobody_has_used_for_long(flows: Path, cache: Path) -> None:
    check(flows, cache)
    (old,) = list_entries(cache)
    unfinished = old.with_suffix(".new")
    unfinished.touch()
    for file in (old, unfinished):
        os.utime(file, (0, 0))
    check(flows, cache, "--store", "none")
    assert len(list_entries(cache)) == 1
    assert old not in list_entries(cache)


def test_cache_takes_no_result_that_is_too_large(
    flows: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(result_cache, "MAX_CACHED_CHECK_BYTES", 100)
    assert describe(check(flows, cache)) == describe(check(flows, None))
    assert not cache.exists()


LOADED = """
import sys
from flowengine.cli import main
try:
    main(["check", sys.argv[1]], standalone_mode=False)
finally:
    print(*(name in sys.modules for name in ("flowengine.compile", "jsonschema", "rich")))
"""


@pytest.fixture
def sound_flow(tmp_path: Path) -> Iterator[Path]:
    file = tmp_path / "line.yaml"
    file.write_text(TEXTS["line.yaml"][0])
    return file


def test_check_imports_no_more_than_it_needs(sound_flow: Path, cache: Path) -> None:
    """The compiler takes most of the time of a small check, and jsonschema a part of it."""

    def run() -> str:
        return subprocess.run(
            [sys.executable, "-c", LOADED, sound_flow],
            env={**os.environ, "XDG_CACHE_HOME": str(cache)},
            capture_output=True,
            text=True,
            check=True,
            timeout=PATIENCE_SECONDS,
        ).stdout

    assert run().splitlines() == ["1 flow, 1 state: no problems", "True False False"]
    assert run().splitlines() == ["1 flow, 1 state: no problems", "False False False"]
