"""What callbacks tell of a call, put together when it is first needed, and again when something has
changed.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from flowengine.switch.wire import Facts

if TYPE_CHECKING:
    from flowengine.switch.calls.call import Call


class KnownFacts:
    """The facts of one call as they are now."""

    __slots__ = ("_call", "_facts")

    def __init__(self, call: Call) -> None:
        self._call = call
        self._facts: Facts | None = None

    def forget(self) -> None:
        """Something has changed."""
        self._facts = None

    def get(self) -> Facts:
        """As callbacks tell it while the call lasts."""
        if self._facts is None:
            self._facts = self._gathered()
        return self._facts

    def last(self) -> Facts:
        """As DiCE tells it: a number that is assigned to an application is a number like others,
        and the rate is what was charged.
        """
        call, facts = self._call, self.get()
        to_type = "number" if facts.to_type == "did" else facts.to_type
        return replace(facts, cli=facts.cli or facts.user, to_type=to_type, user_rate=call.rate)

    def _gathered(self) -> Facts:
        call, origin, exchange = self._call, self._call.origin, self._call.exchange
        return Facts(
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
