"""What is done and heard in a scenario, in order, as its author wrote it."""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from flowengine.model.json_schemas import OTHER_NAMES
from flowengine.states.field_types import Duration, FlowName, mark_name

ExpectedTexts = str | list[str]


TEXT_DESCRIPTION = "part of what is spoken, in any case of letters, or a pattern between slashes"


StateReference = Annotated[
    str,
    Meta(
        pattern=r"^([a-z][a-z0-9-]*\.)?[a-z][a-z0-9_]*$",
        extra_json_schema={"x-hint": "write the state, or flow.state for a state of another flow"},
    ),
    mark_name("state of a flow"),
]


Keys = Annotated[
    int
    | Annotated[str, Meta(pattern=r"^[0-9*#]+$", extra_json_schema={"x-hint": "keys are 0-9 * #"})],
    Meta(title="Keys", description="Keys, pressed one after the other.", examples=[1, "12345674#"]),
]


HEARING_KEYS = {"hears_only": "hears only", "does_not_hear": "does not hear"}


StepWord = Literal["hangs up", "stays silent", "parked", "ended", "on hold", "muted", "heard"]


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


class CalleeStep(
    msgspec.Struct,
    frozen=True,
    forbid_unknown_fields=True,
    omit_defaults=True,
    rename=HEARING_KEYS,
):
    """What the called party does or hears. Exactly one of these."""

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


StepPartyAct = str | CalleeStep


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


class ExpectedPlacedCall(
    msgspec.Struct,
    frozen=True,
    forbid_unknown_fields=True,
    omit_defaults=True,
    rename={"given": "with"},
):
    """A call that the flow has had placed."""

    flow: Annotated[
        FlowName, Meta(description="The flow that it leads to.", examples=["we-call-back"])
    ]
    to: (
        Annotated[str, Meta(description="Who is called.", examples=["+14045550199"])] | UnsetType
    ) = UNSET
    given: (
        Annotated[
            dict[str, Any],
            Meta(description="What is handed in, or a part of it.", examples=[{"name": "Ann"}]),
        ]
        | UnsetType
    ) = UNSET


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
            Meta(description="What the called party does.", examples=["answers", {"hears": "12#"}]),
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
    placed: (
        Annotated[
            ExpectedPlacedCall,
            Meta(
                description="The flow has had this call placed, besides those of the steps before.",
                examples=[{"flow": "we-call-back", "to": "+14045550199"}],
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
    after: (
        Annotated[
            Duration,
            Meta(
                description="Beside `PARTY: is rung`: how long after the last action, or after the "
                "party before was rung.",
                examples=["20s"],
            ),
        ]
        | UnsetType
    ) = UNSET
    parties: (
        Annotated[
            dict[
                str,
                Annotated[
                    StepPartyAct,
                    Meta(
                        description="What a party of the scenario does, hears or is: `answers`, "
                        "`accepts`, `machine`, `rings out`, `busy`, `declines`, `presses 1`, `says Hello`, "
                        "`hears …`, `stays silent`, `hangs up`, `is rung`, `is not rung`, "
                        "`is free`, `calls`, `is on hold`, `is muted`, `is heard`.",
                        examples=["is rung", "presses 1", {"hears": "A call for sales"}],
                    ),
                ],
            ],
            Meta(extra_json_schema={OTHER_NAMES: True}),
        ]
        | UnsetType
    ) = UNSET
