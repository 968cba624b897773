"""Rows of calls that the server has placed: a row names the orchestration by the token that the call
carried, as later callbacks may lack it. The state is in the orchestration.
"""

from flowengine.limits import CALL_KEPT_SECONDS
from flowengine.runtime.delivery import CallbackDelivery, Reply
from flowengine.runtime.delivery_log import SPOKEN_FLAG, append_entry
from flowengine.runtime.log_once import LogOnce
from flowengine.storage.sessions import SavedCall, Store, StoreError


async def save_token_row(
    store: Store, delivery: CallbackDelivery, reply: Reply, log_once: LogOnce
) -> None:
    """Save the row with the first callback of the call. Without it, its callbacks need the token."""
    event = delivery.event
    entries = append_entry(None, delivery, SPOKEN_FLAG)
    made = SavedCall(1, event.custom.encode(), entries, reply.body, delivery.at)
    try:
        await store.save(event.call_id, made, delivery.at + CALL_KEPT_SECONDS)
    except StoreError as error:
        log_once.error(  # noqa: TRY400  # its text says all
            "placed calls are known by their token alone: %s", error
        )
