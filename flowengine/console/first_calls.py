"""The command that makes the first calls, for pages that have nothing to show yet."""

import ipaddress

from flowengine.compile import Release
from flowengine.server.server_settings import ServerSettings

FIRST_CALLS = 20


def build_load_command(server: ServerSettings, release: Release | None) -> str:
    """What puts some simulated calls on the server, to a number that it answers.

    >>> build_load_command(ServerSettings("flows", host="0.0.0.0"), None)
    'flowengine load http://127.0.0.1:8080/sinch --calls 20'
    """
    port = server.port or "PORT"  # one that was free, as the first line of the server says
    number = find_answered_number(release)
    to = f" --to {number}" if number else ""
    url = f"http://{find_host(server.host)}:{port}{server.callback_path}"
    return f"flowengine load {url} --calls {FIRST_CALLS}{to}"


def find_host(host: str) -> str:
    """The host of a server that listens there, for a client on its machine."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    if address.is_unspecified:
        return "127.0.0.1"
    return f"[{host}]" if address.version == 6 else host  # the version of IP


def find_answered_number(release: Release | None) -> str:
    """The first number that a route names whole; "" where none does."""
    routes = release.routes if release else ()
    whole = (
        one.prefix
        for one in routes
        if one.has_number and not (one.has_wildcard or one.suffix) and one.prefix.isdigit()
    )
    number = next(whole, "")
    return f"+{number}" if number else ""
