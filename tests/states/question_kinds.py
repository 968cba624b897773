"""What other modules ask of a question: a kind of state that waits for keys or words. A kind that
leaves one of these members out compiles and runs, but generated scenarios, coverage, `diff` or
liveness miss a part of it.
"""

import copy
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from flowengine.compile import CompiledState, CompileResult
from flowengine.diff.shared_facts import read_project_facts
from flowengine.diff.state_facts import INHERITED_FIELDS
from flowengine.model import Flow
from flowengine.runtime.step import step
from flowengine.runtime.step_outcome import Outcome
from flowengine.states import StateKind, Verb
from flowengine.svaml import encode_svaml
from tests.states.conversation import NOW, event
from tests.states.kind_examples import PROJECT, build_example_flow, compile_example

FLOW = "line"
NAMED_MENUS = PROJECT.replace("menu_ids: main", "menu_ids: named")
KEYS = frozenset("0123456789#*")
UNFIT_KEY, UNFIT_DIGITS = {"wrong": 9}, {"enter": 1}
FieldPurpose = tuple[str, str]


@dataclass(frozen=True)
class ExampleState:
    """The state that shows a kind in its example, authored and compiled."""

    kind: StateKind
    name: str
    flow: Mapping[str, Any]
    result: CompileResult

    @property
    def authored(self) -> Any:
        return self.flow["states"][self.name][self.kind.name]

    @property
    def compiled(self) -> CompiledState:
        return self.result.programs[FLOW].states[self.name]

    @property
    def verb(self) -> Verb:
        return self.compiled.verb

    def ask(self) -> Outcome:
        """Begin a call in the state."""
        assert self.result.release
        now = datetime.fromisoformat(NOW)
        return step(self.result.release, None, event("ice", {}), now)

    def answer(self, fields: Mapping[str, Any]) -> list[str]:
        """Ask, answer, and return what the trace says of the state."""
        assert self.result.release
        now = datetime.fromisoformat(NOW)
        answered = step(self.result.release, self.ask().call, event("pie", fields), now)
        return [entry.what for entry in answered.trace if entry.state == self.name]

    def list_sent_menus(self) -> list[Mapping[str, Any]]:
        asked = self.ask()
        sent = json.loads(encode_svaml(asked.instructions, asked.action))
        return list(sent.get("action", {}).get("menus", []))

    def get_sent_options(self) -> list[Mapping[str, Any]]:
        menus = self.list_sent_menus()
        return list(menus[0].get("options", [])) if menus else []


def build_example_state(kind: StateKind) -> ExampleState:
    flow = build_example_flow(kind.example)
    name = next(name for name, state in flow["states"].items() if kind.name in state)
    return ExampleState(kind, name, flow, compile_example(flow, NAMED_MENUS))


def find_missing_fields(kind: StateKind) -> list[str]:
    """The fields that a question needs and that do not say what it does; none for other kinds."""
    state = build_example_state(kind)
    if not (state.verb.is_question or kind.shape == "question" or "runMenu" in state.verb.actions):
        return []
    assert state.flow["start"] == state.name, f"the example of {kind.name} begins with another kind"
    found = [
        *find_missing_marks(state),
        *find_missing_sentences(state),
        *find_missing_keys(state),
        *find_missing_repeats(state),
        *find_missing_facts(state),
        *find_missing_values(state),
    ]
    return [f"{kind.name}: {field}: {purpose}" for field, purpose in found]


def find_missing_marks(state: ExampleState) -> Iterator[FieldPurpose]:
    if not state.verb.is_question:
        yield (
            "Verb.is_question",
            "is False: liveness, `back` and generated scenarios ask whether the state is a question",
        )
    if state.kind.shape != "question":
        yield "StateKind.shape", f"is {state.kind.shape!r}: diagrams draw no question"
    if missing := state.verb.actions - set(state.kind.actions.values()):
        yield "StateKind.actions", f"lacks {sorted(missing)}: docs/language.md lists what it sends"


