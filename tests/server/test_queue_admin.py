"""Queues and agents over HTTP, in the status and in the metrics."""

import time
from pathlib import Path

import httpx
from starlette.applications import Starlette

from flowengine.releases import Registry
from flowengine.server.admin_routes import build_admin_routes
from flowengine.server.metrics import Metrics
from flowengine.server.release_service import ReleaseService
from flowengine.server.secret_variables import ADMIN_TOKEN
from flowengine.server.server_settings import ServerSettings
from flowengine.server.status import try_load_queues
from flowengine.storage.sessions import MemoryStore
from tests.runtime.ring_calls import ANNA, RingLine
from tests.runtime.test_queues import ONE_MEMBER, take

TOKEN = "a token that nobody guesses"


async def test_agents_sign_over_http_and_queues_are_shown(tmp_path: Path) -> None:
    line = RingLine(ONE_MEMBER)
    line.now = time.time()
    settings = ServerSettings(str(tmp_path), store=f"sqlite:{tmp_path}/store/calls.db")
    live = ReleaseService(settings)
    releases = Registry(ONE_MEMBER)
    routes = build_admin_routes({ADMIN_TOKEN: TOKEN}, settings, live, line.store, None, releases)
    app = Starlette(routes=routes)
    await line.dial_queue("caller")
    transport = httpx.ASGITransport(app, client=("127.0.0.1", 4))
    known = {"authorization": f"Bearer {TOKEN}"}
    async with httpx.AsyncClient(
        transport=transport, base_url="http://localhost/admin", headers=known
    ) as client:
        asked = {"group": "support", "member": ANNA, "sign": "out"}
        unknown = {**asked, "group": "suport"}
        assert (await client.post("/agents", json=unknown)).status_code == 409
        # no caller has been in the queue so far
        reply = await client.post("/agents", json=asked, headers={"x-who": "rita"})
        assert (reply.status_code, reply.json()["message"].endswith(": out")) == (200, True)
        await line.run_tasks()
        assert line.rung == []
        (agent,) = (await client.get("/agents")).json()
        assert (agent["state"], ANNA in agent["member"]) == ("signed out", False)
        assert agent["signed_by"] == "rita"
        (queue,) = (await client.get("/queues")).json()
        assert (queue["waiting"], queue["signed_out"]) == (1, 1)
        assert (await client.post("/agents", json={**asked, "sign": "away"})).status_code == 400
        stranger = {**asked, "member": "+14045550100"}
        assert (await client.post("/agents", json=stranger)).status_code == 409
        assert (await client.post("/agents", json={**asked, "member": "12"})).status_code == 409
        assert (await client.post("/agents", json={**asked, "sign": "in"})).status_code == 200
        assert (await client.get("/agents", headers={"authorization": ""})).status_code == 401
    await line.run_tasks(60)
    assert line.rung == [ANNA]
    live.close()


async def test_metrics_and_status_tell_who_waits_and_how_waits_end() -> None:
    line, metrics = RingLine(ONE_MEMBER), Metrics()
    assert line.engine.orchestrations is not None
    line.engine.orchestrations.on_wait_end = metrics.observe_wait
    for number in (1, 2):
        await line.dial_queue(f"caller-{number}")
        await line.run_tasks()
    await line.run_tasks(7)
    await take(line, 0)
    await line.press("leg-0", "1")
    (queue,) = await try_load_queues(line.store, {}) or ()
    assert (queue.group, queue.waiting) == ("support", 1)
    metrics.observe_waiting({"support": queue.waiting})
    text = metrics.render_text().decode()
    assert 'flowengine_queue_waiting{group="support"} 1.0' in text
    assert 'flowengine_queue_wait_seconds_count{group="support",outcome="answered"} 1.0' in text
    assert 'flowengine_queue_wait_seconds_sum{group="support",outcome="answered"} 7.0' in text
    assert await try_load_queues(MemoryStore(is_alone=False), {}) is None
