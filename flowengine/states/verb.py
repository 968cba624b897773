"""The compiled kind of a state: how it runs, and what other modules may ask of it without running
it.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from flowengine.expr import Expression, Template
from flowengine.sinch import Dice, Notify
from flowengine.source import KeyPath
from flowengine.states.flow_context import CompiledService, Variable
from flowengine.states.prompt import CompiledPrompt
from flowengine.states.recording import CompiledRecording
from flowengine.states.state_results import Exit, StateResult
from flowengine.states.step_context import StepContext

PromptSequence = tuple[CompiledPrompt, ...]
ConditionalExit = tuple[Expression | None, Exit]
# an action of flowengine's own: have others called for the caller, who waits in a conference
CALL_OTHERS = "callOthers"
CALL_OTHERS_CONTEXTS = frozenset({"ice", "pie"})
NOTHING: Mapping[str, Any] = {}


class NoEffect(NamedTuple):
    """Something that an author wrote without effect: where (below the kind), why, and what to do."""

    path: KeyPath
    message: str
    hint: str


class WrittenValue(msgspec.Struct, frozen=True):
    """A value that a state writes into a variable and where it stands below the kind. The variable is
    one of its flow, with `is_input` one of the flow that it begins. With `output` the value is that output of
    the callee.
    """

    variable: Variable
    value: Expression | Template | str | float | bool | None
    path: KeyPath
    output: str = ""
    is_input: bool = False


class TextLimit(msgspec.Struct, frozen=True):
    """Texts that the platform takes up to a size, and what happens to longer ones. Where `in_bytes`
    the names count too.
    """

    path: KeyPath
    what: str
    most: int
    then: str
    texts: Mapping[str, Template]
    in_bytes: bool = False


class DialledText(NamedTuple):
    """A phone number that is dialled, or shown to who is called (`is_caller_id`), and where it
    stands below the kind. Where `takes_sip`, it may be a SIP address.
    """

    path: KeyPath
    text: Template
    is_caller_id: bool = False
    takes_sip: bool = False


class Verb:
    """A compiled state that runs. A kind overrides the members that differ from these."""

    __slots__ = ()
    is_question = False  # it asks the caller for keys or words
    is_end = False  # the flow may end in it
    ends_call = False  # the call ends in it, or goes to somebody else
    joins_callee = False  # the answer of a callee, and the verdict on it, resume it
    unanswered_when = "all are busy at once"  # when the `unanswered_exits` are taken
    calls_others = False  # it has other calls placed for its caller; their result resumes it
    waits_in_queue = False  # announcements, and keys in the conference of its caller, resume it
    # by which a call leaves with new values in all variables that it writes
    writing_exits = frozenset[str]()
    signs_agents = False  # it signs members of groups in and out

    if TYPE_CHECKING:  # a property of the base would be the default of a dataclass's field

        @property
        def actions(self) -> frozenset[str]:
            """The SVAML actions that it may answer with."""

        @property
        def waits(self) -> bool:
            """Whether a later callback resumes it."""

    # no ABC, whose metaclass structs cannot have; a test looks for a kind that has none
    def enter(self, run: StepContext) -> StateResult:
        """Begin, when a call enters the state."""
        raise NotImplementedError

    def resume(self, run: StepContext) -> StateResult:
        """Continue, when a later callback finds the call here."""
        return self.enter(run)

    @property
    def callee(self) -> str:
        """The flow that it uses, or ""."""
        return ""

    @property
    def next_flow(self) -> str:
        """The flow that the call goes over to for good, or ""."""
        return ""

    @property
    def entered_flow(self) -> str:
        """The flow that it begins: the one that it uses, or that the call goes over to; or ""."""
        return self.callee or self.next_flow

    @property
    def placed_flow(self) -> str:
        """The flow that it has somebody called into, or ""."""
        return ""

    @property
    def returned_outcome(self) -> str:
        """The outcome by which it ends a subflow, or ""."""
        return ""

    @property
    def is_at_fixed_time(self) -> bool:
        """Whether somebody is called at a moment that is the same for all calls."""
        return False

    @property
    def parking_code(self) -> Template | None:
        """The code under which calls are parked, or picked up."""
        return None

    @property
    def keeps_turn(self) -> bool:
        """Whether somebody is called when their turn comes in the queue in which the call was last."""
        return False

    @property
    def calls_back_at_once(self) -> bool:
        """Whether the caller is called while the call may still be going on."""
        return False

    @property
    def is_failure_likely(self) -> bool:
        """Whether its error exit is taken in the normal course of things."""
        return False

    @property
    def renewed_names(self) -> frozenset[str]:
        """The names that it writes on being entered, before it reads them: what they were is of no
        use to it.
        """
        return frozenset()

    @property
    def has_machine_detection(self) -> bool:
        """Whether the platform finds out who has answered."""
        return False

    @property
    def reports_keys(self) -> bool:
        """Whether keys that are pressed here are reported to `on: pressed:`."""
        return False

    @property
    def key_targets(self) -> Mapping[str, str]:
        """By key: the exit that it takes, `repeat` or `back`."""
        return NOTHING

    @property
    def read_back_key_targets(self) -> Mapping[str, str]:
        """The same, while an input is read back."""
        return NOTHING

    @property
    def read_back_choices(self) -> Mapping[str, str]:
        """By key: what it says of an input that is read back, in a word."""
        return NOTHING

    @property
    def conditional_exits(self) -> tuple[ConditionalExit, ...]:
        """Exits with their conditions; the first that holds is taken."""
        return ()

    @property
    def unanswered_exits(self) -> frozenset[str]:
        """The exits of calls to others that may be taken at once, as nobody could be called, and of
        a park whose code is in use.
        """
        return frozenset()

    @property
    def group_name(self) -> str:
        """The group of people that it calls, or ""."""
        return ""

    @property
    def known_callers(self) -> tuple[str, ...]:
        """Numbers of callers for whom it does something else than for others."""
        return ()

    @property
    def longest_wait(self) -> int:
        """The seconds after which a caller goes on who waits for others, or 0."""
        return 0

    @property
    def most_waiting(self) -> int:
        """How many callers may wait for others at once, or 0 for any number."""
        return 0

    @property
    def queue_members(self) -> tuple[str, ...]:
        """The addresses of those who take the calls that wait here."""
        return ()

    @property
    def room_name(self) -> Template | None:
        """The name of the conference that it connects to."""
        return None

    @property
    def may_lead_room(self) -> bool:
        """Whether its caller may be a moderator of the conference that it connects to."""
        return False

    @property
    def moderator_option(self) -> str:
        """The option that needs a moderator in the conference that it connects to; else ""."""
        return ""

    @property
    def is_in_room(self) -> bool:
        """Whether the conference that it connects to is told of its caller."""
        return False

    @property
    def room_keys(self) -> frozenset[str]:
        """The keys that do something in the conference that it connects to."""
        return frozenset()

    @property
    def uses_parking(self) -> bool:
        """Whether it parks its caller under a code, or picks up one who is."""
        return False

    @property
    def is_brought_back(self) -> bool:
        """Whether a request brings its caller to somebody, or into an exit."""
        return self.calls_others

    @property
    def changes_room(self) -> bool:
        """Whether it has members of a conference changed."""
        return False

    @property
    def least_digits(self) -> int:
        """The fewest digits that it takes, or 0."""
        return 0

    @property
    def asks_for_secret(self) -> bool:
        """Whether what the caller enters is a secret."""
        return False

    @property
    def written_addresses(self) -> frozenset[str]:
        """The names into which it writes addresses of files and nothing else."""
        return frozenset()

    @property
    def recording(self) -> CompiledRecording | None:
        """The recording that it begins, or None."""
        return None

    def is_waiting_for(self, event: Dice | Notify, values: Mapping[str, Any]) -> bool:  # noqa: ARG002
        """Whether this end of the call, or this notice, resumes it. `values` are those of a call
        that waits in it.
        """
        return False

    @property
    def resumes_on_events(self) -> bool:
        """Whether it may be waiting for the end of the call or a notice, so that several events, at
        the same moment perhaps, may each let the call go on.
        """
        return False

    @property
    def lookup_service(self) -> CompiledService | None:
        """The service that it makes lookups to, or None."""
        return None

    @property
    def lookup_statuses(self) -> frozenset[str]:
        """The statuses of a lookup that have exits of their own."""
        return frozenset()

    def list_dialled_texts(self) -> Iterable[DialledText]:
        """The phone numbers that it calls, and the one that it shows to them."""
        return ()

    def list_written_values(self) -> Iterable[WrittenValue]:
        """The values that it writes, as far as they stand in the flow."""
        return ()

    def convert_outputs(self, _ended: dict[str, Any], _notes: list[str]) -> dict[str, Any]:
        """The variables of this flow after its callee has ended with these names."""
        return {}

    def list_prompts(self) -> Iterable[CompiledPrompt]:
        """Everything that it may ever say."""
        return ()

    def list_answers(self) -> list[PromptSequence]:
        """What it says in one answer, by the way that leads to the answer. The first is on
        entering: the preamble of the state comes before that.
        """
        return [()]

    def list_menu_ids(self) -> Iterable[str]:
        """The menus that it names to the platform."""
        return ()

    def list_text_limits(self) -> Iterable[TextLimit]:
        """Texts that the platform limits, besides what is spoken."""
        return ()

    def list_repeat_reasons(self) -> list[str]:
        """Why it may ask again, in the words of the trace."""
        return []

    def list_sample_keys(self, words: Iterable[str], attempts: int) -> Iterator[str]:  # noqa: ARG002
        """Keys that a caller may press here and that may make a difference. `words` are what
        callers of this project may know, `attempts` is how often the call was asked.
        """
        yield from ()

    def find_no_effects(self, authored: Any, deadline: float) -> Iterator[NoEffect]:  # noqa: ARG002
        """Options without effect. `deadline` is how long the platform waits."""
        yield from ()


def filter_prompts(*given: CompiledPrompt | None) -> PromptSequence:
    """Those that say anything."""
    return tuple(plan for plan in given if plan)
