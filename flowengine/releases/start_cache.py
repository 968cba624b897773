"""What a server has found in flows that it compiled, in the user's cache folder: a server that starts
with the same files and the same program is ready before it has compiled them.
"""

import logging
from collections.abc import Mapping

from flowengine.cache.code_identity import compute_code_identity
from flowengine.cache.result_cache import compute_key, load_result, save_result
from flowengine.cache.variable_presence import RecordedVariables
from flowengine.compile import CompileResult, Release
from flowengine.compile.deferred_compile import defer_compile
from flowengine.compile.release_facts import ReleaseFacts, describe_release
from flowengine.limits import MIN_RENEWAL_STATES
from flowengine.problems import Problem

log = logging.getLogger(__name__)


def load_cached_compile(
    files: Mapping[str, bytes], environment: Mapping[str, str]
) -> CompileResult | None:
    """The result of compiling these files, with programs that are compiled on first use; None where
    nothing is known of them.
    """
    key = compute_start_key(files)
    facts = load_result(key, ReleaseFacts, environment) if key else None
    if facts is None:
        return None
    try:
        return defer_compile(files, environment, facts)
    except Exception:  # whatever it is, the server starts as if nothing were known
        log.exception("the flows are all compiled before the start")
        return None


def save_compile(
    files: Mapping[str, bytes],
    environment: RecordedVariables,
    release: Release,
    problems: tuple[Problem, ...],
) -> None:
    """Save what was found in these files in this environment, where compiling takes long."""
    states = sum(len(program.states) for program in release.programs.values())
    if states >= MIN_RENEWAL_STATES and (key := compute_start_key(files)):
        save_result(key, environment.asked, describe_release(release, problems, files))


def compute_start_key(files: Mapping[str, bytes]) -> bytes | None:
    """The key of these files; None where the program has changed since it was loaded."""
    code = compute_code_identity()
    return compute_key(code, ReleaseFacts, files, cookies_only=False) if code else None