def find_missing_sentences(state: ExampleState) -> Iterator[FieldPurpose]:
    if not state.kind.summarise(state.authored):
        yield "StateKind.summarise", "is empty for the example: diagrams show the prompt"
    if not list(state.verb.list_prompts()):
        yield "Verb.list_prompts", "is empty: checks of texts and locales read all that is said"
    if not any(state.verb.list_answers()):
        yield "Verb.list_answers", "is empty: the check of speech limits adds up what it says"
    sent = {menu["id"] for menu in state.list_sent_menus()} - {"main"}
    if missing := sent - set(state.verb.list_menu_ids()):
        yield (
            "Verb.list_menu_ids",
            f"lacks {sorted(missing)}, which it sends: the check of limits measures the ids",
        )


def find_missing_keys(state: ExampleState) -> Iterator[FieldPurpose]:
    samples = set(state.verb.list_sample_keys((), 1))
    if not samples:
        yield "Verb.list_sample_keys", "is empty: generated scenarios press these keys"
    options = [one for one in state.get_sent_options() if one["action"].startswith("return")]
    for key in [option["dtmf"] for option in options]:
        exit_ = state.answer({"press": key})[0]
        if samples and key not in samples:
            yield "Verb.list_sample_keys", f"lacks {key}: generated scenarios never press it"
        if exit_ == "answers":  # the key goes on in the question, as that which ends a message
            continue
        if state.verb.key_targets.get(key) != exit_:
            yield (
                "Verb.key_targets",
                f"does not lead {key} to {exit_!r}: coverage, `explain` and the telephone read it",
            )
    listed = [path for path, _ in state.kind.list_keys(state.authored)]
    for path in [target.path[3:] for target in state.compiled.exits.values()]:
        if KEYS & set(path) and not any(path[: len(known)] == known for known in listed):
            yield (
                "StateKind.list_keys",
                f"lacks {'.'.join(map(str, path))}: `back`, diagrams and the check of hidden keys read it",
            )


def find_missing_repeats(state: ExampleState) -> Iterator[FieldPurpose]:
    # the platform knows the keys of a menu with options, and takes any digits in another one
    unfit = UNFIT_KEY if state.get_sent_options() else UNFIT_DIGITS
    said = {*state.answer({"timeout": ""}), *state.answer(unfit)}
    reasons = {line.removeprefix("again: ") for line in said if line.startswith("again: ")}
    if missing := reasons - set(state.verb.list_repeat_reasons()):
        yield (
            "Verb.list_repeat_reasons",
            f"lacks {sorted(missing)}: coverage counts asking again, and generated scenarios try it",
        )


def find_missing_facts(state: ExampleState) -> Iterator[FieldPurpose]:
    try:
        facts = read_project_facts(state.result, ()).flows[FLOW].states[state.name]
    except TypeError as error:
        yield "StateKind.list_facts", f"lacks options that `diff` cannot read by itself: {error}"
        return
    exits = Counter(target.state for target in state.compiled.exits.values() if target.path)
    if missing := exits - Counter(edge.target for edge in facts.list_edges()):
        yield (
            "StateKind.list_facts",
            f"lacks targets for {sorted(missing)}: `diff` says which ways are new and lost",
        )
    model = msgspec.convert(state.flow, Flow).states[state.name]
    authored = state.kind.expand(getattr(model, state.kind.attribute))
    inherited = [
        field.encode_name
        for field in msgspec.structs.fields(authored)
        if field.encode_name in INHERITED_FIELDS and not field.required
    ]
    if inherited and not state.kind.has_defaults:
        yield (
            "StateKind.has_defaults",
            f"is False, though `defaults:` stand in for {inherited}: `diff` compares them",
        )


def find_missing_values(state: ExampleState) -> Iterator[FieldPurpose]:
    """What the caller hears and enters: the value is stored while the call waits, and hidden where
    it is a secret.
    """
    flow = copy.deepcopy(dict(state.flow))
    flow["states"][state.name][state.kind.name]["prompt"] = "Hello ${vars.name}."
    program = compile_example(flow).programs[FLOW]
    if "vars.name" not in program.live[state.name]:
        yield (
            "compile",
            "does not register what the prompt reads: liveness drops the value before it asks again",
        )
    written = [name for name in flow["vars"] if f"vars.{name}" in state.compiled.writes]
    for name in written:
        flow["vars"][name]["secret"] = True
    hidden = compile_example(flow).programs[FLOW].states[state.name].verb
    if written and not hidden.asks_for_secret:
        yield "Verb.asks_for_secret", "is False for a secret variable: the journal shows its keys"
