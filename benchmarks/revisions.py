"""What benchmarks need to measure another revision beside this one: its code, and enough patience."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
START_SECONDS = 60.0
# of an older revision on a machine on which others work; a quiet one takes a twentieth of it
SECONDS_PER_FLOW = 0.2


def compute_patience(flows: int) -> float:
    """Seconds in which each revision has started, or has taken up a change, surely."""
    return START_SECONDS + flows * SECONDS_PER_FLOW


@contextmanager
def revisions(against: str | None) -> Iterator[dict[str, Path]]:
    """The roots of the code to measure, by the name of their revision; "" is what is here."""
    if against is None:
        yield {"": ROOT}
        return
    with tempfile.TemporaryDirectory() as folder:
        other = Path(folder) / "other"
        git = ["git", "-C", str(ROOT), "worktree"]
        subprocess.run([*git, "add", "-q", "--detach", str(other), against], check=True)
        try:
            yield {"": ROOT, against: other}
        finally:
            subprocess.run([*git, "remove", "--force", str(other)], check=True)


def evaluate_in(root: Path, module: str, expression: str) -> Any:
    """What an expression is in a benchmark of a revision, by that revision's own code: what looks at
    the insides of a process knows no others.
    """
    program = f"import json, {module}; print(json.dumps({module}.{expression}))"
    ran = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": f"{root}:{root / 'benchmarks'}"},
        cwd=root / "benchmarks",
        stdout=subprocess.PIPE,
        check=True,
    )
    return json.loads(ran.stdout)
