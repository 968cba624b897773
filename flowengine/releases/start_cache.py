"""What a server has found in the flows that it compiled at its start, in the user's cache folder: the
next one with the same files and the same program is ready before it has compiled them.
"""

import logging
from collections.abc import Mapping

from flowengine.cache.code_identity import compute_code_identity
from flowengine.cache.result_cache import compute_key, load_result, save_result
from flowengine.cache.variable_presence import RecordedVariables
from flowengine.compile import CompileResult
from flowengine.compile.deferred_compile import defer_compile
from flowengine.compile.release_facts import ReleaseFacts, describe_release
from flowengine.limits import MIN_RENEWAL_STATES
from flowengine.source import INTERNAL_CODE

log = logging.getLogger(__name__)


class StartCache:
    """Recalls and saves what was found in these files."""

    def __init__(
        self, files: Mapping[str, bytes], environment: Mapping[str, str], *, cookies_only: bool
    ) -> None:
        self.variables = RecordedVariables(environment)
        self._files = files
        self._environment = environment
        self._cookies_only = cookies_only
        code = compute_code_identity()
        self._key = (
            compute_key(code, ReleaseFacts, files, cookies_only=cookies_only) if code else None
        )

    def recall(self) -> CompileResult | None:
        """The result of compiling the files, with programs that are compiled on first use; None
        where nothing is known of them.
        """
        if self._key is None:
            return None
        facts = load_result(self._key, ReleaseFacts, self._environment)
        if facts is None:
            return None
        try:
            return defer_compile(
                self._files, self._environment, facts, cookies_only=self._cookies_only
            )
        except Exception:  # whatever it is, the server starts as if nothing were known
            log.exception("the flows are all compiled before the start")
            return None

    def save(self, compiled: CompileResult) -> None:
        """Save what was found, where compiling takes long. `variables` must have been the environment."""
        is_internal = any(problem.code == INTERNAL_CODE for problem in compiled.problems)
        if self._key is None or compiled.release is None or is_internal:
            return
        if compiled.state_count >= MIN_RENEWAL_STATES:
            facts = describe_release(compiled.release, compiled.problems, self._files)
            save_result(self._key, self.variables.asked, facts)
