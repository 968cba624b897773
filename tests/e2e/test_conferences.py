"""A conference with a moderator, and a parked call, over real HTTP, through a kill of the server."""

import signal
from pathlib import Path

from flowengine.switch.switch_events import ParticipantChanged
from tests.e2e.ring_platform import CONFIG, RingPlatform
from tests.line_flows import HOLD_FLOW, TAKE_FLOW
from tests.support_line import Server
from tests.switch.switch_process import switch
from tests.waiting import wait_until

BOARD, HOLD, TAKE = "+14045001000", "+14045002000", "+14045004000"
HOST, ANNA = "+46700000008", "+46700000009"
FLOWS = {
    "project.yaml": f"""
project: conferences
routes:
  - {{to: "{BOARD}", flow: board}}
  - {{to: "{HOLD}", flow: hold}}
  - {{to: "{TAKE}", flow: take}}
""",
    "board.yaml": f"""
flow: board
start: room
states:
  room:
    connect:
      conference: board
      moderator: call.from == "{HOST}"
      wait: music1
      until: moderator leaves
      keys: {{1: mute}}
""",
    "hold.yaml": HOLD_FLOW,
    "take.yaml": TAKE_FLOW,
}


def list_commands(platform: RingPlatform, call: str) -> list[str]:
    return [one.command for one in platform.list_of(ParticipantChanged) if one.call == call]


def test_conference_and_parked_call_go_on_after_the_server_was_killed(tmp_path: Path) -> None:
    (tmp_path / "flows").mkdir()
    for name, text in FLOWS.items():
        (tmp_path / "flows" / name).write_text(text)
    server = Server(tmp_path, workers=1, store="")
    config = CONFIG.replace("numbers: [", f'numbers: [{{number: "{TAKE}"}}, ')
    with switch(f"http://127.0.0.1:{server.port}/sinch", config, virtual=False) as made:
        server.options = ["--api-url", made.url]
        server.start()
        platform = RingPlatform(made)
        try:
            parked = platform.dial(HOLD)
            guest = platform.dial(BOARD)
            wait_until(lambda: "onhold" in list_commands(platform, guest))
            server.kill(signal.SIGKILL)
            server.start()
            host = platform.dial(BOARD, HOST)
            # the request that was under way may be sent again before that
            wait_until(lambda: list_commands(platform, guest)[-1] == "resume")
            assert platform.act(guest, "press", keys="1", leg="caller")
            wait_until(lambda: list_commands(platform, guest)[-1] == "mute")
            anna = platform.dial(TAKE, ANNA)
            wait_until(lambda: is_heard(platform, anna, parked), otherwise=platform.describe)
            for left, other in ((host, guest), (anna, parked)):
                platform.act(left, "hangup", leg="caller")
                wait_until(lambda call=other: platform.has_ended(call), otherwise=platform.describe)
        finally:
            server.kill()


def is_heard(platform: RingPlatform, speaker: str, listener: str) -> bool:
    """Whether one caller hears what another says."""
    if not platform.act(speaker, "say", text="hello there", leg="caller"):
        return False
    return "hello there" in platform.list_heard(listener)
