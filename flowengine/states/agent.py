"""agent: a member of a group signs in, signs out, or pauses."""

from collections.abc import Iterator
from typing import Annotated

import msgspec
from msgspec import UNSET, Meta

from flowengine.expr import EscapeMode, Template
from flowengine.source import KeyPath
from flowengine.states.agent_options import AuthoredAgent
from flowengine.states.builder import StateBuilder
from flowengine.states.call_offer import find_group
from flowengine.states.flow_context import RingGroup
from flowengine.states.queue_plan import AgentStatus, AgentStatusChange
from flowengine.states.ring_members import MemberError, format_member, parse_member
from flowengine.states.state_kind import AuthoredFact, StateKind
from flowengine.states.state_results import Exit, StateResult
from flowengine.states.step_context import StepContext
from flowengine.states.verb import Verb

CALLER_FACTS = ("call.from", "call.sip")
EXAMPLE = """
sign_in:
  agent: {group: support, sign: in, unknown: not_known}
  next: signed_in
signed_in: {say: You are signed in., hangup: }
not_known: {say: This phone is in no group., hangup: }
"""


class CompiledAgent(Verb, msgspec.Struct, frozen=True):
    """Signs a member of the group in or out, who is the caller where `address` is None."""

    group: RingGroup
    status: AgentStatus
    address: Template | None
    actions = frozenset[str]()
    waits = False
    signs_agents = True

    def enter(self, run: StepContext) -> StateResult:
        text = self.address.render(run.names) if self.address else find_caller(run)
        try:
            member = parse_member(text)
        except MemberError as error:
            run.notes.append(str(error))
            return Exit("unknown")
        if member not in self.group.members:
            return Exit("unknown")
        return Exit(
            "next", agent_status=AgentStatusChange(self.group.name, member.address, self.status)
        )

    @property
    def known_callers(self) -> tuple[str, ...]:
        if self.address:
            return ()
        return tuple(member.address for member in self.group.members if member.kind == "number")


def find_caller(run: StepContext) -> str:
    """The number or the SIP address of the caller."""
    return next(filter(None, map(run.names.__getitem__, CALLER_FACTS)), "")


def compile_agent(
    builder: StateBuilder, path: KeyPath, authored: AuthoredAgent
) -> CompiledAgent | None:
    group = find_group(builder, (*path, "group"), authored.group)
    builder.add_exit("unknown", authored.unknown, (*path, "unknown"))
    address = None
    if authored.is_ is UNSET:
        builder.reads.update(CALLER_FACTS)
    else:
        address = builder.compile_template((*path, "is"), authored.is_, EscapeMode.PLAIN)
        if address is None:
            return None
        check_member(builder, (*path, "is"), address, group)
    return CompiledAgent(group, authored.sign, address) if group else None


def check_member(
    builder: StateBuilder, path: KeyPath, address: Template, group: RingGroup | None
) -> None:
    """Report an address, the same in all calls, that nobody in the group has."""
    if address.constant is None:
        return
    try:
        member = parse_member(address.constant)
    except MemberError as error:
        builder.add_problem("FE415", path, str(error), error.hint)
        return
    if group and member not in group.members:
        builder.add_problem(
            "FE441",
            path,
            f"nobody in the group {group.name} has this address",
            f"add it to the members of groups/{group.name}.yaml, or name one of them",
        )


def list_agent_facts(authored: AuthoredAgent) -> Iterator[AuthoredFact]:
    """Who signs what, and the group."""
    yield AuthoredFact("target", "unknown", authored.unknown, ("unknown",))
    yield AuthoredFact("topic", f"group {authored.group}", None)
    if authored.is_ is not UNSET:
        yield AuthoredFact("text", "is", format_member(authored.is_), ("is",))


AGENT_KIND = StateKind(
    "agent",
    "Let a member of a group sign in or out",
    EXAMPLE,
    Annotated[
        AuthoredAgent,
        Meta(
            title="agent",
            description="Sign a member of a group in or out, or have them pause.",
            examples=[{"group": "support", "sign": "in", "unknown": "not_known"}],
            extra_json_schema={
                "x-hint": "write {group: <group>, sign: in, unknown: <state>}; callers wait in a queue:"
            },
        ),
    ],
    compile_agent,
    "same",
    summarise=lambda authored: f"sign {authored['sign']}: group {authored['group']}",
    is_summary_first=True,
    list_facts=list_agent_facts,
    identifying_options=frozenset({"group", "sign"}),
)
