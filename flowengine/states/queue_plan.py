"""What a `queue` state and an `agent` state ask for, and what a queue tells them. All values of the
call are put in already, so that who carries it out needs no flow.
"""

from typing import Any, Literal

import msgspec

AgentStatus = Literal["in", "out", "pause"]
QueueOrder = Literal["in turn", "round robin", "longest idle"]
MAX_PRIORITY = 9
POSITION_NAME, WAIT_NAME = "queue.position", "queue.wait"
"""What words of a queue may read: a number, and a time in the words of the caller's locale, which
only words read that are said where somebody knows it
"""
LOOKUP_OF_QUEUE = "queue"
"""The service, in traces and in the journal, of the request that asks a queue"""
TURN_FACT = "call.turn"
"""The name under which a call that has been in a queue keeps its `QueueTurn`, as text. Expressions
cannot read it.
"""
KEPT_TURNS_FACT = "call.kept_turns"
"""The name under which a call keeps the turns that wait for its end, one a line: with it they begin
to wait in their queues. Expressions cannot read it.
"""
LEFT, TAKEN = "left", "taken"
MAX_TURN_BYTES = 160  # names of groups and ids of placements are short


class QueueTurn(msgspec.Struct, frozen=True, array_like=True):
    """The place of a call in the queue of a group, which somebody keeps who has left the line.
    `placement` has called them back: a caller who has it comes in front, at their old place.
    """

    group: str
    priority: int
    entered_at: float
    placement: str = ""


def format_queue_turn(turn: QueueTurn) -> str:
    """The turn as the text that a call keeps.

    >>> format_queue_turn(QueueTurn("support", 5, 1790000000.5))
    'support 5 1790000000.5 '
    """
    return f"{turn.group} {turn.priority} {turn.entered_at!r} {turn.placement}"


def parse_queue_turn(text: Any) -> QueueTurn | None:
    """The turn from that text; None for another text.

    >>> parse_queue_turn("support 5 1790000000.5 place-b")
    QueueTurn(group='support', priority=5, entered_at=1790000000.5, placement='place-b')
    """
    try:
        group, priority, entered_at, placement = str(text).split(" ")
        return QueueTurn(group, int(priority), float(entered_at), placement)
    except ValueError:
        return None


def add_kept_turn(text: str, turn: QueueTurn) -> str:
    """The text that a call keeps, with one more turn.

    >>> add_kept_turn("", QueueTurn("support", 5, 1790000000.5, "place-b"))
    'support 5 1790000000.5 place-b'
    """
    return "\n".join([*text.splitlines(), format_queue_turn(turn)])


def parse_kept_turns(text: str) -> list[QueueTurn]:
    """The turns from that text."""
    return [turn for line in text.splitlines() if (turn := parse_queue_turn(line))]


class QueueTerms(msgspec.Struct, frozen=True, array_like=True):
    """What a caller who waits in a queue has beside a ring; the other values of their `RingPlan` are
    those of each member who is offered the call. Times are in seconds.

    `priority` is from 0 to 9, the highest first. After `limit` the caller leaves by the exit
    too_long, or by nobody where the state has no such exit; 0 is no limit. Each `every` the caller
    hears the words anew, 0 is never. A member who has not taken the call is offered none for
    `pause`. `since` is when the caller entered the queue, 0 with the turn that begins the wait. Who was
    called back has the place of before, and `placement` has called them.
    """

    priority: int = 0
    limit: int = 0
    every: int = 0
    pause: int = 10
    since: float = 0.0
    placement: str = ""


class QueueRequest(msgspec.Struct, frozen=True):
    """Asks how it stands in the queue of a group, before a caller enters it; or with `leaving_step`,
    the number of the step, asks to leave it, which is granted (`LEFT`) unless a member has taken the
    caller meanwhile (`TAKEN`). `members` are the addresses of the group. A caller whom `placement`
    has called back entered it at `since`; all others keep a place for the wait that begins with the
    step of this number, unless `most` wait already; 0 is any number.
    """

    group: str
    members: tuple[str, ...]
    priority: int
    since: float = 0.0
    placement: str = ""
    leaving_step: int = 0
    most: int = 0
    step: int = 0


class QueueFacts(msgspec.Struct, frozen=True):
    """How it stands in a queue: the place that a caller has or would have (1 is the first), the
    seconds that they will wait, 0 where nobody knows, how many wait before them, or as many as may
    where there is no room, and how many members are signed in, be they free or not. `entered_at` is
    when they entered the queue, by the place that is kept for them; 0 without one.
    """

    position: int
    wait: int = 0
    waiting: int = 0
    signed_in: int = 0
    entered_at: float = 0.0


class StayInRoom(msgspec.Struct, frozen=True):
    """The caller has heard the words, and is back in the room: they hear them again after so many
    seconds.
    """

    seconds: int


class LeaveRoom(msgspec.Struct, frozen=True):
    """The caller has pressed a key in the room: unless a member has them, bring them out, into this
    exit of the state.
    """

    exit: str


QueueUpdate = StayInRoom | LeaveRoom
"""What changes for a caller who waits in their queue, told with an answer that leaves them in the state"""


class AgentStatusChange(msgspec.Struct, frozen=True, array_like=True):
    """A member of a group who signs in, out, or in but pausing. It is written with the step."""

    group: str
    address: str
    status: AgentStatus
