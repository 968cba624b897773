"""A project under test: its flows compiled with test values in place of secrets, and its scenarios."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from flowengine.compile import CompileResult, compile_project
from flowengine.problems import Problem
from flowengine.scenarios.scenario_loader import Case, load_scenarios
from flowengine.source import read_document
from flowengine.sources.project_folder import PROJECT_FILE, read_folder, read_scenario_files

CompileFiles = Callable[[Mapping[str, bytes], Mapping[str, str]], CompileResult]
TEST_SECRET = "c2VjcmV0IG9mIGEgdGVzdA=="  # noqa: S105  # base64, as secrets of applications are


class ScenarioProject(msgspec.Struct):
    """The files of a project. Each environment that a scenario asks for is compiled once, by
    `compiler`, which may know parts of it from before.
    """

    files: Mapping[str, bytes]
    scenarios: Mapping[str, bytes]
    zone: str = "UTC"
    variables: tuple[str, ...] = ()
    known: dict[tuple[tuple[str, str], ...], CompileResult] = msgspec.field(default_factory=dict)
    compiler: CompileFiles = compile_project

    @classmethod
    def from_folder(cls, flows: Path) -> "ScenarioProject":
        """The project in a folder, or of a single file. Raises OSError where it cannot be read."""
        return cls.from_files(read_folder(flows), read_scenario_files(flows))

    @classmethod
    def from_files(
        cls,
        files: Mapping[str, bytes],
        scenarios: Mapping[str, bytes],
        compiler: CompileFiles = compile_project,
    ) -> "ScenarioProject":
        document = (
            read_document(files[PROJECT_FILE], PROJECT_FILE)[0] if PROJECT_FILE in files else None
        )
        data: Mapping[str, Any] = (
            document.data if document and isinstance(document.data, dict) else {}
        )
        return cls(
            files,
            scenarios,
            str(data.get("zone", "UTC")),
            list_environment_variables(data),
            compiler=compiler,
        )

    def compile(self, environment: Mapping[str, str] | None = None) -> CompileResult:
        """The project as it is in this environment; what a scenario says nothing of has a test
        value.
        """
        values = {**dict.fromkeys(self.variables, TEST_SECRET), **(environment or {})}
        key = tuple(sorted((name, value) for name, value in values.items() if value))
        if key not in self.known:
            self.known[key] = self.compiler(self.files, dict(key))
        return self.known[key]

    def load_cases(self) -> tuple[list[Case], list[Problem]]:
        """All scenarios, and every mistake in flows and scenarios."""
        compiled = self.compile()
        if compiled.release is None:
            return [], list(compiled.problems)
        cases, problems = load_scenarios(self.scenarios, compiled)
        return cases, [*compiled.problems, *problems]


def list_environment_variables(project: Mapping[str, Any]) -> tuple[str, ...]:
    """The variables of the environment that a project names."""
    secrets, applications = project.get("secrets"), project.get("applications")
    named = list(secrets.values()) if isinstance(secrets, dict) else []
    named += (
        [item.get("secret") for item in applications if isinstance(item, dict)]
        if isinstance(applications, list)
        else []
    )
    return tuple(name for name in named if isinstance(name, str))
