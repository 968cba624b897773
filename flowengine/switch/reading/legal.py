"""What may answer what: the matrix of the platform, with the cells on which its descriptions
disagree.
"""

from collections.abc import Mapping, Sequence

from flowengine.problems import one_of
from flowengine.svaml import LEGAL_ACTIONS, LEGAL_INSTRUCTIONS, Action, Instruction
from flowengine.switch.reading.notes import Notes
from flowengine.switch.reading.reading import Context
from flowengine.switch.settings import Settings

_PATCH = frozenset({"hangup", "continue", "park"})
_CUSTOM_ICE = frozenset({"connectPstn", "connectStream"})
ACTIONS: Mapping[Context, frozenset[str]] = {
    "ice": LEGAL_ACTIONS["ice"],
    "ace": LEGAL_ACTIONS["ace"],
    "pie": LEGAL_ACTIONS["pie"],
    "dice": LEGAL_ACTIONS["dice"],
    "patch": _PATCH,
    "patch_leg": _PATCH,
    "unpark": LEGAL_ACTIONS["ice"] | _PATCH,
    "custom_ice": _CUSTOM_ICE,
    "custom_ace": LEGAL_ACTIONS["ace"],
    "custom_pie": LEGAL_ACTIONS["ace"],
}
_DISPUTED_ACE = frozenset({"connectPstn", "park"})
_DISPUTED_PIE = frozenset({"connectMxp", "connectStream"})
DISPUTED_ACTIONS: Mapping[Context, frozenset[str]] = {
    "ace": _DISPUTED_ACE,
    "pie": _DISPUTED_PIE,
    "patch": frozenset({"runMenu"}),
    "custom_ace": _DISPUTED_ACE,
    "custom_ice": frozenset({"connectSip", "connectMxp", "hangup"}),
    "custom_pie": (LEGAL_ACTIONS["pie"] - LEGAL_ACTIONS["ace"]) | _DISPUTED_PIE,
}
"""What some descriptions of the platform allow and others do not: tolerated"""
INSTRUCTIONS: Mapping[Context, frozenset[str]] = {
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
DISPUTED_INSTRUCTIONS: Mapping[Context, frozenset[str]] = {
    "custom_pie": LEGAL_INSTRUCTIONS["pie"] - LEGAL_INSTRUCTIONS["ace"],
}
_PLACES: Mapping[Context, str] = {
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
_PATCHES: frozenset[Context] = frozenset({"patch", "patch_leg"})
_NOTHING: frozenset[str] = frozenset()


def name_of(value: Instruction | Action) -> str:
    return str(value.__struct_config__.tag)


def check_places(
    said: Sequence[tuple[str, Instruction]],
    action: Action | None,
    context: Context,
    settings: Settings,
    notes: Notes,
    *,
    app_origin: bool,
) -> None:
    """Whether each part of an answer may be in it; instructions come with their paths."""
    allowed = INSTRUCTIONS[context]
    for where, item in said:
        if (name := name_of(item)) not in allowed:
            _misplaced(
                notes, where, name, context, allowed, DISPUTED_INSTRUCTIONS.get(context, _NOTHING)
            )
    if action is None and context in _PATCHES and said:
        notes.tolerate(
            "action",
            "descriptions of the platform disagree on whether a PATCH may do without action",
            'add "action": {"name": "continue"}',
        )
    if action is not None:
        _check_action(name_of(action), context, settings, notes, app_origin=app_origin)
        if name_of(action) == "connectMxp":
            _check_recorded(said, notes)


def _check_action(
    name: str, context: Context, settings: Settings, notes: Notes, *, app_origin: bool
) -> None:
    if name in ACTIONS[context]:
        return
    if context == "ice" and name == "continue":
        _check_continue(settings, notes, app_origin=app_origin)
    else:
        _misplaced(
            notes,
            "action",
            name,
            context,
            ACTIONS[context],
            DISPUTED_ACTIONS.get(context, _NOTHING),
        )


def _check_continue(settings: Settings, notes: Notes, *, app_origin: bool) -> None:
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


def _misplaced(
    notes: Notes,
    where: str,
    name: str,
    context: Context,
    allowed: frozenset[str],
    disputed: frozenset[str],
) -> None:
    take = one_of(sorted(allowed)) if allowed else "nothing"
    if name in disputed:
        message = f"descriptions of the platform disagree on whether {name} is allowed in {_PLACES[context]}"
        notes.tolerate(where, message, f"to be safe, take {take}")
    else:
        notes.refuse(where, f"{name} is not allowed in {_PLACES[context]}", f"take {take} there")


def _check_recorded(said: Sequence[tuple[str, Instruction]], notes: Notes) -> None:
    for where, item in said:
        if name_of(item) == "startRecording":
            notes.tolerate(
                where,
                "startRecording is ignored together with connectMxp",
                "leave it out: calls to an app are not recorded",
            )
