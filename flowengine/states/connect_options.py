"""The authored options of connect:."""

from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from flowengine.states.field_types import Condition, DtmfTones, Duration, StateName
from flowengine.states.room_plan import RoomKeyAction

SampleRate = Literal[8000, 16000, 24000, 44100, 48000, 96000]
DEFAULT_KEYS_TIMEOUT = "3s"
KEYS_OF_PHONES = "0123456789*#"
Music = Literal["ring", "music1", "music2", "music3"]
Indications = Literal[
    "at", "au", "bg", "br", "be", "ch", "cl", "cn", "cz", "de", "dk", "ee", "es", "fi", "fr", "gr", "hu", "il", "in", "it", "lt",
    "jp", "mx", "my", "nl", "no", "nz", "ph", "pl", "pt", "ru", "se", "sg", "th", "uk", "us", "tw", "ve", "za",
]  # fmt: skip


KeyAction = (
    Annotated[
        RoomKeyAction,
        Meta(
            description="What the key does: `mute` the caller, or put them on `hold`, until they press "
            "it again; for a moderator also `mute all` and `hold all` others, and `end`.",
            examples=["mute"],
        ),
    ]
    | UnsetType
)


class ConferenceKeys(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What happens to keys pressed inside a conference: each key does something there, or with `mode:
    detect` the flow's `on: pressed:` hears them.
    """

    mode: (
        Annotated[
            Literal["ignore", "forward", "detect"],
            Meta(
                description="Ignore keys, pass them to the others, or report them.",
                examples=["detect"],
            ),
        ]
        | UnsetType
    ) = UNSET
    max: (
        Annotated[
            int, Meta(description="How many keys make one report.", examples=[1], ge=1, le=20)
        ]
        | UnsetType
    ) = UNSET
    timeout: (
        Annotated[Duration, Meta(description="How long to wait for the next key.", examples=["3s"])]
        | UnsetType
    ) = UNSET
    key_0: KeyAction = msgspec.field(name="0", default=UNSET)
    key_1: KeyAction = msgspec.field(name="1", default=UNSET)
    key_2: KeyAction = msgspec.field(name="2", default=UNSET)
    key_3: KeyAction = msgspec.field(name="3", default=UNSET)
    key_4: KeyAction = msgspec.field(name="4", default=UNSET)
    key_5: KeyAction = msgspec.field(name="5", default=UNSET)
    key_6: KeyAction = msgspec.field(name="6", default=UNSET)
    key_7: KeyAction = msgspec.field(name="7", default=UNSET)
    key_8: KeyAction = msgspec.field(name="8", default=UNSET)
    key_9: KeyAction = msgspec.field(name="9", default=UNSET)
    key_star: KeyAction = msgspec.field(name="*", default=UNSET)
    key_hash: KeyAction = msgspec.field(name="#", default=UNSET)

    def list_actions(self) -> tuple[tuple[str, RoomKeyAction], ...]:
        """What keys do, by key."""
        fields = {field.encode_name: field.name for field in msgspec.structs.fields(self)}
        found = {key: getattr(self, fields[key]) for key in KEYS_OF_PHONES}
        return tuple((key, action) for key, action in found.items() if action is not UNSET)


class Connect(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Put the caller through. Exactly one of phone, sip, app, conference, stream."""

    phone: (
        Annotated[
            str,
            Meta(
                description="A phone number with + and country code; `dialled` keeps what an app "
                "user dialled.",
                examples=["+14045009000"],
            ),
        ]
        | UnsetType
    ) = UNSET
    sip: (
        Annotated[
            str, Meta(description="A SIP address, user@host.", examples=["gold@pbx.example.com"])
        ]
        | UnsetType
    ) = UNSET
    app: (
        Annotated[
            str,
            Meta(
                description="An app user; `dialled` keeps what the caller dialled.",
                examples=["alice"],
            ),
        ]
        | UnsetType
    ) = UNSET
    conference: (
        Annotated[
            str,
            Meta(description="A room name, at most 64 characters.", examples=["room-${vars.pin}"]),
        ]
        | UnsetType
    ) = UNSET
    stream: (
        Annotated[
            str,
            Meta(
                description="A WebSocket address that receives and sends audio.",
                examples=["wss://bot.example.com/audio"],
            ),
        ]
        | UnsetType
    ) = UNSET
    caller_id: (
        Annotated[
            str,
            Meta(
                description="The number shown to the callee, or `private`.",
                examples=["+14045001000", "private"],
            ),
        ]
        | UnsetType
    ) = UNSET
    ring: (
        Annotated[Duration, Meta(description="How long to ring.", examples=["20s"])] | UnsetType
    ) = UNSET
    limit: (
        Annotated[Duration, Meta(description="The longest talk, at most 4h.", examples=["1h"])]
        | UnsetType
    ) = UNSET
    dtmf: (
        Annotated[
            DtmfTones,
            Meta(
                description="Keys sent to the callee on answer: 0-9, # and w (half a second).",
                examples=["ww123#"],
            ),
        ]
        | UnsetType
    ) = UNSET
    indications: (
        Annotated[
            Indications,
            Meta(description="The country whose ringing tones the caller hears.", examples=["se"]),
        ]
        | UnsetType
    ) = UNSET
    silent: Annotated[
        bool,
        Meta(
            description="Send no callbacks for this connection: no `answered`, no `ended`.",
            examples=[False],
        ),
    ] = False
    transport: (
        Annotated[
            Literal["udp", "tcp", "tls"],
            Meta(description="How the SIP call travels.", examples=["tls"]),
        ]
        | UnsetType
    ) = UNSET
    headers: Annotated[
        dict[str, str],
        Meta(
            description="Call headers for a SIP, app or stream leg.",
            examples=[{"X-Tier": "${vars.tier}"}],
        ),
    ] = {}
    music: (
        Annotated[
            Music,
            Meta(
                description="Music while alone in a conference or on hold by SIP.",
                examples=["music1"],
            ),
        ]
        | UnsetType
    ) = UNSET
    keys: (
        Annotated[
            ConferenceKeys,
            Meta(description="Keys in a conference.", examples=[{"1": "mute"}, {"mode": "detect"}]),
        ]
        | UnsetType
    ) = UNSET
    moderator: (
        Annotated[
            bool | Condition,
            Meta(
                description="Whether this caller is a moderator of the conference.",
                examples=["vars.is_host"],
            ),
        ]
        | UnsetType
    ) = UNSET
    wait: (
        Annotated[
            Music,
            Meta(
                description="Music that this caller hears, and nobody else, while no moderator is in "
                "the conference.",
                examples=["music1"],
            ),
        ]
        | UnsetType
    ) = UNSET
    until: (
        Annotated[
            Literal["moderator leaves"],
            Meta(
                description="The conference ends for this caller when the last moderator leaves.",
                examples=["moderator leaves"],
            ),
        ]
        | UnsetType
    ) = UNSET
    version: (
        Annotated[
            int, Meta(description="The version of the streaming protocol.", examples=[1], ge=1)
        ]
        | UnsetType
    ) = UNSET
    sample_rate: (
        Annotated[
            SampleRate,
            Meta(description="Samples per second of a stream.", examples=[44100]),
        ]
        | UnsetType
    ) = UNSET
    answered: (
        Annotated[
            StateName,
            Meta(
                description="What to do when the callee answers, before the two are joined; the "
                "caller hears it.",
                examples=["announce"],
            ),
        ]
        | UnsetType
    ) = UNSET
    person: (
        Annotated[
            StateName,
            Meta(
                description="What to do when a person answers; turns machine detection on.",
                examples=["greet"],
            ),
        ]
        | UnsetType
    ) = UNSET
    machine: (
        Annotated[
            StateName,
            Meta(
                description="What to do when a machine answers; turns machine detection on.",
                examples=["leave_message"],
            ),
        ]
        | UnsetType
    ) = UNSET
    unsure: (
        Annotated[
            StateName,
            Meta(description="What to do when detection cannot tell.", examples=["greet"]),
        ]
        | UnsetType
    ) = UNSET
    beep: (
        Annotated[
            StateName,
            Meta(
                description="What to do when the machine beeps; `detect: async` only.",
                examples=["note_beep"],
            ),
        ]
        | UnsetType
    ) = UNSET
    detect: Annotated[
        Literal["sync", "async"],
        Meta(
            description="Wait up to 5s for the verdict before `answered`, or hear of it later.",
            examples=["sync"],
        ),
    ] = "sync"
