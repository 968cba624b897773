"""Campaigns: nobody twice, nobody outside the hours, never faster than asked, whatever is killed."""

import time
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from itertools import pairwise
from pathlib import Path

import click
import httpx
import pytest
from click.testing import CliRunner

from flowengine.cli import main
from flowengine.cli.campaign_rows import read_campaign, read_forbidden
from flowengine.cli.campaign_run import CampaignPace, CampaignRun
from flowengine.cli.campaign_state import CampaignHead, CampaignState, CampaignStateError, RowState
from flowengine.cli.do_not_call import DoNotCallError, DoNotCallList
from flowengine.cli.place import format_placement
from flowengine.cli.placement_client import (
    PlacementClient,
    PlacementClientError,
    ServerUnreachableError,
)
from flowengine.server.placements import PlacementView
from tests.cli.campaign_world import FLOWS, START, CampaignWorld, KilledError
from tests.compiled_release import compile_release
from tests.thoroughness import THOROUGH

NOBODY = frozenset[str]()
PEOPLE = 10_000 if THOROUGH else 60


@pytest.fixture
def open_world(tmp_path: Path) -> Iterator[Callable[[int], CampaignWorld]]:
    worlds: list[CampaignWorld] = []

    def open_one(people: int) -> CampaignWorld:
        worlds.append(CampaignWorld(tmp_path, people))
        return worlds[-1]

    yield open_one
    for world in worlds:
        world.loop.close()


