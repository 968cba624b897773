"""Phone numbers without + and country code, in tables and variables: they are not dialled."""

import re
from collections.abc import Iterator, Mapping
from itertools import chain, starmap
from typing import Any, Final

from flowengine.compile.checks.value_sources import (
    AuthoredText,
    ValueSource,
    find_value_source,
    follow_sources,
    list_authored_texts,
    list_cells,
    list_written_texts,
)
from flowengine.compile.program import Program
from flowengine.expr import find_whole_expression
from flowengine.model import AuthoredProject
from flowengine.problems import Problem
from flowengine.svaml import NUMBER_PATTERN

CERTAIN: Final = "FE457"  # each call that dials it fails
LIKELY: Final = "FE935"
PHONE_NAMES: Final = frozenset({"phone", "telephone", "mobile", "caller_id"})
_PHONE_DIGITS: Final = re.compile(r"[0-9][0-9 ()./-]{5,}")


def check(programs: Mapping[str, Program], authored: AuthoredProject) -> Iterator[Problem]:
    written = list_written_texts(programs)
    dialled, rung = (
        follow_sources(
            [source for program in programs.values() for source in program.compute_once(find)],
            written,
        ).union(starmap(ValueSource.for_column, outside))
        for find, outside in (
            (find_dialled_sources, authored.outside.dialled),
            (find_rung_sources, authored.outside.rung),
        )
    )
    for item in chain(list_cells(authored), list_authored_texts(programs.values())):
        is_sip = "@" in str(item.text)
        is_used = item.source in dialled or (item.source in rung and not is_sip)
        is_meant = is_used or is_phone_name(item.source.name)
        if is_meant and not is_dialable(item.text, used=is_used):
            # a variable may have another value when it is dialled, and words may stand for nobody
            is_number = _PHONE_DIGITS.fullmatch(str(item.text)) is not None
            is_certain = item.source.is_column and item.source in dialled and is_number
            yield build_number_problem(CERTAIN if is_certain else LIKELY, item)


def build_number_problem(code: str, item: AuthoredText) -> Problem:
    message = f"{item.what} has no + and country code: the platform dials no such number"
    return Problem(code, item.find_span(), message, format_phone_hint(item.text))


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


def find_dialled_sources(program: Program) -> frozenset[ValueSource]:
    """Where numbers come from that are dialled as numbers."""
    return find_sources(program, takes_sip=False)


def find_rung_sources(program: Program) -> frozenset[ValueSource]:
    """Where numbers come from in whose place a SIP address may stand."""
    return find_sources(program, takes_sip=True)


def find_sources(program: Program, *, takes_sip: bool) -> frozenset[ValueSource]:
    return frozenset(
        source
        for state in program.states.values()
        for dialled in state.verb.list_dialled_texts()
        if dialled.takes_sip is takes_sip and (source := find_value_source(program, dialled.text))
    )


def check_variables(program: Program) -> Iterator[Problem]:
    """Digits never begin with +."""
    for state in program.states.values():
        for dialled in state.verb.list_dialled_texts():
            text = (find_whole_expression(dialled.text.text) or "").strip()
            variable = (
                program.variables.get(text.removeprefix("vars.")) if text[:5] == "vars." else None
            )
            is_digits = variable is not None and variable.kind in ("digits", "integer")
            if variable and is_digits and not dialled.is_caller_id:
                span = program.document.find_span((*state.path, state.kind, *dialled.path))
                message = (
                    f"{variable.name} holds digits only, and a number without + is not dialled"
                )
                cure = f'else ${{e164({text}, "1")}}'
                hint = f"write +${{{text}}} where it has the country code, {cure}"
                # a member who cannot be rung is left out of a ring
                yield Problem(LIKELY if dialled.takes_sip else CERTAIN, span, message, hint)
