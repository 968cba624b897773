"""Messages on a server that keeps calls in cookies only: the notice of a file sets no cookie."""

from collections.abc import Iterator, Mapping

from flowengine.compile.program import Program
from flowengine.problems import Problem


def check(programs: Mapping[str, Program], *, cookies_only: bool) -> Iterator[Problem]:
    for program in programs.values() if cookies_only else ():
        for state in program.states.values():
            if state.verb.written_addresses:
                yield Problem(
                    "FE422",
                    program.document.find_key_span((*state.path, state.kind)),
                    f"{state.name} waits for a file, and without a session store the call never "
                    "hears of it",
                    "serve with a store: --store sqlite:calls.db",
                )
