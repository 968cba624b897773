"""A ring from the caller's state to the members and back, through the engine and the tasks."""

import json

import pytest

from flowengine.releases import Registry
from flowengine.runtime.engine import Engine
from flowengine.runtime.leg_token import LegToken, format_leg_token, parse_leg_token
from flowengine.runtime.platform_requests import (
    CallOwner,
    RequestOutcome,
    RequestRefused,
    RequestUnclear,
)
from flowengine.storage.sessions import MemoryStore
from tests.runtime.ring_calls import (
    ANNA,
    APPLICATION,
    BO,
    CODEC,
    CY,
    REGION,
    RingLine,
    answer_no_lookup,
    compile_line,
    run,
)

RELEASE = compile_line()


def test_second_member_takes_the_call_and_the_caller_goes_on_afterwards() -> None:
    async def ring() -> None:
        line = RingLine(RELEASE)
        waiting = await line.dial_in()
        room = waiting["action"]["conferenceId"]
        assert waiting["action"]["name"] == "connectConf"
        await line.run_tasks()
        assert line.rung == [ANNA]
        dialled = await line.ask(0)
        assert (dialled["name"], dialled["number"], dialled["dialTimeout"]) == (
            "connectPstn",
            ANNA,
            20,
        )
        assert await line.call("leg-0", "dice", result="NOANSWER") == {}
        await line.run_tasks()
        assert line.rung == [ANNA, BO]
        await line.ask(1)
        whisper = await line.call("leg-1", "ace")
        assert whisper["action"]["menus"][0]["mainPrompt"] == "#tts[A call for sales. Press 1.]"
        joined = await line.press("leg-1", "1")
        assert joined["action"] == {"name": "connectConf", "conferenceId": room}
        assert await line.press("leg-1", "1") == joined
        assert line.platform.released == []
        await line.call("leg-1", "dice", result="ANSWERED")
        await line.run_tasks()
        (answer,) = map(json.loads, line.platform.released)
        assert answer["instructions"][0]["text"] == "How was it?"
        assert answer["action"] == {"name": "hangup"}
        assert line.platform.hung_up == []

    run(ring())


@pytest.mark.parametrize(
    ("type_", "value"), [("return", "2"), ("sequence", "21"), ("timeout", ""), ("hangup", "")]
)
def test_member_who_leaves_the_whisper_without_the_key_has_not_the_caller(
    type_: str, value: str
) -> None:
    async def ring() -> None:
        line = RingLine(RELEASE)
        await line.dial_in()
        await line.run_tasks()
        await line.ask(0)
        await line.call("leg-0", "ace")
        result = {"menuId": "main", "type": type_, "value": value}
        for _ in range(2):  # the delivery comes again
            answer = await line.call("leg-0", "pie", menuResult=result)
            assert answer == {"action": {"name": "hangup"}}
        assert await line.press("leg-0", "1") == {"action": {"name": "hangup"}}
        await line.call("leg-0", "dice", result="ANSWERED")
        await line.run_tasks()
        assert line.rung == [ANNA, BO]
        assert line.platform.released == []

    run(ring())


def test_key_of_the_whisper_is_that_of_the_state() -> None:
    async def ring() -> None:
        line = RingLine(compile_line(**{"Press 1., taken": "Press 5., key: 5, taken"}))
        room = (await line.dial_in())["action"]["conferenceId"]
        await line.run_tasks()
        await line.ask(0)
        (menu,) = (await line.call("leg-0", "ace"))["action"]["menus"]
        assert menu["options"] == [{"dtmf": "5", "action": "return(5)"}]
        assert (await line.press("leg-0", "5"))["action"]["conferenceId"] == room
        assert (await line.press("leg-0", "1"))["action"]["name"] == "connectConf"  # too late

    run(ring())


def test_caller_goes_on_when_nobody_answers_and_may_ring_again() -> None:
    async def ring() -> None:
        line = RingLine(RELEASE)
        await line.dial_in()
        await line.run_tasks()
        for number in range(3):
            await line.ask(number)
            await line.call(f"leg-{number}", "dice", result="NOANSWER")
            await line.run_tasks()
        answer = json.loads(line.platform.released[0])
        assert answer["instructions"][0]["text"] == "Nobody is there."
        again = await line.press("caller", "2", menu="line.voicemail")
        assert again["action"]["name"] == "connectConf"
        await line.run_tasks()
        assert line.rung == [ANNA, BO, CY, ANNA]
        assert (await line.ask(0, "late"))["name"] == "hangup"
        assert (await line.ask(3))["name"] == "connectPstn"

    run(ring())


