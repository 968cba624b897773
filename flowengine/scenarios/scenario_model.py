"""Scenarios as their author wrote them: what is given, what is done and heard in order, and what
must hold in the end.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from flowengine.scenarios.scenario_given import Given
from flowengine.scenarios.scenario_parties import Parties
from flowengine.scenarios.scenario_steps import (
    ExpectedTexts,
    ScenarioStep,
    StateReference,
    StepWord,
)
from flowengine.states.field_types import FlowName, Scalar, VariableName, mark_name

ScenarioName = Annotated[
    str, Meta(min_length=1, max_length=120), mark_name("scenario", defined=True)
]


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
            ExpectedTexts, Meta(description="What the called party has heard.", examples=["12#"])
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
            dict[VariableName, Scalar],
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
    parties: (
        Annotated[
            Parties,
            Meta(
                description="Who may be rung besides the caller, by a name for the steps; what the "
                "file says of them holds, too.",
                examples=[{"anna": {"is": "+14045009001", "does": "rings out"}}],
            ),
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
    parties: (
        Annotated[
            Parties,
            Meta(
                description="Who may be rung in all scenarios besides the caller.",
                examples=[{"anna": {"is": "+14045009001"}, "bo": {"is": "+14045009002"}}],
            ),
        ]
        | UnsetType
    ) = UNSET


SCENARIO_MODEL: Mapping[str, tuple[str, Any]] = {"scenario": ("Scenarios of a flow", Scenarios)}