def test_campaign_that_is_killed_three_times_calls_everybody_once(
    open_world: Callable[[int], CampaignWorld],
) -> None:
    rate = 2.0
    world = open_world(PEOPLE)
    world.kill_at = {PEOPLE // 4, PEOPLE // 2, PEOPLE}
    killed = 0
    while True:
        try:
            state = world.run(rate)
            break
        except KilledError:
            killed += 1
            world.line.restart()
    assert killed == 3
    outcomes = Counter(state.get(row.to).state for row in world.rows)
    assert outcomes["answered"] == PEOPLE
    # who was busy or did not answer was called once more, and nobody else
    expected = sum(2 if int(row.to[-2:]) % 4 > 1 else 1 for row in world.rows)
    assert len(world.dialled) == expected
    assert world.tries == {row.to: state.get(row.to).tries for row in world.rows}
    assert world.list_hours() <= {9, 10, 11}
    gaps = [later - earlier for (earlier, _), (later, _) in pairwise(sorted(world.dialled))]
    starts = sorted(at for at, _ in world.dialled)
    in_a_minute = max(bisect_left(starts, at + 60) - place for place, at in enumerate(starts))
    assert in_a_minute <= rate * 60 + 1
    assert min(gaps) >= 0
    assert world.most_at_once <= 15


def test_campaign_outside_the_hours_waits_for_them(
    open_world: Callable[[int], CampaignWorld],
) -> None:
    world = open_world(3)
    state = world.run(1.0)
    begun = [round(at - world.dialled[0][0]) for at, _ in world.dialled[:3]]
    assert begun == [0, 1, 2]
    assert state.get(world.rows[0].to).state == "answered"


def test_person_who_comes_onto_the_list_during_a_campaign_is_not_called_again(
    open_world: Callable[[int], CampaignWorld], tmp_path: Path
) -> None:
    stop = tmp_path / "stop.txt"
    stop.write_text("# nobody yet\n")
    world = open_world(8)
    world.line.now += 1800  # the hours begin
    busy = next(row.to for row in world.rows if int(row.to[-2:]) % 4 == 2)
    last = world.rows[-1].to
    do_not_call = DoNotCallList(stop)

    def is_forbidden(address: str) -> bool:
        if world.tries[busy]:
            stop.write_text(f"{busy}\n{last}\n")
        return do_not_call.is_forbidden(address)

    state = world.run(0.5, is_forbidden=is_forbidden)
    assert (world.tries[busy], world.tries[last]) == (1, 0)
    assert (state.get(busy).state, state.get(last).state) == ("again", "")
    assert all(state.get(row.to).is_over for row in world.rows if row.to not in (busy, last))


@pytest.mark.parametrize("change", ["number\n12\n", "remove"])
def test_list_that_becomes_unreadable_during_a_campaign_stops_it(
    open_world: Callable[[int], CampaignWorld], tmp_path: Path, change: str
) -> None:
    stop = tmp_path / "stop.txt"
    stop.write_text("+12125559999\n")
    do_not_call = DoNotCallList(stop)
    world = open_world(3)

    def is_forbidden(address: str) -> bool:
        if world.dialled and change == "remove":
            stop.unlink(missing_ok=True)
        elif world.dialled:
            stop.write_text(change)
        return do_not_call.is_forbidden(address)

    with pytest.raises(DoNotCallError, match=r"stop.txt"):
        world.run(0.5, is_forbidden=is_forbidden)
    assert len(world.dialled) == 1


def test_campaign_goes_on_at_its_rate_when_the_clock_is_set_back(
    open_world: Callable[[int], CampaignWorld],
) -> None:
    world = open_world(3)
    is_set = []

    def set_clock(_address: str) -> bool:
        if len(world.dialled) == 1 and not is_set:
            is_set.append(True)
            world.line.now -= 1800
        return False

    world.line.now += 5400  # within the hours, also after that
    world.run(0.5, tries=1, is_forbidden=set_clock)
    first, *later = [at for at, _ in world.dialled]
    assert [round(at - later[0]) for at in later] == [0, 2]
    assert -1800 <= later[0] - first <= -1790


def test_campaign_on_a_machine_whose_clock_is_ahead_asks_for_the_hours_once_a_second(
    open_world: Callable[[int], CampaignWorld],
) -> None:
    world = open_world(1)
    begun = world.line.now = START + 1790  # ten seconds before the hours
    world.kill_at = {200}  # a command that asks without a pause ends here
    world.run(1.0, tries=1, ahead=3600.0)
    assert [round(at - begun) for at, _ in world.dialled] == [10]


def test_rows_with_mistakes_are_told_with_line_and_column() -> None:
    text = 'name,number\nAnn,+12125550143\n"Bo\nBo",12\n\nCy\nDi,+1 212 555 0143\nEd,+12125550144\n'
    found = read_campaign(text, frozenset({"+12125550144"}))
    assert [row.line for row in found.rows] == [2]
    assert found.rows[0].data == {"name": "Ann"}
    told = [fault.format(Path("people.csv")) for fault in found.faults]
    assert told[0].startswith("people.csv:4:2: number: this is no phone number")
    assert told[1] == "people.csv:6:2: the row has 1 cells, and the first one names 2 columns"
    assert [(one.line, one.message) for one in found.left_out] == [
        (7, "stands in line 2, too"),
        (8, "is not to be called"),
    ]


def test_person_who_stands_there_in_another_spelling_is_called_once_or_not_at_all(
    tmp_path: Path,
) -> None:
    stop = tmp_path / "stop.txt"
    stop.write_text("+460705550142\nsip:bo@PBX.example.com\n")
    text = (
        "to,name\n+46705550142,Ann\nbo@pbx.EXAMPLE.com,Bo\n+46705550143,Cy\n+46 0705550143,Cy\n"
        "sip:Di@pbx.example.com,Di\nSIP:Di@PBX.example.com,Di\n+39061234567,Ed\n"
    )
    found = read_campaign(text, read_forbidden(stop).addresses)
    assert not found.faults
    assert [row.line for row in found.rows] == [4, 6, 8]
    assert [(one.line, one.message) for one in found.left_out] == [
        (2, "is not to be called"),
        (3, "is not to be called"),
        (5, "stands in line 4, too"),
        (7, "stands in line 6, too"),
    ]


def test_file_without_a_column_of_numbers_is_refused() -> None:
    (fault,) = read_campaign("name,age\nAnn,3\n", frozenset()).faults
    assert fault.message == "no column has the numbers: name one to or number or phone"


def test_table_of_the_project_or_a_list_says_who_is_not_called(tmp_path: Path) -> None:
    table, lines = tmp_path / "stop.yaml", tmp_path / "stop.txt"
    table.write_text('rows: {"+12125550143": {why: asked}}\ndefault: {why: ""}\n')
    lines.write_text("+1 212 555 0143\n\n")
    assert read_forbidden(table) == read_forbidden(lines)
    assert read_forbidden(lines).addresses == {"+12125550143"}


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("0705550142\n", "stop.txt:1:1: this is no phone number"),
        ('# a, "b\n\n0046705550142\n', "stop.txt:3:1: this is no phone number"),
        ("number\ntel:+46705550142\n", "stop.txt:2:1: this is no phone number"),
        ("+46705550142;Bo\n", "stop.txt:1:1: this is no phone number"),
        ("Bo,+46705550142\n", "stop.txt:1:1: this is no phone number"),
        ("name,Number\nBo\n", "stop.txt:2:2: this is no phone number"),
        ('+46705550142\n"+46705550143\n', "stop.txt:2: this is no CSV"),
    ],
)
def test_list_of_who_is_not_called_with_an_unreadable_line_calls_nobody(
    tmp_path: Path, text: str, place: str
) -> None:
    people, stop = tmp_path / "people.csv", tmp_path / "stop.txt"
    people.write_text("to\n+46705550142\n")
    stop.write_text(text)
    arguments = ["campaign", str(people), "--flow", "remind", "--do-not-call", str(stop)]
    done = CliRunner().invoke(main, arguments)
    assert done.exit_code == 1
    assert place in done.output
    assert "nobody is called" in done.output


