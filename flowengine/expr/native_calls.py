"""Calls functions written in Python without CEL, which is left with what stands around the calls.

CEL never releases what it hands to such a function, and what the function returns
(docs/decisions/0087). So the arguments are evaluated first, the function is called, and its result
has a name in the program of CEL around it. Conditions (`&&`, `||`, `? :`) and loops around a call
are evaluated here, too, as they decide whether it is made and whether its error counts.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from flowengine.expr.checked_expression import (
    CheckedExpression,
    Part,
    PartKind,
    UnknownPartError,
    serialize_part,
)
from flowengine.expr.functions import Overload
from flowengine.expr.operators import (
    BUDGET,
    CONDITIONS,
    MAX_STEPS,
    OPERATORS,
    Frame,
    FrameEvaluator,
    extend_list,
    make_call,
    make_loop,
    make_loop_name_reader,
    make_operation,
)
from flowengine.expr.types import PYTHON_TYPES, EvalError, Type

ProgramLoader = Callable[[bytes], FrameEvaluator]

_FAILED: Final = object()  # stands for a part with an error: no value of CEL, so it says its name
_LONE_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_FAILURE: Final = re.compile(r"Non-CEL value type for '(@\d+)': object\.")


def compile_native(
    checked: CheckedExpression,
    names: Mapping[str, Type],
    overloads: Mapping[str, Overload],
    load_program: ProgramLoader,
) -> FrameEvaluator | None:
    """An evaluator that calls the functions of `overloads`, and takes parts of answers of other
    systems, without CEL. None for an expression that does neither, or that holds what only CEL
    knows between the calls.
    """
    reads_any = any(names.get(name) is Type.ANY for name in checked.names)
    if not reads_any and not checked.overload_ids & overloads.keys():
        return None
    try:
        return _NativeCompiler(checked, names, overloads, load_program).compile_root()
    except UnknownPartError:
        return None


class _NativeCompiler:
    """Compiles the parts of one expression. Raises UnknownPartError where CEL has to have all."""

    def __init__(
        self,
        checked: CheckedExpression,
        names: Mapping[str, Type],
        overloads: Mapping[str, Overload],
        load_program: ProgramLoader,
    ) -> None:
        self._checked = checked
        self._names = names
        self._overloads = overloads
        self._load_program = load_program
        self._loop_names: frozenset[str] = frozenset()  # of the loops around a part
        self._loops_are_native = False
        self._native_ids = self._find_native(checked.root)
        # all of them where one is: their steps are counted together
        self._loops_are_native = any(
            part.kind is PartKind.LOOP and any(one.id in self._native_ids for one in part.parts[1:])
            for part in checked.root.walk()
        )
        self._native_ids = self._find_native(checked.root)

    def _find_native(self, root: Part) -> set[int]:
        """The ids of parts that hold something to evaluate here."""
        found: set[int] = set()

        def visit(part: Part) -> bool:
            is_native = part.kind is PartKind.LOOP and self._loops_are_native
            inside = [visit(one) for one in part.parts]
            if any(inside) or is_native or self._list_own_overloads(part):
                found.add(part.id)
            return part.id in found

        visit(root)
        return found

    def _list_own_overloads(self, part: Part) -> list[Overload]:
        ids = self._checked.list_overloads(part)
        return [self._overloads[one] for one in ids if one in self._overloads]

    def compile_root(self) -> FrameEvaluator:
        evaluate = self._compile(self._checked.root)
        if self._loops_are_native:
            return lambda frame: evaluate({**frame, BUDGET: [MAX_STEPS]})
        return evaluate

    def _compile(self, part: Part) -> FrameEvaluator:
        return self._compile_native(part) or self._compile_program(part)

    def _compile_native(self, part: Part) -> FrameEvaluator | None:
        """An evaluator that asks CEL for parts inside at most; None where CEL has to have it."""
        if part.kind is PartKind.CONSTANT:
            value = part.value
            return lambda _: value
        if part.kind is PartKind.LOOP and not self._loops_are_native:
            return None
        compilers = {
            PartKind.NAME: self._compile_name,
            PartKind.FIELD: self._compile_field,
            PartKind.LIST: self._compile_list,
            PartKind.CALL: self._compile_call,
            PartKind.LOOP: self._compile_loop,
        }
        compile_kind = compilers.get(part.kind)
        return compile_kind(part) if compile_kind else None

    def _compile_name(self, part: Part) -> FrameEvaluator | None:
        name = part.name
        if name in self._loop_names:
            return make_loop_name_reader(name)
        if name not in self._names:
            return None
        convert = self._load_lazily(part, {})
        expected = PYTHON_TYPES.get(self._names[name])

        # Most values are what their type says, and CEL would not change them. A text with a lone
        # surrogate and a number beyond 64 bits are for its conversion.
        def read(frame: Frame) -> Any:
            value = frame[name]
            if value.__class__ is expected or expected is None:
                if value.__class__ is str:
                    if value.isascii() or not _LONE_SURROGATE.search(value):
                        return value
                elif value.__class__ is not int or -(2**63) <= value < 2**63:
                    return value
            return convert({name: value})

        return read

    def _compile_field(self, part: Part) -> FrameEvaluator | None:
        evaluate, name, is_test = self._compile_native(part.parts[0]), part.name, part.is_test
        if evaluate is None or not self._can_bind_parts(part):
            return None
        read_by_cel = self._compile_around(part)

        def read(frame: Frame) -> Any:
            value = evaluate(frame)
            if value.__class__ is dict and (is_test or name in value):
                return name in value if is_test else value[name]
            return read_by_cel(value)

        return read

    def _compile_list(self, part: Part) -> FrameEvaluator | None:
        items = [self._compile_native(one) for one in part.parts]
        if not (self._can_bind_parts(part) and (self._loop_names or all(items))):
            return None
        evaluators = [
            item or self._compile(one) for item, one in zip(items, part.parts, strict=True)
        ]
        return lambda frame: [evaluate(frame) for evaluate in evaluators]

    def _compile_call(self, part: Part) -> FrameEvaluator | None:
        if part.name in CONDITIONS and (part.id in self._native_ids or self._loop_names):
            return CONDITIONS[part.name](*map(self._compile, part.parts))
        ours = self._list_own_overloads(part)
        if part.name in OPERATORS:
            return self._compile_operator(part, ours)
        return self._compile_function(part, ours) if ours else None

    def _compile_operator(self, part: Part, ours: Sequence[Overload]) -> FrameEvaluator | None:
        sides = [self._compile_native(one) for one in part.parts]
        if not ours and not (all(sides) and self._can_bind_parts(part)):
            return None
        computes: dict[tuple[type, ...], Callable[..., Any]] = {
            **OPERATORS[part.name],
            **{tuple(PYTHON_TYPES[kind] for kind in one.parameters): one.call for one in ours},
        }
        if part.parts[0].name.startswith("@") and part.parts[-1].kind is PartKind.LIST:
            computes[list, list] = extend_list  # the result of a loop, which nothing else holds
        evaluators = [
            side or self._compile(one) for side, one in zip(sides, part.parts, strict=True)
        ]
        return make_operation(evaluators, computes, self._compile_around(part))

    def _compile_function(self, part: Part, ours: Sequence[Overload]) -> FrameEvaluator:
        arguments = [self._compile(one) for one in part.parts]
        choices = [
            (tuple(PYTHON_TYPES.get(kind, object) for kind in one.parameters), one.call)
            for one in ours
        ]
        takes_any = len(choices) == 1 and {*choices[0][0]} == {object}
        refuse = self._compile_around(part, never=takes_any)
        return make_call(arguments, choices, refuse, is_decimal=ours[0].returns is Type.DECIMAL)

    def _compile_loop(self, part: Part) -> FrameEvaluator:
        """A loop as CEL has it: each item makes the next result of the one before."""
        if part.variables[0] in self._names or not self._checked.can_bind(part.parts[0]):
            raise UnknownPartError
        find_items = self._compile(part.parts[0])
        outer, self._loop_names = self._loop_names, self._loop_names.union(part.variables)
        start, goes_on, make_next, finish = map(self._compile, part.parts[1:])
        self._loop_names = outer

        return make_loop(part.variables, find_items, start, goes_on, make_next, finish)

    def _compile_program(self, part: Part) -> FrameEvaluator:
        """A part that CEL evaluates, with names for what is evaluated here."""
        bound = {one.id: f"@{one.id}" for one in self._find_outermost(part)}
        inner = [(bound[one.id], self._compile(one)) for one in self._find_outermost(part)]
        names = sorted(self._find_names(part, bound))
        evaluate = self._load_lazily(part, bound)
        if not inner:
            return lambda frame: evaluate({name: frame[name] for name in names})

        def evaluate_around(frame: Frame) -> Any:
            values = {name: frame[name] for name in names}
            failures: dict[str, str] = {}
            for name, evaluate_inner in inner:
                try:
                    values[name] = evaluate_inner(frame)
                except EvalError as error:
                    values[name], failures[name] = _FAILED, error.message
            try:
                return evaluate(values)
            except EvalError as error:
                # of several errors CEL chooses one
                found = _FAILURE.fullmatch(error.message)
                message = failures.get(found[1]) if found else None
                raise EvalError(error.message if message is None else message) from None

        return evaluate_around

    def _find_outermost(self, part: Part) -> list[Part]:
        """The parts inside that are evaluated here and stand in no other."""
        found = []
        for one in part.parts:
            if one.id not in self._native_ids:
                continue
            is_loop = one.kind is PartKind.LOOP and self._loops_are_native
            is_function = bool(self._list_own_overloads(one))
            if is_loop or is_function or one.name in CONDITIONS:
                if not self._checked.can_bind(one) and (not is_function or one.name in OPERATORS):
                    raise UnknownPartError
                found.append(one)
            else:
                found += self._find_outermost(one)
        return found

    def _find_names(self, part: Part, bound: Mapping[int, str]) -> set[str]:
        if part.id in bound:
            return set()
        if part.kind is not PartKind.NAME:
            return set().union(*(self._find_names(one, bound) for one in part.parts))
        if part.name in self._loop_names and part.name.startswith("@"):
            raise UnknownPartError  # the result of a loop so far, which may be an error
        return {part.name} & (self._names.keys() | self._loop_names)

    def _can_bind_parts(self, part: Part) -> bool:
        return all(map(self._checked.can_bind, part.parts))

    def _compile_around(self, part: Part, *, never: bool = False) -> Callable[..., Any]:
        """What CEL makes of a part when its own parts have these values, or `never` is asked."""
        if not (never or self._can_bind_parts(part)):
            raise UnknownPartError
        names = [f"@{one.id}" for one in part.parts]
        evaluate = self._load_lazily(part, {one.id: f"@{one.id}" for one in part.parts})
        return lambda *values: evaluate(dict(zip(names, values, strict=True)))

    def _load_lazily(self, part: Part, bound: Mapping[int, str]) -> FrameEvaluator:
        # bytes alone, as these functions live as long as the release
        load, serialised, message = self._load_program, self._checked.serialised, part.message
        loaded: list[FrameEvaluator] = []

        def evaluate(values: Frame) -> Any:
            if not loaded:
                loaded.append(load(serialize_part(serialised, message, bound)))
            return loaded[0](values)

        return evaluate
