"""What is live, changed over HTTP and by command while a real server with two workers answers
calls.
"""

import json
import os
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.fork_server import run_flowengine
from tests.sources.git_repository import commit, flow, git, new_repository
from tests.support_line import READER, Line, Server, said
from tests.waiting import PATIENCE_SECONDS, wait_until

TOKEN = "a token that nobody guesses"
KNOWN = {"authorization": f"Bearer {TOKEN}", "x-who": "ann"}


class House(Server):
    """A server of two workers, and what its operators do with it."""

    def __init__(self, folder: Path, *options: str, git: Path | None = None) -> None:
        super().__init__(
            folder,
            workers=2,
            flows=["--git", str(git)] if git else [str(folder / "flows"), *options],
        )
        (folder / "flows").mkdir()
        self.save("One.")
        self.calls = 0

    def save(self, words: str) -> None:
        (self.folder / "flows" / "line.yaml").write_text(flow("line", words))

    def admin(
        self, verb: str, *, headers: Mapping[Any, Any] | None = None, **asked: Any
    ) -> httpx.Response:
        given = KNOWN if headers is None else headers
        return httpx.post(
            f"http://127.0.0.1:{self.port}/admin/{verb}",
            json=asked,
            headers=given,
            trust_env=False,
            timeout=PATIENCE_SECONDS,
        )

    def shown(self, path: str) -> dict[str, Any]:
        found: dict[str, Any] = (
            httpx.get(
                f"http://127.0.0.1:{self.port}{path}",
                headers=KNOWN,
                trust_env=False,
                timeout=PATIENCE_SECONDS,
            )
            .raise_for_status()
            .json()
        )
        return found

    def command(self, *arguments: str) -> str:
        done = run_flowengine(*arguments, "--store", self.store, cwd=self.folder)
        done.check_returncode()
        return done.stdout

    def ring(self, caller: str = "12015555555") -> str:
        """What somebody hears who calls now."""
        self.calls += 1
        to = {"type": "did", "endpoint": "+12017777777"}
        line = Line(self.port, f"call-{self.calls}-{caller}")
        return said(
            line.post("ice", cli=caller, to=to, domain="pstn", originationType="PSTN", rdnis="")
        )

    def workers_say(self) -> dict[int, str]:
        """The current release of each worker."""
        return {pid: worker["current"] for pid, worker in self.ask_workers().items()}

    def ask_workers(self) -> dict[int, Any]:
        """What each worker has in memory, asked at once until both have answered."""
        found: dict[int, Any] = {}

        def have_all_answered() -> bool:
            for status in pool.map(self.shown, ["/status"] * 8):
                found[status["worker"]["pid"]] = status["worker"]
            return len(found) >= self.workers

        with ThreadPoolExecutor(8) as pool:
            wait_until(have_all_answered, otherwise=lambda: f"only {[*found]} have answered")
        return found


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    monkeypatch.setenv("FLOWENGINE_ADMIN_TOKEN", TOKEN)
    made = House(tmp_path)
    made.start()
    yield made
    made.kill()


def heard(tell: Callable[[], str], words: str) -> None:
    """Wait until somebody hears these words."""
    wait_until(lambda: words in tell(), otherwise=tell)


def test_release_published_by_one_worker_goes_live_on_both(house: House) -> None:
    first = house.shown("/status")["current"]
    assert set(house.workers_say().values()) == {first}
    published = house.admin("publish", files={"line.yaml": flow("line", "Two.")}, note="as agreed")
    assert published.status_code == 200, published.text
    second = published.json()["release"]
    wait_until(lambda: {*house.workers_say().values()} == {second}, otherwise=house.workers_say)
    assert len(house.workers_say()) == 2
    assert "Two." in house.ring()
    (change, before) = house.shown("/admin/releases")["changes"]
    assert (change["who"], change["what"], change["release"], change["note"]) == (
        "ann",
        "publish",
        second,
        "as agreed",
    )
    assert (before["who"], before["release"]) == ("the server", first)


def test_commands_and_folder_changes_take_turns(house: House) -> None:
    (house.folder / "other").mkdir()
    (house.folder / "other" / "line.yaml").write_text(flow("line", "By command."))
    house.command("publish", "other")
    heard(house.ring, "By command.")
    house.save("By the folder.")
    heard(house.ring, "By the folder.")
    assert house.admin("rollback").status_code == 200
    heard(house.ring, "By command.")


