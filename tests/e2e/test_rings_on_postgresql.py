"""A ring over real HTTP whose state is in PostgreSQL, and a server that is killed meanwhile."""

import signal
from pathlib import Path

from tests.e2e.ring_platform import ANNA, AT_ONCE, BO, IN_TURN, MEMBERS, serve_rings
from tests.waiting import wait_until


def test_ring_on_postgresql_goes_on_after_the_server_was_killed(
    postgresql: str, tmp_path: Path
) -> None:
    with serve_rings(tmp_path, workers=2, store=postgresql) as (platform, server):
        caller = platform.dial(IN_TURN)
        platform.wait_for_leg(ANNA)
        server.kill(signal.SIGKILL)
        server.start()
        leg = platform.wait_for_leg(BO)
        platform.take_call(leg)
        wait_until(lambda: platform.are_talking(leg, caller), otherwise=platform.describe)
        platform.act(leg, "hangup")
        platform.wait_until_heard(caller, "How was it?")

        caller = platform.dial(AT_ONCE)
        wait_until(lambda: all(map(platform.is_ringing, MEMBERS)), otherwise=platform.describe)
        platform.act(caller, "hangup", leg="caller")
        wait_until(lambda: not any(map(platform.is_ringing, MEMBERS)), otherwise=platform.describe)
        assert platform.count_double_rings() == 0
