"""Answering machine detection: the last paragraph of the platform notes, section 2.7."""

import pytest

from flowengine.svaml import AmdOptions
from flowengine.switch.clock import VirtualClock
from flowengine.switch.media.machine_detection import AmdVerdict, MachineDetection
from flowengine.switch.switch_settings import SwitchSettings
from flowengine.switch.switch_setup import Behaviour

SYNC = AmdOptions(enabled=True)
ASYNC = AmdOptions(enabled=True, asynchronous=True)
BEGUN = (0, "ace", AmdVerdict("inprogress"))


RINGING = 10


class Bench:
    """What ACE says and what is notified, by second."""

    def __init__(self, amd, behaviour, settings):
        self.clock, self.told = VirtualClock(), []
        self.detection = MachineDetection(
            self.clock,
            settings,
            behaviour,
            amd,
            lambda verdict: self.note("ace", verdict),
            self.note,
        )
        self.clock.advance(RINGING)

    def note(self, what, verdict):
        self.told.append((self.clock.seconds - RINGING, what, verdict))


@pytest.mark.parametrize(
    ("amd", "behaviour", "settings", "told"),
    [
        pytest.param(
            SYNC,
            Behaviour(),
            {},
            [(3, "ace", AmdVerdict("human", "n/a", 3))],
            id="sync: ACE waits for human",
        ),
        pytest.param(
            SYNC,
            Behaviour(who="machine"),
            {},
            [(3, "ace", AmdVerdict("machine", "longgreeting", 3))],
            id="sync: or machine, no beep",
        ),
        pytest.param(
            SYNC,
            Behaviour(who="notsure"),
            {},
            [(3, "ace", AmdVerdict("notsure", "initialsilence", 3))],
            id="sync: or notsure",
        ),
        pytest.param(
            SYNC,
            Behaviour(),
            {"amd_seconds": 9},
            [(5, "ace", AmdVerdict("human", "n/a", 5))],
            id="sync: ACE is delayed by five seconds at most",
        ),
        pytest.param(
            SYNC,
            Behaviour(who="machine", beep_after=1),
            {},
            [(3, "ace", AmdVerdict("machine", "beep", 3))],
            id="sync: a beep gives it away",
        ),
        pytest.param(
            ASYNC,
            Behaviour(),
            {},
            [BEGUN, (3, "amd", AmdVerdict("human", "n/a", 3))],
            id="async: ACE is inprogress, human comes later",
        ),
        pytest.param(
            ASYNC,
            Behaviour(who="machine", beep_after=8.5),
            {},
            [
                BEGUN,
                (3, "amd", AmdVerdict("machine", "longgreeting", 3)),
                (8.5, "amd_beep", AmdVerdict("machine", "beep", 8)),
            ],
            id="async: machine, then its beep",
        ),
    ],
)
def test_machine_detection_notifies_its_result(amd, behaviour, settings, told):
    bench = Bench(amd, behaviour, SwitchSettings(**settings))
    bench.detection.start()
    bench.clock.run()
    assert bench.told == told


@pytest.mark.parametrize(
    ("amd", "at", "more"),
    [
        pytest.param(SYNC, 2, [], id="sync"),
        pytest.param(ASYNC, 2, [("amd", AmdVerdict("hangup", "n/a", 2))], id="async: hangup"),
        pytest.param(
            ASYNC,
            4,
            [("amd", AmdVerdict("machine", "longgreeting", 3))],
            id="async: no beep after the end",
        ),
    ],
)
def test_amd_of_a_call_that_hangs_up(amd, at, more):
    bench = Bench(amd, Behaviour(who="machine"), SwitchSettings())
    bench.detection.start()
    bench.clock.call_later(at, bench.detection.handle_hangup)
    bench.clock.call_later(at + 1, bench.detection.handle_hangup)
    bench.clock.run()
    assert [tuple(told[1:]) for told in bench.told if told[1] != "ace"] == more


def test_call_that_nobody_answered_notifies_no_detection():
    bench = Bench(ASYNC, Behaviour(), SwitchSettings())
    bench.detection.handle_hangup()
    assert bench.told == []