def test_list_of_who_is_not_called_says_whom_its_header_names(tmp_path: Path) -> None:
    people, stop = tmp_path / "people.csv", tmp_path / "stop.csv"
    people.write_text("To\n+46705550142\n+46705550143\n")
    stop.write_text("# asked\nname,Number\n\nBo,+46 70 555 01 42\nCy,+46705550144\n")
    arguments = ["campaign", str(people), "--flow", "remind", "--status", "--do-not-call"]
    done = CliRunner().invoke(main, [*arguments, str(stop)])
    assert "2 numbers on the list, 1 of them in this campaign" in done.output


def test_file_that_is_not_utf_8_or_has_no_commas_is_told_with_a_cure(tmp_path: Path) -> None:
    people = tmp_path / "people.csv"
    arguments = ["campaign", str(people), "--flow", "remind", "--status"]
    people.write_bytes("to,name\n+46705550142,Åke\n".encode("latin-1"))
    assert "save it as UTF-8" in CliRunner().invoke(main, arguments).output
    people.write_text("to;name\n+46705550142;Bo\n")
    assert "save the file with commas" in CliRunner().invoke(main, arguments).output
    (row,) = read_campaign("to,name\n+46705550142,A\u2028B\n", frozenset()).rows
    assert row.data == {"name": "A\u2028B"}


def test_state_of_a_campaign_survives_a_line_that_was_written_in_part(tmp_path: Path) -> None:
    path = tmp_path / "people.csv.campaign"
    state = CampaignState(path, CampaignHead("c1", "remind"))
    state.note(RowState("+1", "sent", 1))
    state.note(RowState("+1", "answered", 1))
    state.close()
    path.write_bytes(path.read_bytes() + b'{"to":"+2","sta')
    again = CampaignState(path, CampaignHead("other", "remind"))
    assert again.head.campaign == "c1"
    assert again.get("+1") == RowState("+1", "answered", 1)
    assert not again.get("+2").state
    again.close()
    with pytest.raises(CampaignStateError, match="is of a campaign into remind"):
        CampaignState(path, CampaignHead("c1", "sell"))


@pytest.mark.parametrize(
    ("began", "goes_on", "message"),
    [("one", "two", "--application one"), ("", "two", "without --application"), (None, "two", "")],
)
def test_campaign_of_one_application_goes_on_with_no_other(
    tmp_path: Path, began: str | None, goes_on: str, message: str
) -> None:
    path = tmp_path / "people.csv.campaign"
    CampaignState(path, CampaignHead("c1", "remind", began)).close()
    with pytest.raises(CampaignStateError, match=message) if message else nullcontext():
        CampaignState(path, CampaignHead("c1", "remind", goes_on)).close()


