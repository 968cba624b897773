"""The states of a flow as a shared machine of `transitions`."""

from typing import Any, NamedTuple

import msgspec
from transitions import Event, Machine, MachineError, State, Transition

from flowengine.compile.program import CompiledState

NO_CALLBACKS: list[Any] = []


class Cursor(msgspec.Struct):
    """Where a call is; the model object of `transitions`, of which a step has more."""

    state: str


class PlainState(State):
    """A state without callbacks, as `step` has no side effects. Thousands of states share the empty
    lists.
    """

    def __init__(self, name: str, **_nothing: Any) -> None:
        super().__init__(name)
        self.on_enter = self.on_exit = NO_CALLBACKS


class PlainTransition(Transition):
    """A transition without callbacks and conditions."""

    def __init__(self, source: str, dest: str, *_nothing: Any) -> None:
        super().__init__(source, dest)
        self.prepare = self.before = self.after = self.conditions = NO_CALLBACKS


class PlainEvent(Event):
    """An event that moves the cursor at once (docs/decisions/0006): without callbacks and
    conditions, the general path of 6 us does nothing more.

    It does not refer to its machine: such a cycle would keep an unloaded release in memory until
    the garbage collector runs.
    """

    def __init__(self, name: str, _machine: Machine) -> None:
        super().__init__(name, None)  # type: ignore[arg-type]  # no callback here asks for it

    def trigger(self, model: Any, *_args: Any, **_kwargs: Any) -> bool:
        """Move this cursor by the exit. Raises MachineError where its state has no such exit."""
        found = self.transitions.get(model.state)
        if not found:
            raise MachineError(f"state {model.state} has no exit {self.name}")
        model.state = str(found[0].dest)
        return True


class StateExits(NamedTuple):
    """All that a machine depends on of a state: where its exits and its error lead."""

    name: str
    exits: tuple[tuple[str, str], ...]
    error: str


class FlowMachine(Machine):
    """Shared by all calls of a flow, and by all flows whose states lead to the same ones."""

    state_cls = PlainState
    transition_cls = PlainTransition
    event_cls = PlainEvent


def list_state_exits(state: CompiledState) -> StateExits:
    exits = tuple((name, target.state) for name, target in state.exits.items())
    return StateExits(state.name, exits, state.error)


def build_machine(states: tuple[StateExits, ...]) -> FlowMachine:
    """The machine of a flow: its states, and a trigger per exit."""
    built = FlowMachine(
        # no model: machines are shared by all calls, and `trigger` gets the cursor of one
        model=None,
        states=[state.name for state in states],
        # never used, as each call has its own cursor, but transitions needs one
        initial=states[0].name if states else "",
        auto_transitions=False,
        send_event=True,
        queued=False,
    )
    for state in states:
        for name, target in state.exits:
            built.add_transition(name, state.name, target)
        if state.error:
            built.add_transition("error", state.name, state.error)
    return built
