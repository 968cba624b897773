"""A compiled project for people: what a command reports of it, beside the programs."""

from collections.abc import Mapping
from pathlib import Path

import msgspec

from flowengine.compile.program import CompileResult
from flowengine.problems.project_report import ProjectReport, build_report


class LoadedProject(msgspec.Struct, frozen=True):
    files: Mapping[str, bytes]
    compiled: CompileResult
    report: ProjectReport


def to_loaded_project(
    folder: Path, files: Mapping[str, bytes], compiled: CompileResult
) -> LoadedProject:
    """Files that are compiled already; `folder` is where people find them."""
    report = build_report(
        folder, compiled.problems, compiled.sources, len(compiled.programs), compiled.state_count
    )
    return LoadedProject(files, compiled, report)