def test_command_tells_how_far_a_campaign_has_come(tmp_path: Path) -> None:
    file = tmp_path / "people.csv"
    file.write_text("to,name\n+12125550143,Ann\n+12125550144,Bo\n")
    state = CampaignState(Path(f"{file}.campaign"), CampaignHead("c1", "remind"))
    state.note(RowState("+12125550143", "answered", 1))
    state.close()
    done = CliRunner().invoke(main, ["campaign", str(file), "--flow", "remind", "--status"])
    assert done.output.split() == ["1", "not", "called", "yet", "1", "answered"]


def test_list_that_is_another_under_the_same_name_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLOWENGINE_ADMIN_TOKEN", "t")
    looked_at = [PlacementView(), PlacementView()]
    monkeypatch.setattr(
        PlacementClient, "place", lambda _client, _options, calls, **_how: looked_at[: len(calls)]
    )
    file = tmp_path / "people.csv"
    file.write_text("to,day\n+12125550143,Monday\n+12125550144,Monday\n")
    digests = {row.to: row.compute_digest() for row in read_campaign(file.read_text(), NOBODY).rows}
    state = CampaignState(Path(f"{file}.campaign"), CampaignHead("c1", "remind"), digests)
    state.note(RowState("+12125550143", "answered", 1))
    state.close()
    arguments = ["campaign", str(file), "--flow", "remind"]
    file.write_text("to,day\n+12125550143,Monday\n")
    assert CliRunner().invoke(main, arguments).exit_code == 0
    file.write_text("to,day\n+12125550143,Tuesday\n")
    done = CliRunner().invoke(main, arguments)
    assert done.exit_code == 2
    assert "1 people were called before with other data" in done.output
    assert "away to begin another campaign" in " ".join(done.output.split())


def test_second_command_on_a_campaign_that_runs_is_refused_but_its_status_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLOWENGINE_ADMIN_TOKEN", "t")
    monkeypatch.setattr(PlacementClient, "place", lambda *_args, **_how: [PlacementView()])
    file = tmp_path / "people.csv"
    file.write_text("to\n+12125550143\n")
    state = CampaignState(Path(f"{file}.campaign"), CampaignHead("c1", "remind"))
    state.note(RowState("+12125550143", "sent", 1))
    command = ["campaign", str(file), "--flow", "remind"]
    refused = CliRunner().invoke(main, command)
    assert refused.exit_code == 2
    assert "another command runs this campaign" in refused.output
    assert CliRunner().invoke(main, [*command, "--status"]).output.split() == ["1", "under", "way"]
    state.close()


def test_server_that_is_away_is_told_once_and_waited_for(tmp_path: Path) -> None:
    (row,) = read_campaign("to\n+12125550143\n", NOBODY).rows
    answers = iter([True, True, False])

    class Server:
        def place(self, *_args: object, **_how: bool) -> list[PlacementView]:
            if next(answers):
                raise ServerUnreachableError("no answer")
            return [PlacementView(id="p1")]

        def load(self, _ids: object) -> list[PlacementView]:
            return [PlacementView(id="p1", phase="over", outcome="answered")]

    now, told = [0.0], list[str]()
    state = CampaignState(tmp_path / "people.csv.campaign", CampaignHead("c1", "remind"))
    run = CampaignRun(
        [row], state, Server(), {}, CampaignPace(1.0, 1, 1, 0), lambda: now[0],
        lambda seconds: now.__setitem__(0, now[0] + seconds),
    )  # fmt: skip
    run.on_server_away = lambda error: told.append(str(error))
    run.run()
    assert told == ["no answer"]
    assert state.get(row.to).state == "answered"
    state.close()


