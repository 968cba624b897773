"""Menus: which is first, what their keys do, how long they wait."""

import re

from flowengine import limits
from flowengine.problems import quote_value, suggest_name
from flowengine.svaml import MAIN_MENU, Menu, RunMenu
from flowengine.switch.reading.finding_notes import Notes
from flowengine.switch.reading.prompt_rules import check_parts, split_parts
from flowengine.switch.reading.value_rules import check_positive

_STRICT_OPTION_ACTION = re.compile(r"(return|menu)\((.*)\)")
_DTMF_KEY = re.compile(r"[0-9*#]")


def check_menus(action: RunMenu, where: str, notes: Notes) -> None:
    ids = [menu.id for menu in action.menus]
    _check_main_menu(action, ids, where, notes)
    if action.enable_voice and not action.locale:
        notes.refuse(
            where,
            "enableVoice needs a locale",
            'add "locale", the language that callers speak, such as "en-US"',
        )
    for place, menu in enumerate(action.menus):
        path = f"{where}.menus[{place}]"
        if menu.id in ids[:place]:
            notes.refuse(
                f"{path}.id",
                f"a second menu is called {quote_value(menu.id)}",
                "give each menu an id of its own",
            )
        _check_menu(menu, path, notes)
        _check_options(menu, ids, path, notes)


def _check_main_menu(action: RunMenu, ids: list[str], where: str, notes: Notes) -> None:
    cure = f'call the first menu "{MAIN_MENU}", and give "mainMenu": "{MAIN_MENU}"'
    if action.main_menu not in ids:
        notes.refuse(
            f"{where}.mainMenu",
            f"there is no menu {quote_value(action.main_menu)} to begin with",
            cure,
        )
    elif MAIN_MENU not in ids:
        # OpenAPI contradicts itself here (platform notes, 1.2)
        message = f'no menu is called "{MAIN_MENU}", which begins whatever mainMenu says, as one description has it'
        notes.tolerate(f"{where}.menus", message, cure)


def _check_menu(menu: Menu, where: str, notes: Notes) -> None:
    check_parts(split_parts(menu.main_prompt), f"{where}.mainPrompt", notes)
    check_parts(split_parts(menu.repeat_prompt), f"{where}.repeatPrompt", notes)
    if not menu.id:
        notes.refuse(f"{where}.id", "the menu has no id", 'give it a name, such as "main"')
    if len(menu.id) > limits.MAX_MENU_ID:
        cure = f"keep it to {limits.MAX_MENU_ID}, as the platform's older SDK demands"
        notes.tolerate(f"{where}.id", f"an id of {len(menu.id)} characters", cure)
    if menu.repeats is not None and menu.repeats < 0:
        notes.refuse(f"{where}.repeats", f"{menu.repeats} is out of range", "take 0 or more")
    check_positive(menu.max_digits, f"{where}.maxDigits", notes)
    check_positive(menu.max_timeout_mills, f"{where}.maxTimeoutMills", notes)
    _check_timeout(menu.timeout_mills, f"{where}.timeoutMills", notes)


def _check_timeout(mills: int, where: str, notes: Notes) -> None:
    least, most = limits.MIN_MENU_TIMEOUT_MILLIS, limits.MAX_MENU_TIMEOUT_MILLIS
    if least <= mills <= most:
        return
    if mills < 1:
        notes.refuse(where, f"{mills} milliseconds is out of range", f"take {least} to {most}")
    else:
        cure = f"take {least} to {most}, as the platform's older SDK demands"
        notes.tolerate(
            where, f"{mills} milliseconds is very {'short' if mills < least else 'long'}", cure
        )


def _check_options(menu: Menu, ids: list[str], where: str, notes: Notes) -> None:
    taken: set[str] = set()
    for place, option in enumerate(menu.options):
        if not _DTMF_KEY.fullmatch(option.dtmf):
            notes.refuse(
                f"{where}.options[{place}].dtmf",
                f"{quote_value(option.dtmf)} is no key",
                "take one of 0 to 9, * and #",
            )
        elif option.dtmf in taken:
            notes.refuse(
                f"{where}.options[{place}].dtmf",
                f"the key {quote_value(option.dtmf)} has an option already",
                "give each key one option",
            )
        taken.add(option.dtmf)
        lead = _STRICT_OPTION_ACTION.fullmatch(option.action)
        if lead is None:
            notes.refuse(
                f"{where}.options[{place}].action",
                f"{quote_value(option.action)} leads nowhere",
                "write return(value), which is told by PIE, or menu(id)",
            )
        elif lead[1] == "menu" and lead[2] not in ids:
            _refuse_unknown_menu(lead[2], ids, f"{where}.options[{place}].action", notes)


def _refuse_unknown_menu(menu: str, ids: list[str], where: str, notes: Notes) -> None:
    cure = suggest_name(menu, ids) or f"name one of the menus: {', '.join(map(quote_value, ids))}"
    notes.refuse(where, f"there is no menu {quote_value(menu)}", cure)
