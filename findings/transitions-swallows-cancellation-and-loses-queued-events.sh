#!/usr/bin/env bash
# transitions 0.9.3, AsyncMachine, CPython 3.11.
#
# asyncio stops a task by raising CancelledError in it, and its documentation says that whoever catches that should
# raise it again: asyncio.timeout, TaskGroup and the end of a server rely on it. A trigger of AsyncMachine catches it
# and returns False, which is also what it returns when a condition does not hold. So
#
# 1. asyncio.timeout and asyncio.wait_for around a trigger stop a slow callback in time, but raise no TimeoutError;
# 2. a cancelled task goes on after the trigger, and does not count as cancelled;
# 3. with queued=True, which is one queue for all models, whatever waits in the queue is dropped, too: the events of
#    other models, whose triggers have returned True already. Their state stays what it was, and nobody is told.
#    (The README says that an exception empties the queue. A cancelled task shows no exception to anybody.)
#
# With one machine for many calls, one caller whose web request is cancelled while it looks something up makes the
# hang-up of another call disappear. Put the timeout inside of the callback, raise an error of one's own there, and
# take queued="model".
#
# Seen on 2026-11-29:
#   a coroutine in asyncio.timeout:   TimeoutError
#   a trigger in asyncio.timeout:     returned False in state menu
#   a trigger in asyncio.wait_for:    returned False in state menu
#   a cancelled task:                 went on after its trigger, cancelled() is False
#   queued=True, another call's event:    returned True, then the state is menu
#   queued='model', another call's event: returned True, then the state is over
#
# Exits with 1 when that has changed.
set -euo pipefail

folder=$(mktemp -d /tmp/finding-cancel-XXXXXX)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install -q 'transitions==0.9.3' 2> /dev/null

cat > finding.py <<'PYTHON'
import asyncio

from transitions.extensions import AsyncMachine


class Call:
    """A phone call, whose look-up never ends by itself."""

    def __init__(self) -> None:
        self.looks_up = asyncio.Event()

    async def fetch(self) -> None:
        self.looks_up.set()
        await asyncio.Event().wait()


def make_calls(number: int, **options: object) -> list[Call]:
    calls = [Call() for _ in range(number)]
    machine = AsyncMachine(calls, states=["menu", "balance", "over"], initial="menu", **options)
    machine.add_transition("look_up", "menu", "balance", before="fetch")
    machine.add_transition("hang_up", "menu", "over")
    return calls


async def wait_in_timeout(wait) -> str:
    try:
        async with asyncio.timeout(0.05):
            return f"returned {await wait()}"
    except TimeoutError:
        return "TimeoutError"


async def wait_with_wait_for(wait) -> str:
    try:
        return f"returned {await asyncio.wait_for(wait(), 0.05)}"
    except TimeoutError:
        return "TimeoutError"


async def cancel_task() -> str:
    (call,) = make_calls(1)
    seen = []

    async def answer() -> None:
        await call.look_up()
        seen.append("went on after its trigger")

    task = asyncio.create_task(answer())
    await call.looks_up.wait()
    task.cancel()
    await asyncio.wait([task])
    return f"{seen[0] if seen else 'stopped'}, cancelled() is {task.cancelled()}"


async def cancel_with_queue(queued: bool | str) -> str:
    slow, other = make_calls(2, queued=queued)
    task = asyncio.create_task(slow.look_up())
    await slow.looks_up.wait()
    returned = await other.hang_up()
    task.cancel()
    await asyncio.wait([task])
    return f"returned {returned}, then the state is {other.state}"


async def main() -> None:
    (first,), (second,) = make_calls(1), make_calls(1)
    print("a coroutine in asyncio.timeout:  ", await wait_in_timeout(asyncio.Event().wait))
    print("a trigger in asyncio.timeout:    ", await wait_in_timeout(first.look_up), "in state", first.state)
    print("a trigger in asyncio.wait_for:   ", await wait_with_wait_for(second.look_up), "in state", second.state)
    print("a cancelled task:                ", await cancel_task())
    print("queued=True, another call's event:   ", await cancel_with_queue(True))
    print("queued='model', another call's event:", await cancel_with_queue("model"))


asyncio.run(main())
PYTHON
timeout 60 venv/bin/python finding.py | tee seen
diff - seen <<'EXPECTED'
a coroutine in asyncio.timeout:   TimeoutError
a trigger in asyncio.timeout:     returned False in state menu
a trigger in asyncio.wait_for:    returned False in state menu
a cancelled task:                 went on after its trigger, cancelled() is False
queued=True, another call's event:    returned True, then the state is menu
queued='model', another call's event: returned True, then the state is over
EXPECTED
