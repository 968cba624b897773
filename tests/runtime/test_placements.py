"""A placement from the state that asks for it to its outcome, through the engine and the tasks."""

from typing import Any

import pytest

from flowengine.runtime.calling_hours import MISSING_CALENDAR_SECONDS
from flowengine.runtime.platform_requests import RequestRefused, RequestUnclear
from tests.compiled_release import compile_release
from tests.runtime.place_calls import CALLER, FLOWS, OWN_NUMBER, PlaceLine, compile_flows
from tests.runtime.ring_calls import run

RELEASE = compile_flows()


def test_caller_is_called_back_into_the_flow_with_data() -> None:
    async def place() -> None:
        line = PlaceLine(RELEASE)
        answer = await line.dial_in_from()
        assert answer["instructions"][0]["text"] == "We will call you back."
        trace = [entry.what for entry in line.replies["caller"].record.trace]
        assert trace[1].startswith("places a call into back: place-")
        await line.run_tasks()
        assert line.rung == [CALLER]
        dialled = (await line.ask(0))["name"], line.replies["leg-0"].record.leg
        assert dialled[0] == "connectPstn"
        assert dialled[1].orchestration == trace[1].rpartition(" ")[2]
        greeting = await line.callback(0, "ace")
        assert greeting["action"]["menus"][0]["mainPrompt"] == ("#tts[Hello Ms Lee, +46701234567.]")
        thanks = await line.press("leg-0", "1", menu="back.greet")
        assert thanks["instructions"][0]["text"] == "Thank you, Ms Lee."
        assert line.outcomes == []
        await line.callback(0, "dice", result="ANSWERED")
        assert line.outcomes == [("answered", 1)]
        assert line.replies["leg-0"].record.call.flow == "back"
        await line.run_tasks(100_000)
        assert line.rung == [CALLER]

    run(place())


def test_platform_is_asked_to_ring_with_the_number_dialled_and_to_find_machines() -> None:
    async def place() -> None:
        line = PlaceLine(RELEASE)
        await line.dial_in_from()
        await line.run_tasks()
        action = await line.ask(0)
        assert (action["number"], action["cli"], action["dialTimeout"]) == (CALLER, OWN_NUMBER, 30)
        assert action["amd"] == {"enabled": True}
        answer = await line.callback(0, "ace", amd={"status": "machine", "reason": "beep"})
        assert answer["instructions"][0]["text"] == "Please call us."
        await line.callback(0, "dice", result="ANSWERED")
        assert line.outcomes == [("machine", 1)]

    run(place())


@pytest.mark.parametrize(
    ("results", "outcome", "tries"),
    [
        (("BUSY", "NOANSWER", "FAILED"), "failed", 3),
        (("BUSY", "ANSWERED"), "answered", 2),
        (("NOANSWER",) * 3, "no_answer", 3),
        (("BLOCKED",), "invalid", 1),
    ],
)
def test_try_without_an_answer_is_repeated_after_the_pause(
    results: tuple[str, ...], outcome: str, tries: int
) -> None:
    async def place() -> None:
        line = PlaceLine(RELEASE)
        await line.dial_in_from()
        for number, result in enumerate(results):
            await line.run_tasks()
            assert len(line.rung) == number + 1
            await line.ask(number)
            if result == "ANSWERED":
                await line.callback(number, "ace")
            is_blocked = result == "BLOCKED"
            fields = {"result": "FAILED" if is_blocked else result}
            reason = "BLOCKED" if is_blocked else "N/A"
            await line.callback(number, "dice", **fields, reason=reason)
            await line.run_tasks(599)
            assert len(line.rung) == number + 1
            line.now += 1
        await line.run_tasks(100_000)
        assert line.outcomes == [(outcome, tries)]

    run(place())


def test_request_that_is_repeated_after_a_lost_answer_rings_once() -> None:
    async def place() -> None:
        line = PlaceLine(RELEASE)
        line.platform.outcomes = [RequestUnclear("the answer was lost")] * 2
        await line.dial_in_from()
        await line.run_tasks()
        await line.run_tasks(1)
        assert len(line.rung) == 2
        assert (await line.ask(0, "first"))["name"] == "connectPstn"
        assert (await line.ask(1, "second"))["name"] == "hangup"
        assert (await line.ask(0, "first"))["name"] == "connectPstn"
        await line.run_tasks(5)
        assert len(line.rung) == 2  # what has asked is not placed again
        custom = line.platform.placed[0][1]
        await line.call("second", "dice", custom=custom, result="FAILED")
        assert line.outcomes == []
        assert "menus" in (await line.call("first", "ace", custom=custom))["action"]

    run(place())


