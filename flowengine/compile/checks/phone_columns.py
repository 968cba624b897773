"""Phone numbers without + and country code, in tables and variables: they are not dialled."""

import re
from collections.abc import Collection, Iterator, Mapping
from functools import partial
from typing import Any, Final, NamedTuple

from flowengine.compile.checks.program_graph import find_number_path
from flowengine.compile.program import Program
from flowengine.expr import Expression, Template, find_whole_expression
from flowengine.model import AuthoredProject, CompileCache
from flowengine.problems import Problem, Span
from flowengine.source import KeyPath
from flowengine.svaml import NUMBER_PATTERN

TEXT_KINDS: Final = ("text", "choice")  # digits never begin with +
PHONE_NAMES: Final = frozenset({"phone", "telephone", "mobile", "caller_id"})
TABLE_COLUMN: Final = re.compile(r"tables\.(\w+)\.(\w+)\((?:[^()]|\([^()]*\))*\)")
_PHONE_DIGITS: Final = re.compile(r"[0-9][0-9 ()./-]{5,}")
_ONE_VARIABLE: Final = re.compile(r"vars\.(\w+)")


class NumberSource(NamedTuple):
    """Where a number comes from: a variable of a flow, or a column of a table."""

    owner: str  # the flow or the table
    name: str
    is_column: bool = False


class WrittenNumber(NamedTuple):
    """A text that a state writes into a variable: as it stands there, or from elsewhere."""

    variable: NumberSource
    text: str | None
    source: NumberSource | None
    path: KeyPath


class NumberUses(NamedTuple):
    """What the connections of a flow dial, and what it writes into variables."""

    dialled: frozenset[NumberSource]
    written: tuple[WrittenNumber, ...]


def check(
    programs: Mapping[str, Program], authored: AuthoredProject, memory: CompileCache
) -> Iterator[Problem]:
    uses = {
        name: memory.get_or_compute(
            ("numbers dialled", name), program, partial(find_number_uses, program)
        )
        for name, program in programs.items()
    }
    dialled = find_dialled_sources(uses)
    yield from check_tables(authored, dialled)
    for name, program in programs.items():
        yield from check_texts(program, uses[name], dialled)


def find_dialled_sources(uses: Mapping[str, NumberUses]) -> set[NumberSource]:
    """All variables and columns whose values are dialled, also by way of other variables."""
    dialled = {source for each in uses.values() for source in each.dialled}
    moved = [item for each in uses.values() for item in each.written if item.source]
    found = set(dialled)
    while found:
        found = {item.source for item in moved if item.source and item.variable in found} - dialled
        dialled |= found
    return dialled


def check_tables(authored: AuthoredProject, dialled: Collection[NumberSource]) -> Iterator[Problem]:
    for name, table in authored.project.tables.items():
        document, path = authored.locations["tables", name]
        rows: dict[KeyPath, Mapping[str, Any]] = {
            ("rows", key): row for key, row in table.rows.items()
        }
        if isinstance(table.default, dict):
            rows["default",] = table.default
        for place, row in rows.items():
            for column, value in row.items():
                used = NumberSource(name, column, is_column=True) in dialled
                if (used or is_phone_name(column)) and not is_dialable(value, used=used):
                    span = document.find_span((*path, *place, column))
                    yield build_number_problem(span, f"{column} of {place[-1]}", value)


def check_texts(
    program: Program, uses: NumberUses, dialled: Collection[NumberSource]
) -> Iterator[Problem]:
    """Defaults of variables, and texts that are written into variables. A variable that holds digits
    only is another mistake.
    """
    for name, variable in program.variables.items():
        used = NumberSource(program.flow, name) in dialled
        if variable.kind not in TEXT_KINDS or not (used or is_phone_name(name)):
            continue
        values: dict[KeyPath, str] = {
            ("vars", name, "choices", index): choice
            for index, choice in enumerate(variable.choices)
        }
        if not values:
            values["vars", name, "default"] = variable.default or ""
        for path, value in values.items():
            if not is_dialable(value, used=used):
                span = program.document.find_span(path)
                what = "a choice" if variable.choices else "the default"
                yield build_number_problem(span, f"{what} of {name}", value)
    for item in uses.written:
        name = item.variable.name
        used = item.variable in dialled
        if item.text and (used or is_phone_name(name)) and not is_dialable(item.text, used=used):
            span = program.document.find_span(item.path)
            yield build_number_problem(span, f"this value of {name}", item.text)


def build_number_problem(span: Span, what: str, value: Any) -> Problem:
    message = f"{what} has no + and country code: the platform dials no such number"
    return Problem("FE935", span, message, format_phone_hint(value))


def is_phone_name(name: str) -> bool:
    return name in PHONE_NAMES or name.endswith("_phone")


def is_dialable(value: Any, *, used: bool) -> bool:
    """Whether a value can be dialled, or surely is not meant to be: what only sounds like a number
    by its name may hold words.
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


def find_number_uses(program: Program) -> NumberUses:
    dialled = {
        source
        for template in iterate_dialled_numbers(program)
        if (source := find_number_source(program, template))
    }
    return NumberUses(frozenset(dialled), tuple(iterate_written_numbers(program)))


def iterate_written_numbers(program: Program) -> Iterator[WrittenNumber]:
    for state in program.states.values():
        for item in state.verb.list_written_values():
            if item.variable.kind not in TEXT_KINDS:
                continue
            path = (*state.path, state.kind, *item.path)
            if item.output:
                output = NumberSource(state.verb.callee, item.output)
                written = NumberSource(program.flow, item.variable.name)
                yield WrittenNumber(written, None, output, path)
                continue
            # a subflow has its inputs written, any other state variables of its own flow
            written = NumberSource(state.verb.callee or program.flow, item.variable.name)
            if isinstance(item.value, Expression) or (
                isinstance(item.value, Template) and item.value.constant is None
            ):
                source = find_number_source(program, item.value)
                if source:
                    yield WrittenNumber(written, None, source, path)
            else:
                value = item.value.constant if isinstance(item.value, Template) else item.value
                if isinstance(value, str) and not item.variable.choices:
                    yield WrittenNumber(written, value, None, path)


def find_number_source(program: Program, value: Expression | Template) -> NumberSource | None:
    """The variable or the column that is the whole of a text."""
    text = find_whole_expression(value.text) if isinstance(value, Template) else value.text
    inside = (text or "").strip()
    if variable := _ONE_VARIABLE.fullmatch(inside):
        return NumberSource(program.flow, variable[1])
    column = TABLE_COLUMN.fullmatch(inside)
    return NumberSource(column[1], column[2], is_column=True) if column else None


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
