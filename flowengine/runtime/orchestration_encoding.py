"""What orchestrations keep in the store, encrypted: people, words and data are in it."""

import hashlib
from typing import TypeVar

import msgspec

from flowengine.orchestration.parking import ParkingCode
from flowengine.orchestration.placement_state import Placement
from flowengine.orchestration.ring_state import Ring
from flowengine.orchestration.room_state import ModeratedConference
from flowengine.runtime.cookie import Codec
from flowengine.runtime.platform_requests import CallOwner
from flowengine.storage.sessions import SavedOrchestration, ScheduledTask

_STATE_SUFFIX, _TASK_SUFFIX = "\norchestration", "\ntask"  # no state passes as a task
ID_DIGEST_SIZE = 16
ContentT = TypeVar("ContentT")
StateT = TypeVar("StateT", bound=msgspec.Struct)


class OwnedRing(msgspec.Struct, frozen=True, array_like=True):
    """The ring of a call, and where requests about it go."""

    ring: Ring
    owner: CallOwner = CallOwner("", "")


class OwnedPlacement(msgspec.Struct, frozen=True, array_like=True):
    """A placement, where requests about it go, and the call that has asked for it, "" where none
    has.
    """

    placement: Placement
    owner: CallOwner = CallOwner("", "")
    caller: str = ""


class TaskContent(msgspec.Struct, frozen=True, array_like=True):
    """What a task is to do, and where its request goes."""

    owner: CallOwner
    content: msgspec.Raw


_to_bytes = msgspec.msgpack.Encoder().encode
_RING_DECODER = msgspec.msgpack.Decoder(OwnedRing)
_PLACEMENT_DECODER = msgspec.msgpack.Decoder(OwnedPlacement)
_ROOM_DECODER = msgspec.msgpack.Decoder(ModeratedConference)
_PARKING_DECODER = msgspec.msgpack.Decoder(ParkingCode)
_decode_task = msgspec.msgpack.Decoder(TaskContent).decode


def format_orchestration_id(kind: str, application: str, name: str) -> str:
    """The id of what an application has by a name. The name may have a value of a caller in it, so
    the id is a digest.

    >>> format_orchestration_id("room", "app", "board")
    'room:f88dd3dbf8a8cab881fd92de8771adcf'
    """
    digest = hashlib.blake2b(f"{application}\n{name}".encode(), digest_size=ID_DIGEST_SIZE)
    return f"{kind}:{digest.hexdigest()}"


class OrchestrationEncoding:
    """Encodes and encrypts; decodes what any of the keys has encrypted."""

    def __init__(self, codec: Codec) -> None:
        self._codec = codec

    def encode_ring(self, owned: OwnedRing) -> bytes:
        return self._seal_state(owned.ring.id, owned)

    def decode_ring(self, saved: SavedOrchestration) -> OwnedRing | None:
        """The ring; a new one where no turn was taken yet. None where no key opens it, or a later
        version has written it.
        """
        if not saved.state:
            return OwnedRing(Ring(id=saved.id))
        return self._open_state(saved, _RING_DECODER)

    def encode_room(self, room: ModeratedConference) -> bytes:
        return self._seal_state(room.id, room)

    def decode_room(self, saved: SavedOrchestration) -> ModeratedConference | None:
        """The conference, as above."""
        return (
            self._open_state(saved, _ROOM_DECODER)
            if saved.state
            else ModeratedConference(id=saved.id)
        )

    def encode_parking(self, code: ParkingCode) -> bytes:
        return self._seal_state(code.id, code)

    def decode_parking(self, saved: SavedOrchestration) -> ParkingCode | None:
        """The code of parked calls, as above."""
        return (
            self._open_state(saved, _PARKING_DECODER) if saved.state else ParkingCode(id=saved.id)
        )

    def encode_placement(self, owned: OwnedPlacement) -> bytes:
        return self._seal_state(owned.placement.id, owned)

    def decode_placement(self, saved: SavedOrchestration) -> OwnedPlacement | None:
        """The placement, as `decode_ring` does."""
        if not saved.state:
            return OwnedPlacement(Placement(id=saved.id))
        return self._open_state(saved, _PLACEMENT_DECODER)

    def encode_task(self, orchestration: str, owner: CallOwner, content: msgspec.Struct) -> bytes:
        task = _to_bytes(TaskContent(owner, msgspec.Raw(_to_bytes(content))))
        return self._codec.seal(task, orchestration + _TASK_SUFFIX).encode()

    def decode_task(
        self, task: ScheduledTask, kind: type[ContentT]
    ) -> tuple[CallOwner, ContentT] | None:
        """Where the request of a task goes, and what it is to do; None as above."""
        sealed = self._codec.open(task.payload.decode(), task.orchestration + _TASK_SUFFIX)
        try:
            if sealed:
                content = _decode_task(sealed)
                return content.owner, msgspec.msgpack.decode(content.content, type=kind)
        except msgspec.MsgspecError:
            pass
        return None

    def _seal_state(self, orchestration: str, state: msgspec.Struct) -> bytes:
        return self._codec.seal(_to_bytes(state), orchestration + _STATE_SUFFIX).encode()

    def _open_state(
        self, saved: SavedOrchestration, decoder: "msgspec.msgpack.Decoder[StateT]"
    ) -> StateT | None:
        content = self._codec.open(saved.state.decode(), saved.id + _STATE_SUFFIX)
        try:
            return decoder.decode(content) if content else None
        except msgspec.MsgspecError:
            return None