def test_canary_reaches_a_share_of_callers_until_it_is_withdrawn_or_promoted(
    house: House,
) -> None:
    assert (
        house.admin("canary", files={"line.yaml": flow("line", "Two.")}, share="50%").status_code
        == 200
    )
    wait_until(
        lambda: all(len(worker["releases"]) == 2 for worker in house.ask_workers().values()),
        otherwise=house.ask_workers,
    )
    callers = [f"4670123{number:04}" for number in range(60)]
    words = {caller: house.ring(caller) for caller in callers}
    assert 10 < sum("Two." in said for said in words.values()) < 50
    assert {caller: house.ring(caller) for caller in callers} == words
    heard(
        lambda: str(
            sum(figures["calls"] for figures in house.shown("/admin/canary")["figures"].values())
        ),
        "120",
    )
    assert house.admin("canary", share="100%").status_code == 200
    wait_until(lambda: all("Two." in house.ring(caller) for caller in callers[:20]))
    assert house.admin("withdraw").status_code == 200
    wait_until(lambda: all("One." in house.ring(caller) for caller in callers[:20]))
    assert house.admin("promote").json() == {
        "message": "there is no candidate: begin with flowengine canary"
    }


def test_draft_follows_its_branch_and_reaches_its_callers_alone(house: House) -> None:
    repository = new_repository(house.folder / "repository")
    commit(repository, {"flows/line.yaml": flow("line", "Main.")}, "Begin")
    git(repository, "checkout", "-q", "-b", "draft/spring")
    house.command(
        "draft", "spring", "draft/spring", "--caller", "+46701234567", "--repo", str(repository)
    )
    heard(lambda: house.ring("46701234567"), "Main.")
    commit(repository, {"flows/line.yaml": flow("line", "Spring.")}, "Greet spring")
    heard(lambda: house.ring("46701234567"), "Spring.")
    assert "One." in house.ring()
    commit(repository, {"flows/line.yaml": flow("line", "${nothing}")}, "Break")
    heard(lambda: json.dumps(house.shown("/status")["rejected"]), "FE301")
    assert "Spring." in house.ring("46701234567")
    assert house.shown("/status")["drafts"] == ["spring"]
    assert [change["who"] for change in house.shown("/admin/releases")["changes"]][:1] == [
        "Ann Author <ann@example.com>"
    ]
    house.command("undraft", "spring")
    heard(lambda: house.ring("46701234567"), "One.")
    assert house.shown("/status")["rejected"] == []


