"""The addresses of the platform's APIs, and a check that the address of a call is one of them."""

import re
from typing import Final, Literal
from urllib.parse import quote

import httpx
import msgspec

from flowengine.sinch.client.api_errors import UntrustedUrlError

Region = Literal["use1", "euc1", "sae1", "apse1", "apse2"]
_PLATFORM_HOST: Final = re.compile(
    r"([a-z0-9-]+\.)*sinch\.com"
)  # httpx takes a backslash for part of a name, others for its end


class ApiHosts(msgspec.Struct, frozen=True):
    """The bases of the three APIs, without their versions. Conferences live in one region, so each
    region has its own host.
    """

    traffic: str = "https://calling.api.sinch.com"
    configuration: str = "https://callingapi.sinch.com"
    reporting: str = "https://reportingapi.sinch.com"

    @classmethod
    def from_region(cls, region: Region) -> "ApiHosts":
        """The hosts of a region.

        >>> ApiHosts.from_region("euc1").traffic
        'https://calling-euc1.api.sinch.com'
        """
        return cls(traffic=f"https://calling-{region}.api.sinch.com")

    @classmethod
    def from_base_url(cls, base: str) -> "ApiHosts":
        """All three APIs at one address, such as that of `flowengine switch`."""
        return cls(base, base, base)


def build_path(*parts: str) -> str:
    """Join the parts of a path, each escaped. Raises ValueError for an empty part, which would name
    another route: that of a conference without its member ends the conference.
    """
    for part in parts:
        if part in ("", ".", ".."):
            raise ValueError(f'"{part}" cannot be part of an address')
    return "".join(f"/{quote(part, safe='')}" for part in parts)


def build_call_url(call: str, traffic: str) -> str:
    """The address of a call, of which its id is known, or the callResourceUrl that came with its
    first callback
    """
    if "/" not in call:
        return f"{traffic.rstrip('/')}/calling/v1/calls/id{build_path(call)}"
    _check_trusted(call, traffic)
    return call.rstrip("/")


def find_region_url(call_url: str, api_url: str) -> str:
    """The base of the API in the region of a call, of which its callResourceUrl is known. A base
    that is none of the platform's stays, whatever the call says.

    >>> find_region_url("https://calling-euc1.api.sinch.com/calling/v1/calls/id/1", ApiHosts().traffic)
    'https://calling-euc1.api.sinch.com'
    >>> find_region_url("https://calling-euc1.api.sinch.com/calling/v1/calls/id/1", "http://127.0.0.1:8071")
    'http://127.0.0.1:8071'
    """
    if not _PLATFORM_HOST.fullmatch(httpx.URL(api_url).host):
        return api_url
    try:
        _check_trusted(call_url, api_url)
    except UntrustedUrlError:
        return api_url
    return f"https://{httpx.URL(call_url).netloc.decode()}"


def _check_trusted(address: str, traffic: str) -> None:
    """Raises UntrustedUrlError. A callback tells where its call is found, and a forged one must not
    be sent our credentials.
    """
    try:
        url, own = httpx.URL(address), httpx.URL(traffic)
    except httpx.InvalidURL as error:
        raise UntrustedUrlError("the address of the call is no URL") from error
    # these could hide another host, or lead to another route
    if url.userinfo or url.query or url.fragment or "/calls/id/" not in url.path:
        raise UntrustedUrlError(
            "the address of the call must be that of a call, ending in /calls/id/ and the call's id"
        )
    # each region has its own host, so any host of the platform counts
    platform = url.scheme == "https" and _PLATFORM_HOST.fullmatch(url.host)
    if not platform and (url.scheme, url.host, url.port) != (own.scheme, own.host, own.port):
        raise UntrustedUrlError(
            f"the address of the call is at {url.scheme}://{url.host}, neither of sinch.com nor of "
            f"{own.scheme}://{own.host}"
        )
