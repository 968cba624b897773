"""The flows that the phone calls: those of the project as it is now, with test values for secrets."""

from threading import Lock

from flowengine.compile import ProjectCompiler
from flowengine.console.console_project import ViewedProject
from flowengine.phone.phone_project import PhoneProject
from flowengine.scenarios.scenario_project import ScenarioProject
from flowengine.sources.project_folder import SCENARIO_FOLDER


class NoFlowsError(Exception):
    """There is nothing to call: no files, or mistakes in them from the beginning."""


class PhoneLine:
    """Compiles what has changed, when somebody calls. While the files have mistakes, the flows are
    those of before.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._compiler = ProjectCompiler()
        self._number = 0
        self._latest: PhoneProject | None = None

    def load(self, viewed: ViewedProject) -> PhoneProject:
        """The flows of a project. Raises NoFlowsError."""
        with self._lock:
            if viewed.number != self._number:
                self._latest = self._compile(viewed) or self._latest
                self._number = viewed.number
            if self._latest is None:
                raise NoFlowsError(
                    "The flows have mistakes. Mend them first: Problems lists them."
                    if viewed.files and viewed.problems
                    else viewed.failure or "There are no flows yet."
                )
            return self._latest

    def _compile(self, viewed: ViewedProject) -> PhoneProject | None:
        if not viewed.is_valid:
            return None
        prefix = f"{SCENARIO_FOLDER}/"
        flows = {name: text for name, text in viewed.files.items() if not name.startswith(prefix)}
        scenarios = {name: text for name, text in viewed.files.items() if name not in flows}
        project = ScenarioProject.from_files(flows, scenarios, self._compiler.compile)
        release = project.compile().release
        return PhoneProject(release, project) if release else None
