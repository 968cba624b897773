"""Where a text comes from that is dialled or spoken: variables, through subflows too, and tables."""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, Final, NamedTuple

from flowengine.compile.program import Program
from flowengine.expr import Expression, Template, find_whole_expression
from flowengine.model import AuthoredProject
from flowengine.problems import Span
from flowengine.source import Document, KeyPath

TEXT_KINDS: Final = ("text", "choice")
TABLE_COLUMN: Final = re.compile(r"tables\.(\w+)\.(\w+)\((?:[^()]|\([^()]*\))*\)")
_ONE_VARIABLE: Final = re.compile(r"vars\.(\w+)")


class ValueSource(NamedTuple):
    """A variable of a flow, or a column of a table."""

    owner: str  # the flow or the table
    name: str
    is_column: bool = False

    @classmethod
    def for_column(cls, table: str, column: str) -> "ValueSource":
        return cls(table, column, is_column=True)


class WrittenText(NamedTuple):
    """A text that a state writes into a variable: as it stands there, or from elsewhere."""

    variable: ValueSource
    text: str | None
    source: ValueSource | None
    path: KeyPath


class AuthoredText(NamedTuple):
    """A text in a place where values come from, with words for the place."""

    source: ValueSource
    text: Any
    what: str
    document: Document
    path: KeyPath

    def find_span(self) -> Span:
        # only where there is a problem: a table may have thousands of cells
        return self.document.find_span(self.path)


def list_written_texts(
    programs: Mapping[str, Program],
) -> dict[str, tuple[WrittenText, ...]]:
    """By flow: the texts that its states write into variables."""
    return {name: program.compute_once(find_written_texts) for name, program in programs.items()}


def follow_sources(
    used: Iterable[ValueSource], written: Mapping[str, tuple[WrittenText, ...]]
) -> set[ValueSource]:
    """What is used, and all that it comes from by way of other variables."""
    moved = [item for each in written.values() for item in each if item.source]
    reached = set(used)
    found = set(reached)
    while found:
        found = {item.source for item in moved if item.source and item.variable in found} - reached
        reached |= found
    return reached


def list_cells(
    authored: AuthoredProject, columns: Collection[ValueSource] | None = None
) -> Iterator[AuthoredText]:
    """The cells of these columns, or of all."""
    for name, table in authored.project.tables.items():
        document, path = authored.locations["tables", name]
        rows: dict[KeyPath, Mapping[str, Any]] = {
            ("rows", key): row for key, row in table.rows.items()
        }
        if isinstance(table.default, dict):
            rows["default",] = table.default
        for place, row in rows.items():
            for column, value in row.items():
                source = ValueSource.for_column(name, column)
                if columns is None or source in columns:
                    what, at = f"{column} of {place[-1]}", (*path, *place, column)
                    yield AuthoredText(source, value, what, document, at)


def list_authored_texts(
    programs: Iterable[Program],
) -> Iterator[AuthoredText]:
    """Defaults and choices of variables, and texts that flows write into variables."""
    for program in programs:
        yield from program.compute_once(find_authored_texts)


def find_authored_texts(program: Program) -> tuple[AuthoredText, ...]:
    return (*iterate_variable_texts(program), *iterate_state_texts(program))


def iterate_variable_texts(program: Program) -> Iterator[AuthoredText]:
    for name, variable in program.variables.items():
        if variable.kind not in TEXT_KINDS or "~" in name:  # a shadow has no place
            continue
        source, path = ValueSource(program.flow, name), ("vars", name)
        for index, choice in enumerate(variable.choices):
            what = f"a choice of {name}"
            yield AuthoredText(source, choice, what, program.document, (*path, "choices", index))
        if variable.default and not variable.choices:
            what = f"the default of {name}"
            yield AuthoredText(source, variable.default, what, program.document, (*path, "default"))


def iterate_state_texts(program: Program) -> Iterator[AuthoredText]:
    for item in iterate_written_texts(program):
        if item.text:
            what = f"this value of {item.variable.name}"
            yield AuthoredText(item.variable, item.text, what, program.document, item.path)


def find_written_texts(program: Program) -> tuple[WrittenText, ...]:
    return tuple(iterate_written_texts(program))


def iterate_written_texts(program: Program) -> Iterator[WrittenText]:
    for state in program.states.values():
        for item in state.list_written_values():
            if item.variable.kind not in TEXT_KINDS:
                continue
            path = (*state.path, *item.path)
            owner = state.verb.entered_flow if item.is_input else program.flow
            written = ValueSource(owner, item.variable.name)
            text, source = None, None
            if item.output:
                source = ValueSource(state.verb.callee, item.output)
            elif isinstance(item.value, Template) and item.value.constant is not None:
                text = item.value.constant
            elif isinstance(item.value, Expression | Template):
                source = find_value_source(program, item.value)
            elif isinstance(item.value, str):
                text = item.value
            # the choices of a variable stand for what it is set to
            if source or (text and not item.variable.choices):
                yield WrittenText(written, text, source, path)


def find_value_source(program: Program, value: Expression | Template) -> ValueSource | None:
    """The variable or the column that is the whole of a text."""
    text = find_whole_expression(value.text) if isinstance(value, Template) else value.text
    inside = (text or "").strip()
    if variable := _ONE_VARIABLE.fullmatch(inside):
        return ValueSource(program.flow, variable[1])
    column = TABLE_COLUMN.fullmatch(inside)
    return ValueSource.for_column(column[1], column[2]) if column else None