@pytest.mark.parametrize("moment", ["noted", "placed", "rings", "talks", "between tries"])
def test_killed_server_goes_on_where_it_was(moment: str) -> None:
    async def place() -> None:
        line = PlaceLine(RELEASE)
        await line.dial_in_from()
        if moment == "noted":
            line.restart()
        await line.run_tasks()
        if moment == "placed":
            line.restart()
        await line.ask(0)
        if moment == "rings":
            line.restart()
        if moment == "between tries":
            await line.callback(0, "dice", result="BUSY")
            line.restart()
            await line.run_tasks(600)
            await line.ask(1)
            await line.callback(1, "ace")
        else:
            await line.call("leg-0", "ace")  # without the token: the saved call has it
        if moment == "talks":
            line.restart()
        number = 1 if moment == "between tries" else 0
        assert (await line.press(f"leg-{number}", "1", menu="back.greet"))["action"]
        await line.callback(number, "dice", result="ANSWERED")
        assert line.outcomes == [("answered", number + 1)]

    run(place())


def test_callback_that_comes_twice_gets_the_same_answer() -> None:
    async def place() -> None:
        line = PlaceLine(RELEASE)
        first = await line.dial_in_from()
        assert await line.dial_in_from() == first
        await line.run_tasks()
        assert len(line.rung) == 1
        await line.ask(0)
        greeting = await line.callback(0, "ace")
        assert await line.callback(0, "ace") == greeting
        await line.callback(0, "dice", result="ANSWERED")
        await line.callback(0, "dice", result="ANSWERED")
        assert line.outcomes == [("answered", 1)]

    run(place())


def test_same_key_places_nothing_twice() -> None:
    async def place() -> None:
        line = PlaceLine(RELEASE)
        for call_id in ("one", "two"):
            await line.dial_in_from("+46700000009", call_id)
            await line.call(call_id, "dice", result="ANSWERED")
        await line.run_tasks()
        assert len(line.rung) == 3  # each caller by the state, and one by the key

    run(place())


def test_caller_without_a_number_takes_the_error_exit() -> None:
    async def place() -> None:
        line = PlaceLine(RELEASE)
        answer = await line.dial_in_from("private")
        assert answer["instructions"][0]["text"] == "We do not know your number."
        await line.run_tasks()
        assert line.rung == []

    run(place())


@pytest.mark.parametrize(
    ("options", "dial_at"),
    [
        ("within: support, ", 86_400 - 3 * 3600),
        ("within: support, zone: America/New_York, ", 86_400 + 2 * 3600),
        ("within: support, zone: callee, ", 86_400 - 4 * 3600),
        ("at: 2026-03-03 08:30, ", 86_400 - 3.5 * 3600),
        ('at: "2026-03-03 08:30", within: support, ', 86_400 - 3 * 3600),
        ("in: 2h, ", 2 * 3600 + 6 * 3600),
        ("", 6 * 3600),
    ],
)
def test_call_outside_the_hours_waits_for_them(options: str, dial_at: float) -> None:
    async def place() -> None:
        line = PlaceLine(compile_flows(**{"place: {flow: back": f"place: {{{options}flow: back"}))
        noon = line.now
        line.now += 6 * 3600
        await line.dial_in_from()
        await line.run_tasks(max(noon + dial_at - 1 - line.now, 0))
        assert line.rung == ([] if options else [CALLER])
        await line.run_tasks(1)
        assert line.rung == [CALLER]

    run(place())


