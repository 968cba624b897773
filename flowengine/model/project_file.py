"""The project file as its author wrote it: lines, services, calendars, tables, groups, messages and
platform settings.
"""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from flowengine.model.defaults import Defaults
from flowengine.model.group_file import GroupFile
from flowengine.states.field_types import (
    FlowName,
    Locale,
    Name,
    PositiveDuration,
    RetentionPeriod,
    Scalar,
    SecondsOrMore,
    StorageSize,
    mark_name,
)
from flowengine.states.prompt import LocalisedText

DEFAULT_APOLOGY = "We are sorry, something went wrong. Please call again later."
DEFAULT_APOLOGY_LOCALE = "en-US"


class Route(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Which flow answers. The first route whose conditions all hold decides; a route without
    conditions takes the rest.
    """

    flow: Annotated[FlowName, Meta(description="The flow that answers.", examples=["support-line"])]
    to: (
        Annotated[
            str,
            Meta(
                description="The dialled number, app user, SIP address or conference; * stands for "
                "anything.",
                examples=["+14045001000", "sip-*"],
            ),
        ]
        | UnsetType
    ) = UNSET
    type: (
        Annotated[
            Literal["did", "number", "username", "sip", "conference"],
            Meta(description="The kind of address that was dialled.", examples=["did"]),
        ]
        | UnsetType
    ) = UNSET
    origin: (
        Annotated[
            Literal["pstn", "mxp", "sip", "server"],
            Meta(description="Where the call comes from: mxp is an app.", examples=["mxp"]),
        ]
        | UnsetType
    ) = UNSET
    application: (
        Annotated[
            str,
            Meta(
                description="The key of the application.",
                examples=["669E367E-6BBA-48AB-AF15-266871C28135"],
            ),
        ]
        | UnsetType
    ) = UNSET


class Service(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """An HTTP system that flows may ask. Its host is thereby allowed."""

    url: Annotated[
        str,
        Meta(
            description="The address in front of every path.",
            examples=["https://crm.example.com/v1"],
            pattern="^https?://[^/]+",
        ),
    ]
    headers: Annotated[
        dict[str, str],
        Meta(
            description="Sent with each request; secrets are welcome.",
            examples=[{"Authorization": "Bearer ${secrets.crm}"}],
        ),
    ] = {}
    timeout: Annotated[PositiveDuration, Meta(description="The longest wait.", examples=["2s"])] = (
        "2s"
    )
    retries: Annotated[
        int,
        Meta(
            description="How often a failed connection or a 5xx is tried again.",
            examples=[1],
            ge=0,
            le=3,
        ),
    ] = 0
    private: Annotated[
        bool,
        Meta(
            description="Whether the host may be an address of a private network.", examples=[False]
        ),
    ] = False


class Recordings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Where recordings go whose state does not say it, and the tone before a message."""

    to: Annotated[
        str,
        Meta(
            description="Where the files go: s3://bucket/folder or azure://account/container.",
            examples=["s3://acme-voicemail/messages"],
        ),
    ]
    credentials: (
        Annotated[
            str,
            Meta(description="The key of that place; use a secret.", examples=["${secrets.s3}"]),
        ]
        | UnsetType
    ) = UNSET
    beep: (
        Annotated[
            str,
            Meta(
                description="The address of the tone that callers hear before they leave a "
                "message; the platform has none of its own.",
                examples=["https://media.example.com/beep.mp3"],
            ),
        ]
        | UnsetType
    ) = UNSET


class TableFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Data to look up by key."""

    rows: Annotated[
        dict[str, dict[Name, Scalar]],
        Meta(
            description="The rows by key; all have the same columns.",
            examples=[{"10": {"phone": "+14045000010"}}],
            min_length=1,
        ),
    ]
    default: (
        Annotated[
            dict[Name, Scalar],
            Meta(
                description="The row for keys that are not there.",
                examples=[{"phone": "+14045000000"}],
            ),
        ]
        | UnsetType
    ) = UNSET


class Application(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """An application of the platform. Its secret never stands in a file."""

    key: Annotated[
        str,
        Meta(description="The application key.", examples=["669E367E-6BBA-48AB-AF15-266871C28135"]),
    ]
    secret: Annotated[
        str, Meta(description="The environment variable with the secret.", examples=["ACME_SECRET"])
    ]


class Platform(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What no source about the platform decides."""

    menu_ids: Annotated[
        Literal["named", "main"],
        Meta(
            description="Whether menus carry flow and state in their id (beside `main`), or are "
            "only called `main`.",
            examples=["named"],
        ),
    ] = "named"
    deadline: Annotated[
        SecondsOrMore,
        Meta(description="How long the platform waits for an answer.", examples=["5s"]),
    ] = "5s"
    freshness: Annotated[
        SecondsOrMore,
        Meta(description="How old or young a signed timestamp may be.", examples=["5m"]),
    ] = "5m"
    pie_for_apps: Annotated[
        bool,
        Meta(
            description="Whether the platform reports what callers from apps press and say. All "
            "descriptions say that it does not, so the check warns where such callers are asked.",
            examples=[False],
        ),
    ] = False


class Journal(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What is recorded of calls, how readable it is, and for how long. Variables that are `secret`
    never stand there in clear.
    """

    keep: Annotated[
        RetentionPeriod,
        Meta(
            description="How long a call is kept; with none, no journal is written.",
            examples=["30d"],
        ),
    ] = "30d"
    size: Annotated[
        StorageSize,
        Meta(
            description="The room that the journal may take on the disk, at least 32MB; the oldest "
            "calls are dropped first.",
            examples=["2GB"],
        ),
    ] = "2GB"
    numbers: Annotated[
        Literal["masked", "clear"],
        Meta(
            description="Whether numbers, and names of users, are shown with stars in place of all "
            "but their ends.",
            examples=["masked"],
        ),
    ] = "masked"
    words: Annotated[
        Literal["masked", "clear"],
        Meta(
            description="Whether what callers press and say, and what became of it, is shown with "
            "stars.",
            examples=["masked"],
        ),
    ] = "masked"
    replay: Annotated[
        bool,
        Meta(
            description="Whether everything is kept beside that, encrypted, so that calls can be "
            "replayed.",
            examples=[True],
        ),
    ] = True


class Project(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Everything that flows share."""

    project: Annotated[str, Meta(description="The name of the project.", examples=["acme"])]
    locale: Annotated[
        Locale, Meta(description="The locale of flows that name none.", examples=["en-US"])
    ] = "en-US"
    voice: Annotated[
        str, Meta(description="The voice of flows that name none.", examples=["female"])
    ] = ""
    zone: Annotated[
        str,
        Meta(
            description="The IANA time zone of now.date and now.time.",
            examples=["America/New_York"],
        ),
    ] = "UTC"
    routes: Annotated[
        list[Route],
        Meta(description="Which flow answers which call.", examples=[[{"flow": "support-line"}]]),
    ] = []
    applications: Annotated[
        list[Application],
        Meta(
            description="The platform's applications, when there are several.",
            examples=[[{"key": "669E367E", "secret": "ACME_SECRET"}]],
        ),
    ] = []
    services: Annotated[
        dict[Annotated[Name, mark_name("service", defined=True)], Service],
        Meta(
            description="HTTP systems that flows may ask.",
            examples=[{"crm": {"url": "https://crm.example.com/v1"}}],
        ),
    ] = {}
    secrets: Annotated[
        dict[Annotated[Name, mark_name("secret", defined=True)], str],
        Meta(
            description="Secrets by name, each with its environment variable.",
            examples=[{"crm": "CRM_TOKEN"}],
        ),
    ] = {}
    recordings: (
        Annotated[
            Recordings,
            Meta(
                description="Where recordings go whose state does not say it.",
                examples=[{"to": "s3://acme-voicemail/messages"}],
            ),
        ]
        | UnsetType
    ) = UNSET
    calendars: Annotated[
        dict[Annotated[Name, mark_name("calendar", defined=True)], dict[str, Any]],
        Meta(
            description="Opening hours by name; see the calendar's own page.",
            examples=[
                {"support": {"zone": "Europe/Stockholm", "open": {"mon-fri": "09:00-17:00"}}}
            ],
        ),
    ] = {}
    tables: Annotated[
        dict[Annotated[Name, mark_name("table", defined=True)], TableFile],
        Meta(
            description="Data to look up.",
            examples=[{"extensions": {"rows": {"10": {"phone": "+14045000010"}}}}],
        ),
    ] = {}
    groups: Annotated[
        dict[Annotated[Name, mark_name("group", defined=True)], GroupFile],
        Meta(
            description="People who take calls together.",
            examples=[{"sales": {"members": ["+14045009001", "+14045009002"]}}],
        ),
    ] = {}
    messages: Annotated[
        dict[Annotated[Name, mark_name("message", defined=True)], LocalisedText],
        Meta(
            description="Texts that several prompts share.",
            examples=[{"goodbye": {"en-US": "Goodbye.", "sv-SE": "Hej då."}}],
        ),
    ] = {}
    strict: Annotated[
        list[
            Annotated[
                str,
                Meta(
                    pattern="^FE[0-9]{3}$",
                    extra_json_schema={"x-hint": "write the code of a warning, such as FE902"},
                ),
            ]
        ],
        Meta(
            description="Warnings that count as errors, by code.",
            examples=[["FE902", "FE932"]],
            extra_json_schema={"x-hint": "write the codes of warnings: [FE902, FE932]"},
        ),
    ] = []
    defaults: (
        Annotated[
            Defaults,
            Meta(
                description="What states do when neither they nor their flow say otherwise.",
                examples=[{"attempts": 3}],
            ),
        ]
        | UnsetType
    ) = UNSET
    apology: Annotated[
        LocalisedText,
        Meta(
            description="The last resort: said before hanging up when nothing else can be done.",
            examples=["Sorry, something went wrong. Please call again."],
        ),
    ] = DEFAULT_APOLOGY
    platform: Annotated[
        Platform,
        Meta(
            description="Settings that no source about the platform decides.",
            examples=[{"deadline": "5s"}],
        ),
    ] = Platform()
    journal: Annotated[
        Journal, Meta(description="What is recorded of calls.", examples=[{"keep": "30d"}])
    ] = Journal()