@pytest.mark.parametrize("phase", ["placed", "rings", "asked", "joined"])
def test_end_of_the_caller_ends_the_leg(phase: str) -> None:
    async def ring() -> None:
        line = RingLine(RELEASE)
        await line.dial_in()
        await line.run_tasks()
        if phase != "placed":
            await line.ask(0)
        if phase in ("asked", "joined"):
            await line.call("leg-0", "ace")
        if phase == "joined":
            await line.press("leg-0", "1")
        await line.call("caller", "dice", result="ANSWERED", reason="CALLERHANGUP")
        await line.run_tasks()
        assert line.platform.hung_up == ([] if phase == "placed" else ["leg-0"])
        if phase == "placed":
            assert (await line.ask(0))["name"] == "hangup"
        elif phase == "rings":
            assert (await line.call("leg-0", "ace"))["action"] == {"name": "hangup"}
        elif phase == "asked":
            assert await line.press("leg-0", "1") == {"action": {"name": "hangup"}}
        await line.call("leg-0", "dice", result="ANSWERED")
        await line.run_tasks(100_000)
        assert line.platform.released == []
        assert line.rung == [ANNA]

    run(ring())


def test_caller_who_leaves_before_the_ring_begins_rings_nobody() -> None:
    async def ring() -> None:
        line = RingLine(RELEASE)
        await line.dial_in()
        await line.call("caller", "dice", result="ANSWERED", reason="CALLERHANGUP")
        await line.run_tasks(10)
        assert line.rung == []

    run(ring())


def test_second_leg_of_one_request_is_hung_up() -> None:
    async def ring() -> None:
        line = RingLine(RELEASE)
        line.platform.outcomes = [RequestUnclear("the answer was lost")]
        await line.dial_in()
        await line.run_tasks()
        assert (await line.ask(0, "first"))["name"] == "connectPstn"
        await line.run_tasks(1)
        assert line.rung == [ANNA]  # what has asked is not placed again
        assert (await line.ask(0, "second"))["name"] == "hangup"
        assert (await line.ask(0, "first"))["name"] == "connectPstn"
        assert (await line.call("second", "dice", result="FAILED")) == {}
        await line.run_tasks()
        assert line.rung == [ANNA]

    run(ring())


def test_callbacks_without_the_token_are_known_by_their_call() -> None:
    async def ring() -> None:
        line = RingLine(RELEASE)
        await line.dial_in()
        await line.run_tasks()
        await line.ask(0)
        line.restart()
        assert (await line.call("leg-0", "ace"))["action"]["name"] == "runMenu"
        assert (await line.press("leg-0", "1"))["action"]["name"] == "connectConf"
        record = line.replies["leg-0"].record
        assert (record.flow, record.state, record.trace[0].what) == (
            "ring",
            "leg",
            "the member takes the call",
        )
        assert record.event.conference_id.startswith("ring-")
        assert await line.call("leg-0", "notify", type="amd") == {}
        assert await line.call("leg-0", "dice", result="ANSWERED") == {}

    run(ring())


def test_token_that_the_server_did_not_make_is_ordinary_text() -> None:
    async def ring() -> None:
        line = RingLine(RELEASE)
        token = format_leg_token(CODEC, LegToken("caller", 1))
        assert parse_leg_token(CODEC, token) == LegToken("caller", 1)
        for custom in (
            token[:-1] + "A",
            token.replace("fe-leg", "fe-let"),
            "fe-leg:",
            "fe-leg:0.x",
        ):
            assert parse_leg_token(CODEC, custom) is None
            answer = await line.call(
                "call-2", "ice", custom=custom, to={"type": "did", "endpoint": "1"}
            )
            assert answer["instructions"][0]["text"] == "Welcome."

    run(ring())


