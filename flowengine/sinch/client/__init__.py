"""The platform's APIs, called from Python. Imported only by who calls them: it brings an HTTP
client.
"""

from flowengine.sinch.client.authentication import Basic, Signed
from flowengine.sinch.client.callouts import (
    Callout,
    ConferenceCallout,
    ConferenceDtmf,
    CustomCallout,
    Svaml,
    TtsCallout,
)
from flowengine.sinch.client.client import CallingApi
from flowengine.sinch.client.errors import (
    ApiProblem,
    BadRequest,
    Conflict,
    Forbidden,
    NotFound,
    PaymentRequired,
    ServerProblem,
    TooManyRequests,
    Unauthorized,
    Unreachable,
    UntrustedUrl,
)
from flowengine.sinch.client.hosts import Hosts, Region
from flowengine.sinch.client.results import (
    CallbackUrls,
    CallInfo,
    Counter,
    NumberInfo,
    OwnNumber,
    Participant,
    Recording,
    UserCalls,
)

__all__ = [
    "ApiProblem",
    "BadRequest",
    "Basic",
    "CallInfo",
    "CallbackUrls",
    "CallingApi",
    "Callout",
    "ConferenceCallout",
    "ConferenceDtmf",
    "Conflict",
    "Counter",
    "CustomCallout",
    "Forbidden",
    "Hosts",
    "NotFound",
    "NumberInfo",
    "OwnNumber",
    "Participant",
    "PaymentRequired",
    "Recording",
    "Region",
    "ServerProblem",
    "Signed",
    "Svaml",
    "TooManyRequests",
    "TtsCallout",
    "Unauthorized",
    "Unreachable",
    "UntrustedUrl",
    "UserCalls",
]
