"""What to do about refusals of the platform, by the platform's own number."""

from typing import Final

from flowengine.sinch.client.api_errors import CallingApiError, ServerError, UnreachableApiError

_CLOCK: Final = "synchronise the clock of this machine: requests are signed with its time"
_WRONG_SIGNATURE: Final = (
    "copy the secret of the application from the dashboard again, whole, into "
    "SINCH_APPLICATION_SECRET"
)
_KEY: Final = (
    "copy the key of the application from the dashboard again, whole, into SINCH_APPLICATION_KEY"
)
_CREDENTIALS: Final = (
    "check SINCH_APPLICATION_KEY and SINCH_APPLICATION_SECRET: both belong to one application"
)
_LATER: Final = "look whether it was done all the same, wait a little, and try again"
_SLOWER: Final = "wait, and send fewer requests at a time"
_UNPROCESSED: Final = "check what was sent; if it is right, ask the platform's support"

_CURES: Final = {
    40001: "change the value that the message names; --help says what each option takes",
    40002: "give what the message says is missing; --help lists the options",
    40003: "check the ids and URLs that were given, and whether the call takes this now",
    40004: _KEY,
    40005: "write numbers with + and the country code, such as +14045001000",
    40100: _CREDENTIALS,
    40101: _CLOCK,
    40102: _WRONG_SIGNATURE,
    40103: "send the request once more; let no proxy add credentials of its own",
    40104: _CREDENTIALS,
    40105: _CLOCK,
    40107: _CREDENTIALS,
    40108: _WRONG_SIGNATURE,
    40200: "add credit to the account in the dashboard",
    40300: "allow calls to this destination in the dashboard, or ask the platform's support",
    40301: "use https",
    40302: "use the application that owns it, or ask the platform's support for the privilege",
    40303: "ask the platform's support to lift the restriction",
    40400: "check the id; a conference is known to the API of its region alone (--region), and while "
    "somebody is in it",
    40900: "another request is changing the same thing: try again",
    42200: _UNPROCESSED,
    42201: _UNPROCESSED,
    42202: _UNPROCESSED,
    42900: _SLOWER,
    42901: _SLOWER,
    50000: _LATER,
    50300: _LATER,
    50301: "check the application in the dashboard, or ask the platform's support",
}


def find_cure(error: CallingApiError) -> str:
    """What to do about an error of the APIs.

    >>> find_cure(CallingApiError(400, 40005, "Number is missing its leading plus sign"))
    'write numbers with + and the country code, such as +14045001000'
    """
    if cure := _CURES.get(error.code):
        return cure
    if isinstance(error, UnreachableApiError):
        return (
            "check the network, and --switch or --region where given; look whether the request was "
            "carried out all the same before you repeat it"
        )
    if isinstance(error, ServerError):
        return _LATER
    reference = f" and tell it the reference {error.reference}" if error.reference else ""
    return f"ask the platform's support{reference}"