def test_call_whose_calendar_is_in_no_live_release_waits_for_one(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def place() -> None:
        line = PlaceLine(compile_flows(**{"tries: 3": "within: support"}))
        line.now += 18 * 3600
        await line.dial_in_from()
        release, line.release = line.release, compile_flows(support="office")
        line.restart()
        await line.run_tasks(3 * 3600)  # the hours begin
        assert (line.rung, line.outcomes) == ([], [])
        assert "calendars/support.yaml" in caplog.text
        line.release = release
        line.restart()
        await line.run_tasks(MISSING_CALENDAR_SECONDS)
        assert line.rung == [CALLER]

    run(place())


def test_question_that_comes_after_the_hours_rings_nobody() -> None:
    async def place() -> None:
        line = PlaceLine(compile_flows(**{"tries: 3": "within: support"}))
        line.now += 5 * 3600 - 1
        await line.dial_in_from()
        await line.run_tasks()
        line.now += 2
        assert (await line.ask(0))["name"] == "hangup"
        await line.callback(0, "dice", result="FAILED")
        await line.run_tasks(16 * 3600)
        assert len(line.rung) == 2
        assert (await line.ask(1))["name"] == "connectPstn"

    run(place())


@pytest.mark.parametrize(("status", "outcome"), [(400, "invalid"), (402, "failed"), (0, "failed")])
def test_refused_request_ends_the_try(status: int, outcome: str) -> None:
    async def place() -> None:
        line = PlaceLine(RELEASE)
        line.platform.outcomes = [RequestRefused(status, "no")] * 3
        await line.dial_in_from()
        for _ in range(4):
            await line.run_tasks(600)
        assert line.outcomes == [(outcome, 1 if outcome == "invalid" else 3)]

    run(place())


def test_calls_at_once_are_limited() -> None:
    async def place() -> None:
        line = PlaceLine(RELEASE, calls_at_once=2)
        for number in range(4):
            await line.dial_in_from(f"+4670000000{number}", f"caller-{number}")

        async def run_some() -> None:  # a full line looks again and again
            assert line.store.orchestrations is not None
            for _ in range(12):
                if task := await line.store.orchestrations.claim_task(line.now, 3.0):
                    due = await line.tasks.handle(task)
                    await line.store.orchestrations.settle_task(task, due)

        await run_some()
        assert len(line.rung) == 2
        await line.ask(0)
        await line.callback(0, "dice", result="BUSY")
        line.now += 1
        await run_some()
        assert len(line.rung) == 3

    run(place())


def test_flow_that_the_live_release_lacks_rings_nobody(caplog: Any) -> None:
    async def place() -> None:
        line = PlaceLine(RELEASE)
        await line.dial_in_from()
        await line.run_tasks()
        line.release = compile_flows(back="other")
        line.restart()
        assert (await line.ask(0))["name"] == "hangup"
        assert "no answer begins the flow back" in caplog.text
        await line.callback(0, "dice", result="FAILED")
        await line.run_tasks()
        assert line.ended == []  # the next release may have it

    run(place())


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"name": "person"}, "back has no input name"),
        (
            {"max: 20}}": "max: 20}, day: {type: date}}", "inputs: [name": "inputs: [name, day"},
            "day",
        ),
        ({"type: text, max: 20": "type: integer"}, "name is integer and cannot hold this value"),
    ],
)
def test_inputs_that_the_live_release_has_changed_ring_nobody(
    changes: dict[str, str], reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    back = FLOWS["back.yaml"]
    for old, new in changes.items():
        back = back.replace(old, new)
    younger = compile_release(
        {**FLOWS, "back.yaml": back, "line.yaml": "flow: line\nstart: a\nstates: {a: {hangup: }}\n"}
    )

    async def place() -> None:
        line = PlaceLine(RELEASE)
        await line.dial_in_from()
        await line.run_tasks()
        line.release = younger
        line.restart()
        assert (await line.ask(0))["name"] == "hangup"
        assert reason in caplog.text
        await line.callback(0, "dice", result="FAILED")
        await line.run_tasks()
        assert line.ended == []

    run(place())


def test_call_that_the_platform_says_nothing_of_counts_as_over() -> None:
    async def place() -> None:
        line = PlaceLine(RELEASE)
        await line.dial_in_from()
        await line.run_tasks()
        await line.ask(0)
        await line.run_tasks(41)
        assert line.platform.hung_up == ["leg-0"]
        assert (await line.callback(0, "ace"))["action"] == {"name": "hangup"}
        await line.run_tasks(600)
        assert len(line.rung) == 2

    run(place())
