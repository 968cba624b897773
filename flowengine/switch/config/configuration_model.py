"""The configuration file of the switch as its author wrote it. Times are in seconds, as the
platform counts them.
"""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from flowengine.switch.switch_settings import SwitchSettings

EXAMPLE_KEY = "669E367E-6BBA-48AB-AF15-266871C28135"
PHONE_PATTERN = r"^\+[0-9]{6,16}$"
URL_PATTERN = "^(https?://[^/]+.*)?$"


class ConfiguredApplication(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True
):
    """An application of the platform: who signs callbacks, and where they go."""

    key: Annotated[
        str, Meta(description="The application key.", examples=[EXAMPLE_KEY], min_length=1)
    ]
    secret: Annotated[
        str,
        Meta(
            description="The secret, in base64. For a switch on your desk it may stand here.",
            examples=["BeIukql3pTKJ8RGL5zo0DA=="],
        ),
    ] = ""
    secret_from: Annotated[
        str, Meta(description="The environment variable with the secret.", examples=["ACME_SECRET"])
    ] = ""
    primary: Annotated[
        str,
        Meta(
            description="Where callbacks go. Without it nothing is asked.",
            examples=["http://127.0.0.1:8080/sinch"],
            pattern=URL_PATTERN,
        ),
    ] = ""
    fallback: Annotated[
        str,
        Meta(
            description="Where callbacks go when the primary URL fails.",
            examples=["http://127.0.0.1:8081/sinch"],
            pattern=URL_PATTERN,
        ),
    ] = ""
    credit: Annotated[
        float | None,
        Meta(
            description="What is left to call with, in the currency of the rates; empty for no end "
            "of it.",
            examples=[10.0],
        ),
    ] = None


class ConfiguredNumber(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A number that callers dial."""

    number: Annotated[
        str,
        Meta(
            description="The number, with + and digits.",
            examples=["+14045001000"],
            pattern=PHONE_PATTERN,
        ),
    ]
    application: Annotated[
        str | None,
        Meta(
            description="The key of the application that it reaches: the first one where nothing "
            'is said, none for "".',
            examples=[EXAMPLE_KEY],
        ),
    ] = None
    capability: Annotated[
        Literal["voice", "sms"], Meta(description="What the number can do.", examples=["voice"])
    ] = "voice"


class User(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Somebody who has signed in with an app."""

    name: Annotated[
        str, Meta(description="The user's name.", examples=["anna"], min_length=1, max_length=128)
    ]
    application: Annotated[
        str | None,
        Meta(
            description="The key of the application; the first one where nothing is said.",
            examples=[EXAMPLE_KEY],
        ),
    ] = None


class ConfiguredAct(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One thing that a party does."""

    do: Annotated[
        Literal["press", "say", "wait", "hang up"],
        Meta(description="What the party does.", examples=["press"]),
    ]
    value: Annotated[
        str,
        Meta(description="The keys that it presses, or the words that it says.", examples=["1#"]),
    ] = ""
    after: Annotated[
        float,
        Meta(
            description="Seconds from the act before; the first counts from the answer.",
            examples=[2.0],
            ge=0,
            le=14400,
        ),
    ] = 0.0
    until: Annotated[
        str,
        Meta(
            description="What it waits for first: `asked` is a menu that asks, anything else a "
            "regular expression for words that it hears.",
            examples=["asked"],
        ),
    ] = ""


class Party(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What the called party does."""

    does: Annotated[
        Literal["answer", "busy", "no answer", "decline", "congestion", "unknown", "by hand"],
        Meta(
            description="How the call is taken; `by hand` rings until somebody acts through /desk.",
            examples=["busy"],
        ),
    ] = "answer"
    after: Annotated[
        float,
        Meta(
            description="Seconds until it answers, is found busy or declines.",
            examples=[3.0],
            ge=0,
            le=14400,
        ),
    ] = 3.0
    who: Annotated[
        Literal["human", "machine", "notsure"],
        Meta(description="What machine detection finds at the other end.", examples=["machine"]),
    ] = "human"
    beep_after: Annotated[
        float,
        Meta(
            description="Seconds from the answer to the beep of a machine.",
            examples=[8.0],
            ge=0,
            le=14400,
        ),
    ] = 8.0
    acts: Annotated[
        list[ConfiguredAct],
        Meta(
            description="What it does once it has answered, in order.",
            examples=[[{"do": "press", "value": "1", "after": 2}]],
        ),
    ] = []
    hangs_up_at: Annotated[
        str,
        Meta(
            description="A regular expression: whatever else it does, it hangs up when it hears "
            "such words or keys.",
            examples=["goodbye"],
        ),
    ] = ""


class ConfiguredRate(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The price of a minute."""

    amount: Annotated[float, Meta(description="The price of a minute.", examples=[0.0095], ge=0)]
    prefix: Annotated[
        str,
        Meta(
            description="How numbers begin that cost this much; empty for all others.",
            examples=["+46"],
            pattern=r"^(\+[0-9]*)?$",
        ),
    ] = ""
    currency: Annotated[
        str, Meta(description="The currency.", examples=["EUR"], pattern="^[A-Z]{3}$")
    ] = "EUR"


class Configuration(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Everything that a switch can be told."""

    applications: Annotated[
        list[ConfiguredApplication],
        Meta(
            description="The applications. Without any there is one, with the credentials of the "
            "environment.",
            examples=[
                [
                    {
                        "key": EXAMPLE_KEY,
                        "secret_from": "ACME_SECRET",
                        "primary": "http://127.0.0.1:8080/sinch",
                    }
                ]
            ],
        ),
    ] = []
    numbers: Annotated[
        list[ConfiguredNumber],
        Meta(description="The numbers that callers dial.", examples=[[{"number": "+14045001000"}]]),
    ] = []
    users: Annotated[
        list[User],
        Meta(description="Who has signed in with an app.", examples=[[{"name": "anna"}]]),
    ] = []
    parties: Annotated[
        dict[str, Party],
        Meta(
            description="Who is reached where: by number, app user, user@host or wss://… The "
            "longest beginning of an address counts.",
            examples=[{"+4670": {"does": "busy"}, "anna": {"after": 1}}],
        ),
    ] = {}
    rates: Annotated[
        list[ConfiguredRate],
        Meta(description="What calls cost.", examples=[[{"prefix": "+46", "amount": 0.0095}]]),
    ] = []
    region: Annotated[
        Literal["euc1", "use1", "sae1", "apse1", "apse2"],
        Meta(description="The region that this switch stands for.", examples=["use1"]),
    ] = "euc1"
    store: Annotated[
        str,
        Meta(
            description="Where assignments of numbers, callback URLs, call records and recordings "
            "are kept: memory, or sqlite:PATH.",
            examples=["sqlite:.flowengine/switch.db"],
            pattern="^(memory|sqlite:.+)$",
        ),
    ] = "memory"
    open_desk: Annotated[
        bool,
        Meta(
            description="Whether /desk, which places calls and acts for people, answers other "
            "machines than this.",
            examples=[True],
        ),
    ] = False
    lost_callouts: Annotated[
        list[Annotated[int, Meta(ge=1, le=1_000_000)]],
        Meta(
            description="Callouts, counted from 1, whose answer is lost: the switch places the "
            "call and closes the connection.",
            examples=[[2]],
        ),
    ] = []
    settings: Annotated[
        SwitchSettings,
        Meta(
            description="What no source about the platform decides, where it shall differ.",
            examples=[{"callback_timeout": 2.5}],
        ),
    ] = SwitchSettings()
