"""The parts of a worker that OpenTelemetry wraps or replaces. Without it each hook is the server's own
part, so that callbacks pay nothing for it.
"""

from collections.abc import Awaitable, Callable

import msgspec

from flowengine.runtime.requester import FetchFunction
from flowengine.runtime.step_outcome import TraceEntry
from flowengine.runtime.task_loop import HandleTask
from flowengine.server.callback import CallbackHandler
from flowengine.server.log import CallbackLog, LogWriter
from flowengine.server.orchestration_requests import OrchestrationRequests
from flowengine.storage.sessions import Store


async def close_nothing() -> None:
    """The end of a server without OpenTelemetry."""


class TelemetryHooks(msgspec.Struct, frozen=True):
    """What a worker is built with. `has_metrics` says that metrics are exported without anybody
    asking for them.
    """

    create_handler: type[CallbackHandler] = CallbackHandler
    create_requests: type[OrchestrationRequests] = OrchestrationRequests
    create_log: Callable[[], CallbackLog] = LogWriter
    create_trace: Callable[[], list[TraceEntry]] = list
    wrap_store: Callable[[Store], Store] = lambda store: store
    wrap_lookups: Callable[[FetchFunction], FetchFunction] = lambda lookups: lookups
    wrap_tasks: Callable[[HandleTask], HandleTask] = lambda handle: handle
    has_metrics: bool = False
    close: Callable[[], Awaitable[None]] = close_nothing
