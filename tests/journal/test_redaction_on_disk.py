"""All files that a real server has written, also after kill -9: what callers keyed for a secret is
in none of them, and their numbers only where the project shows them.
"""

import base64
import re
import signal
import sqlite3
from contextlib import closing
from pathlib import Path
from random import Random
from uuid import UUID

import pytest

from tests.support_line import Line, Server
from tests.waiting import wait_until

CALLS = 12
RUN = re.compile(rb"\d{8,}")
RELEASE = re.compile(rb"(?<![0-9a-f])[0-9a-f]{12}(?![0-9a-f])")


def checked(digits: str) -> str:
    """The digits with a last one that makes them an account."""
    return next(
        f"{digits}{last}"
        for last in range(10)
        if sum(map(luhn, enumerate(reversed(f"{digits}{last}")))) % 10 == 0
    )


def luhn(digit: tuple[int, str]) -> int:
    at, value = digit[0], int(digit[1]) * (1 + digit[0] % 2)
    return value - 9 if at % 2 and value > 9 else value


class Caller:
    """Somebody whose number, account and slips are like nobody else's."""

    def __init__(self, random: Random) -> None:
        self.call = str(UUID(int=random.getrandbits(128), version=4))
        self.number = f"1201{random.randrange(10**7):07}"
        self.account = checked(f"{random.randrange(10**7):07}")
        self.slip = f"{int(self.account) + 1:08}"

    def calls(self, port: int, *, to_the_end: bool) -> None:
        line = Line(port, self.call)
        to = {"type": "did", "endpoint": "+12017777777"}
        line.post("ice", cli=self.number, to=to, domain="pstn", originationType="PSTN", rdnis="")
        line.press("1")
        line.press(self.slip, "sequence")
        line.press(self.account, "sequence")
        if to_the_end:
            line.answered()
            line.post(
                "dice",
                result="ANSWERED",
                reason="CALLERHANGUP",
                duration=12,
                **{"from": self.number},
            )


def written(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in sorted(folder.iterdir()) if file.is_file()}


def spellings(digits: str) -> set[bytes]:
    """As they may stand in a text, in JSON, and in Base64."""
    plain = {
        digits.encode(),
        " ".join(digits).encode(),
        ", ".join(digits).encode(),
        digits.encode().hex().encode(),
    }
    inside = [
        base64.b64encode(bytes(shift) + digits.encode()) for shift in range(3)
    ]  # the bytes before and after it are not known
    return plain | {
        text[4 if shift else 0 :][: (len(digits) - (3 - shift) % 3) // 3 * 4]
        for shift, text in enumerate(inside)
    }


def found(files: dict[str, bytes], digits: str) -> list[str]:
    return [
        name
        for name, content in files.items()
        if any(spelling in content for spelling in spellings(digits))
    ]


@pytest.mark.parametrize(
    "journal", ["{numbers: masked, words: masked}", "{numbers: clear, words: clear}"]
)
def test_files_of_a_server_hold_no_secrets_and_only_the_numbers_it_shows(
    support_line_folder: Path, journal: str
) -> None:
    with (support_line_folder / "flows" / "project.yaml").open("a") as project:
        project.write(f"journal: {journal}\n")
    random, server = Random(journal), Server(support_line_folder, workers=2)
    server.start()
    callers = [Caller(random) for _ in range(CALLS)]
    for at, caller in enumerate(callers):
        caller.calls(server.port, to_the_end=bool(at % 2))
    # what came in the last milliseconds goes with the process
    wait_until(lambda: count_calls(support_line_folder) == CALLS)
    server.kill()
    look(written(support_line_folder), callers, clear="clear" in journal)
    server.start()
    server.kill(signal.SIGTERM)
    assert count_calls(support_line_folder) == CALLS
    look(written(support_line_folder), callers, clear="clear" in journal)


def count_calls(folder: Path) -> int:
    with closing(sqlite3.connect(folder / "journal.db")) as file:
        count: int = file.execute("SELECT count(DISTINCT call) FROM callbacks").fetchone()[0]
    return count


def look(files: dict[str, bytes], callers: list[Caller], *, clear: bool) -> None:
    assert {"calls.db", "journal.db", "releases.db", "server.log"} <= set(files)
    for caller in callers:
        assert found(files, caller.account) == []
        assert found(files, caller.slip) == [], "an input for a secret that will not do"
        assert {name.partition(".")[0] for name in found(files, caller.number)} <= (
            {"journal"} if clear else set()
        )
    if not clear:
        assert [name for name, content in files.items() if b"Ann; Lee" in content] == [], (
            "what a lookup told"
        )
        explained(files, callers)


def explained(files: dict[str, bytes], callers: list[Caller]) -> None:
    """No long number stands in the journal but parts of calls' ids, which are random: in one of a
    hundred the last twelve letters are eleven digits and more. So may be parts of releases' ids.
    """
    ids = [caller.call.encode() for caller in callers]
    ids += RELEASE.findall(files["releases.db"])
    for name in (name for name in files if name.startswith("journal")):
        for run in RUN.findall(files[name]):
            assert any(run in known for known in ids), run
