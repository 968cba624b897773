"""Many simulated callers at once, who listen: flows of which each part says its edition, and what
every call heard of them.
"""

import asyncio
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from pathlib import Path
from random import Random
from typing import Any

import msgspec

from flowengine.switch.load.load_report import LoadCounter, LoadReport
from flowengine.switch.load.simulated_caller import SimulatedCaller
from flowengine.switch.switch_setup import Number, SwitchApplication, SwitchSetup
from flowengine.switch.wire import ConcurrentTransport, Response
from flowengine.switch.wire.transport import OnReply
from tests.support_line import KEY, SECRET

LINE = """
flow: line
start: welcome
states:
  welcome:
    say: Line {0}, table ${{tables.editions.number("now")}}.
    next: news
  news:
    say: {{message: news}}
    next: main
  main:
    menu:
      prompt: Line {0}, table ${{tables.editions.number("now")}}. Press 1 for more, or 2 for an agent.
      options: {{1: more, 2: agents}}
      otherwise: agents
  more:
    subflow: {{flow: part, outcomes: {{heard: news}}}}
  agents:
    connect: {{phone: "+14045009000", answered: whisper}}
  whisper:
    say: Line {0}, table ${{tables.editions.number("now")}}.
    continue:
"""
PART = """
flow: part
start: ask
outcomes: [heard]
states:
  ask:
    menu:
      prompt: Part {0}, table ${{tables.editions.number("now")}}. Press 1 to go back.
      options: {{1: over}}
      otherwise: over
  over:
    return: heard
"""
PARTS = {
    "line.yaml": LINE,
    "part.yaml": PART,
    "tables/editions.yaml": "rows:\n  now: {{number: {0}}}\n",
    "messages/common.yaml": "news: Message {0}.\n",
}
PROJECT = "project: test\nlocale: en-US\nroutes: [{flow: line}]\n"
WORDS = re.compile(r"(line|part|table|message) (\d+)", re.IGNORECASE)
TO = "+14045550100"


def project(**editions: int) -> dict[str, str]:
    """The files of a project whose parts are of these editions; 1 where nothing is said."""
    given = [editions.get(name, 1) for name in ("line", "part", "table", "message")]
    made = {
        name: text.format(edition)
        for (name, text), edition in zip(PARTS.items(), given, strict=True)
    }
    return {"project.yaml": PROJECT, **made}


def write(folder: Path, files: Mapping[str, str | None]) -> None:
    """As an editor does that does not replace files; None deletes."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink() if text is None else path.write_text(text)


def editions(text: str) -> set[tuple[str, int]]:
    """Which parts of which editions somebody heard, or a file has."""
    return {(name.lower(), int(number)) for name, number in WORDS.findall(text)}


def parts_of(files: Mapping[str, bytes]) -> set[tuple[str, int]]:
    """What callers hear of a release, from its files."""
    heard = {found for content in files.values() for found in editions(content.decode())}
    table = re.search(r"number: (\d+)", files["tables/editions.yaml"].decode())
    return heard | {("table", int(table[1]))} if table else heard


@dataclass
class Known:
    """What is known of one call: what it heard, when its first and its latest answer came, whether
    its end was acknowledged.
    """

    heard: set[tuple[str, int]] = field(default_factory=set)
    rang: float = 0.0
    until: float = 0.0
    acknowledged: bool = False


class Way:
    """To the server and back, where callbacks take their time: so calls last, while releases come
    and go.

    A `patient` platform delivers again until somebody is there.
    """

    def __init__(
        self,
        pool: ConcurrentTransport,
        known: dict[str, Known],
        urls: Sequence[str],
        slow: float,
        *,
        patient: bool,
    ) -> None:
        self._pool, self._known, self._urls, self._slow, self._patient = (
            pool,
            known,
            urls,
            slow,
            patient,
        )
        self._random = Random(4)

    def post(self, *request: Any) -> None:
        asyncio.get_running_loop().call_later(
            self._random.uniform(0, self._slow), self._send, *request
        )

    def _send(
        self, _url: str, headers: Mapping[str, str], body: bytes, seconds: float, reply: OnReply
    ) -> None:
        url = self._random.choice(self._urls)
        self._pool.post(
            url,
            headers,
            body,
            seconds,
            partial(self._replied, (url, headers, body, seconds, reply)),
        )

    def _replied(self, request: tuple[Any, ...], response: Response | None) -> None:
        _, _, body, _, reply = request
        if response is not None and response.status == 200:
            self._note(msgspec.json.decode(body), response.body)
        elif self._patient:
            asyncio.get_running_loop().call_later(0.1, self._send, *request)
            return
        reply(response)

    def _note(self, event: dict[str, Any], answer: bytes) -> None:
        known = self._known.setdefault(event["callid"], Known())
        known.heard |= editions(answer.decode())
        known.until = time.time()
        known.rang = known.rang or known.until
        known.acknowledged |= event["event"] == "dice"


class Crowd:
    """Many callers, and what is known of their calls. `slow` is the longest that a callback is on
    its way.

    With `others`, ports of further machines, each callback reaches any of them.
    """

    def __init__(
        self, port: int, slow: float, *, patient: bool = False, others: Sequence[int] = ()
    ) -> None:
        self.calls: dict[str, Known] = {}
        self._urls, self._slow, self._patient = (
            [f"http://127.0.0.1:{one}/sinch" for one in (port, *others)],
            slow,
            patient,
        )

    def count_open_calls(self) -> int:
        """The calls that have been answered and have not ended."""
        return sum(not known.acknowledged for known in self.calls.values())

    async def call(self, calls: int, lanes: int, enough: Callable[[], bool]) -> LoadReport:
        """At least so many calls, from so many callers at once, until it is enough. What fails goes
        to the fallback once, as always.
        """
        world = SwitchSetup(
            (SwitchApplication(KEY, SECRET, self._urls[0], self._urls[0]),), (Number(TO, KEY),)
        )
        pool, tally, numbers, begun = (
            ConcurrentTransport(),
            LoadCounter(),
            count(),
            time.perf_counter(),
        )
        way = Way(pool, self.calls, self._urls, self._slow, patient=self._patient)

        async def lane(seed: int) -> None:
            random = Random(seed)
            while next(numbers) < calls or not enough():
                await SimulatedCaller(world, way, tally, random, ()).place_call(TO)

        try:
            async with asyncio.TaskGroup() as group:
                for seed in range(lanes):
                    group.create_task(lane(seed))
            await pool.wait()
        finally:
            await pool.close()
        return tally.build_report(time.perf_counter() - begun)
