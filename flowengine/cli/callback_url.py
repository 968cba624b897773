"""The check of a callback URL before anything is asked there."""

from ipaddress import ip_address
from urllib.parse import urlsplit

from flowengine.public_addresses import is_public
from flowengine.sinch.client.probe_faults import ProbeError

LOCAL_SUFFIXES = (".localhost", ".local", ".internal")


def check_callback_url(url: str, *, is_rehearsal: bool) -> None:
    """Raises ProbeError for what the platform could never use. In a rehearsal with a switch, an
    address of a private network will do, too.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise ProbeError("not_a_url", url="this") from None
    if not url.isprintable():
        raise ProbeError("not_a_url", url="a URL with control characters")
    if parts.username is not None or parts.password is not None:
        raise ProbeError("not_a_url", url="a URL with a user or password")
    if parts.scheme not in ("http", "https") or not host or port == 0 or parts.fragment:
        raise ProbeError("not_a_url", url=url)
    if is_rehearsal and is_private_host(host):
        return
    if parts.scheme == "http":
        raise ProbeError("plain_http", url=url)
    if is_private_host(host):
        raise ProbeError("private_address", host=host)


def is_private_host(host: str) -> bool:
    """Whether this name or address is in no network that the internet routes."""
    if host == "localhost" or host.endswith(LOCAL_SUFFIXES):
        return True
    try:
        ip_address(host)
    except ValueError:
        return False
    return not is_public(host)
