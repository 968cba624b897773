"""Scenarios as their author wrote them: what is given, what is done and heard in order, and what
must hold in the end.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from flowengine.states.field_types import Duration, FlowName, Name, Scalar

ExpectedTexts = str | list[str]
TEXT_DESCRIPTION = "part of what is spoken, in any case of letters, or a pattern between slashes"
StateReference = Annotated[
    str,
    Meta(
        pattern=r"^([a-z][a-z0-9-]*\.)?[a-z][a-z0-9_]*$",
        extra_json_schema={"x-hint": "write the state, or flow.state for a state of another flow"},
    ),
]
ScenarioName = Annotated[str, Meta(min_length=1, max_length=120)]
Keys = Annotated[
    int
    | Annotated[str, Meta(pattern=r"^[0-9*#]+$", extra_json_schema={"x-hint": "keys are 0-9 * #"})],
    Meta(title="Keys", description="Keys, pressed one after the other.", examples=[1, "12345674#"]),
]
HEARING_KEYS = {"hears_only": "hears only", "does_not_hear": "does not hear"}
StepWord = Literal["hangs up", "stays silent", "parked", "ended"]
CalleeAction = Literal[
    "answers",
    "busy",
    "no answer",
    "declines",
    "congestion",
    "person",
    "machine",
    "unsure",
    "hangs up",
]


class ExpectedLookup(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One request that a flow makes to another system, and what comes of it. It must be made, and
    exactly as it stands here.
    """

    service: Annotated[Name, Meta(description="A service of the project.", examples=["crm"])]
    get: (
        Annotated[
            str,
            Meta(
                description="The path of a GET; `*` stands for anything.",
                examples=["/accounts/12345674"],
            ),
        ]
        | UnsetType
    ) = UNSET
    post: (
        Annotated[str, Meta(description="The path of a POST.", examples=["/calls/*/notes"])]
        | UnsetType
    ) = UNSET
    put: (
        Annotated[str, Meta(description="The path of a PUT.", examples=["/visits/A-17"])]
        | UnsetType
    ) = UNSET
    body: (
        Annotated[
            dict[str, Scalar],
            Meta(
                description="What must be sent; `*` in a text stands for anything.",
                examples=[{"confirmed": True}],
            ),
        ]
        | UnsetType
    ) = UNSET
    headers: Annotated[
        dict[str, str],
        Meta(description="Headers that must be sent.", examples=[{"X-Line": "order-status"}]),
    ] = {}
    status: Annotated[
        int, Meta(description="The status of the answer.", examples=[404], ge=100, le=599)
    ] = 200
    answer: (
        Annotated[
            Any,
            Meta(description="The body of the answer.", examples=[{"name": "Ann", "tier": "gold"}]),
        ]
        | UnsetType
    ) = UNSET
    fails: (
        Annotated[
            Literal["timeout", "unreachable"],
            Meta(description="There is no answer at all, and why.", examples=["timeout"]),
        ]
        | UnsetType
    ) = UNSET
    times: (
        Annotated[
            Literal["any"] | Annotated[int, Meta(ge=1, le=100)],
            Meta(description="How often it is asked: a number, or `any`.", examples=[2, "any"]),
        ]
        | UnsetType
    ) = UNSET


