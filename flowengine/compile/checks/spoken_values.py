"""Bare keys in values that are spoken: of variables and in tables."""

from collections.abc import Iterator, Mapping
from itertools import starmap

from flowengine.compile.checks.prompt_sizes import iterate_prompts
from flowengine.compile.checks.value_sources import (
    ValueSource,
    find_value_source,
    follow_sources,
    list_authored_texts,
    list_cells,
    list_written_texts,
)
from flowengine.compile.program import Program
from flowengine.model import AuthoredProject
from flowengine.problems import Problem
from flowengine.states.prompt_faults import find_bare_keys


def check(programs: Mapping[str, Program], authored: AuthoredProject) -> Iterator[Problem]:
    used = [
        source
        for name, program in programs.items()
        for source in program.compute_once(find_spoken_sources)
    ]
    outside = starmap(ValueSource.for_column, authored.outside.spoken)
    spoken = follow_sources(used, list_written_texts(programs)).union(outside)
    texts = (item for item in list_authored_texts(programs.values()) if item.source in spoken)
    for item in (*list_cells(authored, spoken), *texts):
        for code, message, cure in find_bare_keys(str(item.text)):
            yield Problem(code, item.find_span(), f"{message}, and {item.what} is spoken", cure)


def find_spoken_sources(program: Program) -> frozenset[ValueSource]:
    """The variables and columns that stand in a spoken text as they are."""
    return frozenset(
        source
        for state in program.states.values()
        for plan in iterate_prompts(state)
        for part in plan.parts
        if part.kind != "audio"
        for template in part.texts.values()
        for piece in template.interpolations
        if (source := find_value_source(program, piece.expression))
    )
