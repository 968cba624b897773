"""Deliveries of an event that arrive while an earlier one is still being answered."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest

from flowengine.runtime.engine import Reply
from flowengine.sinch import decode
from flowengine.storage.sessions import MemoryStore
from tests.runtime.engine_calls import Crm, Phone, closing_store, engine, release, words
from tests.waiting import wait_until_async

COUNTING = """
flow: line
start: ask
error: ask
vars: {presses: {type: integer}}
states:
  ask: {menu: {prompt: "Pressed ${vars.presses}.", options: {1: look, 2: bye}, otherwise: bye}}
  look: {fetch: {service: crm, get: /slow, failed: ask}, next: count}
  bye: {say: Goodbye., hangup: }
  count: {set: {presses: "${vars.presses + 1}"}, next: ask}
"""
AT = release(COUNTING)


async def answer(phone: Phone, body: bytes, later: float) -> Reply:
    stamp = (datetime.now(UTC) + timedelta(seconds=later)).isoformat().encode()
    return await phone.engine.answer(decode(body), body, stamp)


async def send_twice(first: Phone, second: Phone, body: bytes, crm: Crm) -> list[Reply]:
    """The replies to two deliveries of an event, both of which arrive before there is an answer."""
    crm.may_answer.clear()
    begun = asyncio.create_task(answer(first, body, 0))
    await wait_until_async(lambda: len(crm.asked) == 1)
    repeated = asyncio.create_task(answer(second, body, 0.001))
    await asyncio.sleep(0.01)
    crm.may_answer.set()
    return [*await asyncio.gather(begun, repeated)]


@pytest.mark.parametrize("workers", [1, 2])
async def test_key_pressed_again_after_one_of_two_deliveries_got_the_answer_counts(
    workers: int,
) -> None:
    async with closing_store(MemoryStore()) as store:
        crm = Crm()
        phones = [Phone(engine(store, crm, at=AT), echo=False) for _ in range(workers)]
        await phones[0].ice()
        body = phones[0].keys("1", "return", "line.ask")
        replies = await send_twice(phones[0], phones[-1], body, crm)
        assert [words(reply) for reply in replies] == ["Pressed 1.", "Pressed 1."]
        await phones[0].engine.note_undelivered(replies[0])
        assert words(await answer(phones[-1], body, 1)) == "Pressed 2."


async def test_event_whose_two_deliveries_both_lost_the_answer_is_answered_again() -> None:
    async with asked_line() as (phone, crm, body):
        for reply in await send_twice(phone, phone, body, crm):
            await phone.engine.note_undelivered(reply)
        assert words(await answer(phone, body, 1)) == "Pressed 1."
        assert len(crm.asked) == 1


@asynccontextmanager
async def asked_line() -> AsyncIterator[tuple[Phone, Crm, bytes]]:
    """A call whose caller has been asked, the system that its flow asks, and a pressed key."""
    async with closing_store(MemoryStore()) as store:
        crm = Crm()
        phone = Phone(engine(store, crm, at=AT), echo=False)
        await phone.ice()
        yield phone, crm, phone.keys("1", "return", "line.ask")


async def deliver_over_broken_connection(phone: Phone, body: bytes) -> Reply:
    """As the server does: it notes that an answer is lost as soon as it has it."""
    reply = await answer(phone, body, 0)
    await phone.engine.note_undelivered(reply)
    return reply


async def begin_two_requests(
    phone: Phone, body: bytes, crm: Crm
) -> tuple[asyncio.Task[Reply], asyncio.Task[Reply]]:
    """Two requests with an event that wait for the lookup. The connection of the first is broken."""
    crm.may_answer.clear()
    begun = asyncio.create_task(deliver_over_broken_connection(phone, body))
    await wait_until_async(lambda: len(crm.asked) == 1)
    repeated = asyncio.create_task(answer(phone, body, 0.001))
    await asyncio.sleep(0.01)
    return begun, repeated


async def test_key_pressed_again_counts_where_the_loss_is_noted_before_the_repetition_goes_on() -> (
    None
):
    async with asked_line() as (phone, crm, body):
        begun, repeated = await begin_two_requests(phone, body, crm)
        crm.may_answer.set()
        assert [words(reply) for reply in await asyncio.gather(begun, repeated)] == [
            "Pressed 1.",
            "Pressed 1.",
        ]
        assert words(await answer(phone, body, 1)) == "Pressed 2."


async def test_answer_whose_second_request_was_given_up_before_is_lost_with_the_first() -> None:
    async with asked_line() as (phone, crm, body):
        begun, given_up = await begin_two_requests(phone, body, crm)
        given_up.cancel()
        with pytest.raises(asyncio.CancelledError):
            await given_up
        crm.may_answer.set()
        await begun
        assert words(await answer(phone, body, 1)) == "Pressed 1."
        assert len(crm.asked) == 1
