"""What callbacks tell of a call, put together when it is first needed, and again when something has
changed.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from flowengine.switch.wire import CallbackFacts

if TYPE_CHECKING:
    from flowengine.switch.calls.switch_call import SwitchCall


class CachedFacts:
    """The facts of one call as they are now."""

    __slots__ = ("_call", "_facts")

    def __init__(self, call: SwitchCall) -> None:
        self._call = call
        self._facts: CallbackFacts | None = None

    def invalidate(self) -> None:
        """Something has changed."""
        self._facts = None

    def get(self) -> CallbackFacts:
        """As callbacks tell it while the call lasts."""
        if self._facts is None:
            self._facts = self._gather()
        return self._facts

    def get_for_dice(self) -> CallbackFacts:
        """As DiCE tells it: a number that is assigned to an application is a number like others,
        and the rate is what was charged.
        """
        call, facts = self._call, self.get()
        to_type = "number" if facts.to_type == "did" else facts.to_type
        return replace(facts, cli=facts.cli or facts.user, to_type=to_type, user_rate=call.rate)

    def _gather(self) -> CallbackFacts:
        call, origin, exchange = self._call, self._call.origin, self._call.exchange
        return CallbackFacts(
            call_id=call.id,
            application_key=call.application_key,
            custom=call.custom,
            cookies=dict(call.cookies) if exchange.settings.cookies else None,
            conference_id=call.conference_id,
            user=origin.user,
            cli=origin.cli,
            to_type=origin.to_type,
            to=origin.to,
            domain=origin.domain,
            origination_type=origin.origination_type,
            rdnis=origin.rdnis,
            call_headers=origin.call_headers,
            call_resource_url=call.resource_url,
            user_rate=call.dialled_rate,
            call_id_name=exchange.settings.call_id_name,
        )
