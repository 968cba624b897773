"""A real repository with a history, for tests."""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

FLOW = (
    "flow: {name}\nlocale: en-US\nstart: hello\nstates:\n  hello:\n    say: {words}\n    hangup:\n"
)


def git(folder: Path, *arguments: str) -> str:
    """Run git as a person whose settings and clock are the same everywhere."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    person = {
        f"GIT_{who}_{what}": value
        for who in ("AUTHOR", "COMMITTER")
        for what, value in PERSON.items()
    }
    settings = {"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null"}
    done = subprocess.run(
        ["git", "-C", str(folder), *arguments],
        env=environment | person | settings,
        capture_output=True,
        check=True,
    )
    return done.stdout.decode().strip()


PERSON = {"NAME": "Ann Author", "EMAIL": "ann@example.com", "DATE": "2026-03-02T09:00:00+00:00"}


def new_repository(folder: Path) -> Path:
    folder.mkdir(parents=True)
    git(folder, "init", "-q", "-b", "main")
    return folder


def commit(repository: Path, files: Mapping[str, str | None], message: str) -> str:
    """Write (None: delete) files and commit them; the commit's id."""
    for name, content in files.items():
        path = repository / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if content is None:
            path.unlink()
        else:
            path.write_text(content)
    git(repository, "add", "-A")
    git(repository, "commit", "-q", "-m", message)
    return git(repository, "rev-parse", "HEAD")


def flow(name: str, words: str) -> str:
    return FLOW.format(name=name, words=words)
