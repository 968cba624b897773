"""The sockets that a server listens on."""

import errno
import socket
from contextlib import suppress

from flowengine.server.connections import choose_backlog
from flowengine.server.server_settings import SettingsError

# errors of systems without IPv6
NO_SUCH_ADDRESS = (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)


class PortInUseError(SettingsError):
    """Another program listens on the port."""


def open_listeners(host: str, port: int, option: str = "--port") -> list[socket.socket]:
    """Open a listening socket for each address of the host. Raises SettingsError, with the option
    that chooses another port. A name such as localhost has an address for IPv4 and one for IPv6; a
    machine without IPv6 gets the other one.
    """
    try:
        found = socket.getaddrinfo(
            host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
    except (OSError, UnicodeError) as error:
        raise SettingsError(f"{host} is no address of this machine: {error}") from error
    listeners: list[socket.socket] = []
    failure: OSError | None = None
    for family, _, _, _, address in dict.fromkeys(found):
        # port 0: all sockets get the port of the first
        bound = listeners[0].getsockname()[1] if listeners else port
        try:
            listeners.append(listen_at(family, (address[0], bound, *address[2:])))
        except OSError as error:
            failure = error
    if not listeners or (failure is not None and failure.errno not in NO_SUCH_ADDRESS):
        for listener in listeners:
            listener.close()
        if failure is not None and failure.errno == errno.EADDRINUSE:
            raise PortInUseError(
                f"port {port} of {host} is in use by another program: stop that program, or choose "
                f"another port with {option}"
            )
        raise SettingsError(f"{format_address(host, port)} cannot be listened on: {failure}")
    return listeners


def format_address(host: str, port: int) -> str:
    """A host and a port as a URL has them.

    >>> format_address("::1", 8080)
    '[::1]:8080'
    >>> format_address("localhost", 8080)
    'localhost:8080'
    """
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def check_port(host: str, port: int) -> None:
    """Raises SettingsError where nobody can listen there."""
    for listener in open_listeners(host, port):
        listener.close()


def listen_at(family: int, address: tuple[object, ...]) -> socket.socket:
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            with suppress(AttributeError, OSError):
                listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listener.bind(address)
        listener.listen(choose_backlog())
    except OSError:
        listener.close()
        raise
    return listener
