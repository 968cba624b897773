"""What the log says while the session store fails, and once when it is back."""

from flowengine.runtime.log_once import LogOnce

WITHOUT_STORE = "calls go on without the store: %s"
IN_COOKIE_ALONE = "states of calls are in their cookies alone: %s"
APOLOGY = "calls whose state is in the store alone hear the apology: %s"
UNCLAIMED = "calls ask other systems without a claim: %s"
DELIVERED_NOT_KEPT = "it is not kept what answers were delivered: %s"
LOST_NOT_KEPT = "it is not kept which answers were lost: %s"
STORE_FAILURES = (
    WITHOUT_STORE,
    IN_COOKIE_ALONE,
    APOLOGY,
    UNCLAIMED,
    DELIVERED_NOT_KEPT,
    LOST_NOT_KEPT,
)


def note_saved(log_once: LogOnce) -> None:
    """Say that the store is back, if it failed and has not for some seconds."""
    log_once.end_all(STORE_FAILURES, "calls are in the session store again")
