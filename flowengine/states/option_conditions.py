"""Which options of a menu were not offered, as a call remembers it until the caller answers."""

from collections.abc import Iterable, Mapping

from flowengine.expr import Expression
from flowengine.states.menu_options import CompiledSubmenu, NumberMenu
from flowengine.states.step_context import StepContext

HIDDEN_FACT = "call.hidden"
MAX_HIDDEN_BYTES = 32  # of a menu with 128 options under conditions


def find_unmet_actions(conditions: Mapping[str, Expression], run: StepContext) -> set[str]:
    """The actions whose conditions do not hold now."""
    return {
        action
        for action, condition in conditions.items()
        if condition.evaluate(run.names) is not True
    }


def remember_hidden(
    conditions: Mapping[str, Expression], hidden: set[str], run: StepContext
) -> None:
    """Keep what is not offered, as the hexadecimal number of a bit for each condition."""
    bits = sum(1 << place for place, action in enumerate(conditions) if action in hidden)
    run.names[HIDDEN_FACT] = f"{bits:x}"


def recall_hidden(conditions: Mapping[str, Expression], run: StepContext) -> set[str]:
    """The actions that were not offered when the caller was asked; by what holds now where a call
    does not know it any more.
    """
    try:
        bits = int(run.names.get(HIDDEN_FACT, ""), 16)
    except ValueError:
        return find_unmet_actions(conditions, run)
    return {action for place, action in enumerate(conditions) if bits >> place & 1}


def add_empty_menus(hidden: set[str], menus: Iterable[NumberMenu]) -> set[str]:
    """These actions, and those that only lead to such ones."""
    found = set(hidden)
    for menu in menus if found else ():  # the inner ones come first
        if all(option.action in found for option in menu.options):
            found.add(f"menu({menu.id})")
    return found


def is_hidden(value: str, hidden: set[str], submenus: Iterable[CompiledSubmenu]) -> bool:
    """Whether the choice, or the inner menu, of these keys is among these actions."""
    inner = (f"menu({menu.id})" for menu in submenus if menu.value == value)
    return f"return({value})" in hidden or any(action in hidden for action in inner)
