"""Fixtures of commands that run in the process of the test."""

from collections.abc import Callable

import pytest

from flowengine.server.server_settings import ServerSettings


@pytest.fixture
def server_prepared_in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """`serve` prepares the server here, not in its fork server, where click's runner would see
    nothing of what it says.
    """

    def prepare(_settings: ServerSettings, load: Callable[[], object], _console: object) -> int:
        load()
        return 0

    monkeypatch.setattr("flowengine.cli.serve.run_server", prepare)
