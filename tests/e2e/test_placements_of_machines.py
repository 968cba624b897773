"""Calls that are asked for with one key, on two machines at once: each person is rung once."""

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx

from tests.e2e.ring_platform import CONFIG, RingPlatform
from tests.support_line import Server
from tests.switch.switch_process import switch
from tests.waiting import PATIENCE_SECONDS, wait_until

TOKEN = "a token that nobody guesses"
FLOW = "{flow: back, on: {answered: bye}, states: {bye: {say: Hello., hangup: }}}"
PEOPLE = [f"+1404500900{number}" for number in range(1, 7)]
TIMES = 4  # each is asked for on each machine


def test_key_on_two_machines_at_once_places_one_call(tmp_path: Path, postgresql: str) -> None:
    servers = []
    for name in ("one", "two"):
        (tmp_path / name / "flows").mkdir(parents=True)
        (tmp_path / name / "flows" / "back.yaml").write_text(FLOW)
        servers.append(Server(tmp_path / name, store=postgresql))
    with switch(f"http://127.0.0.1:{servers[0].port}/sinch", CONFIG, virtual=False) as made:
        platform = RingPlatform(made)
        try:
            for server in servers:
                server.options = ["--api-url", made.url]
                server.environment["FLOWENGINE_ADMIN_TOKEN"] = TOKEN
                server.start()
            ids = ask_for_calls(servers)
            assert len(ids) == len(PEOPLE)
            wait_until(lambda: all(map(platform.list_legs, PEOPLE)), otherwise=platform.describe)
            for person in PEOPLE:
                (leg,) = platform.list_legs(person)
                assert platform.act(leg, "answer")
                platform.wait_until_heard(leg, "Hello.")
            assert len(ask_for_calls(servers) | ids) == len(PEOPLE)
            assert [len(platform.list_legs(person)) for person in PEOPLE] == [1] * len(PEOPLE)
        finally:
            for server in servers:
                server.kill()


def ask_for_calls(servers: list[Server]) -> set[str]:
    """Ask both machines for all calls at the same moment, several times; the ids of the placements."""
    wanted = [(server, person) for person in PEOPLE for server in servers * TIMES]
    ready = threading.Barrier(len(wanted))

    def ask(server: Server, person: str) -> str:
        ready.wait(PATIENCE_SECONDS)
        answer = httpx.post(
            f"http://127.0.0.1:{server.port}/admin/place",
            json={"flow": "back", "calls": [{"to": person, "key": f"visit {person}"}]},
            headers={"authorization": f"Bearer {TOKEN}"},
            timeout=PATIENCE_SECONDS,
        )
        assert answer.status_code == 200, answer.text
        return str(answer.json()["placements"][0]["id"])

    with ThreadPoolExecutor(len(wanted)) as pool:
        return set(pool.map(ask, *zip(*wanted, strict=True)))
