"""The sockets that a server listens on."""

import socket

import pytest

from flowengine.server.listeners import open_listeners
from flowengine.server.server_settings import SettingsError


def test_port_in_use_is_refused_with_its_cure() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(SettingsError) as refused:
            open_listeners("127.0.0.1", port)
    assert str(refused.value) == (
        f"port {port} of 127.0.0.1 is in use by another program: stop that program, or choose "
        "another port with --port"
    )