class Given(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What is so before anything happens. What a scenario does not say, its file says under the
    `given` of all; then a default holds.
    """

    caller: (
        Annotated[
            str,
            Meta(
                description="Who calls: a number, an app user, a SIP address, `private` for a "
                "withheld number, or `unknown`.",
                examples=["+14045550199"],
            ),
        ]
        | UnsetType
    ) = UNSET
    redirected_from: (
        Annotated[
            str,
            Meta(
                description="The number that forwards the call to the one that is dialled.",
                examples=["+14045550177"],
            ),
        ]
        | UnsetType
    ) = UNSET
    to: (
        Annotated[
            str,
            Meta(
                description="What is dialled, or who is called by a placed call; by default what "
                "the project's routes lead to this flow.",
                examples=["+14045550101"],
            ),
        ]
        | UnsetType
    ) = UNSET
    type: (
        Annotated[
            Literal["did", "number", "username", "sip", "conference"],
            Meta(description="The kind of address that is dialled.", examples=["did"]),
        ]
        | UnsetType
    ) = UNSET
    origin: (
        Annotated[
            Literal["pstn", "mxp", "sip"],
            Meta(description="Where the call comes from: mxp is an app.", examples=["mxp"]),
        ]
        | UnsetType
    ) = UNSET
    placed: (
        Annotated[
            Literal["tts", "conference", "custom"],
            Meta(
                description="Your system places the call, by a callout of this kind.",
                examples=["custom"],
            ),
        ]
        | UnsetType
    ) = UNSET
    data: (
        Annotated[
            dict[Name, Any],
            Meta(
                description="Inputs that a placed call hands to the flow.",
                examples=[{"name": "Ms Lee"}],
            ),
        ]
        | UnsetType
    ) = UNSET
    custom: (
        Annotated[
            str,
            Meta(
                description="The text that comes with the call, as it is.", examples=["campaign 7"]
            ),
        ]
        | UnsetType
    ) = UNSET
    text: (
        Annotated[str, Meta(description="What a tts callout says.", examples=["Hello from Acme."])]
        | UnsetType
    ) = UNSET
    conference: (
        Annotated[
            str, Meta(description="Where a conference callout leads.", examples=["room-1001"])
        ]
        | UnsetType
    ) = UNSET
    headers: (
        Annotated[
            dict[str, str],
            Meta(
                description="Call headers that an app or SIP caller sends.",
                examples=[{"X-Tier": "gold"}],
            ),
        ]
        | UnsetType
    ) = UNSET
    time: (
        Annotated[
            str,
            Meta(
                description="When the call begins, in the zone.",
                examples=["2026-03-02 10:00"],
                pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}(:[0-9]{2})?$",
                extra_json_schema={"x-hint": "write date and time: 2026-03-02 10:00"},
            ),
        ]
        | UnsetType
    ) = UNSET
    zone: (
        Annotated[
            str,
            Meta(
                description="The IANA zone of `time`; by default the project's.",
                examples=["Europe/Stockholm"],
            ),
        ]
        | UnsetType
    ) = UNSET
    cookies: (
        Annotated[
            bool,
            Meta(
                description="Whether cookies alone hold the state of the call, as with `serve "
                "--store none`.",
                examples=[True],
            ),
        ]
        | UnsetType
    ) = UNSET
    seed: (
        Annotated[
            int,
            Meta(
                description="Decides what is left to chance, such as the call's id.",
                examples=[7],
                ge=0,
            ),
        ]
        | UnsetType
    ) = UNSET
    environment: (
        Annotated[
            dict[str, str],
            Meta(
                description="Variables of the environment; one that is empty is not set. Others "
                "have a test value.",
                examples=[{"CRM_TOKEN": ""}],
            ),
        ]
        | UnsetType
    ) = UNSET
    lookups: (
        Annotated[
            list[ExpectedLookup],
            Meta(
                description="What the flow asks other systems, and what they answer.",
                examples=[
                    [{"service": "crm", "get": "/accounts/12345674", "answer": {"name": "Ann"}}]
                ],
            ),
        ]
        | UnsetType
    ) = UNSET


class CalleeStep(
    msgspec.Struct,
    frozen=True,
    forbid_unknown_fields=True,
    omit_defaults=True,
    rename=HEARING_KEYS,
):
    """What whoever is called does or hears. Exactly one of these."""

    presses: Annotated[Keys, Meta(description="Presses keys.", examples=["1"])] | UnsetType = UNSET
    says: Annotated[str, Meta(description="Speaks.", examples=["Hello?"])] | UnsetType = UNSET
    hears: (
        Annotated[
            ExpectedTexts,
            Meta(description="Hears this: " + TEXT_DESCRIPTION + ".", examples=["12#"]),
        ]
        | UnsetType
    ) = UNSET
    hears_only: (
        Annotated[ExpectedTexts, Meta(description="Hears this and nothing else.", examples=["12#"])]
        | UnsetType
    ) = UNSET
    does_not_hear: (
        Annotated[ExpectedTexts, Meta(description="Has not heard this.", examples=["error"])]
        | UnsetType
    ) = UNSET


class ExpectedNotification(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True
):
    """A notice of the platform in its long form."""

    type: Annotated[str, Meta(description="The kind of notice.", examples=["recording_available"])]
    destination: Annotated[
        str,
        Meta(
            description="Where the recording or transcript is; `*` stands for anything.",
            examples=["s3://*"],
        ),
    ] | (UnsetType) = UNSET


class ScenarioStep(
    msgspec.Struct,
    frozen=True,
    forbid_unknown_fields=True,
    omit_defaults=True,
    rename={**HEARING_KEYS, "connected_to": "connected to"},
):
    """One thing that happens or must be so, in its place in the conversation. Exactly one of these."""

    press: (
        Annotated[Keys, Meta(description="The caller presses keys.", examples=["12345674#"])]
        | UnsetType
    ) = UNSET
    says: (
        Annotated[
            str, Meta(description="The caller speaks.", examples=["my bill please"], min_length=1)
        ]
        | UnsetType
    ) = UNSET
    waits: Annotated[Duration, Meta(description="Time passes.", examples=["5s"])] | UnsetType = (
        UNSET
    )
    hears: (
        Annotated[
            ExpectedTexts,
            Meta(
                description="The caller hears this, after what was heard in the steps before: "
                + TEXT_DESCRIPTION
                + ".",
                examples=["Thank you for calling"],
            ),
        ]
        | UnsetType
    ) = UNSET
    hears_only: (
        Annotated[
            ExpectedTexts,
            Meta(
                description="The caller has heard this since the last deed, and nothing else.",
                examples=["Goodbye."],
            ),
        ]
        | UnsetType
    ) = UNSET
    does_not_hear: (
        Annotated[
            ExpectedTexts,
            Meta(
                description="The caller has not heard this since the last thing that was done.",
                examples=["/sorry/"],
            ),
        ]
        | UnsetType
    ) = UNSET
    asked: (
        Annotated[
            StateReference,
            Meta(description="The state that waits for keys or words.", examples=["main"]),
        ]
        | UnsetType
    ) = UNSET
    connected_to: (
        Annotated[
            str,
            Meta(
                description="Who is called, or the conference that is joined.",
                examples=["+14045009000", "sip:gold@pbx.example.com"],
            ),
        ]
        | UnsetType
    ) = UNSET
    callee: (
        Annotated[
            CalleeAction | CalleeStep,
            Meta(
                description="What whoever is called does.", examples=["answers", {"hears": "12#"}]
            ),
        ]
        | UnsetType
    ) = UNSET
    notified: (
        Annotated[
            str | ExpectedNotification,
            Meta(
                description="Time passes until the platform gives this notice.",
                examples=["recording_available"],
            ),
        ]
        | UnsetType
    ) = UNSET
    unpark: (
        Annotated[
            str,
            Meta(
                description="Your system takes a parked call out and connects it.",
                examples=["+14045550140"],
            ),
        ]
        | UnsetType
    ) = UNSET


class Then(
    msgspec.Struct,
    frozen=True,
    forbid_unknown_fields=True,
    omit_defaults=True,
    rename={
        "does_not_hear": "does not hear",
        "callee_hears": "callee hears",
        "connected_to": "connected to",
        "ended_by": "ended by",
    },
):
    """What must hold when the call is over."""

    hears: (
        Annotated[
            ExpectedTexts,
            Meta(description="What the caller has heard at some time.", examples=["Goodbye."]),
        ]
        | UnsetType
    ) = UNSET
    does_not_hear: (
        Annotated[
            ExpectedTexts, Meta(description="What the caller has never heard.", examples=["Sorry"])
        ]
        | UnsetType
    ) = UNSET
    callee_hears: (
        Annotated[
            ExpectedTexts, Meta(description="What whoever was called has heard.", examples=["12#"])
        ]
        | UnsetType
    ) = UNSET
    connected_to: (
        Annotated[
            str,
            Meta(description="Where the call was connected to last.", examples=["+14045009000"]),
        ]
        | UnsetType
    ) = UNSET
    state: (
        Annotated[
            StateReference,
            Meta(description="The state that the call ended in.", examples=["agents"]),
        ]
        | UnsetType
    ) = UNSET
    vars: (
        Annotated[
            dict[Name, Scalar],
            Meta(description="The last values of variables.", examples=[{"account": "12345674"}]),
        ]
        | UnsetType
    ) = UNSET
    requests: (
        Annotated[
            list[str],
            Meta(
                description="All lookups that were made, in order, as `service: METHOD /path`.",
                examples=[["crm: GET /accounts/12345674"]],
            ),
        ]
        | UnsetType
    ) = UNSET
    recording: (
        Annotated[
            bool | str,
            Meta(
                description="Whether the call was recorded, or where to; `*` stands for anything.",
                examples=[True, "s3://*"],
            ),
        ]
        | UnsetType
    ) = UNSET
    result: (
        Annotated[str, Meta(description="The platform's result.", examples=["ANSWERED"])]
        | UnsetType
    ) = UNSET
    reason: (
        Annotated[str, Meta(description="The platform's reason.", examples=["CALLERHANGUP"])]
        | UnsetType
    ) = UNSET
    ended_by: (
        Annotated[
            Literal["caller", "callee", "flow", "platform"],
            Meta(description="Who ended the call.", examples=["flow"]),
        ]
        | UnsetType
    ) = UNSET
    reported: (
        Annotated[
            Literal["success", "failure"],
            Meta(description="The verdict of the flow on the ended call.", examples=["success"]),
        ]
        | UnsetType
    ) = UNSET
    apology: Annotated[
        bool,
        Meta(description="Whether the caller heard the apology of last resort.", examples=[True]),
    ] = False


class Scenario(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One call, from its beginning to its end."""

    when: Annotated[
        list[StepWord | ScenarioStep],
        Meta(
            description="What happens and what must be so, in order. A call that goes on after the "
            "last step is hung up by its caller.",
            examples=[
                [
                    {"hears": "Thank you for calling"},
                    {"press": 0},
                    {"connected to": "+14045009000"},
                    {"callee": "answers"},
                    "hangs up",
                ]
            ],
        ),
    ] = []
    then: (
        Annotated[
            Then, Meta(description="What must hold in the end.", examples=[{"ended by": "caller"}])
        ]
        | UnsetType
    ) = UNSET
    given: (
        Annotated[
            Given, Meta(description="What is so before.", examples=[{"time": "2026-03-02 10:00"}])
        ]
        | UnsetType
    ) = UNSET
    note: (
        Annotated[
            str,
            Meta(
                description="A remark for other authors.", examples=["Reported by the sales team."]
            ),
        ]
        | UnsetType
    ) = UNSET


class Scenarios(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The scenarios of a flow."""

    flow: Annotated[
        FlowName,
        Meta(description="The flow that these scenarios are of.", examples=["support-line"]),
    ]
    scenarios: Annotated[
        dict[ScenarioName, Scenario],
        Meta(
            description="The scenarios by name.",
            examples=[
                {
                    "we are closed at night": {
                        "given": {"time": "2026-03-02 23:00"},
                        "then": {"hears": "We are closed."},
                    }
                }
            ],
            min_length=1,
        ),
    ]
    given: (
        Annotated[
            Given,
            Meta(
                description="What all scenarios begin with.",
                examples=[{"time": "2026-03-02 10:00"}],
            ),
        ]
        | UnsetType
    ) = UNSET


SCENARIO_MODEL: Mapping[str, tuple[str, Any]] = {"scenario": ("Scenarios of a flow", Scenarios)}
