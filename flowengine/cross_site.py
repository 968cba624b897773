"""Requests that a web page has a browser send to a server on the user's own machine.

Two attacks reach a server that listens on loopback alone. Cross-site request forgery: a page of
another site posts to 127.0.0.1. DNS rebinding: the name of that site leads to 127.0.0.1 by now, so
the browser takes the server for a part of the site, and sends its name as the host.
"""

from collections.abc import Collection
from ipaddress import ip_address

# The page's own server, or the user, who has typed the address: no other site has sent it.
_OWN_SITE = (b"same-origin", b"none")


def find_cross_site(headers: Collection[tuple[bytes, bytes]]) -> str:
    """The header by which a browser says that a page of another origin sent the request, or "".

    Programs send none of these headers. Names are in lower case.

    >>> find_cross_site([(b"host", b"127.0.0.1:8080"), (b"origin", b"https://evil.example")])
    'origin'
    """
    sites = {value.strip().lower() for name, value in headers if name == b"sec-fetch-site"}
    if not sites.issubset(_OWN_SITE):
        return "sec-fetch-site"
    if sites == {b"same-origin"}:  # a proxy may have changed the host; the browser has seen both
        return ""
    hosts = {value.strip().lower() for name, value in headers if name == b"host"}
    origins = {value.strip().lower() for name, value in headers if name == b"origin"}
    return "" if {origin.partition(b"://")[2] for origin in origins} <= hosts else "origin"


def find_foreign_host(headers: Collection[tuple[bytes, bytes]]) -> str:
    """The host that a request is for where that is no name of loopback, or "".

    >>> find_foreign_host([(b"host", b"evil.example:8080")])
    'evil.example'
    >>> find_foreign_host([(b"host", b"[::1]:8080"), (b"host", b"localhost")])
    ''
    """
    for name, value in headers:
        host = _to_hostname(value.decode("latin-1")) if name == b"host" else ""
        if host and not _is_own_name(host):
            return host
    return ""


def find_foreign_origin(headers: Collection[tuple[bytes, bytes]]) -> str:
    """The host of a page that has sent a request, or led to it, where that is no name of loopback,
    or "".

    >>> find_foreign_origin([(b"referer", b"https://proxy.example/calls")])
    'proxy.example'
    >>> find_foreign_origin([(b"origin", b"http://[::1]:8081"), (b"host", b"localhost")])
    ''
    """
    for name, value in headers:
        text = value.decode("latin-1").strip() if name in (b"origin", b"referer") else ""
        host = _to_hostname(text.partition("://")[2].partition("/")[0])
        if text and not _is_own_name(host):
            return host or text
    return ""


def is_loopback(host: str) -> bool:
    """Whether this name or address is always that of the machine itself."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _is_own_name(host: str) -> bool:
    return is_loopback(host) or host.endswith(".localhost")


def _to_hostname(text: str) -> str:
    """The host without its port and the brackets of IPv6."""
    host = text.strip().lower()
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0].removesuffix(".")
