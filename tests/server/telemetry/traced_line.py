"""The endpoint of a worker with OpenTelemetry, in this process, and calls of a small flow to it."""

import json
from collections.abc import Mapping
from typing import Any

from flowengine.releases import Registry
from flowengine.runtime.cookie import Codec
from flowengine.runtime.engine import Engine
from flowengine.server.callback import AsgiRequest, SignatureGate
from flowengine.server.metrics import Metrics
from flowengine.server.telemetry.load_telemetry import load_hooks
from flowengine.storage.sessions import MemoryStore, Store
from tests.callback_server import receive_nothing
from tests.runtime.engine_calls import KEY, RELEASE, Crm

MEMORY_STORE = "sqlite:calls.db"  # said to be one with spans


class TracedLine:
    """A worker, and the platform that calls it."""

    def __init__(self, crm: Crm | None = None, store: Store | None = None) -> None:
        self.metrics, self.crm, registry = Metrics(), crm or Crm(), Registry(RELEASE)
        self.hooks = load_hooks(self.metrics, "/sinch", MEMORY_STORE)
        self.engine = Engine(
            registry,
            self.hooks.wrap_store(store or MemoryStore()),
            Codec([KEY]),
            self.hooks.wrap_lookups(self.crm),
            create_trace=self.hooks.create_trace,
        )
        self.log = self.hooks.create_log()
        gate = SignatureGate(registry, {})
        self.handler = self.hooks.create_handler(self.engine, gate, self.metrics, self.log)

    async def post(self, event: str, call_id: str = "call-1", **fields: Any) -> dict[str, Any]:
        """Post a callback, and return the answer."""
        body = {"event": event, "callid": call_id, "version": 1, **fields}
        scope = {
            "method": "POST",
            "path": "/sinch",
            "headers": [(b"host", b"127.0.0.1")],
            "client": ("127.0.0.1", 1),
        }
        request = AsgiRequest(json.dumps(body).encode(), scope, receive_nothing)
        status, answer = await self.handler.answer_request(request)
        assert status == 200, answer
        found: dict[str, Any] = json.loads(answer)
        return found

    async def ring(self, call_id: str = "call-1") -> dict[str, Any]:
        to = {"type": "did", "endpoint": "+12017777777"}
        return await self.post("ice", call_id, cli="+46708168731", to=to)

    async def enter(self, digits: str, call_id: str = "call-1") -> dict[str, Any]:
        menu = {"menuId": "line.ask", "type": "sequence", "value": digits}
        return await self.post("pie", call_id, menuResult=menu)

    async def end(self, call_id: str = "call-1") -> dict[str, Any]:
        return await self.post("dice", call_id, result="ANSWERED", reason="CALLERHANGUP")

    async def close(self) -> None:
        """Export what waits."""
        self.log.flush()
        await self.hooks.close()

    def read_telemetry_items(self) -> Mapping[tuple[str, str], float]:
        """How many items were exported and lost, by signal and outcome."""
        families = self.metrics.registry.collect()
        return {
            (sample.labels["signal"], sample.labels["outcome"]): sample.value
            for family in families
            for sample in family.samples
            if sample.name == "flowengine_telemetry_items_total"
        }
