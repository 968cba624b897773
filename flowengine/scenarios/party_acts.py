"""What the parties of a ring do when somebody drives them: a scenario, or a person at the phone."""

from collections.abc import Callable
from typing import Any, Literal

from msgspec.structs import replace

from flowengine.scenarios.conversation import Conversation, NotPossibleError
from flowengine.scenarios.simulated_parties import SimulatedParty
from flowengine.switch.calls import Leg


class PartyActs:
    """Acts for the parties of a conversation. After each act, time passes until somebody must act."""

    def __init__(self, talk: Conversation) -> None:
        self.talk = talk
        self.acted_at = 0.0
        """The second of the latest act"""

    def dial(self, party: SimulatedParty, to: str = "") -> None:
        """Call a number, by default the one that was dialled first."""
        number = to or self.talk.dialled
        if not number:
            raise NotPossibleError(f"nothing says what {party.name} calls: add `to:` to them")
        leg = self.talk.parties.find_leg(party)
        if leg is not None and leg.state != "gone":
            raise NotPossibleError(f"{party.name} is in a call")
        self.acted_at = self.talk.clock.seconds
        self.talk.parties.call(party, number, self.talk.call.application_key)
        self.talk.settle()

    def answer(self, party: SimulatedParty) -> None:
        """Answer the phone that rings."""
        self._perform(party, "answers", self._require_ringing(party).answer)

    def answer_as_machine(self, party: SimulatedParty) -> None:
        """Let an answering machine answer."""
        leg = self._require_ringing(party)
        leg.behaviour = replace(leg.behaviour, who="machine")
        self._perform(party, "is a machine", leg.answer)

    def accept(self, party: SimulatedParty) -> None:
        """Answer, and press the key that takes the call."""
        party.accepts_next = True
        self.answer(party)

    def reject(self, party: SimulatedParty, how: Literal["busy", "decline"]) -> None:
        """Do not take the call."""
        leg = self._require_ringing(party)
        words = "is busy" if how == "busy" else "declines"
        self._perform(party, words, lambda: leg.reject(how))

    def ring_out(self, party: SimulatedParty) -> None:
        """Let the phone ring until the flow gives up."""
        self._require_ringing(party)
        call = self.talk.parties.find_call(party)
        self.talk.clock.run(lambda: call is None or call.ended is not None)
        self._perform(party, "does not answer", lambda: None)

    def stay_silent(self, party: SimulatedParty) -> None:
        """Press nothing until the flow hears of it."""
        leg = self._require_leg(party)
        if not leg.asking:
            raise NotPossibleError(f"nobody waits for a key of {party.name}")
        self.talk.clock.run(lambda: not leg.asking)
        self._perform(party, "stays silent", lambda: None)

    def press(self, party: SimulatedParty, keys: str) -> bool:
        """Press keys; False where they have no effect."""
        leg = self._require_leg(party)
        return self._perform(party, f"presses {keys}", lambda: leg.press(keys))

    def say(self, party: SimulatedParty, text: str) -> bool:
        """Speak; False where nobody listens."""
        leg = self._require_leg(party)
        return self._perform(party, f'says "{text}"', lambda: leg.say(text))

    def hang_up(self, party: SimulatedParty) -> None:
        """Hang up."""
        self._perform(party, "hangs up", self._require_leg(party).hang_up)

    def _require_leg(self, party: SimulatedParty) -> Leg:
        leg = self.talk.parties.find_leg(party)
        if leg is None or leg.state != "up":
            raise NotPossibleError(f"{party.name} is in no call")
        return leg

    def _require_ringing(self, party: SimulatedParty) -> Leg:
        leg = self.talk.parties.find_leg(party)
        if leg is None or leg.state != "ringing":
            raise NotPossibleError(f"the phone of {party.name} does not ring")
        return leg

    def _perform(self, party: SimulatedParty, what: str, do: Callable[[], Any]) -> bool:
        self.talk.add_party_line(party.name, what)
        self.acted_at = self.talk.clock.seconds
        done = do()
        self.talk.settle()
        return done is not False
