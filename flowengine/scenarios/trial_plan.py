"""The plan of a call that is tried, and the other systems and members, who do as it says."""

import msgspec

from flowengine.compile import Release
from flowengine.scenarios.conversation import Conversation
from flowengine.scenarios.doubles import LookupDoubles, MadeRequest, list_service_addresses
from flowengine.scenarios.simulated_parties import SimulatedBehaviour
from flowengine.scenarios.trial_callers import OtherCaller
from flowengine.scenarios.trial_inputs import JsonObject, TrialInputs
from flowengine.states import LookupRequest, LookupResult, RingPlan

RING_TRIES: tuple[SimulatedBehaviour, ...] = ("accepts", "rings out", "busy", "declines")


class TrialPlan(msgspec.Struct, frozen=True):
    """A call to be tried: how it begins, what the caller and the callee do, and what other systems
    answer and the members of each ring do, one after the other. `others` call before.
    """

    entry: JsonObject
    moves: tuple[JsonObject | str, ...] = ()
    answers: tuple[JsonObject, ...] = ()
    rings: tuple[SimulatedBehaviour, ...] = ()
    others: tuple[OtherCaller, ...] = ()


class TrialLookup(msgspec.Struct, frozen=True):
    """A lookup that a tried call made: after how many moves, where in the flow, what was asked, and
    what was answered.
    """

    moves: int
    place: tuple[str, str]
    made: MadeRequest
    answer: JsonObject


class TrialRing(msgspec.Struct, frozen=True):
    """A ring of a tried call: after how many moves it began, and what its members did."""

    moves: int
    does: SimulatedBehaviour


class TrialDoubles(LookupDoubles):
    """Answers all lookups: as the plan says, then as usual."""

    def __init__(
        self, release: Release, inputs: TrialInputs, answers: tuple[JsonObject, ...]
    ) -> None:
        super().__init__((), list_service_addresses(release))
        self.inputs, self.answers = inputs, answers
        self.moves = 0
        self.trial_lookups: list[TrialLookup] = []
        self.talk: Conversation | None = None

    def __call__(self, request: LookupRequest) -> LookupResult:
        assert self.talk is not None  # noqa: S101  # set before the call begins
        assert self.talk.backend is not None  # noqa: S101  # these calls are answered in process
        place, number = self.talk.backend.lookup_state, len(self.trial_lookups)
        answer = (
            self.answers[number]
            if number < len(self.answers)
            else self.inputs.list_answers(place)[0]
        )
        self.trial_lookups.append(
            TrialLookup(self.moves, place, self.read_request(request), answer)
        )
        if "fails" in answer:
            return LookupResult(
                0, error="timeout" if answer["fails"] == "timeout" else "connection"
            )
        return LookupResult(answer.get("status", 200), answer.get("answer"))


class TrialMembers(msgspec.Struct):
    """What the members of rings do in a tried call: as the plan says, then as usual. Where one of
    them accepts, the others let it ring.
    """

    talk: Conversation
    plan: TrialPlan
    moves: int = 0
    rings: list[TrialRing] = msgspec.field(default_factory=list)

    def begin_ring(self, ring: RingPlan) -> None:
        number = len(self.rings)
        does = self.plan.rings[number] if number < len(self.plan.rings) else RING_TRIES[0]
        self.rings.append(TrialRing(self.moves, does))
        for place, member in enumerate(ring.members):
            others = "rings out" if does == "accepts" and place else does
            self.talk.parties.add_member(member.address, others)
