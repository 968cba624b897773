"""What the server keeps is nobody else's."""

import subprocess
from pathlib import Path

import pytest

from flowengine.server.app import open_session_store
from flowengine.server.server_settings import DEFAULT_FOLDER, ServerSettings


@pytest.mark.parametrize(("folder", "unlisted"), [(DEFAULT_FOLDER, True), (Path("calls"), False)])
async def test_keys_and_calls_are_not_added_to_the_repository_of_the_flows(
    tmp_path: Path, folder: Path, unlisted: bool
) -> None:
    """In a folder that an operator names, what is listed is the operator's business."""
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    for _ in range(2):
        (
            await open_session_store(
                ServerSettings("flows", store=f"sqlite:{tmp_path / folder / 'calls.db'}")
            ).close()
        )
    added = subprocess.run(
        ["git", "-C", str(tmp_path), "add", "-An"], check=True, capture_output=True, text=True
    ).stdout
    assert ("add" not in added) is unlisted
