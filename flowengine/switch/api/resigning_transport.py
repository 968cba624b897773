"""Signs the callbacks of a switch in virtual time for the time of their receivers, who check that a
signature is fresh.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from urllib.parse import urlsplit

from flowengine.sinch import sign_request
from flowengine.switch.wire.transport import OnReply, Transport


class ResigningTransport:
    """Sends requests by another transport, signed anew for the moment at which they leave."""

    def __init__(self, transport: Transport, secrets: Mapping[str, str]) -> None:
        self._transport = transport
        self._secrets = dict(secrets)

    def post(
        self, url: str, headers: Mapping[str, str], body: bytes, timeout: float, reply: OnReply
    ) -> None:
        """Send a request."""
        key = headers["authorization"].removeprefix("application ").partition(":")[0]
        stamp = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        signature = sign_request(
            key,
            self._secrets[key],
            "POST",
            urlsplit(url).path or "/",
            headers["content-type"],
            body,
            stamp,
        )
        self._transport.post(
            url, {**headers, "x-timestamp": stamp, "authorization": signature}, body, timeout, reply
        )
