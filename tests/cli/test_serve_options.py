"""The options of `serve`: by flag, by variable, by file; what is in force, and what is wrong."""

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from flowengine.cli.serve import serve
from flowengine.cli.serve_options import OPTIONS_BY_KEY
from flowengine.server.server_settings import ServerSettings
from tests.server.server_process import KEY, SECRET

FLOW = "flow: line\nstart: a\nstates: {a: {say: Hi., hangup: }}\n"
Check = Callable[..., Result]


@pytest.fixture
def check(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Check:
    """`serve --check` in a folder with flows, with these words, this file and these variables."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "flows").mkdir()
    (tmp_path / "flows/line.yaml").write_text(FLOW)

    def run(*words: str, file: str = "", **variables: str) -> Result:
        (tmp_path / "flowengine.toml").write_text(file)
        with monkeypatch.context() as patch:
            for name, value in variables.items():
                patch.setenv(name, value)
            return CliRunner().invoke(serve, ["--check", *words])

    return run


def rows(result: Result) -> dict[str, list[str]]:
    return {words[0]: words[1:] for line in result.stdout.splitlines() if (words := line.split())}


def test_option_is_taken_from_flag_then_variable_then_file(check: Check) -> None:
    file = 'flows = "flows"\nport = 1001\nworkers = 2\ndrain = 7\n'
    done = check("--port", "1003", file=file, FLOWENGINE_PORT="1002", FLOWENGINE_WORKERS="3")
    assert done.exit_code == 0, done.output
    assert rows(done)["port"] == ["1003", "--port"]
    assert rows(done)["workers"] == ["3", "FLOWENGINE_WORKERS"]
    assert rows(done)["drain"] == ["7.0", "flowengine.toml:4"]
    assert rows(done)["host"] == ["127.0.0.1", "default"]
    assert "nothing is wrong" in done.stderr


def test_folder_named_by_a_flag_counts_before_a_repository_of_the_file(check: Check) -> None:
    assert check("flows", file='git = "gone"').exit_code == 0
    assert "name a folder" in check("flows", "--git", "gone").stderr
    assert "name a folder" in check().stderr


def test_mistakes_are_told_with_their_place_and_all_at_once(check: Check, tmp_path: Path) -> None:
    file = 'flows = "flows"\nprot = 1\nport = 99999\nhost = 3\nkeep_alive = 9\nadmin-token = "x"\n[drain]\n'
    done = check(file=file, FLOWENGINE_WORKRES="2", SINCH_APPLICATION_KEY=KEY)
    assert done.exit_code == 1
    for told in (
        'flowengine.toml:2: unknown key "prot": did you mean "port"?',
        "flowengine.toml:3: port: 99999 is not in the range",
        "flowengine.toml:4: host is 3: write a text",
        'flowengine.toml:5: unknown key "keep_alive": did you mean "keep-alive"?',
        'flowengine.toml:6: unknown key "admin-token": no secret stands in this file',
        "flowengine.toml:7: drain is",
        'unknown variable FLOWENGINE_WORKRES: did you mean "FLOWENGINE_WORKERS"?',
        "belong together: set both",
    ):
        assert told in done.stderr, told
    assert check(file="a = \n").stderr.startswith("error: flowengine.toml:1:5: ")
    (tmp_path / "flows/line.yaml").write_text("flow: line\nstart: b\nstates: {a: {hangup: }}\n")
    assert "the flows have errors" in check("flows").stderr


def test_bad_value_of_a_variable_names_the_variable(check: Check) -> None:
    assert "for FLOWENGINE_PORT: 'x'" in check("flows", FLOWENGINE_PORT="x").stderr
    told = check("flows", FLOWENGINE_PORT="tcp://10.0.0.1:80").stderr
    assert "enableServiceLinks: false" in told


def test_secrets_are_named_with_their_source_and_never_shown(check: Check, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(SECRET + "\n")
    (tmp_path / "store").write_text("postgresql://ann:hidden@db/calls")
    (tmp_path / "flows/project.yaml").write_text(
        "project: p\nsecrets: {token: CRM_TOKEN}\nservices: {crm: {url: 'https://crm.example.com'}}\n"
    )
    done = check(
        "flows",
        SINCH_APPLICATION_KEY=KEY,
        SINCH_APPLICATION_SECRET_FILE=str(tmp_path / "secret"),
        FLOWENGINE_STORE_FILE=str(tmp_path / "store"),
        CRM_TOKEN="a secret of the project",
        FLOWENGINE_ADMIN_TOKEN="short",
    )
    assert rows(done)["SINCH_APPLICATION_SECRET"][:2] == ["set", "SINCH_APPLICATION_SECRET_FILE"]
    assert rows(done)["store"][:2] == ["postgresql://ann:…@db/calls", "FLOWENGINE_STORE_FILE"]
    assert rows(done)["CRM_TOKEN"] == ["set", "CRM_TOKEN"]
    assert "FLOWENGINE_ADMIN_TOKEN needs 16 characters" in done.stderr
    assert not any(word in done.output for word in (SECRET, "hidden", "a secret of", "short\n"))


def test_file_with_a_mistake_keeps_a_server_from_starting(check: Check, tmp_path: Path) -> None:
    check(file="prot = 1")
    done = CliRunner().invoke(serve, ["flows"])
    assert done.exit_code == 2
    assert 'flowengine.toml:1: unknown key "prot"' in done.stderr
    done = CliRunner().invoke(serve, ["flows", "--config", str(tmp_path / "gone.toml")])
    assert "gone.toml cannot be read: No such file" in done.stderr


def test_option_table_has_every_setting_of_the_server() -> None:
    known = {key.replace("-", "_") for key in OPTIONS_BY_KEY} - {"path", "console", "no_console"}
    assert known == set(ServerSettings.__dataclass_fields__) - {
        "instance",
        "store_variable",
        "journal_variable",
    }


def test_check_says_what_opentelemetry_exports_and_what_it_cannot(check: Check) -> None:
    collector = "http://collector:4318"
    done = check("flows", OTEL_EXPORTER_OTLP_ENDPOINT=collector, OTEL_SERVICE_NAME="line")
    assert done.exit_code == 0, done.output
    assert rows(done)["OpenTelemetry"] == [
        "traces,", "metrics", "OTEL_EXPORTER_OTLP_ENDPOINT,", "OTEL_SERVICE_NAME",
    ]  # fmt: skip
    assert collector not in done.output
    done = check("flows", OTEL_TRACES_EXPORTER="console")
    assert done.exit_code == 1
    assert "OTEL_TRACES_EXPORTER is console" in done.stderr
    done = check("flows", OTEL_EXPORTER_OTLP_ENDPOINT=collector, OTEL_TRACES_SAMPLER="traceidratio")
    assert done.exit_code == 1
    assert "error: OTEL_TRACES_SAMPLER_ARG is not set: write the share of calls" in done.stderr
    assert "OpenTelemetry" not in rows(check("flows"))


@pytest.mark.parametrize(
    "store",
    [
        "mysql:calls",
        "sqlite:",
        "calls.db",
        "host=db password=a-secret",
        "postgresql://voice:a@a-secret@db/voice",
        "postgresql://voice:a/a-secret@db/voice",
        "postgresql://voice:a a-secret@db/voice",
        "postgresql://voice:a-secret%@db/voice",
        "postgresql://db/voice?password=a%20-secret a-secret",
    ],
)
def test_store_that_cannot_be_read_is_refused_without_its_password(
    check: Check, store: str
) -> None:
    for done in (
        check("flows", "--store", store),
        check("flows", FLOWENGINE_STORE=store),
        check("flows", file=f'store = "{store}"'),
        check("flows", "--store", "none", "--journal", store),
    ):
        assert done.exit_code in {1, 2}
        assert "is no " in done.stderr or "has to be escaped" in done.stderr
        assert "a-secret" not in done.output


def test_check_shows_where_the_journal_is_and_what_the_start_warns_of(
    check: Check, tmp_path: Path
) -> None:
    assert rows(check("flows"))["journal"] == [
        "sqlite:.flowengine/journal.db",
        "with",
        "the",
        "store",
    ]
    done = check("flows", "--journal", "sqlite:/var/calls.db")
    assert rows(done)["journal"] == ["sqlite:/var/calls.db", "--journal"]
    (tmp_path / "flows/project.yaml").write_text("project: line\nsecrets: {crm: CRM_TOKEN}\n")
    done = check("flows")
    assert (done.exit_code, "warning FE905" in done.stderr) == (0, True), done.output
    assert "nothing is wrong" not in done.stderr


def test_check_says_that_the_driver_of_postgresql_is_missing(
    check: Check, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("flowengine.cli.serve_check.find_spec", lambda _name: None)
    secrets = {"SINCH_APPLICATION_KEY": KEY, "SINCH_APPLICATION_SECRET": SECRET}
    for words in (("--store", "postgresql://db/voice"), ("--journal", "postgresql://db/voice")):
        done = check("flows", *words, **secrets)
        assert (done.exit_code, "needs its driver: pip install" in done.stderr) == (1, True)


def test_fault_of_opentelemetry_is_told_once(check: Check) -> None:
    done = check(
        "flows",
        OTEL_EXPORTER_OTLP_ENDPOINT="http://collector:4318",
        OTEL_EXPORTER_OTLP_PROTOCOL="grpc",
    )
    assert done.stderr.count("OTEL_EXPORTER_OTLP_PROTOCOL is grpc") == 1
