"""From authored files to a release of compiled state machines."""

from flowengine.compile.program import Compiled, CompiledState, Program, Release
from flowengine.compile.release import Compiler, compile_project

__all__ = ["Compiled", "CompiledState", "Compiler", "Program", "Release", "compile_project"]
