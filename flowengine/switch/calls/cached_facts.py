"""The facts of a call in callbacks, collected when they are first needed and again after a change."""

from dataclasses import replace

from flowengine.switch.calls.switch_call import SwitchCall
from flowengine.switch.wire import CallbackFacts


def get_facts(call: SwitchCall) -> CallbackFacts:
    """The facts of a call in callbacks while it lasts."""
    if call.cached_facts is None:
        call.cached_facts = _gather_facts(call)
    return call.cached_facts


def get_dice_facts(call: SwitchCall) -> CallbackFacts:
    """The facts of a call in DiCE. There a number of an application has the type of any number, and
    the rate is what was charged.
    """
    facts = get_facts(call)
    to_type = "number" if facts.to_type == "did" else facts.to_type
    return replace(facts, cli=facts.cli or facts.user, to_type=to_type, user_rate=call.rate)


def _gather_facts(call: SwitchCall) -> CallbackFacts:
    origin, settings = call.origin, call.switch.settings
    return CallbackFacts(
        call_id=call.id,
        application_key=call.application_key,
        custom=call.custom,
        cookies=dict(call.cookies) if settings.cookies else None,
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
        # ICE tells the rate of the dialled number; only DiCE that of the connection (platform
        # notes, 5)
        user_rate=call.dialled_rate,
        call_id_name=settings.call_id_name,
    )
