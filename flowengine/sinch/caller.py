"""Who calls: a phone number, a SIP address, an app user, somebody who withholds the number, or
nobody that the platform knows.
"""

import re
from functools import lru_cache
from typing import Final, NamedTuple

from flowengine.sinch.events import Ice
from flowengine.sinch.number import normalise

_WITHHELD: Final = frozenset({"private", "anonymous", "restricted", "withheld"})
_UNKNOWN: Final = frozenset({"", "unknown", "unavailable"})
_NAMED: Final = re.compile(r"<([^<>]*)>\s*$")
_SCHEME: Final = re.compile(r"^(sips?|tel):", re.IGNORECASE)
_FORMAT: Final = re.compile(r"[\s().\-/]")
_SHORT: Final = re.compile(r"[0-9]{2,15}")


class Caller(NamedTuple):
    """What is empty is not known. `number` is `+` and digits, or the digits alone of a short or
    national number; `sip` is `user@host`.
    """

    number: str = ""
    sip: str = ""
    user: str = ""
    withheld: bool = False


@lru_cache(maxsize=4096)  # one caller calls more than once, and each ICE is read twice
def read_caller(cli: str, user: str, origin: str) -> Caller:
    """Who calls, from `cli`, `user` and the origin of an ICE.

    >>> read_caller("46708168731", "", "pstn").number
    '+46708168731'
    >>> read_caller("Ann <sip:ann@pbx.example.com>", "", "sip").sip
    'ann@pbx.example.com'
    """
    address = plain_address(cli)
    name, at, host = address.partition("@")
    bare = name.lower()
    if bare in _WITHHELD or host.lower() == "anonymous.invalid":
        return Caller(user=user, withheld=True)
    sip = address if at and host else ""
    if sip and not name.startswith("+"):
        return Caller(sip=sip, user=user)
    digits = "" if origin == "sip" else _FORMAT.sub("", name)  # a PBX has extensions
    number = normalise(name).e164 or (digits if _SHORT.fullmatch(digits) else "")
    if number or sip:
        return Caller(number, sip, user)
    unknown = bare in _UNKNOWN
    if origin == "mxp":
        return Caller(user=user or ("" if unknown else name))
    return Caller(sip="" if unknown or origin != "sip" else address, user=user)


def caller_of(event: Ice) -> Caller:
    return read_caller(event.cli, event.user, event.origin)


def plain_address(text: str) -> str:
    """An address without a name, a scheme and parameters around it.

    >>> plain_address("Ann <sip:ann@pbx.example.com;transport=tls>")
    'ann@pbx.example.com'
    """
    named = _NAMED.search(text)
    address = _SCHEME.sub("", (named[1] if named else text).strip())
    return re.split(r"[;?]", address, maxsplit=1)[0]


def dialled_address(event: Ice) -> str:
    """What was dialled; a number in E.164 and a SIP address without its scheme, however spelled."""
    endpoint = event.to.endpoint
    if event.to.type == "sip":
        return plain_address(endpoint)
    if event.to.type in ("did", "number", ""):
        return normalise(endpoint).e164 or endpoint
    return endpoint


def forwarding_number(event: Ice) -> str:
    """The number that forwarded the call to this one; nothing where none did, or where it is
    withheld.
    """
    return read_caller(event.rdnis, "", "pstn").number
