"""The facts of a call in callbacks, collected when they are first needed and again after a change."""

from flowengine.switch.calls.switch_call import SwitchCall
from flowengine.switch.switch_setup import Rate
from flowengine.switch.wire import CallbackFacts


def get_facts(call: SwitchCall) -> CallbackFacts:
    """The facts of a call in callbacks while it lasts."""
    if call.cached_facts is None:
        # ICE tells the rate of the dialled number; only DiCE that of the connection (platform
        # notes, 5)
        origin = call.origin
        call.cached_facts = _gather_facts(call, origin.cli, origin.to_type, call.dialled_rate)
    return call.cached_facts


def get_dice_facts(call: SwitchCall) -> CallbackFacts:
    """The facts of a call in DiCE. There a number of an application has the type of any number, and
    the rate is what was charged.
    """
    origin = call.origin
    to_type = "number" if origin.to_type == "did" else origin.to_type
    return _gather_facts(call, origin.cli or origin.user, to_type, call.rate)


def _gather_facts(call: SwitchCall, cli: str, to_type: str, rate: Rate | None) -> CallbackFacts:
    origin, settings = call.origin, call.switch.settings
    return CallbackFacts(
        call_id=call.id,
        application_key=call.application_key,
        custom=call.custom,
        cookies=dict(call.cookies) if settings.cookies else None,
        conference_id=call.conference_id,
        user=origin.user,
        cli=cli,
        to_type=to_type,
        to=origin.to,
        domain=origin.domain,
        origination_type=origin.origination_type,
        rdnis=origin.rdnis,
        call_headers=origin.call_headers,
        call_resource_url=call.resource_url,
        user_rate=rate,
        call_id_name=settings.call_id_name,
    )