@pytest.mark.parametrize(
    ("id_", "server", "message"),
    [
        ("place-b", "http://a", "does not know 1 calls that were sent before"),
        ("place-b", "http://b", "does not know 1 calls that were sent before"),
        ("", "http://b", "does not know 1 calls that were sent before"),
        ("", "http://a", "places it now"),  # it may not have reached the server
        ("place-c", "http://a", "gives 1 calls that were sent before another id"),
    ],
)
def test_campaign_on_a_server_that_does_not_know_its_calls_is_refused(
    tmp_path: Path, id_: str, server: str, message: str
) -> None:
    (row,) = read_campaign("to\n+12125550143\n", NOBODY).rows

    class OtherServer:
        def place(self, *_args: object, **how: bool) -> list[PlacementView]:
            if "check" not in how:
                raise PlacementClientError("places it now")
            return [PlacementView("place-b")]

        def load(self, ids: Sequence[str]) -> list[PlacementView]:
            return [PlacementView(one, error="nobody knows this placement") for one in ids]

    path, began = tmp_path / "people.csv.campaign", CampaignHead("c1", "remind", "", "http://a")
    CampaignState(path, began).close()
    state = CampaignState(path, CampaignHead("c1", "remind", "", server))
    state.note(RowState(row.to, "sent", 1, id=id_))
    pace = CampaignPace(1.0, 1, 1, 0)
    run = CampaignRun([row], state, OtherServer(), {}, pace, lambda: 0.0, lambda _seconds: None)
    with pytest.raises(PlacementClientError, match=message):
        run.run()
    state.close()


@pytest.mark.parametrize(
    "content", [b"<html>welcome</html>", b'{"placements":[{"opens":null}]}', b"{}"]
)
def test_answer_that_is_none_of_a_server_ends_the_request(
    content: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLOWENGINE_ADMIN_TOKEN", "t")
    transport = httpx.MockTransport(lambda _request: httpx.Response(200, content=content))
    client = PlacementClient("http://127.0.0.1", transport)
    with pytest.raises(PlacementClientError, match=r"no answer of a flowengine server \(200\)"):
        client.place({"flow": "remind"}, [{"to": "+12125550143"}])
    if content != b"{}":  # no call is open
        with pytest.raises(PlacementClientError, match=r"no answer of a flowengine server"):
            client.load_open()


def test_client_goes_by_the_clock_of_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLOWENGINE_ADMIN_TOKEN", "t")
    due = time.time() + 300.0
    placed = {"id": "place-a", "phase": "waits", "due": due}
    replies = iter([{"placements": [placed], "now": due + 0.1}, {"message": "away"}])
    transport = httpx.MockTransport(lambda _request: httpx.Response(200, json=next(replies)))
    client = PlacementClient("http://127.0.0.1", transport)
    assert client.read_clock() < due
    (known,) = client.load(["place-a"])
    assert client.read_clock() >= due
    assert "about to begin" in format_placement(known, client.read_clock())
    with pytest.raises(PlacementClientError):  # of a server of before, or a proxy
        client.load(["place-a"])
    assert client.read_clock() >= due


def test_campaign_whose_calendar_never_opens_gives_up(
    open_world: Callable[[int], CampaignWorld],
) -> None:
    world = open_world(2)
    never = FLOWS["project.yaml"].replace("{mon-fri: 09:00-12:00}", "{}")
    world.line.release = compile_release({**FLOWS, "project.yaml": never})
    state = world.run(1.0)
    assert [state.get(row.to).state for row in world.rows] == ["gave_up", "gave_up"]
    assert world.dialled == []


def test_token_that_no_header_can_have_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLOWENGINE_ADMIN_TOKEN", "påsk")
    with pytest.raises(click.UsageError, match="characters that no token has"):
        PlacementClient("http://127.0.0.1")


def test_results_that_cannot_be_written_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLOWENGINE_ADMIN_TOKEN", "t")
    file = tmp_path / "people.csv"
    file.write_text("to\n+12125550143\n")
    file.with_suffix(".results.csv").mkdir()
    state = CampaignState(Path(f"{file}.campaign"), CampaignHead("c1", "remind"))
    state.note(RowState("+12125550143", "answered", 1))
    state.close()
    monkeypatch.setattr(PlacementClient, "place", lambda *_args, **_how: [PlacementView()])
    done = CliRunner().invoke(main, ["campaign", str(file), "--flow", "remind"])
    assert done.exit_code == 1
    assert "1 of 1 people were called in an earlier run" in done.output
    assert "the results cannot be written" in done.output
