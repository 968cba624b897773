"""Groups of people that no state calls."""

from collections.abc import Iterator, Mapping

from flowengine.compile.program import Program
from flowengine.cooperative import iterate_with_pauses
from flowengine.model import AuthoredProject
from flowengine.problems import Problem


def check(programs: Mapping[str, Program], authored: AuthoredProject) -> Iterator[Problem]:
    """`programs` are all those of the project."""
    groups = authored.project.groups
    if not groups:
        return
    used = set(authored.outside.groups)
    for _, program in iterate_with_pauses(programs.items()):
        used |= program.compute_once(find_called_groups)
    for name in groups:
        if name not in used:
            document, path = authored.locations["groups", name]
            hint = (
                f"write `group: {name}` in the ring: or `of: {name}` in the queue: that should call "
                "it, or remove it"
            )
            span = document.find_key_span(path)
            yield Problem("FE913", span, f"no state calls the group {name}", hint)


def find_called_groups(program: Program) -> frozenset[str]:
    return frozenset(filter(None, (state.verb.group_name for state in program.states.values())))
