"""What an answer means to a caller, and where two answers differ in that."""

import re
from collections.abc import Iterator
from typing import Any

import msgspec
from msgspec.structs import replace

from flowengine.releases.replay.environment import PLACEHOLDER, may_be
from flowengine.svaml import Menu, Option, RunMenu
from flowengine.svaml.encode import decode
from flowengine.svaml.menus import heard

_LEADS_TO = re.compile(r"menu\((.+)\)")


def differs(new: bytes, recorded: bytes) -> str:
    """The first part in which a new answer means something else than the recorded one, such as
    `action.number`, or "".
    """
    if new == recorded:
        return ""
    return next(different(meaning(new), meaning(recorded)), "")


def meaning(answer: bytes) -> Any:
    """An answer as plain data, without what only the platform and the engine tell each other: the
    names of menus.
    """
    said = decode(answer)
    action = said.action
    if isinstance(action, RunMenu):
        action = anonymous(action)
    return msgspec.to_builtins(replace(said, action=action))


def anonymous(action: RunMenu) -> RunMenu:
    """The menus that a caller may come to, numbered: their ids carry the names of flow and state."""
    menus = heard(action)
    numbers = {menu.id: str(number) for number, menu in enumerate(menus)}
    for menu in action.menus:  # the namesake of the first one
        numbers.setdefault(menu.id, "0")

    def led(option: Option) -> Option:
        found = _LEADS_TO.fullmatch(option.action)
        return replace(option, action=f"menu({numbers.get(found[1], '')})") if found else option

    return replace(
        action,
        main_menu=numbers.get(action.main_menu, ""),
        menus=tuple(
            replace(
                menu, id=numbers[menu.id], options=tuple(led(option) for option in by_key(menu))
            )
            for menu in menus
        ),
    )


def by_key(menu: Menu) -> list[Option]:
    """The options of a menu; in which order they are listed means nothing."""
    return sorted(menu.options, key=lambda option: option.dtmf)


def different(new: Any, recorded: Any, path: str = "") -> Iterator[str]:
    """The paths at which two values differ."""
    if isinstance(new, dict) and isinstance(recorded, dict):
        for name in dict.fromkeys(
            ["name", "action", *recorded, *new]
        ):  # what is done tells more than how
            yield from different(new.get(name), recorded.get(name), f"{path}.{name}".lstrip("."))
    elif isinstance(new, tuple) and isinstance(recorded, tuple) and len(new) == len(recorded):
        for index, (one, other) in enumerate(zip(new, recorded, strict=True)):
            yield from different(one, other, f"{path}[{index}]")
    elif new != recorded and not (
        isinstance(new, str)
        and isinstance(recorded, str)
        and PLACEHOLDER in new
        and may_be(new, recorded)
    ):
        yield path