def test_refused_leg_lets_the_next_ring_and_an_unclear_one_is_tried_again() -> None:
    async def ring() -> None:
        line = RingLine(RELEASE)
        unclear = RequestUnclear("no answer")
        line.platform.outcomes = [RequestRefused(402, "no credit"), *[unclear] * 5]
        await line.dial_in()
        await line.run_tasks()
        assert line.rung == [ANNA, BO]
        for _ in range(20):
            await line.run_tasks(1)
        assert line.rung == [ANNA, BO, BO, BO, BO, BO, CY]
        assert line.platform.owners == {CallOwner(APPLICATION, REGION)}

    run(ring())


def test_requests_go_to_the_region_of_the_caller() -> None:
    async def ring() -> None:
        line = RingLine(compile_line(**{"next: menu": "next: sales"}))
        await line.dial_in()
        await line.run_tasks()
        assert line.platform.owners == {CallOwner(APPLICATION, REGION)}

    run(ring())


def test_release_that_fails_is_tried_again_with_the_same_answer() -> None:
    async def ring() -> None:
        line = RingLine(
            compile_line(**{'"+14045009001", "+14045009002", "+14045009003"': f'"{ANNA}"'})
        )
        line.platform.outcomes = [RequestRefused(402, "no credit"), RequestUnclear("no answer")]
        await line.dial_in()
        await line.run_tasks()
        line.restart()
        await line.run_tasks(1)
        first, second = line.platform.released
        assert first == second
        assert json.loads(first)["action"]["name"] == "runMenu"
        await line.run_tasks(100_000)
        assert len(line.platform.released) == 2

    run(ring())


def test_release_is_not_sent_again_to_a_caller_who_has_gone_on() -> None:
    async def ring() -> None:
        line = RingLine(
            compile_line(**{'"+14045009001", "+14045009002", "+14045009003"': f'"{ANNA}"'})
        )
        line.platform.outcomes = [RequestRefused(402, "no credit"), RequestUnclear("no answer")]
        await line.dial_in()
        await line.run_tasks()
        await line.press("caller", "", menu="line.voicemail")
        await line.run_tasks(1)
        assert len(line.platform.released) == 1

    run(ring())


def test_ring_where_no_other_worker_would_find_it_apologises() -> None:
    async def ring() -> None:
        line = RingLine(RELEASE)
        line.engine = Engine(
            Registry(RELEASE), MemoryStore(is_alone=False), CODEC, answer_no_lookup
        )
        answer = await line.dial_in()
        assert answer["action"] == {"name": "hangup"}
        assert line.replies["caller"].record.outcome == "error"

    run(ring())


async def ring_one_member(*outcomes: RequestOutcome, is_ongoing: bool = True) -> RingLine:
    """A line whose only member cannot be called, so that the caller is to leave at once; the
    outcomes are those of the requests that follow.
    """
    members = '"+14045009001", "+14045009002", "+14045009003"'
    line = RingLine(compile_line(**{members: f'"{ANNA}"'}))
    line.platform.ongoing["caller"] = is_ongoing
    line.platform.outcomes = [RequestRefused(402, "no credit"), *outcomes]
    await line.dial_in()
    await line.run_tasks()
    return line


UNKNOWN = RequestRefused(404, "no such call (40400)")


