"""A server's files as it leaves them, a repository beside them, and commands as somebody types
them.
"""

import json
import re
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from flowengine.cli import main
from flowengine.server.release_service import ReleaseService
from flowengine.server.server_settings import ServerSettings
from tests.sources.git_repository import commit, flow, git, new_repository

AGES = re.compile(r"\b\d+ (s|min|h|d) ago *")
MOMENTS = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")


class Office:
    """A folder that was served once, and a repository with a history: main, a branch draft/spring,
    a broken one.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.store = f"sqlite:{folder / 'server' / 'calls.db'}"
        self.flows = folder / "flows"
        self.flows.mkdir()
        self.save("One.")
        self.serve()
        self.repository = new_repository(folder / "repository")
        commit(self.repository, {"flows/line.yaml": flow("line", "Two.")}, "Begin\n\nIt had to.")
        self.branch("draft/spring", "Spring.", "Spring greetings")
        self.branch("broken", "${nothing} and ${more}", "Break it")

    def save(self, words: str) -> None:
        (self.flows / "line.yaml").write_text(flow("line", words))

    def branch(self, name: str, words: str, message: str) -> None:
        git(self.repository, "checkout", "-q", "-B", name, "main")
        commit(self.repository, {"flows/line.yaml": flow("line", words)}, message)
        git(self.repository, "checkout", "-q", "main")

    def serve(self) -> None:
        """What a server does as it starts."""
        live = ReleaseService(ServerSettings(str(self.flows), store=self.store))
        live.publish()
        live.close()

    def run(self, command: str, *arguments: str) -> Result:
        given = (
            ["--repo", str(self.repository)] if command in ("publish", "canary", "draft") else []
        )
        who = [] if command == "releases" else ["--who", "ann"]
        return CliRunner().invoke(main, [command, *arguments, *given, *who, "--store", self.store])

    def done(self, command: str, *arguments: str) -> str:
        result = self.run(command, *arguments)
        assert result.exit_code == 0, result.output
        return result.output.strip()

    def refused(self, command: str, *arguments: str) -> str:
        """The one line that says why not; nothing has changed."""
        before = self.seen()["changes"]
        result = self.run(command, *arguments)
        assert result.exit_code == 1, result.output
        assert self.seen()["changes"] == before
        return result.output.strip()

    def seen(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.done("releases", "--json"))
        return found

    def masked(self, text: str) -> str:
        """Without what is another each time."""
        return MOMENTS.sub(
            "TIME",
            AGES.sub(lambda found: "AGO".ljust(len(found[0])), text.replace(str(self.folder), "")),
        )
