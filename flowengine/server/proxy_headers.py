"""Headers that show that a proxy forwarded a request."""

from collections.abc import Iterable

_PROXY_HEADERS = ("forwarded", "via", "x-real-ip")


def find_proxy_header(names: Iterable[bytes | str]) -> str:
    """The header of a proxy in these names, or "". Names are in lower case."""
    for name in names:
        text = name.decode("latin-1") if isinstance(name, bytes) else name
        if text in _PROXY_HEADERS or text.startswith("x-forwarded-"):
            return text
    return ""
