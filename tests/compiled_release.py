"""Releases of flows that stand in a test."""

from collections.abc import Mapping

from flowengine.compile import Release, compile_project


def compile_release(
    files: Mapping[str, str | bytes], environment: Mapping[str, str] | None = None
) -> Release:
    """Compile the files of a project, which must have no errors."""
    content = {
        name: text.encode() if isinstance(text, str) else text for name, text in files.items()
    }
    made = compile_project(content, environment or {})
    assert made.release, [str(problem) for problem in made.problems]
    return made.release
