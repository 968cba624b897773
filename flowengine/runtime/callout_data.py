"""The data that a placed call hands in, in its `custom` text."""

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec.structs import replace

from flowengine.compile import Program
from flowengine.expr import EvalError
from flowengine.sinch import Ace
from flowengine.states.place_plan import PlacementPlan
from flowengine.states.queue_plan import TURN_FACT, format_queue_turn
from flowengine.states.variable_values import convert_value


class CalloutData(msgspec.Struct, frozen=True, omit_defaults=True):
    """The data in the `custom` text of a placed call. `to` and `caller_id` are known of calls that
    a flow has asked for; `turn` is the place in a queue of those whose turn has come.
    """

    flow: str = ""
    data: dict[str, Any] = {}
    to: str = ""
    caller_id: str = ""
    turn: str = ""

    def list_call_facts(self) -> dict[str, Any]:
        """The facts that only the first callback of other calls has."""
        if not self.to:
            return {}
        sip = {"call.sip": self.to} if "@" in self.to else {}
        return {
            "call.to": self.to,
            "call.from": self.caller_id.removeprefix("private"),
            "call.origin": "server",
            **sip,
            **({TURN_FACT: self.turn} if self.turn else {}),
        }


NO_CALLOUT_DATA = CalloutData()
encode_callout_data = msgspec.json.Encoder().encode


def build_callout_data(plan: PlacementPlan) -> CalloutData:
    """What a call hands in that was placed for this plan."""
    turn = format_queue_turn(replace(plan.turn, placement=plan.id)) if plan.turn else ""
    return CalloutData(plan.flow, plan.data, plan.to.address, plan.cli, turn)


def parse_callout_data(custom: str, notes: list[str]) -> CalloutData:
    if not custom.startswith("{"):
        return NO_CALLOUT_DATA
    try:
        return msgspec.json.decode(custom, type=CalloutData)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        notes.append("left out: the custom text is no JSON with flow: and data:")
        return NO_CALLOUT_DATA


def to_input_values(program: Program, data: Mapping[str, Any], notes: list[str]) -> dict[str, Any]:
    """The input values of a placed call that the flow declares and can hold; the others keep their
    defaults. The notes name what was cut or left out, without its content.
    """
    if not data:
        return {}
    values = {}
    for variable in program.signature.inputs:
        if variable.name in data:
            try:
                values[f"vars.{variable.name}"] = convert_value(
                    data[variable.name], variable, notes
                )
            except EvalError:
                notes.append(f"left out: {variable.name} cannot hold what was handed in")
    if strange := len(data.keys() - {variable.name for variable in program.signature.inputs}):
        notes.append(f"left out: what is no input of {program.flow} ({strange})")
    return values


def choose_answered_entry(program: Program, event: Ace) -> str:
    """Where a placed call begins: a machine may have an entry of its own."""
    is_machine = event.amd is not None and event.amd.status == "machine"
    return (
        program.answered_by_machine
        if is_machine and program.answered_by_machine
        else program.answered
    )
