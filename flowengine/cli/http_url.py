"""What commands take as the address of a server."""

from urllib.parse import urlsplit


def is_http_url(url: str) -> bool:
    """Whether requests can be sent to this address."""
    try:
        parts = urlsplit(url)
        has_place = bool(parts.hostname) and parts.port != 0
    except ValueError:  # as of a port that is no number
        return False
    return has_place and parts.scheme in ("http", "https") and url.isprintable()
