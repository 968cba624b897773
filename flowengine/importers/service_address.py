"""Addresses of other systems, as the service that has them and the path there."""

import re
from typing import Final
from urllib.parse import urlsplit

_HOST: Final = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,24}")
_OWN_ENDINGS: Final = (".local", ".internal", ".localhost", ".invalid", ".test", ".example")


def name_host(host: str) -> str:
    """What people call a host: its name without www and without the last part."""
    return host.removeprefix("www.").rpartition(".")[0]


def split_address(address: str) -> tuple[str, str, str]:
    """The origin, its host and the path; without an origin where it is a value, or is private."""
    text = address.strip()
    head = text.split("{{", 1)[0]
    rest = text[len(head) :]
    try:
        parts = urlsplit(head)
        host, port = (parts.hostname or "").lower(), parts.port
    except ValueError:
        return "", "", "/"
    path = (f"{parts.path}?{parts.query}" if parts.query else parts.path) + rest
    if not parts.path and rest:  # the address is a value, or its host is in part
        return "", "", "/"
    path = path if path.startswith("/") else f"/{path}"
    is_public = _HOST.fullmatch(host) and not host.endswith(_OWN_ENDINGS)
    if parts.scheme not in ("https", "http") or not is_public or parts.username or port == 0:
        return "", "", path
    return f"{parts.scheme}://{host}{f':{port}' if port else ''}", host, path
