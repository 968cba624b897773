"""What an answer means to a caller, and where two answers differ in that."""

import re
from collections.abc import Iterator
from typing import Any

import msgspec
from msgspec.structs import replace

from flowengine.replay.placeholder_environment import SECRET_PLACEHOLDER, can_match
from flowengine.svaml import Menu, MenuOption, RunMenu
from flowengine.svaml.encode import decode_svaml
from flowengine.svaml.menu_checks import list_reachable_menus

_OPTION_MENU = re.compile(r"menu\((.+)\)")


def find_difference(new: bytes, recorded: bytes) -> str:
    """The first part in which a new answer means something else than the recorded one, such as
    `action.number`, or "".
    """
    if new == recorded:
        return ""
    return next(find_different_paths(normalise_answer(new), normalise_answer(recorded)), "")


def normalise_answer(answer: bytes) -> Any:
    """An answer as plain data, without what only the platform and the engine tell each other: the
    names of menus.
    """
    said = decode_svaml(answer)
    action = said.action
    if isinstance(action, RunMenu):
        action = number_menus(action)
    return msgspec.to_builtins(replace(said, action=action))


def number_menus(action: RunMenu) -> RunMenu:
    """The menus that a caller may come to, numbered: their ids carry the names of flow and state."""
    menus = list_reachable_menus(action)
    numbers = {menu.id: str(number) for number, menu in enumerate(menus)}
    for menu in action.menus:  # the namesake of the first one
        numbers.setdefault(menu.id, "0")

    def renumber_option(option: MenuOption) -> MenuOption:
        found = _OPTION_MENU.fullmatch(option.action)
        return replace(option, action=f"menu({numbers.get(found[1], '')})") if found else option

    return replace(
        action,
        main_menu=numbers.get(action.main_menu, ""),
        menus=tuple(
            replace(
                menu,
                id=numbers[menu.id],
                options=tuple(renumber_option(option) for option in sort_options(menu)),
            )
            for menu in menus
        ),
    )


def sort_options(menu: Menu) -> list[MenuOption]:
    """The options of a menu; in which order they are listed means nothing."""
    return sorted(menu.options, key=lambda option: option.dtmf)


def find_different_paths(new: Any, recorded: Any, path: str = "") -> Iterator[str]:
    """The paths at which two values differ."""
    if isinstance(new, dict) and isinstance(recorded, dict):
        # the name of an action tells more than its properties
        for name in dict.fromkeys(["name", "action", *recorded, *new]):
            yield from find_different_paths(
                new.get(name), recorded.get(name), f"{path}.{name}".lstrip(".")
            )
    elif isinstance(new, tuple) and isinstance(recorded, tuple) and len(new) == len(recorded):
        for index, (one, other) in enumerate(zip(new, recorded, strict=True)):
            yield from find_different_paths(one, other, f"{path}[{index}]")
    elif new != recorded and not differs_by_secret(new, recorded):
        yield path


def differs_by_secret(new: Any, recorded: Any) -> bool:
    """Whether a text differs from the recorded one only where it has a placeholder for a secret."""
    return (
        isinstance(new, str)
        and isinstance(recorded, str)
        and SECRET_PLACEHOLDER in new
        and can_match(new, recorded)
    )
