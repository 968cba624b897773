"""Rings over real HTTP, in real time: two workers, and a platform with people at its phones."""

import signal
from collections.abc import Iterator

import pytest
from click.testing import CliRunner

from flowengine.cli import main
from flowengine.switch.switch_events import LegPickedUp
from tests.e2e.ring_platform import (
    ANNA,
    AT_ONCE,
    BO,
    CY,
    DAN,
    IN_TURN,
    MEMBERS,
    QUEUE,
    RingPlatform,
    serve_rings,
)
from tests.support_line import KEY, SECRET, Server
from tests.waiting import wait_until


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[RingPlatform, Server]]:
    with serve_rings(tmp_path_factory.mktemp("rings"), workers=2) as made:
        yield made


@pytest.fixture
def platform(served: tuple[RingPlatform, Server]) -> Iterator[RingPlatform]:
    """The platform after all calls of the test before have ended."""
    made, _ = served
    yield made
    for call in [event.call for event in made.list_of(LegPickedUp)]:
        if not made.has_ended(call):
            made.act(call, "hangup", leg="caller")
            made.act(call, "hangup")
    wait_until(lambda: not any(map(made.is_ringing, MEMBERS)), otherwise=made.describe)
    made.events.clear()


def test_second_member_takes_the_call_and_the_caller_goes_on_afterwards(
    platform: RingPlatform,
) -> None:
    caller = platform.dial(IN_TURN)
    first = platform.wait_for_leg(ANNA)
    second = platform.wait_for_leg(BO)
    assert platform.has_ended(first)
    platform.take_call(second)
    wait_until(lambda: platform.are_talking(second, caller), otherwise=platform.describe)
    platform.act(second, "hangup")
    platform.wait_until_heard(caller, "How was it?")
    wait_until(lambda: platform.has_ended(caller))
    assert not platform.list_legs(CY)


def test_caller_comes_to_the_voicemail_when_nobody_takes_the_call(platform: RingPlatform) -> None:
    caller = platform.dial(AT_ONCE)
    for member in MEMBERS:
        leg = platform.wait_for_leg(member)
        platform.act(leg, "reject", reason="busy")
    platform.wait_until_heard(caller, "Nobody.")


def test_members_who_accept_at_once_do_not_both_get_the_caller(
    platform: RingPlatform,
) -> None:
    caller = platform.dial(AT_ONCE)
    legs = [platform.wait_for_leg(member) for member in MEMBERS]
    for leg in legs[:2]:
        platform.answer(leg)
    for leg in legs[:2]:
        platform.act(leg, "press", keys="1")
    wait_until(
        lambda: any(platform.are_talking(leg, caller) for leg in legs[:2]),
        otherwise=platform.describe,
    )
    wait_until(lambda: platform.has_ended(legs[2]), otherwise=platform.describe)
    (loser,) = [leg for leg in legs[:2] if not platform.are_talking(leg, caller)]
    wait_until(lambda: platform.has_ended(loser), otherwise=platform.describe)


def test_end_of_the_caller_stops_all_ringing(platform: RingPlatform) -> None:
    caller = platform.dial(AT_ONCE)
    for member in MEMBERS:
        platform.wait_for_leg(member)
    platform.act(caller, "hangup", leg="caller")
    # by themselves they ring for longer than a test waits
    wait_until(lambda: not any(map(platform.is_ringing, MEMBERS)), otherwise=platform.describe)


def test_lost_answer_to_a_placed_leg_rings_once(platform: RingPlatform) -> None:
    assert platform.switch.api is not None
    desk = platform.switch.api.context
    desk.lost_callouts.add(desk.callout_count + 1)
    caller = platform.dial(IN_TURN)
    leg = platform.wait_for_leg(ANNA)
    platform.take_call(leg)
    wait_until(lambda: platform.are_talking(leg, caller), otherwise=platform.describe)
    assert platform.count_double_rings() == 0
    assert len(platform.list_legs(ANNA)) == 1


