"""What a runMenu action must look like: its menus, their keys, and where the keys lead."""

from __future__ import annotations

import re
from collections.abc import Iterator

from msgspec.structs import replace

from flowengine import limits
from flowengine.svaml.actions import MAIN_MENU, Menu, RunMenu

_OPTION = re.compile(r"(return|menu)\((.+)\)")


def list_reachable_menus(action: RunMenu) -> list[Menu]:
    """The menus that a caller may come to: of a menu that is sent under two names, only the one
    that is begun with.
    """
    begun = next((menu for menu in action.menus if menu.id == action.main_menu), None)
    return [
        menu
        for menu in action.menus
        if menu is begun or begun is None or replace(menu, id=begun.id) != begun
    ]


def find_menu_faults(action: RunMenu) -> Iterator[str]:
    ids = [menu.id for menu in action.menus]
    if MAIN_MENU not in ids or action.main_menu not in ids:
        yield f'one menu must be called "{MAIN_MENU}", and mainMenu must name one of the menus'
    if len(set(ids)) < len(ids):
        yield "two menus share an id"
    if action.enable_voice and not action.locale:
        yield "enableVoice needs a locale"
    for menu in action.menus:
        yield from (f"menu {menu.id!r}: {fault}" for fault in _check_menu(menu, ids))


def _check_menu(menu: Menu, ids: list[str]) -> Iterator[str]:
    if not 0 < len(menu.id) <= limits.MAX_MENU_ID:
        yield f"the id must have 1 to {limits.MAX_MENU_ID} characters"
    if not limits.MIN_MENU_TIMEOUT_MILLIS <= menu.timeout_mills <= limits.MAX_MENU_TIMEOUT_MILLIS:
        yield f"timeoutMills must be from {limits.MIN_MENU_TIMEOUT_MILLIS} to {limits.MAX_MENU_TIMEOUT_MILLIS}"
    if (
        menu.max_timeout_mills <= 0
        or (menu.repeats or 0) < 0
        or (menu.max_digits is not None and menu.max_digits < 1)
    ):
        yield "repeats, maxDigits and maxTimeoutMills must be positive"
    if len({option.dtmf for option in menu.options}) < len(menu.options):
        yield "a key has two options"
    for option in menu.options:
        if not re.fullmatch(r"[0-9*#]", option.dtmf):
            yield f"{option.dtmf!r} is not a key of a phone"
        yield from _check_target(option.action, ids)


def _check_target(action: str, ids: list[str]) -> Iterator[str]:
    match = _OPTION.fullmatch(action)
    if match is None:
        yield f"{action!r} is neither return(value) nor menu(id)"
    elif match[1] == "menu" and match[2] not in ids:
        yield f"{action!r} leads nowhere"