def test_publish_takes_any_ref_of_the_served_repository(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLOWENGINE_ADMIN_TOKEN", TOKEN)
    repository = new_repository(tmp_path / "repository")
    commit(repository, {"flows/line.yaml": flow("line", "Old.")}, "Begin")
    git(repository, "tag", "v1")
    commit(repository, {"flows/line.yaml": flow("line", "New.")}, "Go on")
    house = House(tmp_path, git=repository)
    house.start()
    try:
        assert "New." in house.ring()
        assert house.admin("publish", what="v1").status_code == 200
        heard(house.ring, "Old.")
        assert house.admin("publish", what="v2").json()["message"].endswith("has no commit v2")
        commit(repository, {"flows/line.yaml": flow("line", "Newest.")}, "Go on again")
        heard(house.ring, "Newest.")
    finally:
        house.kill()


def test_releases_with_calls_are_shown_as_draining(house: House) -> None:
    first = house.shown("/status")["current"]
    house.ring()
    house.admin("publish", files={"line.yaml": flow("line", "Two.")})
    assert house.shown("/status")["draining"] == [first]
    assert f"{first}" in next(
        line for line in house.command("releases").splitlines() if line.endswith("with calls")
    )


def test_flows_with_errors_are_refused_with_their_places(house: House) -> None:
    refused = house.admin("publish", files={"line.yaml": flow("line", "${nothing}")})
    assert refused.status_code == 422
    (problem,) = refused.json()["problems"]
    assert (problem["place"], problem["code"]) == ("line.yaml:6:12", "FE301")
    assert "One." in house.ring()


REFUSED: list[tuple[str, dict[str, Any], int, str]] = [
    ("publish", {}, 400, "name a version with what, or send its files"),
    (
        "publish",
        {"what": "a", "files": {"line.yaml": "b"}},
        400,
        "name a version with what, or send its files",
    ),
    ("publish", {"what": "main"}, 409, "no kept release begins with main"),
    ("publish", {"where": "main"}, 400, "Object contains unknown field `where`"),
    ("canary", {"share": "10%"}, 409, "there is no candidate yet: name a version"),
    ("canary", {"what": "main"}, 400, "Object missing required field `share`"),
    (
        "draft",
        {"name": "spring", "callers": ["anna"], "files": {"line.yaml": "b"}},
        409,
        "anna is no phone number",
    ),
    (
        "draft",
        {"name": "spring", "callers": [], "files": {"line.yaml": "b"}},
        409,
        "a draft needs a caller",
    ),
    ("undraft", {"name": "spring"}, 409, "there is no draft spring"),
    ("rollback", {"release": "nobody"}, 409, "no kept release begins with nobody"),
    ("dance", {}, 404, "/admin knows publish, rollback, canary, promote, withdraw, draft, undraft"),
]


def test_command_that_makes_no_sense_is_refused_and_changes_nothing(house: House) -> None:
    for verb, asked, status, message in REFUSED:
        refused = house.admin(verb, **asked)
        assert (refused.status_code, message) == (
            status,
            refused.json()["message"][: len(message)],
        ), (verb, asked)
    with closing(HTTPConnection("127.0.0.1", house.port, timeout=PATIENCE_SECONDS)) as connection:
        connection.putrequest("POST", "/admin/publish")
        for name, value in {**KNOWN, "content-length": "1000000000000"}.items():
            connection.putheader(name, value)
        connection.endheaders()  # the body never comes
        assert connection.getresponse().status == 413
    assert len(house.shown("/admin/releases")["changes"]) == 1


DENIED: list[tuple[dict[str, str], int]] = [
    ({}, 401),
    ({"authorization": "Bearer another token"}, 401),
    ({"authorization": f"Basic {TOKEN}"}, 401),
    ({"authorization": f"Bearer {TOKEN}x"}, 401),
    ({**KNOWN, "x-forwarded-for": "127.0.0.1"}, 403),
    ({**KNOWN, "x-forwarded-proto": "https"}, 403),
    ({**KNOWN, "via": "1.1 proxy"}, 403),
    ({**KNOWN, "forwarded": "for=127.0.0.1"}, 403),
    ({**KNOWN, "origin": "https://evil.example"}, 403),
    ({**KNOWN, "sec-fetch-site": "cross-site"}, 403),
    ({**KNOWN, "host": "evil.example"}, 403),
    (READER, 401),  # reads, and changes nothing
    ({**KNOWN, "x-who": "x" * 101}, 400),
    ({**KNOWN, "x-who": ""}, 400),
]


def test_actor_name_may_have_any_letters(house: House) -> None:
    known = {b"authorization": KNOWN["authorization"].encode(), b"x-who": "Åsa Öberg".encode()}
    assert (
        house.admin("publish", headers=known, files={"line.yaml": flow("line", "Two.")}).status_code
        == 200
    )
    assert house.shown("/admin/releases")["changes"][0]["who"] == "Åsa Öberg"


def test_request_without_a_token_or_through_a_proxy_is_refused(house: House) -> None:
    for headers, status in DENIED:
        refused = house.admin("rollback", headers=headers)
        assert refused.status_code == status, (headers, refused.text)
        assert TOKEN not in refused.text
    assert (
        httpx.get(
            f"http://127.0.0.1:{house.port}/admin/releases",
            trust_env=False,
            timeout=PATIENCE_SECONDS,
        ).status_code
        == 401
    )


@pytest.mark.parametrize("path", ["/status", "/metrics"])
def test_status_and_metrics_without_a_token_are_refused_wherever_the_request_comes_from(
    house: House, path: str
) -> None:
    """A plain proxy on the same machine adds no header."""
    address = f"http://127.0.0.1:{house.port}{path}"
    several = [("authorization", KNOWN["authorization"])] * 2
    for headers, status in (
        ({}, 401),
        ({"authorization": "Bearer another token"}, 401),
        (several, 401),
        (READER, 200),
        ({"authorization": KNOWN["authorization"]}, 200),
        ({**READER, "x-forwarded-for": "192.0.2.1"}, 200),
        ({**READER, "host": "ops.example.com"}, 200),  # a proxy has handed it on
        ({**READER, "origin": "https://evil.example"}, 403),
        ({**READER, "sec-fetch-site": "same-site"}, 403),
    ):
        answer = httpx.get(address, headers=headers, trust_env=False, timeout=PATIENCE_SECONDS)
        assert answer.status_code == status, headers
        if status != 200:
            assert house.shown("/status")["current"] not in answer.text
    for free in ("/healthz", "/readyz"):
        assert (
            httpx.get(
                address.replace(path, free), trust_env=False, timeout=PATIENCE_SECONDS
            ).status_code
            == 200
        )


def test_status_and_metrics_of_a_server_without_tokens_say_what_to_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("FLOWENGINE_ADMIN_TOKEN", raising=False)
    house = House(tmp_path)
    house.environment = {"FLOWENGINE_STATUS_TOKEN": ""}
    house.start()
    try:
        for path in ("/status", "/metrics"):
            answer = httpx.get(
                f"http://127.0.0.1:{house.port}{path}",
                headers=READER,
                trust_env=False,
                timeout=PATIENCE_SECONDS,
            )
            assert answer.status_code == 403
            assert (
                "set FLOWENGINE_STATUS_TOKEN or FLOWENGINE_ADMIN_TOKEN" in answer.json()["message"]
            )
        assert "flow" in house.command("releases")  # the commands need none
    finally:
        house.kill()


def own_address() -> str:
    """An address of this machine that is not loopback; nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            pytest.skip("this machine has no network")
        return str(probe.getsockname()[0])


@pytest.mark.parametrize(("opened", "status"), [("", 403), ("1", 200)])
def test_request_of_another_machine_is_accepted_only_where_the_server_is_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, opened: str, status: int
) -> None:
    monkeypatch.setenv("FLOWENGINE_ADMIN_TOKEN", TOKEN)
    monkeypatch.setenv("FLOWENGINE_ADMIN_OPEN", opened)
    house, address = House(tmp_path, "--host", "0.0.0.0"), own_address()
    house.start()
    try:
        assert (
            httpx.get(
                f"http://{address}:{house.port}/admin/releases",
                headers=KNOWN,
                trust_env=False,
                timeout=PATIENCE_SECONDS,
            ).status_code
            == status
        )
        assert httpx.get(
            f"http://{address}:{house.port}/admin/releases",
            trust_env=False,
            timeout=PATIENCE_SECONDS,
        ).status_code == (401 if opened else 403)
    finally:
        house.kill()


def test_without_a_token_there_is_no_admin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FLOWENGINE_ADMIN_TOKEN", raising=False)
    house = House(tmp_path)
    house.start()
    try:
        assert house.admin("rollback").status_code == 404
        address = f"http://127.0.0.1:{house.port}/status"
        assert (
            httpx.get(address, headers=READER, trust_env=False, timeout=PATIENCE_SECONDS).json()[
                "rejected"
            ]
            == []
        )
    finally:
        house.kill()


def test_admin_token_that_is_too_short_is_refused_at_start(tmp_path: Path) -> None:
    (tmp_path / "line.yaml").write_text(flow("line", "One."))
    environment = {**os.environ, "FLOWENGINE_ADMIN_TOKEN": "secret"}
    store = f"sqlite:{tmp_path / 'calls.db'}"
    done = run_flowengine("serve", str(tmp_path), "--store", store, env=environment)
    assert done.returncode == 2
    assert "FLOWENGINE_ADMIN_TOKEN needs 16 characters" in done.stderr


def test_callers_wait_for_nobody_who_publishes(house: House) -> None:
    """A project of 300 flows is compiled beside the callbacks."""
    files = {
        f"line{number}.yaml": flow(f"line{number}", f"Number {number}.") for number in range(300)
    }
    files["project.yaml"] = "project: test\nroutes: [{flow: line0}]\n"
    publishing = threading.Thread(target=lambda: house.admin("publish", files=files))
    publishing.start()
    answered = 0
    while publishing.is_alive():
        house.ring()
        answered += 1
    publishing.join()
    heard(house.ring, "Number 0.")
    assert answered > 2  # where callers wait for the compiler the first ring is the only one
