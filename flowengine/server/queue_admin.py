"""Queues and their members over HTTP, for supervisors."""

from collections.abc import Sequence

from flowengine.releases.ledger import CommandRefusedError
from flowengine.runtime.queue_overview import (
    AgentOverview,
    Groups,
    QueueChangeRefusedError,
    QueueOverview,
    load_agent_overviews,
    load_queue_overviews,
    sign_member,
)
from flowengine.sinch.address_mask import mask_address
from flowengine.states.queue_plan import AgentStatus
from flowengine.states.ring_members import MemberError, parse_member
from flowengine.storage.sessions import OrchestrationStore, Store, StoreError


async def show_queues(store: Store, groups: Groups) -> Sequence[QueueOverview]:
    """How the queues stand. Raises CommandRefusedError."""
    try:
        return await load_queue_overviews(require_queues(store), store.clock(), groups)
    except StoreError as error:
        raise CommandRefusedError(str(error)) from error


async def show_agents(store: Store, groups: Groups) -> Sequence[AgentOverview]:
    """The members of queues. Raises CommandRefusedError."""
    try:
        return await load_agent_overviews(require_queues(store), store.clock(), groups)
    except StoreError as error:
        raise CommandRefusedError(str(error)) from error


async def set_agent_status(
    store: Store, group: str, member: str, status: AgentStatus, groups: Groups, signer: str
) -> str:
    """Sign a member in or out, as `signer` asks; returns what was done. Raises CommandRefusedError."""
    try:
        address = parse_member(member).address
        rows = require_queues(store)
        await sign_member(rows, group, address, status, store.clock(), groups, signer=signer)
    except MemberError as error:
        raise CommandRefusedError(f"{error}: {error.hint}") from error
    except (QueueChangeRefusedError, StoreError) as error:
        raise CommandRefusedError(str(error)) from error
    return f"{mask_address(address)}: {status}"


def require_queues(store: Store) -> OrchestrationStore:
    if store.orchestrations is None:
        raise CommandRefusedError("the server keeps no queues: it has no session store")
    return store.orchestrations
