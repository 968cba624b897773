"""What a compilation has found of all flows together, for compiling one of them by itself."""

from collections.abc import Mapping

import msgspec

from flowengine.compile.checks.program_graph import list_entered_flows
from flowengine.compile.interprocedural_liveness import collect_needed_facts, unite_facts
from flowengine.compile.locale_preload import list_spoken_locales
from flowengine.compile.program import Release
from flowengine.cooperative import iterate_with_pauses
from flowengine.problems.problem import Problem


class ReleaseFacts(msgspec.Struct, frozen=True):
    """`flow_files` are the files of the flows, by flow, in the order of the release. `goes_back` tells whether any key
    of the project leads back; `subflow_facts` are the facts of the call that travel, as subflows read
    them, by the flow that uses these; `spoken_locales` are those whose data is loaded beforehand.
    """

    problems: tuple[Problem, ...]
    flow_files: dict[str, str]
    state_count: int
    goes_back: bool
    subflow_facts: dict[str, frozenset[str]]
    secret_flows: frozenset[str]
    spoken_locales: tuple[str, ...]


def describe_release(
    release: Release, problems: tuple[Problem, ...], files: Mapping[str, bytes]
) -> ReleaseFacts:
    """The facts of a release that was compiled as a whole."""
    programs = release.programs
    needs = collect_needed_facts(programs)
    return ReleaseFacts(
        problems=problems,
        flow_files={name: program.document.file for name, program in programs.items()},
        state_count=sum(len(program.states) for program in programs.values()),
        goes_back=any(program.goes_back for program in programs.values()),
        subflow_facts={
            name: facts
            for name, program in iterate_with_pauses(programs.items())
            if (facts := unite_facts(needs, list_entered_flows(program)))
        },
        secret_flows=release.secret_flows,
        spoken_locales=list_spoken_locales(
            (program.document for program in programs.values()), files.values(), release.locale
        ),
    )
