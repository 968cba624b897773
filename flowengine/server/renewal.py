"""Whether a worker that is forked anew would need much less memory of its own."""

from flowengine.compile import Release
from flowengine.compile.deferred_compile import DeferredPrograms
from flowengine.cooperative import iterate_with_pauses
from flowengine.limits import MIN_RENEWAL_STATES


def has_outgrown_parent(release: Release, inherited: Release | None) -> bool:
    """Whether a worker has most of a release in memory of its own, as its parent had loaded another
    one before it forked the worker. The function looks at each flow.
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
