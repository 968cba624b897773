"""The platform's APIs, called from Python. Imported only by who calls them: it brings an HTTP
client.
"""

from flowengine.sinch.client.api_errors import (
    BadRequestError,
    CallingApiError,
    ConflictError,
    ForbiddenError,
    NotFoundError,
    PaymentRequiredError,
    ServerError,
    TooManyRequestsError,
    UnauthorizedError,
    UnreachableApiError,
    UntrustedUrlError,
)
from flowengine.sinch.client.authentication import BasicAuth, SignedAuth
from flowengine.sinch.client.calling_api import CallingApi
from flowengine.sinch.client.callouts import (
    Callout,
    ConferenceCallout,
    ConferenceDtmf,
    CustomCallout,
    SvamlInput,
    TtsCallout,
)
from flowengine.sinch.client.hosts import ApiHosts, Region
from flowengine.sinch.client.results import (
    CallbackUrls,
    CallInfo,
    Counter,
    NumberInfo,
    OwnNumber,
    Participant,
    StoredRecording,
    UserCalls,
)

__all__ = [
    "ApiHosts",
    "BadRequestError",
    "BasicAuth",
    "CallInfo",
    "CallbackUrls",
    "CallingApi",
    "CallingApiError",
    "Callout",
    "ConferenceCallout",
    "ConferenceDtmf",
    "ConflictError",
    "Counter",
    "CustomCallout",
    "ForbiddenError",
    "NotFoundError",
    "NumberInfo",
    "OwnNumber",
    "Participant",
    "PaymentRequiredError",
    "Region",
    "ServerError",
    "SignedAuth",
    "StoredRecording",
    "SvamlInput",
    "TooManyRequestsError",
    "TtsCallout",
    "UnauthorizedError",
    "UnreachableApiError",
    "UntrustedUrlError",
    "UserCalls",
]
