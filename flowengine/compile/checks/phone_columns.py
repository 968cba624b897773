"""Phone numbers without + and country code, in tables and variables: they are not dialled."""

import re
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any, Final

from flowengine.compile.checks.program_graph import find_number_path
from flowengine.compile.program import Program
from flowengine.expr import Expression, Template, find_whole_expression
from flowengine.model import AuthoredProject, CompileCache
from flowengine.problems import Problem
from flowengine.source import KeyPath
from flowengine.svaml import NUMBER_PATTERN

PHONE_COLUMN_NAMES: Final = frozenset({"phone", "telephone", "mobile", "caller_id"})
TABLE_COLUMN: Final = re.compile(r"tables\.(\w+)\.(\w+)\((?:[^()]|\([^()]*\))*\)")
_PHONE_DIGITS: Final = re.compile(r"[0-9][0-9 ()./-]{5,}")
_ONE_VARIABLE: Final = re.compile(r"vars\.(\w+)")
TableColumn = tuple[str, str]  # table and column


def check(
    programs: Mapping[str, Program], authored: AuthoredProject, memory: CompileCache
) -> Iterator[Problem]:
    tables = authored.project.tables
    dialled = frozenset[TableColumn]().union(
        *(
            memory.get_or_compute(
                ("phone columns", name), program, partial(find_dialled_columns, program)
            )
            for name, program in (programs.items() if tables else ())
        )
    )
    for name, table in tables.items():
        document, path = authored.locations["tables", name]
        rows: dict[KeyPath, Mapping[str, Any]] = {
            ("rows", key): row for key, row in table.rows.items()
        }
        if isinstance(table.default, dict):
            rows["default",] = table.default
        for place, row in rows.items():
            for column, value in row.items():
                used = (name, column) in dialled
                if (used or is_phone_column(column)) and not is_dialable(value, used=used):
                    span = document.find_span((*path, *place, column))
                    message = f"{column} of {place[-1]} has no + and country code: the platform dials no such number"
                    yield Problem("FE935", span, message, format_phone_hint(value))


def is_phone_column(column: str) -> bool:
    return column in PHONE_COLUMN_NAMES or column.endswith("_phone")


def is_dialable(value: Any, *, used: bool) -> bool:
    """Whether a cell can be dialled, or surely is not meant to be: a column that only sounds like
    one of numbers may hold words.
    """
    text = str(value).replace(" ", "")
    # "" may mean nobody to call; the words are options of connect:
    if not text or text in ("dialled", "private") or NUMBER_PATTERN.fullmatch(text):
        return True
    if isinstance(value, bool):
        return True
    return not (used or _PHONE_DIGITS.fullmatch(str(value)))


def format_phone_hint(value: Any) -> str:
    digits = re.sub(r"\D", "", str(value))
    example = f"+{digits.removeprefix('00')}" if 7 <= len(digits) <= 17 else "+14045009000"
    return f'write + and the country code, such as "{example}"'


def find_dialled_columns(program: Program) -> frozenset[TableColumn]:
    """The columns that connections dial, directly or by a variable."""
    variables, found = set(), set()
    for template in iterate_dialled_numbers(program):
        inside = (find_whole_expression(template.text) or "").strip()
        if variable := _ONE_VARIABLE.fullmatch(inside):
            variables.add(variable[1])
        elif column := TABLE_COLUMN.fullmatch(inside):
            found.add((column[1], column[2]))
    for state in program.states.values() if variables else ():
        for item in state.verb.list_written_values() if state.verb.only_writes else ():
            text = item.value.text if isinstance(item.value, Expression) else ""
            if item.variable.name in variables and (
                # one step from table to variable is followed; more would be guessing
                column := TABLE_COLUMN.fullmatch(text.strip())
            ):
                found.add((column[1], column[2]))
    return frozenset(found)


def iterate_dialled_numbers(program: Program) -> Iterator[Template]:
    for state in program.states.values():
        texts = state.verb.dialled_texts
        yield from (texts[name] for name in ("phone", "caller_id") if name in texts)


def check_variables(program: Program) -> Iterator[Problem]:
    """Digits never begin with +."""
    for state in program.states.values():
        dialled = state.verb.dialled_texts.get("phone")
        text = (find_whole_expression(dialled.text) or "").strip() if dialled else ""
        variable = (
            program.variables.get(text.removeprefix("vars.")) if text[:5] == "vars." else None
        )
        if variable and variable.kind in ("digits", "integer"):
            path = find_number_path(program, state)
            message = f"{variable.name} holds digits only, and a number without + is not dialled"
            hint = f'write +${{{text}}} where it has the country code, else ${{e164({text}, "1")}}'
            yield Problem("FE935", program.document.find_span(path), message, hint)
