"""The actions and instructions that each callback allows, with those on which descriptions of the
platform disagree.
"""

from collections.abc import Mapping, Sequence

from flowengine.problems import join_with_or
from flowengine.svaml import LEGAL_ACTIONS, LEGAL_INSTRUCTIONS, Action, Instruction
from flowengine.switch.reading.finding_notes import Notes
from flowengine.switch.reading.svaml_reading import AnswerContext
from flowengine.switch.switch_settings import SwitchSettings

_PATCH_ACTIONS = frozenset({"hangup", "continue", "park"})
_CUSTOM_ICE_ACTIONS = frozenset({"connectPstn", "connectStream"})
ALLOWED_ACTIONS: Mapping[AnswerContext, frozenset[str]] = {
    "ice": LEGAL_ACTIONS["ice"],
    "ace": LEGAL_ACTIONS["ace"],
    "pie": LEGAL_ACTIONS["pie"],
    "dice": LEGAL_ACTIONS["dice"],
    "patch": _PATCH_ACTIONS,
    "patch_leg": _PATCH_ACTIONS,
    # a parked call takes what ICE could have been answered (platform notes, 1.1)
    "unpark": LEGAL_ACTIONS["ice"] | _PATCH_ACTIONS,
    "custom_ice": _CUSTOM_ICE_ACTIONS,
    "custom_ace": LEGAL_ACTIONS["ace"],
    "custom_pie": LEGAL_ACTIONS["ace"],
}
_DISPUTED_ACE = frozenset({"connectPstn", "park"})
_DISPUTED_PIE = frozenset({"connectMxp", "connectStream"})
DISPUTED_ACTIONS: Mapping[AnswerContext, frozenset[str]] = {
    "ace": _DISPUTED_ACE,
    "pie": _DISPUTED_PIE,
    "patch": frozenset({"runMenu"}),
    "custom_ace": _DISPUTED_ACE,
    "custom_ice": frozenset({"connectSip", "connectMxp", "hangup"}),
    "custom_pie": (LEGAL_ACTIONS["pie"] - LEGAL_ACTIONS["ace"]) | _DISPUTED_PIE,
}
"""What some descriptions of the platform allow and others do not: tolerated"""
ALLOWED_INSTRUCTIONS: Mapping[AnswerContext, frozenset[str]] = {
    "ice": LEGAL_INSTRUCTIONS["ice"],
    "ace": LEGAL_INSTRUCTIONS["ace"],
    "pie": LEGAL_INSTRUCTIONS["pie"],
    "dice": LEGAL_INSTRUCTIONS["dice"],
    "patch": LEGAL_INSTRUCTIONS["ice"],
    "patch_leg": frozenset({"say", "playFiles"}),
    "unpark": LEGAL_INSTRUCTIONS["ice"],
    "custom_ice": LEGAL_INSTRUCTIONS["ice"],
    "custom_ace": LEGAL_INSTRUCTIONS["ace"],
    "custom_pie": LEGAL_INSTRUCTIONS["ace"],
}
DISPUTED_INSTRUCTIONS: Mapping[AnswerContext, frozenset[str]] = {
    "custom_pie": LEGAL_INSTRUCTIONS["pie"] - LEGAL_INSTRUCTIONS["ace"],
}
_CONTEXT_NAMES: Mapping[AnswerContext, str] = {
    "ice": "an answer to ICE",
    "ace": "an answer to ACE",
    "pie": "an answer to PIE",
    "dice": "an answer to DiCE",
    "patch": "a PATCH of a call",
    "patch_leg": "a PATCH of a leg",
    "unpark": "a PATCH of a parked call",
    "custom_ice": "the ice of a custom callout",
    "custom_ace": "the ace of a custom callout",
    "custom_pie": "the pie of a custom callout",
}
_PATCH_CONTEXTS: frozenset[AnswerContext] = frozenset({"patch", "patch_leg"})
_NO_NAMES: frozenset[str] = frozenset()


def get_tag(value: Instruction | Action) -> str:
    return str(value.__struct_config__.tag)


def check_context(
    instructions: Sequence[tuple[str, Instruction]],
    action: Action | None,
    context: AnswerContext,
    settings: SwitchSettings,
    notes: Notes,
    *,
    app_origin: bool,
) -> None:
    """Whether each part of an answer may be in it; instructions come with their paths."""
    allowed = ALLOWED_INSTRUCTIONS[context]
    for where, item in instructions:
        if (name := get_tag(item)) not in allowed:
            _report_misplaced(
                notes, where, name, context, allowed, DISPUTED_INSTRUCTIONS.get(context, _NO_NAMES)
            )
    if action is None and context in _PATCH_CONTEXTS and instructions:
        notes.tolerate(
            "action",
            "descriptions of the platform disagree on whether a PATCH may do without action",
            'add "action": {"name": "continue"}',
        )
    if action is not None:
        _check_action(get_tag(action), context, settings, notes, app_origin=app_origin)
        if get_tag(action) == "connectMxp":
            _check_mxp_recording(instructions, notes)


def _check_action(
    name: str, context: AnswerContext, settings: SwitchSettings, notes: Notes, *, app_origin: bool
) -> None:
    if name in ALLOWED_ACTIONS[context]:
        return
    if context == "ice" and name == "continue":
        _check_continue(settings, notes, app_origin=app_origin)
    else:
        _report_misplaced(
            notes,
            "action",
            name,
            context,
            ALLOWED_ACTIONS[context],
            DISPUTED_ACTIONS.get(context, _NO_NAMES),
        )


def _check_continue(settings: SwitchSettings, notes: Notes, *, app_origin: bool) -> None:
    """The one cell that has a setting"""
    if settings.continue_in_ice == "always" or (settings.continue_in_ice == "apps" and app_origin):
        return
    only = (
        "only the call of an app continues as dialled"
        if settings.continue_in_ice == "apps"
        else "no call continues as dialled"
    )
    notes.refuse(
        "action",
        f"continue is not allowed in an answer to ICE: {only}",
        "say whom to call, as connectPstn does",
    )


def _report_misplaced(
    notes: Notes,
    where: str,
    name: str,
    context: AnswerContext,
    allowed: frozenset[str],
    disputed: frozenset[str],
) -> None:
    take = join_with_or(sorted(allowed)) if allowed else "nothing"
    if name in disputed:
        message = f"descriptions of the platform disagree on whether {name} is allowed in {_CONTEXT_NAMES[context]}"
        notes.tolerate(where, message, f"to be safe, take {take}")
    else:
        notes.refuse(
            where, f"{name} is not allowed in {_CONTEXT_NAMES[context]}", f"take {take} there"
        )


def _check_mxp_recording(instructions: Sequence[tuple[str, Instruction]], notes: Notes) -> None:
    for where, item in instructions:
        if get_tag(item) == "startRecording":
            notes.tolerate(
                where,
                "startRecording is ignored together with connectMxp",
                "leave it out: calls to an app are not recorded",
            )
