"""Checks a project that was checked before, in another process: only what has changed is compiled."""

import gc
import os
from collections.abc import Mapping
from pathlib import Path

from flowengine.cache.check_result import CheckResult
from flowengine.cache.result_cache import compute_key, load_result, save_result
from flowengine.cache.variable_presence import VariablePresence
from flowengine.compile.flow_facts import ProjectFacts, compile_and_describe
from flowengine.compile.partial_check import PartialCheck, try_partial_check
from flowengine.compile.program import CompileResult
from flowengine.limits import MIN_DESCRIBED_FLOWS

Files = Mapping[str, bytes]


def check_again(
    files: Files, folder: Path, environment: VariablePresence, code: bytes, *, cookies_only: bool
) -> CheckResult:
    """What is wrong with the files of this folder, and the facts of them for the next time."""
    place = os.fsencode(folder.resolve())
    key = compute_key(code, ProjectFacts, {"folder": place}, cookies_only=cookies_only)
    known = load_result(key, ProjectFacts, os.environ)
    found: PartialCheck | CompileResult
    if known and (
        partial := try_partial_check(files, environment, known, cookies_only=cookies_only)
    ):
        found, facts = partial, partial.facts
    else:
        found, facts = compile_and_describe(files, environment, cookies_only=cookies_only)
    if facts and len(facts.flows) >= MIN_DESCRIBED_FLOWS:
        save_result(key, environment.asked, facts)
    gc.freeze()  # it stays until the command ends: no collection need walk through it
    return CheckResult(found.problems, found.flow_count, found.state_count)
