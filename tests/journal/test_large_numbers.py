"""Numbers of callbacks and of other systems that no database holds cost no row."""

from contextlib import closing
from pathlib import Path

import pytest

from flowengine.journal import CallFilter, open_journal_reader
from flowengine.journal.journal_location import JournalLocation
from flowengine.states import LookupRequest, LookupResult
from tests.compiled_release import compile_release
from tests.journal.journal_line import SEALER, answered, ended, files, keyed, press, record, ring

LARGE = 10**30
CALL = [
    {**ring(), "version": LARGE, "custom": LARGE, "callHeaders": [{"key": "x", "value": LARGE}]},
    {**press("1"), "version": -LARGE},
    {**keyed("12345678"), "user": LARGE},
    {**answered(), "version": 2**64, "amd": {"status": "human", "duration": LARGE}},
    {**ended(), "duration": -LARGE, "debit": {"currencyId": "USD", "amount": LARGE}},
]


async def answer_large(_request: LookupRequest, _left: float) -> LookupResult:
    return LookupResult(200, {"name": "Ann", "large": LARGE, "more": [{"small": -LARGE}]})


@pytest.fixture(params=["file", "server"])
def location(request: pytest.FixtureRequest, tmp_path: Path) -> JournalLocation:
    if request.param == "file":
        return tmp_path / "journal.db"
    address: str = request.getfixturevalue("postgresql")
    return address


@pytest.mark.parametrize("journal", ["", "{numbers: clear, words: clear}"])
def test_callback_with_large_numbers_has_its_row(location: JournalLocation, journal: str) -> None:
    record(location, compile_release(files(journal=journal)), CALL, answer_large)
    with closing(open_journal_reader(location)) as reader:
        (call,) = reader.list_calls(CallFilter())
        assert (call.callbacks, call.seconds) == (len(CALL), 0)
        whole = reader.load_recorded_call("call-1", SEALER)
        shown = reader.list_callbacks("call-1")
    assert [one.event for one in shown] == ["ice", "pie", "pie", "ace", "dice"]
    parts = [one.encrypted_part for one in whole]
    assert all(part is not None for part in parts)
    assert parts[2] is not None
    assert b"1000000000000000000000000000000" in parts[2].lookups[0].answer
