"""Each action of Connect, and what it is in the language of flows."""

from collections.abc import Callable
from typing import Final, NamedTuple

from flowengine.importers.connect import (
    contact_actions,
    control_actions,
    question_actions,
    transfer_actions,
)
from flowengine.importers.connect.action_import import ActionImport


class Construct(NamedTuple):
    """How one type of action is imported; `becomes` is for the manual."""

    translate: Callable[[ActionImport], None]
    becomes: str


def drop_action(action: ActionImport) -> None:
    """Go on without it."""
    action.note_loss(f"nothing stands for {action.action.type}: the call goes on")
    action.add_state({"next": action.get_next()})


CONSTRUCTS: Final = {
    "MessageParticipant": Construct(control_actions.import_message, "`say`"),
    "GetParticipantInput": Construct(
        question_actions.import_input,
        "`menu`, with `silent` where silence has a way of its own; `collect` where it stores the "
        "input",
    ),
    "ConnectParticipantWithLexBot": Construct(
        question_actions.import_bot, "`menu` by voice with the names of the intents, or `collect`"
    ),
    "Compare": Construct(control_actions.import_compare, "`choose`"),
    "CheckHoursOfOperation": Construct(
        transfer_actions.import_hours, "`choose` by a calendar to fill in"
    ),
    "CheckMetricData": Construct(
        transfer_actions.import_staffing, "the way to the queue, which knows who is signed in"
    ),
    "DistributeByPercentage": Construct(control_actions.import_shares, "`split`"),
    "Loop": Construct(control_actions.import_loop, "`set` of a counter, and `choose`"),
    "Wait": Construct(control_actions.import_wait, "`say` of a pause, one minute at most"),
    "UpdateContactAttributes": Construct(contact_actions.import_attributes, "`set`"),
    "UpdateFlowAttributes": Construct(contact_actions.import_attributes, "`set`"),
    "UpdateContactData": Construct(contact_actions.import_contact_data, "`locale`"),
    "UpdateContactTextToSpeechVoice": Construct(
        contact_actions.import_voice, "`locale`, and the voice of the flow"
    ),
    "UpdateContactRecordingBehavior": Construct(contact_actions.import_recording, "`record`"),
    "UpdateContactRecordingAndAnalyticsBehavior": Construct(
        contact_actions.import_recording, "`record`"
    ),
    "UpdateFlowLoggingBehavior": Construct(
        contact_actions.import_logging, "nothing: the journal records every call"
    ),
    "UpdateContactCallbackNumber": Construct(
        contact_actions.import_callback_number, "`set` with `e164`, and `choose`"
    ),
    "CreateCallbackContact": Construct(
        transfer_actions.import_callback, "`place`, with a flow for who answers"
    ),
    "InvokeLambdaFunction": Construct(
        contact_actions.import_function, "`fetch` of a service to fill in"
    ),
    "UpdateContactTargetQueue": Construct(
        transfer_actions.import_target_queue, "`set` of the group to wait for"
    ),
    "UpdateContactRoutingBehavior": Construct(
        transfer_actions.import_routing, "`set` of the priority of queues"
    ),
    "TransferContactToQueue": Construct(
        transfer_actions.import_queue_transfer, "`queue` of a group to fill in"
    ),
    "DequeueContactAndTransferToQueue": Construct(
        transfer_actions.import_queue_transfer, "`queue` of a group to fill in"
    ),
    "TransferParticipantToThirdParty": Construct(
        transfer_actions.import_third_party, "`connect`; `ring` where the flow goes on afterwards"
    ),
    "TransferToFlow": Construct(transfer_actions.import_flow_transfer, "`next_flow`"),
    "InvokeFlowModule": Construct(transfer_actions.import_module, "`subflow`"),
    "EndFlowModuleExecution": Construct(control_actions.import_module_end, "`return: done`"),
    "EndFlowExecution": Construct(control_actions.import_flow_end, "`hangup`"),
    "DisconnectParticipant": Construct(control_actions.import_disconnect, "`hangup`"),
    "MessageParticipantIteratively": Construct(
        control_actions.import_repeated_messages, "`park` with `hold`"
    ),
}
OTHERS: Final = Construct(drop_action, "a state that goes on")


def find_construct(type_: str) -> Construct:
    """How to import an action of this type."""
    return CONSTRUCTS.get(type_, OTHERS)
