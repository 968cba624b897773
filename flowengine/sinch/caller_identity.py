"""The caller: a phone number, a SIP address, an app user, somebody who withholds the number, or
nobody that the platform knows.
"""

import re
from functools import lru_cache
from typing import Final, NamedTuple

from flowengine.sinch.callback_events import Ice
from flowengine.sinch.number_parser import parse_number

_WITHHELD_NAMES: Final = frozenset({"private", "anonymous", "restricted", "withheld"})
_UNKNOWN_NAMES: Final = frozenset({"", "unknown", "unavailable"})
_SIP_NAME_ADDR: Final = re.compile(r"<([^<>]*)>\s*$")
_ADDRESS_SCHEME: Final = re.compile(r"^(sips?|tel):", re.IGNORECASE)
_SEPARATORS: Final = re.compile(r"[\s().\-/]")
_SHORT_NUMBER: Final = re.compile(r"[0-9]{2,15}")


class CallerIdentity(NamedTuple):
    """Empty fields are unknown. `number` is `+` and digits, or the digits alone of a short or
    national number; `sip` is `user@host`.
    """

    number: str = ""
    sip: str = ""
    user: str = ""
    withheld: bool = False


@lru_cache(maxsize=4096)  # one caller calls more than once, and each ICE is read twice
def read_caller(cli: str, user: str, origin: str) -> CallerIdentity:
    """The caller, from `cli`, `user` and the origin of an ICE.

    >>> read_caller("46708168731", "", "pstn").number
    '+46708168731'
    >>> read_caller("Ann <sip:ann@pbx.example.com>", "", "sip").sip
    'ann@pbx.example.com'
    """
    address = strip_address(cli)
    name, at, host = address.partition("@")
    bare = name.lower()
    if bare in _WITHHELD_NAMES or host.lower() == "anonymous.invalid":
        return CallerIdentity(user=user, withheld=True)
    sip = address if at and host else ""
    # user@host is a SIP end; +46…@host is a phone number behind a SIP trunk
    if sip and not name.startswith("+"):
        return CallerIdentity(sip=sip, user=user)
    number = _read_number(name, origin)
    if number or sip:
        return CallerIdentity(number, sip, user)
    if bare in _UNKNOWN_NAMES:
        return CallerIdentity(user=user)
    if origin == "mxp":
        return CallerIdentity(user=user or name)
    return CallerIdentity(sip=address if origin == "sip" else "", user=user)


def _read_number(name: str, origin: str) -> str:
    digits = "" if origin == "sip" else _SEPARATORS.sub("", name)  # a PBX has extensions
    return parse_number(name).e164 or (digits if _SHORT_NUMBER.fullmatch(digits) else "")


def get_caller_identity(event: Ice) -> CallerIdentity:
    return read_caller(event.cli, event.user, event.origin)


def strip_address(text: str) -> str:
    """An address without display name, scheme and parameters.

    >>> strip_address("Ann <sip:ann@pbx.example.com;transport=tls>")
    'ann@pbx.example.com'
    """
    named = _SIP_NAME_ADDR.search(text)
    address = _ADDRESS_SCHEME.sub("", (named[1] if named else text).strip())
    return re.split(r"[;?]", address, maxsplit=1)[0]
