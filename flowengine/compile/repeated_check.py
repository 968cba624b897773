"""Checks a project that was checked before, in another process: only what has changed is compiled."""

import gc
import os
from collections.abc import Mapping
from pathlib import Path

from flowengine.cache.check_result import CheckResult
from flowengine.cache.result_cache import compute_key, load_result, save_result
from flowengine.cache.variable_presence import VariablePresence
from flowengine.compile.flow_summaries import ProjectSummary, compile_and_summarize
from flowengine.compile.partial_check import (
    PartialCheck,
    list_changed_files,
    try_partial_check,
)
from flowengine.compile.program import CompileResult
from flowengine.compile.summary_index import SummaryIndex
from flowengine.environment import VARIABLES
from flowengine.limits import MIN_SUMMARIZED_FLOWS

Files = Mapping[str, bytes]


def check_again(
    files: Files, folder: Path, environment: VariablePresence, code: bytes, *, cookies_only: bool
) -> CheckResult:
    """What is wrong with the files of this folder, and the summary of them for the next time."""
    place = os.fsencode(folder.resolve())
    key = compute_key(code, ProjectSummary, {"folder": place}, cookies_only=cookies_only)
    known = load_result(key, ProjectSummary, VARIABLES)
    found: PartialCheck | CompileResult
    if known and (partial := check_changes(files, environment, known, cookies_only=cookies_only)):
        found, summary = partial
    else:
        found, summary = compile_and_summarize(files, environment, cookies_only=cookies_only)
    if summary and len(summary.flows) >= MIN_SUMMARIZED_FLOWS:
        save_result(key, environment.asked, summary)
    # it stays until the command ends: no collection need walk through it, nor the one that
    # comes as soon as the collector is enabled again
    gc.freeze()
    return CheckResult(found.problems, found.flow_count, found.state_count)


def check_changes(
    files: Files, environment: Mapping[str, str], known: ProjectSummary, *, cookies_only: bool
) -> tuple[PartialCheck, ProjectSummary | None] | None:
    """What is wrong with the files, by what has changed since `known`, and their summary where no
    error is. None where all of them must be compiled to tell.
    """
    index = SummaryIndex(known, files)
    changed = list_changed_files(files, index)
    found = try_partial_check(files, changed, environment, index, cookies_only=cookies_only)
    if found is None:
        return None
    if found.update is None:
        return found, None
    index.apply(found.update)
    return found, index.to_summary()