def list_lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What was logged of the caller, with its level."""
    return [
        f"{record.levelname} {record.getMessage()}"
        for record in caplog.records
        if "a leg of" not in record.getMessage()
    ]


def test_caller_unknown_for_a_moment_is_released_by_the_next_try(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def ring() -> None:
        line = await ring_one_member(UNKNOWN)
        await line.run_tasks(1)
        assert len(line.platform.released) == 2
        assert line.platform.hung_up == []
        assert list_lines(caplog) == [
            "WARNING call caller has not left its room yet, and hears music: no such call (40400)"
        ]

    run(ring())


def test_caller_unknown_to_both_requests_counts_as_over(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def ring() -> None:
        line = await ring_one_member(UNKNOWN, is_ongoing=False)
        await line.run_tasks(1000)
        assert len(line.platform.released) == 1
        (line_of_log,) = list_lines(caplog)
        assert line_of_log.startswith("WARNING call caller counts as over, as the platform does")

    run(ring())


def test_caller_whose_hang_up_meets_an_unknown_call_is_hung_up_again() -> None:
    async def ring() -> None:
        line = RingLine(compile_line(**{"      after: survey\n": ""}))
        await line.dial_in()
        await line.run_tasks()
        await line.ask(0)
        await line.call("leg-0", "ace")
        await line.press("leg-0", "1")
        await line.call("leg-0", "dice", result="ANSWERED")
        line.platform.outcomes = [UNKNOWN]
        await line.run_tasks()
        await line.run_tasks(1)
        assert line.platform.hung_up == ["caller", "caller"]

    run(ring())


def test_release_is_tried_for_as_long_as_the_platform_fails(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def ring() -> None:
        failed = RequestUnclear("it failed (50000)")
        line = await ring_one_member(*[failed] * 60)
        assert list_lines(caplog) == [
            "WARNING call caller has not left its room yet, and hears music: it failed (50000)"
        ]
        for _ in range(120):
            await line.run_tasks(10)
        assert 60 < len(line.platform.released) < 75
        line.platform.outcomes = []
        tries = len(line.platform.released)
        await line.run_tasks(30)
        await line.run_tasks(1000)
        assert len(line.platform.released) <= tries + 1
        assert [text.partition(" ")[0] for text in list_lines(caplog)] == ["WARNING", "ERROR"]
        assert "tries again every 20 seconds" in list_lines(caplog)[1]

    run(ring())


@pytest.mark.parametrize("status", [0, 401, 403, 408, 409, 429])
def test_release_that_an_operator_may_mend_is_tried_again(status: int) -> None:
    async def ring() -> None:
        line = await ring_one_member(*[RequestRefused(status, "not now")] * 20)
        for _ in range(60):
            await line.run_tasks(20)
        assert len(line.platform.released) == 21
        assert line.platform.hung_up == []

    run(ring())


def test_caller_who_cannot_leave_the_room_is_hung_up(caplog: pytest.LogCaptureFixture) -> None:
    async def ring() -> None:
        refused = RequestRefused(400, "a call in a conference cannot be parked (40003)")
        line = await ring_one_member(refused, RequestUnclear("no answer"), refused)
        await line.run_tasks(1)
        await line.run_tasks(1000)
        assert line.platform.hung_up == ["caller", "caller"]
        assert len(line.platform.released) == 2
        warning, error = list_lines(caplog)
        assert warning.startswith("WARNING call caller has not left its room yet")
        assert error == (
            "ERROR call caller cannot leave its room and was hung up: a call in a conference "
            "cannot be parked (40003); see docs/operations/serve.md, flows that ring several phones"
        )

    run(ring())


def test_caller_who_can_neither_leave_nor_be_hung_up_is_reported_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def ring() -> None:
        line = await ring_one_member(*[RequestRefused(400, "refused (40003)")] * 2)
        await line.run_tasks(1000)
        assert (len(line.platform.released), len(line.platform.hung_up)) == (1, 1)
        (error,) = list_lines(caplog)
        assert error.startswith("ERROR call caller hears music until it is hung up: refused")

    run(ring())


def test_end_of_the_caller_ends_the_tries_to_release_them(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def ring() -> None:
        line = await ring_one_member(*[RequestUnclear("it failed")] * 60)
        await line.call("caller", "dice", result="ANSWERED", reason="CALLERHANGUP")
        caplog.clear()
        for _ in range(60):
            await line.run_tasks(20)
        assert len(line.platform.released) == 1
        assert list_lines(caplog) == []

    run(ring())


def test_leg_that_was_not_placed_is_named_by_its_masked_member(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def ring() -> None:
        await ring_one_member()
        (line,) = (text for text in caplog.messages if "was not placed" in text)
        assert line == "a leg of call caller to +*********01 was not placed: no credit"


@pytest.mark.parametrize("api", [REGION, "http://127.0.0.1:18072", "http://switch.internal"])
def test_requests_of_a_ring_go_where_the_call_of_its_caller_is(api: str) -> None:
    """The call came to a menu first, so the address has travelled with it. A server that points at
    the platform knows by it a call of a switch, for which no real phone may ring.
    """

    async def ring() -> None:
        line = RingLine(RELEASE)
        await line.dial_in(api)
        await line.run_tasks()
        assert line.platform.owners == {CallOwner(APPLICATION, api)}

    run(ring())
