"""What can be tried with a recorded call: it goes again on other flows, its values are worked out, or
a scenario is made of it.
"""

from collections.abc import Callable
from typing import Any

import msgspec

from flowengine.compile import Release
from flowengine.console.call_timeline import list_passed_states
from flowengine.console.call_words import describe_difference
from flowengine.console.console_context import ConsoleContext
from flowengine.console.console_project import ViewedProject
from flowengine.console.flow_versions import FlowVersions, UnknownVersionError
from flowengine.environment import VARIABLES
from flowengine.journal import JournalEncryption, JournalReader, RecordedCallback
from flowengine.journal.journal_error import JournalError
from flowengine.releases.archive_database import ArchiveError
from flowengine.replay import NotReplayableError, ReplayReport, replay_call, replay_calls
from flowengine.replay.value_changes import list_value_changes
from flowengine.scenarios.retrace import retrace_call
from flowengine.scenarios.scenario_project import ScenarioProject
from flowengine.server import keys
from flowengine.sources.project_folder import SCENARIO_FOLDER

MAX_TRIED_CALLS = 500  # some milliseconds each
Result = dict[str, Any]


class CallTrials:
    """All of it takes its time: call it in a thread. What cannot be done has an `error` that says
    why.
    """

    def __init__(self, context: ConsoleContext) -> None:
        self._context = context
        self._versions = FlowVersions(context)

    def try_call(self, call: str, on: str, project: ViewedProject) -> Result:
        """How a call goes on these flows, compared with how it went."""

        def run(reader: JournalReader) -> Result:
            release = self._find_release(on, project)
            callbacks = self._load_callbacks(reader, call, release)
            found = replay_call(release, callbacks)
            return {
                "release": release.id,
                "difference": describe_difference(found) if found else None,
                "callbacks": len(callbacks),
            }

        return self._try(run)

    def try_calls(self, calls: list[str], on: str, project: ViewedProject) -> Result:
        """Which of these calls go differently on these flows."""

        def run(reader: JournalReader) -> Result:
            release = self._find_release(on, project)
            encryption = self._open_encryption(release)
            recorded = (
                (call, reader.load_recorded_call(call, encryption))
                for call in calls[:MAX_TRIED_CALLS]
            )
            return describe_report(replay_calls(release, recorded))

        return self._try(run)

    def list_changes(self, call: str) -> Result:
        """The variables that each callback of a call changed."""

        def run(reader: JournalReader) -> Result:
            names = {step.release for step in reader.list_callbacks(call)} - {""}
            releases = {name: self._load_release(name) for name in names}
            if not releases:
                raise NotReplayableError("no release answered it")
            callbacks = self._load_callbacks(reader, call, next(iter(releases.values())))
            return {"steps": msgspec.to_builtins(list_value_changes(releases, callbacks))}

        return self._try(run)

    def make_scenario(self, call: str, project: ViewedProject) -> Result:
        """A scenario that takes the way of this call through the flows as they are now."""

        def run(reader: JournalReader) -> Result:
            steps = [step for step in reader.list_callbacks(call) if step.event != "dice"]
            if not steps:
                raise NotReplayableError("the journal does not have it any more")
            way = [
                (passed.flow, passed.state, passed.what)
                for step in steps
                for passed in list_passed_states(step.shown["trace"])
                if passed.exit or passed.what.startswith("again")
            ]
            flow = way[0][0] if way else steps[0].flow
            made = retrace_call(read_scenario_project(project), flow, way)
            if not made.text:
                raise NotReplayableError("the flows as they are now do not even begin in this way")
            return {"text": made.text, "taken": made.taken, "wanted": made.wanted, "flow": flow}

        return self._try(run)

    def _try(self, run: Callable[[JournalReader], Result]) -> Result:
        try:
            with self._context.open_journal() as reader:
                return run(reader)
        except (ArchiveError, JournalError, NotReplayableError, UnknownVersionError) as error:
            return {"error": str(error)}

    def _find_release(self, on: str, project: ViewedProject) -> Release:
        """The flows as they are now, or an archived release."""
        if on:
            return self._load_release(on)
        if project.release is None:
            raise NotReplayableError("the flows as they are now have errors")
        return project.release

    def _load_release(self, name: str) -> Release:
        release = self._versions.load(name).release
        if release is None:
            raise NotReplayableError(f"release {name} no longer compiles")
        return release

    def _load_callbacks(
        self, reader: JournalReader, call: str, release: Release
    ) -> list[RecordedCallback]:
        found = reader.load_recorded_call(call, self._open_encryption(release))
        if not any(one.release for one in found):
            raise NotReplayableError("no release answered it, as of all legs")
        return found

    def _open_encryption(self, release: Release) -> JournalEncryption:
        """With all keys that may open the journal."""
        folder = self._context.settings.server.folder
        found = keys.find_opening_keys(release.applications, VARIABLES, folder)
        return JournalEncryption(found)


def describe_report(report: ReplayReport) -> Result:
    """What became of calls that were replayed."""
    return {
        "release": report.release,
        "same": report.same,
        "different": report.different_count,
        "groups": [
            {"difference": describe_difference(group.difference), "calls": group.calls}
            for group in report.groups
        ],
        "skipped": dict(report.skipped),
    }


def read_scenario_project(project: ViewedProject) -> ScenarioProject:
    """The flows as they are now, with their scenarios."""
    scenarios = {
        name: text for name, text in project.files.items() if name.startswith(f"{SCENARIO_FOLDER}/")
    }
    flows = {name: text for name, text in project.files.items() if name not in scenarios}
    return ScenarioProject.from_files(flows, scenarios)
