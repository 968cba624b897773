"""A placed call over real HTTP, in real time: two workers, and a platform with people at its phones."""

import json
import signal
from pathlib import Path

import httpx
from click.testing import CliRunner

from flowengine.cli import main
from tests.e2e.ring_platform import ANNA, CONFIG, RingPlatform
from tests.support_line import KEY, SECRET, Server
from tests.switch.switch_process import switch
from tests.waiting import PATIENCE_SECONDS, wait_until

TOKEN = "a token that nobody guesses"
FLOW = """
flow: back
on: {answered: greet}
inputs: [name, age]
vars: {name: {type: text, max: 20}, age: {type: integer, default: 0}}
states:
  greet: {menu: {prompt: "Hello ${vars.name}, ${vars.age}.", options: {1: bye}, otherwise: bye}}
  bye: {say: Thank you., hangup: }
"""


def read_text(url: str) -> str:
    headers = {"authorization": f"Bearer {TOKEN}"}
    return httpx.get(url, headers=headers, trust_env=False, timeout=PATIENCE_SECONDS).text


def test_command_places_a_call_that_rings_once_and_survives_a_killed_server(
    tmp_path: Path,
) -> None:
    (tmp_path / "flows").mkdir()
    (tmp_path / "flows" / "back.yaml").write_text(FLOW)
    server = Server(tmp_path, workers=2)
    server.environment["FLOWENGINE_ADMIN_TOKEN"] = TOKEN
    address = f"http://127.0.0.1:{server.port}"

    def run(*arguments: str) -> str:
        environment = {
            "SINCH_APPLICATION_KEY": KEY,
            "SINCH_APPLICATION_SECRET": SECRET,
            "FLOWENGINE_ADMIN_TOKEN": TOKEN,
        }
        done = CliRunner().invoke(main, [*arguments], env=environment)
        assert done.exit_code == 0, done.output
        return done.output

    with switch(f"{address}/sinch", CONFIG, virtual=False) as made:
        server.options = ["--api-url", made.url]
        server.start()
        platform = RingPlatform(made)
        assert made.api is not None
        desk = made.api.context
        desk.lost_callouts.add(desk.callout_count + 1)
        try:
            order = ["place", "back", "--to", ANNA, "--with", "name=Ms Lee", "--with", "age=42"]
            order += ["--key", "visit 7", "--server", address]
            placement = run(*order).split()[0]
            assert run(*order).split()[0] == placement
            leg = platform.wait_for_leg(ANNA)
            server.kill(signal.SIGKILL)
            server.start()
            assert "rings" in run("placements", placement, "--server", address)
            assert platform.act(leg, "answer")
            platform.wait_until_heard(leg, "Hello Ms Lee, 42.")
            status = json.loads(read_text(f"{address}/status"))
            assert status["placements"] == {"waiting": 0, "under_way": 1}
            platform.act(leg, "press", keys="1")
            platform.wait_until_heard(leg, "Thank you.")
            wait_until(
                lambda: "somebody answered" in run("placements", placement, "--server", address)
            )
            assert len(platform.list_legs(ANNA)) == 1
            later = [*order[:-4], "--in", "1h", *order[-2:]]
            wrong = run(*later).split()[0]
            told = run("placements", wrong, "--cancel", "--who", "Omar", "--server", address)
            assert "it was cancelled (by Omar)" in told
            assert "no call waits" in run("placements", "--server", address)
            counted = 'flowengine_placements_total{flow="back",outcome="answered"} 1.0'
            wait_until(lambda: counted in read_text(f"{address}/metrics"))
            store = f"sqlite:{tmp_path / 'calls.db'}"
            wait_until(lambda: "dice" in run("calls", leg, "--store", store))
            shown = run("calls", leg, "--store", store)
            assert f"call 1 of placement {placement}" in shown
            assert "> say Thank you." in shown
            replayed = run("replay", str(tmp_path / "journal.db"), "--on", str(tmp_path / "flows"))
            assert ", 0 differently" in replayed
        finally:
            server.kill()
