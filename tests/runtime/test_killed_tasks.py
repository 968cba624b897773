"""A worker is killed in each of its tasks, before it, at its request to the platform, and after it:
people notice the same as without, and nothing is left over.
"""

from collections.abc import Awaitable, Callable
from itertools import product
from pathlib import Path

import pytest

from flowengine.orchestration.matching import format_queue_id
from tests.compiled_release import compile_release
from tests.line_flows import TAKE_FLOW
from tests.runtime.killed_line import KILL_MOMENTS, Habit, KilledLine, KillMoment
from tests.runtime.ring_calls import ANNA, APPLICATION, BO

CALLEE = "+46700000009"
RELEASE = compile_release({
    "project.yaml": """
project: acme
zone: UTC
routes: [{to: "+141", flow: sales}, {to: "+142", flow: support}, {to: "+143", flow: hold},
  {to: "+144", flow: take}, {to: "+145", flow: board}, {to: "+146", flow: remind}]
""",
    "groups/support.yaml": f'{{members: ["{ANNA}"], wrap_up: 0s, pause: 5s, each: 10s}}',
    "sales.yaml": f"""
flow: sales
start: sales
states:
  sales:
    ring:
      who: ["{ANNA}", "{BO}"]
      order: in turn
      each: 10s
      accept: Press 1.
      wait: {{say: One moment.}}
      nobody: voicemail
      after: survey
  voicemail: {{say: Nobody is there., hangup: }}
  survey: {{say: How was it?, hangup: }}
""",
    "support.yaml": """
flow: support
start: support
states:
  support:
    queue:
      of: support
      accept: Press 1.
      wait: {say: "Number ${queue.position}.", every: 20s}
      keys: {2: gone}
      limit: 30s
      nobody: gone
      too_long: too_long
      after: survey
  gone: {say: Goodbye., hangup: }
  too_long: {say: It takes too long., hangup: }
  survey: {say: How was it?, hangup: }
""",
    "hold.yaml": """
flow: hold
start: wait
states:
  wait: {park: {code: "17", limit: 1m, in_use: gone, too_long: nobody}}
  gone: {say: In use., hangup: }
  nobody: {say: Nobody came., hangup: }
""",
    "take.yaml": TAKE_FLOW,
    "board.yaml": """
flow: board
start: room
states:
  room:
    connect:
      conference: board
      moderator: call.from == "+46700000002"
      wait: music1
      until: moderator leaves
""",
    "remind.yaml": """
flow: remind
start: remind
states:
  remind: {place: {flow: call, to: "+46700000009", tries: 2, pause: 20s}, error: bye, next: bye}
  bye: {say: We call., hangup: }
""",
    "call.yaml": """
flow: call
on: {answered: tell}
states: {tell: {say: Hello., hangup: }}
""",
})  # fmt: skip


async def take_after_one_is_silent(line: KilledLine) -> None:
    await line.dial("caller", "141")
    await line.pass_time(60)


async def let_all_phones_ring(line: KilledLine) -> None:
    await line.dial("caller", "141")
    await line.pass_time(60)


async def hang_up_while_it_rings(line: KilledLine) -> None:
    await line.dial("caller", "141")
    await line.pass_time(4)
    await line.end("caller")
    await line.pass_time(60)


async def wait_behind_another_caller(line: KilledLine) -> None:
    await line.dial("first", "142")
    await line.pass_time(1)
    await line.dial("second", "142")
    await line.pass_time(120)


async def wait_for_too_long(line: KilledLine) -> None:
    await line.dial("caller", "142")
    await line.pass_time(100)


async def leave_the_queue_by_a_key(line: KilledLine) -> None:
    await line.dial("caller", "142")
    await line.pass_time(4)
    await line.press_in_room("caller", "2")
    await line.pass_time(60)


async def pick_up_a_parked_call(line: KilledLine) -> None:
    await line.dial("caller", "143")
    await line.pass_time(5)
    await line.dial("anna", "144")
    await line.pass_time(20)
    await line.end("anna")
    await line.pass_time(20)


async def park_for_too_long(line: KilledLine) -> None:
    await line.dial("caller", "143")
    await line.pass_time(100)


async def meet_a_moderator(line: KilledLine) -> None:
    await line.dial("guest", "145")
    await line.pass_time(10)
    await line.dial("host", "145", "+46700000002")
    await line.pass_time(20)
    await line.end("host")
    await line.pass_time(20)
    await line.end("guest")
    await line.pass_time(5)


async def call_somebody_twice(line: KilledLine) -> None:
    await line.dial("caller", "146")
    await line.pass_time(100)


Story = Callable[[KilledLine], Awaitable[None]]
SILENT: Habit = "is silent"
STORIES: list[tuple[Story, dict[str, Habit]]] = [
    (take_after_one_is_silent, {ANNA: SILENT, BO: "answers"}),
    (let_all_phones_ring, {ANNA: "is busy", BO: SILENT}),
    (hang_up_while_it_rings, {ANNA: SILENT, BO: "answers"}),
    (wait_behind_another_caller, {ANNA: "answers"}),
    (wait_for_too_long, {ANNA: SILENT}),
    (leave_the_queue_by_a_key, {ANNA: SILENT}),
    (pick_up_a_parked_call, {}),
    (park_for_too_long, {}),
    (meet_a_moderator, {}),
    (call_somebody_twice, {CALLEE: SILENT}),
]


async def play(
    story: Story, habits: dict[str, Habit], kill: tuple[int, KillMoment], path: Path
) -> tuple[int, list[tuple[str, str]], tuple[object, ...]]:
    """How many tasks there were, what callers have heard last, one after the other, and what is left
    over.
    """
    line = KilledLine(RELEASE, habits, kill, path)
    await story(line)
    assert line.store.orchestrations is not None
    await line.pass_time(60)
    heard: dict[str, str] = {}
    for who, words in (one.split(" hears ") for one in line.told if " hears " in one):
        if not who.startswith("+"):
            heard.pop(who, None)
            heard[who] = words
    agents = await line.store.orchestrations.load_agents([ANNA, BO, CALLEE])
    kinds = [one.kind for one in await line.store.orchestrations.list_orchestrations()]
    waiting = await line.store.orchestrations.list_entries(
        format_queue_id(APPLICATION, "support"), 0
    )
    left_over = (
        sorted(line.lines),
        [agent for agent in agents.values() if agent.occupied_by],
        await line.store.orchestrations.find_next_due(),
        sorted(kinds),
        [one.call for one in waiting if not one.outcome],
        line.outcomes,
    )
    await line.store.close()
    return line.tasks_run, [*heard.items()], left_over


@pytest.mark.parametrize(("story", "habits"), STORIES)
async def test_killed_worker_changes_nothing_for_callers(
    story: Story, habits: dict[str, Habit], tmp_path: Path
) -> None:
    tasks, heard, left_over = await play(story, habits, (0, "before"), tmp_path / "calls.db")
    assert left_over[:3] == ([], [], None)
    assert tasks > 2
    for kill in product(range(1, tasks + 1), KILL_MOMENTS):
        path = tmp_path / f"calls {kill}.db"
        assert (await play(story, habits, kill, path))[1:] == (heard, left_over), kill