@pytest.mark.parametrize("when", ["it rings", "the member hears the whisper", "they talk"])
def test_ring_goes_on_after_the_server_was_killed(
    served: tuple[RingPlatform, Server], platform: RingPlatform, when: str
) -> None:
    server = served[1]
    caller = platform.dial(IN_TURN)
    leg = platform.wait_for_leg(ANNA)
    if when != "it rings":
        platform.answer(leg)
    if when == "they talk":
        platform.act(leg, "press", keys="1")
        wait_until(lambda: platform.are_talking(leg, caller), otherwise=platform.describe)
    server.kill(signal.SIGKILL)
    server.start()
    if when == "it rings":
        leg = platform.wait_for_leg(BO)
        platform.answer(leg)
    if when != "they talk":
        platform.act(leg, "press", keys="1")
        wait_until(lambda: platform.are_talking(leg, caller), otherwise=platform.describe)
    platform.act(leg, "hangup")
    platform.wait_until_heard(caller, "How was it?")
    assert platform.count_double_rings() == 0


def test_callers_of_a_queue_are_taken_in_their_order_also_after_a_kill(
    served: tuple[RingPlatform, Server], platform: RingPlatform
) -> None:
    server = served[1]
    first = platform.dial(QUEUE)
    leg = platform.wait_for_leg(DAN)
    second = platform.dial(QUEUE, "+46700000002")
    platform.wait_until_heard(second, "You are number 2.")
    third = platform.dial(QUEUE, "+46700000003")
    platform.wait_until_heard(third, "You are number 3.")
    platform.take_call(leg)
    wait_until(lambda: platform.are_talking(leg, first), otherwise=platform.describe)
    server.kill(signal.SIGKILL)
    server.start()
    platform.act(leg, "hangup")
    platform.wait_until_heard(first, "How was it?")
    other = platform.wait_for_leg(DAN, after=1)
    platform.act(third, "press", leg="caller", keys="2")
    platform.wait_until_heard(third, "We call you back.")
    platform.take_call(other)
    wait_until(lambda: platform.are_talking(other, second), otherwise=platform.describe)
    assert platform.count_double_rings() == 0


def test_member_who_is_new_in_the_group_takes_a_caller_who_waits(
    served: tuple[RingPlatform, Server], platform: RingPlatform
) -> None:
    platform.dial(QUEUE)
    platform.wait_for_leg(DAN)  # nobody else would be asked before this phone stops
    waiting = platform.dial(QUEUE, "+46700000002")
    platform.wait_until_heard(waiting, "You are number 2.")
    group = served[1].folder / "flows" / "groups" / "support.yaml"
    before = group.read_text()
    group.write_text(f'members: ["{DAN}", "{BO}"]\n')
    try:
        leg = platform.wait_for_leg(BO)
        platform.take_call(leg)
        wait_until(lambda: platform.are_talking(leg, waiting), otherwise=platform.describe)
    finally:
        group.write_text(before)


def test_journal_shows_the_legs_and_the_way_of_the_caller_and_replays_it(
    served: tuple[RingPlatform, Server], platform: RingPlatform
) -> None:
    folder = served[1].folder
    caller = platform.dial(AT_ONCE)
    leg = platform.wait_for_leg(BO)
    platform.take_call(leg)
    wait_until(lambda: platform.are_talking(leg, caller), otherwise=platform.describe)
    platform.act(leg, "hangup")
    wait_until(lambda: platform.has_ended(caller), otherwise=platform.describe)

    def read(*arguments: str) -> str:
        environment = {"SINCH_APPLICATION_KEY": KEY, "SINCH_APPLICATION_SECRET": SECRET}
        done = CliRunner().invoke(main, [*arguments], env=environment)
        assert done.exit_code == 0, done.output
        return done.output

    store = f"sqlite:{folder / 'calls.db'}"
    wait_until(lambda: "dice" in read("calls", caller, "--store", store))
    shown = read("calls", caller, "--store", store)
    assert "orchestration  after" in shown
    assert "  > say How was it?" in shown
    room = next(line for line in shown.splitlines() if "connectConf" in line).split()[-1]
    shown = read("calls", leg, "--store", store)
    assert [line.strip() for line in shown.splitlines() if "ring/leg" in line] == [
        "ring/leg: rings the member",
        "ring/leg: the member picked up, and is asked",
        "ring/leg: the member takes the call",
        "ring/leg: the member hung up",
    ]
    assert f"> connectConf {room}" in shown
    assert BO not in shown
    replayed = read("replay", str(folder / "journal.db"), "--on", str(folder / "flows"))
    assert ", 0 differently" in replayed
