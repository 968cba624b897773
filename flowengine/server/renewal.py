"""Whether a worker that is forked anew would need much less memory of its own."""

from flowengine.compile import Release
from flowengine.compile.deferred_compile import DeferredPrograms
from flowengine.cooperative import iterate_with_pauses
from flowengine.limits import MIN_RENEWAL_STATES


def shares_little(release: Release, inherited: Release | None) -> bool:
    """Whether a process that serves a release has most of it for itself, and not from its parent,
    which had loaded another one; it looks at each flow.
    """
    if isinstance(release.programs, DeferredPrograms):
        return True
    if release is inherited:  # to look at a program is to write to its memory
        return False
    known = inherited.programs if inherited is not None else {}
    states = own_states = 0
    for name, program in iterate_with_pauses(release.programs.items()):
        states += len(program.states)
        own_states += len(program.states) if known.get(name) is not program else 0
    return own_states >= MIN_RENEWAL_STATES and own_states * 2 > states
