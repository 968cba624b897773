"""What every store promises."""

import asyncio
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from flowengine.storage.sessions import MemoryStore, SavedCall, StoreError, open_store
from tests.storage.sessions.opened_stores import (
    LATER,
    Opener,
    on_postgresql,
    on_sqlite,
    opened_store,
    step,
)

pytestmark = pytest.mark.usefixtures("patient")


async def test_call_is_loaded_as_it_was_saved(opener: Opener) -> None:
    async with opened_store(opener) as (store, _):
        assert await store.load("a") is None
        saved = step(1)
        assert await store.save("a", saved, LATER) is saved
        assert await store.load("a") == saved
        assert await store.load("b") is None


@given(data=st.data())
@settings(deadline=None)  # the first one starts a server
@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
async def test_call_id_and_bytes_of_any_kind_are_kept(
    data: st.DataObject, kind: str, request: pytest.FixtureRequest
) -> None:
    ids = st.text(st.characters(exclude_categories=()))  # surrogates too: JSON can carry them
    contents = (
        st.binary(),
        st.binary(),
        st.binary(),
        st.floats(0, 1e10),
        st.sampled_from(["", "1f2e3d4c5b6a"]),
    )
    steps = st.builds(SavedCall, st.integers(0, 2**31), *contents)
    calls = data.draw(st.dictionaries(ids, steps))

    if kind == "postgresql":
        open_it = on_postgresql(request.getfixturevalue("postgresql_server"))
    else:
        open_it = on_sqlite(
            request.getfixturevalue("tmp_path_factory").mktemp("store") / "calls.db"
        )

    async with opened_store(open_it) as (store, _):
        await store.drop_expired(LATER)  # of the example before
        await asyncio.gather(
            *(store.save(call_id, saved, LATER) for call_id, saved in calls.items())
        )
        assert {call_id: await store.load(call_id) for call_id in calls} == calls


async def test_later_step_wins(opener: Opener) -> None:
    async with opened_store(opener) as (store, _):
        first, third = step(1), step(3)
        await store.save("a", first, LATER)
        assert await store.save("a", third, LATER) is third
        assert await store.save("a", step(2, b"late"), LATER) == third
        assert await store.load("a") == third


async def test_first_answer_to_a_step_wins(opener: Opener) -> None:
    async with opened_store(opener) as (store, _):
        first = step(1, answer=b"first")
        await store.save("a", first, LATER)
        assert await store.save("a", step(1, answer=b"again"), LATER) == first
        assert await store.save("a", step(1, digest=b"other"), LATER) == first


async def test_saves_of_the_same_moment_follow_the_same_rules(opener: Opener) -> None:
    async with opened_store(opener) as (store, _):
        steps = [step(2), step(1, b"late"), step(2, b"other"), step(3)]
        first, late, other, third = await asyncio.gather(
            *(store.save("a", saved, LATER) for saved in steps)
        )
        assert (first, third) == (steps[0], steps[3])
        assert {late, other} <= {first, third}, "what is stored instead, then or by now"
        assert await store.load("a") == steps[3]


async def test_delivery_is_claimed_once_until_the_deadline(opener: Opener) -> None:
    async with opened_store(opener) as (store, clock):
        assert await store.claim("a", b"digest", clock.now + 5)
        assert not await store.claim("a", b"digest", clock.now + 5)
        clock.now += 5
        assert await store.claim("a", b"digest", clock.now + 5), "the first claimant is dead"
        assert not await store.claim("a", b"digest", clock.now + 5)


async def test_claim_holds_up_no_other_delivery_or_call(opener: Opener) -> None:
    async with opened_store(opener) as (store, clock):
        deadline = clock.now + 5
        claims = [("a", b"1"), ("a", b"2"), ("b", b"1"), ("a", b"1")]
        assert await asyncio.gather(*(store.claim(*claim, deadline) for claim in claims)) == [
            True,
            True,
            True,
            False,
        ]
        assert await store.load("a") is None, "a claim is no answer"


async def test_expired_calls_and_claims_are_dropped(opener: Opener) -> None:
    async with opened_store(opener) as (store, clock):
        await asyncio.gather(
            *(store.save(f"old {n}", step(1), 1999.0) for n in range(450)),
            store.save("new", step(1), 2001.0),
        )
        await store.save("old 0", step(2), 2001.0)
        await store.claim("old 1", b"digest", 1999.0)
        assert await store.drop_expired(2000.0) == 449
        assert await store.drop_expired(2000.0) == 0
        assert await store.load("old 0") == step(2), "it went on and lives longer"
        assert await store.load("old 1") is None
        assert await store.load("new") == step(1)
        clock.now = 1998.0
        assert await store.claim("old 1", b"digest", 2001.0), "its claim is gone"


async def test_releases_of_calls_under_way_are_found(opener: Opener) -> None:
    async with opened_store(opener) as (store, _):
        await store.save("a", replace(step(1), release="r1"), LATER)
        await store.save("b", replace(step(1), release="r2"), LATER)
        await store.save("c", replace(step(1), release="r2"), LATER)
        assert await store.find_needed_releases() == {"r1", "r2"}
        await store.save("a", step(2), LATER)  # ended
        await store.save("b", replace(step(2), release="r3"), LATER)
        assert await store.find_needed_releases() == {"r2", "r3"}


async def test_memory_forgets_what_was_saved_longest_ago() -> None:
    store = MemoryStore(capacity=2)
    for call_id in ("a", "b"):
        await store.save(call_id, step(1), LATER)
        assert await store.claim(call_id, b"digest", 1e12)
    await store.save("a", step(2), LATER)
    await store.save("c", step(1), LATER)
    assert [bool(await store.load(call_id)) for call_id in "abc"] == [True, False, True]
    await store.claim("c", b"digest", 1e12)
    assert await store.claim("a", b"digest", 1e12), "the oldest claim made room"


async def test_store_is_opened_by_its_url(tmp_path: Path) -> None:
    store = open_store(f"sqlite:{tmp_path}/a:b.db")
    await store.close()
    assert isinstance(open_store("none"), MemoryStore)
    assert (tmp_path / "a:b.db").exists()


@pytest.mark.parametrize("url", ["", "sqlite", "sqlite:", "none:x", "redis://localhost"])
def test_store_url_of_another_kind_is_refused_with_the_cure(url: str) -> None:
    with pytest.raises(
        StoreError, match="write sqlite:PATH, postgresql://USER@HOST/DATABASE or none"
    ):
        open_store(url)
