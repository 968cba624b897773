"""From authored files to a release of compiled state machines."""

from flowengine.compile.program import CompiledState, CompileResult, Program, Release
from flowengine.compile.project_compiler import ProjectCompiler, compile_project

__all__ = [
    "CompileResult",
    "CompiledState",
    "Program",
    "ProjectCompiler",
    "Release",
    "compile_project",
]
