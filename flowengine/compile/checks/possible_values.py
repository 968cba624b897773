"""The values that names of a flow can have in a call by phone, as far as the project says: constants,
cells of tables, the dialled number, and what is made of these.
"""

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice, product
from typing import Any, Final

from flowengine.compile.checks.value_sources import TABLE_COLUMN
from flowengine.compile.program import CompiledState, Program
from flowengine.expr import EvalError, Expression, Template, find_whole_expression
from flowengine.model import TableFile

MAX_COMBINATIONS: Final = 64  # of values that are tried for one text
MAX_ROUNDS: Final = 4  # variables that are set one from the other
ValuesByName = dict[str, tuple[Any, ...]]
WrittenSource = Expression | Template | str | float | bool | None


class PossibleValues:
    """By flow and name: the values that a call to `number` can find there when it comes to one of
    these states. A name without an entry can have any value.
    """

    def __init__(
        self,
        programs: Mapping[str, Program],
        states: Mapping[str, Iterable[CompiledState]],
        tables: Mapping[str, TableFile],
        number: str,
    ) -> None:
        self._tables = tables
        self._by_flow: dict[str, ValuesByName] = {
            name: {
                "call.to": (number,),
                "call.origin": ("pstn",),
                **{
                    f"vars.{variable.name}": (variable.default,)
                    for variable in programs[name].variables.values()
                    if variable.default is not None
                },
            }
            for name in states
        }
        for _ in range(MAX_ROUNDS):
            if not self._add_written_values(states):
                break

    def list_texts(self, flow: str, template: Template) -> Iterator[str]:
        """The texts that a template of this flow can be."""
        for value in self._list_values(flow, template):
            if isinstance(value, str):
                yield value

    def _add_written_values(self, states: Mapping[str, Iterable[CompiledState]]) -> bool:
        """Whether a state writes a value that was not known to be possible."""
        found = False
        for flow, visited in states.items():
            for state in visited:
                callee = state.verb.callee
                for item in state.list_written_values():
                    if item.output:  # a result of the subflow
                        values = self._by_flow.get(callee, {}).get(f"vars.{item.output}", ())
                        owner = flow
                    else:
                        values = tuple(self._list_values(flow, item.value))
                        owner = state.verb.entered_flow if item.is_input else flow
                    found |= self._add_values(owner, f"vars.{item.variable.name}", values)
        return found

    def _add_values(self, flow: str, name: str, values: tuple[Any, ...]) -> bool:
        known = self._by_flow.get(flow)
        if known is None:
            return False
        before = known.get(name, ())
        new = tuple(dict.fromkeys(value for value in values if value not in before))
        if new:
            known[name] = (*before, *new)
        return bool(new)

    def _list_values(self, flow: str, source: WrittenSource) -> Iterator[Any]:
        if isinstance(source, Template) and source.constant is not None:
            yield source.constant
        elif isinstance(source, Expression | Template):
            known = self._by_flow[flow]
            if source.names <= known.keys():
                yield from evaluate_combinations(source, known)
            else:
                yield from self._list_cells(source)
        elif source is not None:
            yield source

    def _list_cells(self, source: Expression | Template) -> Iterator[Any]:
        """The whole column of a table, where the key may be anything."""
        text = source.text
        if isinstance(source, Template):
            text = find_whole_expression(text) or ""
        if (column := TABLE_COLUMN.fullmatch(text.strip())) and column[1] in self._tables:
            table = self._tables[column[1]]
            rows = [*table.rows.values(), *([table.default] if table.default else [])]
            yield from (row[column[2]] for row in rows if column[2] in row)


def evaluate_combinations(source: Expression | Template, known: ValuesByName) -> Iterator[Any]:
    names = sorted(source.names)
    evaluate = source.render if isinstance(source, Template) else source.evaluate
    for values in islice(product(*(known[name] for name in names)), MAX_COMBINATIONS):
        try:
            yield evaluate(dict(zip(names, values, strict=True)))
        except EvalError:  # no such row, say: the call takes another way
            continue
