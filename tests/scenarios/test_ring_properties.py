"""Rings against the switch in virtual time, with whatever caller and members do: nobody talks to two,
nobody's phone rings twice at once, and nobody waits for nothing.
"""

from hypothesis import given, settings
from hypothesis import strategies as st

from flowengine.compile import compile_project
from flowengine.scenarios.conversation import Conversation, NotPossibleError, open_conversation
from flowengine.scenarios.party_acts import PartyActs
from flowengine.scenarios.simulated_parties import SIMULATED_BEHAVIOURS, SimulatedParty
from flowengine.switch.calls import SwitchCall
from flowengine.switch.calls.activities import ConferenceActivity
from flowengine.switch.switch_events import SwitchEvent
from flowengine.switch.switch_settings import SwitchSettings
from tests.thoroughness import examples

MEMBERS = ("+14045009001", "+14045009002", "desk@pbx.example.com")
FLOW = """\
flow: line
start: sales
states:
  sales:
    ring:
      who: {members}
      order: {order}
      each: 20s
      {accept}
      nobody: sorry
      busy: again
      after: survey
  again:
    ring: {{who: ["{first}"], each: 10s, nobody: sorry}}
  survey: {{menu: {{prompt: Were you satisfied?, options: {{1: sorry}}, otherwise: sorry}}}}
  sorry: {{say: Goodbye., hangup: }}
"""
ACTS = ("answer", "press 1", "press 2", "decline", "busy", "silent", "hang up", "caller hangs up")
LONGEST_RING_SECONDS = 600  # of all members one after the other, whispers included


class Watch:
    """Looks at all calls after each event of the switch."""

    def __init__(self, talk: Conversation) -> None:
        self.talk = talk
        talk.exchange.subscribe(self.check)

    def list_legs(self) -> list[SwitchCall]:
        calls = (self.talk.exchange.calls[call_id] for call_id in self.talk.rings.legs)
        return [call for call in calls if call.ended is None and call.callee is not None]

    def check(self, _event: SwitchEvent) -> None:
        legs = [leg.callee for leg in self.list_legs() if leg.callee]
        live = [leg.address for leg in legs if leg.state in ("ringing", "up")]
        assert len(live) == len(set(live)), f"one phone rings twice: {live}"
        inside = [leg for leg in self.list_legs() if isinstance(leg.activity, ConferenceActivity)]
        assert len(inside) < 2, "two members talk to one caller"


@st.composite
def flows(draw: st.DrawFn) -> bytes:
    members = MEMBERS[: draw(st.integers(1, 3))]
    order = draw(st.sampled_from(["all at once", "in turn", "round robin", "longest idle"]))
    accept = draw(st.sampled_from(["accept: Press 1 to take it.", ""]))
    text = FLOW.format(members=list(members), order=order, accept=accept, first=members[0])
    return text.encode()


def act(talk: Conversation, party: SimulatedParty, what: str) -> None:
    """What somebody does, where it is possible."""
    acts = PartyActs(talk)
    try:
        match what:
            case "answer":
                acts.answer(party)
            case "press 1" | "press 2":
                acts.press(party, what[-1])
            case "decline" | "busy":
                acts.reject(party, what)  # type: ignore[arg-type]  # one of the two
            case "silent":
                acts.stay_silent(party)
            case "hang up":
                acts.hang_up(party)
            case "caller hangs up":
                talk.hang_up()
    except NotPossibleError:
        pass


@settings(max_examples=examples(200), deadline=None)
@given(
    flow=flows(),
    doing=st.lists(st.sampled_from(sorted(SIMULATED_BEHAVIOURS)), min_size=3, max_size=3),
    steps=st.lists(
        st.tuples(st.sampled_from(MEMBERS), st.sampled_from(ACTS), st.integers(0, 12)), max_size=8
    ),
    is_obeyed=st.booleans(),
)
def test_ring_whatever_happens_gives_a_caller_to_one_member_or_lets_them_go_on(
    flow: bytes, doing: list[str], steps: list[tuple[str, str, int]], is_obeyed: bool
) -> None:
    release = compile_project({"line.yaml": flow}).release
    assert release
    talk = open_conversation(release, settings=SwitchSettings(patch_ringing_callout=is_obeyed))
    watch = Watch(talk)
    for address, does in zip(MEMBERS, doing, strict=True):
        talk.parties.add(address, address, does)  # type: ignore[arg-type]  # one of the words
    talk.dial("+14045550199", "+14045550100")
    for address, what, seconds in steps:
        party = talk.parties.find(address)
        assert party
        act(talk, party, what)
        talk.wait(seconds)
    talk.wait(LONGEST_RING_SECONDS)
    if not talk.is_over and talk.rings.find_phase(talk.call.id) in ("new", "rings"):
        raise AssertionError("the caller waits for nobody")
    if not talk.is_over:
        talk.hang_up()
    talk.wait(1 if is_obeyed else LONGEST_RING_SECONDS)
    assert watch.list_legs() == []
