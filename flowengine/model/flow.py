"""A flow as its author wrote it."""

from typing import TYPE_CHECKING, Annotated, Any, Literal, get_type_hints

import msgspec
from msgspec import UNSET, Meta, UnsetType

from flowengine.limits import MAX_VARIABLE
from flowengine.model.defaults import Defaults
from flowengine.states import STATE_KINDS
from flowengine.states.field_types import (
    DtmfKey,
    DtmfTones,
    FlowName,
    Locale,
    Name,
    Scalar,
    StateName,
    VariableName,
    mark_name,
)
from flowengine.states.preamble import Report
from flowengine.states.prompt import Prompt
from flowengine.states.recording import Recording

VarType = Literal["text", "digits", "integer", "decimal", "boolean", "date", "time", "choice"]


NewStateName = Annotated[
    str,
    Meta(
        pattern=r"^(?!(repeat|back)$)[a-z][a-z0-9_]*$",
        max_length=40,
        extra_json_schema={
            "x-hint": "state names are lower case letters, digits and _, such as ask_account; "
            "repeat and back are what keys do"
        },
    ),
    mark_name("state", defined=True),
]


class Var(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A variable of a flow."""

    type: Annotated[VarType, Meta(description="What it holds.", examples=["digits"])]
    max: (
        Annotated[
            int,
            Meta(
                description="The most characters of a text or digits.",
                examples=[8],
                ge=1,
                le=MAX_VARIABLE,
            ),
        ]
        | UnsetType
    ) = UNSET
    default: (
        Annotated[
            Scalar,
            Meta(
                description="Its first value; without one it starts empty, 0 or false.",
                examples=["standard"],
            ),
        ]
        | UnsetType
    ) = UNSET
    secret: Annotated[
        bool, Meta(description="Whether to keep it out of logs and journals.", examples=[True])
    ] = False
    choices: Annotated[
        list[str], Meta(description="The values of a choice.", examples=[["gold", "standard"]])
    ] = []


class EventEntries(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Entries for events other than an incoming call."""

    answered: (
        Annotated[
            StateName,
            Meta(
                description="A call that was placed for you has been answered.", examples=["greet"]
            ),
        ]
        | UnsetType
    ) = UNSET
    machine: (
        Annotated[
            StateName,
            Meta(
                description="The same, and a machine has answered. With this the platform finds out "
                "who answers a call that `place` has asked for, which takes up to five seconds.",
                examples=["leave_message"],
            ),
        ]
        | UnsetType
    ) = UNSET
    pressed: (
        Annotated[
            StateName,
            Meta(
                description="Keys were pressed in a conference; see event.digits.",
                examples=["note_keys"],
            ),
        ]
        | UnsetType
    ) = UNSET
    ended: (
        Annotated[
            StateName,
            Meta(
                description="The call has ended; see event.result, event.reason, event.duration.",
                examples=["report"],
            ),
        ]
        | UnsetType
    ) = UNSET
    notified: (
        Annotated[
            dict[str, StateName],
            Meta(
                description="Notices by type, or `any`; see event.type, event.destination.",
                examples=[{"recording_available": "store"}],
            ),
        ]
        | UnsetType
    ) = UNSET


STATE_DESCRIPTION = "One state: what is said, the one thing it does, where the call goes next."
RECORD_HINT = Meta(extra_json_schema={"x-hint": "write {to: s3://bucket/folder}, or stop"})


class BeforeKind(msgspec.Struct, frozen=True):
    """What stands before the kind of a state."""

    note: (
        Annotated[
            str,
            Meta(
                description="A remark for other authors.", examples=["Asked for by the sales team."]
            ),
        ]
        | UnsetType
    ) = UNSET
    locale: (
        Annotated[
            str,
            Meta(description="The locale from here on.", examples=["sv-SE", "${vars.language}"]),
            mark_name("locale"),
        ]
        | UnsetType
    ) = UNSET
    answer: Annotated[
        bool,
        Meta(
            description="Answer (and bill) at once, before anything is connected.", examples=[True]
        ),
    ] = False
    record: (
        Annotated[
            Annotated[Literal["stop"], RECORD_HINT] | Recording,
            RECORD_HINT,
            Meta(
                description="Start or stop recording the call; `record_message` asks for a message.",
                examples=["stop"],
            ),
        ]
        | UnsetType
    ) = UNSET
    say: Prompt | UnsetType = UNSET
    dtmf: (
        Annotated[
            DtmfTones,
            Meta(description="Keys to send: 0-9, # and w (half a second).", examples=["ww1#"]),
        ]
        | UnsetType
    ) = UNSET
    report: (
        Annotated[
            Report,
            Meta(
                description="A verdict on an ended call; only after `on: ended:`.",
                examples=[{"status": "success"}],
            ),
        ]
        | UnsetType
    ) = UNSET


class AfterKind(msgspec.Struct, frozen=True):
    """What stands after the kind of a state."""

    next: (
        Annotated[StateName, Meta(description="The state to go to next.", examples=["main"])]
        | UnsetType
    ) = UNSET
    error: (
        Annotated[
            StateName,
            Meta(
                description="Where the call goes when this state cannot do its work.",
                examples=["agents"],
            ),
        ]
        | UnsetType
    ) = UNSET


def list_own_fields(part: type[msgspec.Struct]) -> list[tuple[str, Any, Any]]:
    """The fields of a struct, to make another one of."""
    types = get_type_hints(part, include_extras=True)
    return [(one.name, types[one.name], one.default) for one in msgspec.structs.fields(part)]


def build_state_model() -> type[msgspec.Struct]:
    """The model of a state: one field for each registered kind."""
    kinds = STATE_KINDS.values()
    return msgspec.defstruct(
        "State",
        [
            *list_own_fields(BeforeKind),
            *((kind.attribute, kind.authored | UnsetType, UNSET) for kind in kinds),
            *list_own_fields(AfterKind),
        ],
        namespace={"__doc__": STATE_DESCRIPTION},
        module=__name__,
        frozen=True,
        forbid_unknown_fields=True,
        omit_defaults=True,
        rename={kind.attribute: kind.name for kind in kinds},
    )


if TYPE_CHECKING:

    class State(BeforeKind, AfterKind, frozen=True):
        """What a type checker knows of it."""
else:
    State = build_state_model()


class Flow(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A call flow."""

    flow: Annotated[
        FlowName,
        Meta(description="The name of the flow.", examples=["support-line"]),
        mark_name("flow", defined=True),
    ]
    states: Annotated[
        dict[NewStateName, State],
        Meta(
            description="The states by name.",
            examples=[{"welcome": {"say": "Hello.", "hangup": None}}],
            min_length=1,
            max_length=1000,
        ),
    ]
    title: (
        Annotated[str, Meta(description="A title for people.", examples=["Acme support line"])]
        | UnsetType
    ) = UNSET
    locale: (
        Annotated[Locale, Meta(description="The locale that calls start in.", examples=["en-US"])]
        | UnsetType
    ) = UNSET
    voice: (
        Annotated[
            str, Meta(description="female, male, or a voice of the platform.", examples=["female"])
        ]
        | UnsetType
    ) = UNSET
    start: (
        Annotated[
            StateName,
            Meta(
                description="Where an incoming call, or a call of this subflow, begins.",
                examples=["welcome"],
            ),
        ]
        | UnsetType
    ) = UNSET
    on: (
        Annotated[
            EventEntries,
            Meta(
                description="Entries for other events.",
                examples=[{"answered": "greet", "ended": "report"}],
            ),
        ]
        | UnsetType
    ) = UNSET
    vars: Annotated[
        dict[Annotated[Name, mark_name("variable", defined=True)], Var],
        Meta(description="The variables.", examples=[{"account": {"type": "digits", "max": 8}}]),
    ] = {}
    inputs: Annotated[
        list[VariableName],
        Meta(description="Variables that are handed in.", examples=[["account"]]),
    ] = []
    outputs: Annotated[
        list[VariableName],
        Meta(description="Variables that a caller of this subflow may read.", examples=[["tries"]]),
    ] = []
    outcomes: Annotated[
        list[Annotated[Name, mark_name("outcome", defined=True)]],
        Meta(description="The ways this subflow can end.", examples=[["right", "wrong"]]),
    ] = []
    keys: Annotated[
        dict[DtmfKey, StateName],
        Meta(
            description="Keys that work in every question: a state, `repeat` or `back`.",
            examples=[{"0": "agents", "*": "repeat"}],
        ),
    ] = {}
    defaults: (
        Annotated[
            Defaults,
            Meta(
                description="What states do when they do not say otherwise.",
                examples=[{"attempts": 3, "otherwise": "agents"}],
            ),
        ]
        | UnsetType
    ) = UNSET
    error: (
        Annotated[
            StateName,
            Meta(
                description="Where a call goes when a state without an error exit fails.",
                examples=["agents"],
            ),
        ]
        | UnsetType
    ) = UNSET
