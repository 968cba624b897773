"""pick_up: connect the caller to the one who is parked under a code."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from flowengine.expr import EscapeMode, EvalError, Template
from flowengine.limits import MAX_PARKING_CODE
from flowengine.sinch import Ace, Pie
from flowengine.source import KeyPath
from flowengine.states.builder import StateBuilder
from flowengine.states.connect_options import Music
from flowengine.states.field_types import StateName
from flowengine.states.orchestration_result import OrchestrationResult
from flowengine.states.parking_plan import (
    CODE_FACT,
    DONE_STATUS,
    LOOKUP_OF_CODE,
    NOBODY_STATUS,
    ParkingRequest,
)
from flowengine.states.ring_plan import HOST_FACT
from flowengine.states.state_kind import StateKind
from flowengine.states.state_results import (
    AnswerCallback,
    AnswerEffects,
    Exit,
    LookupRequest,
    StateFailure,
    StateResult,
)
from flowengine.states.step_context import StepContext
from flowengine.states.verb import TextLimit, Verb
from flowengine.svaml import ConnectConf, Continue, Hangup

ASK_SECONDS = 1.0
EXAMPLE = """
take_call:
  pick_up: {code: "${call.from}", nobody: nobody_waits}
nobody_waits: {say: Nobody is parked for you., hangup: }
"""


class AuthoredPickUp(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Connect the caller to the one who is parked under a code."""

    code: Annotated[
        str,
        Meta(description="The code, as `park` has it.", examples=["${vars.code}"]),
    ]
    nobody: Annotated[
        StateName,
        Meta(
            description="Where to go when nobody is parked under the code, or somebody else was first.",
            examples=["nobody_waits"],
        ),
    ]
    music: Annotated[
        Music,
        Meta(description="What is heard until the other one is there.", examples=["music1"]),
    ] = "ring"


class CompiledPickUp(Verb, msgspec.Struct, frozen=True):
    """Asks for the call under the code, and connects the caller to it."""

    code: Template
    music: Music
    actions = frozenset({"connectConf"})
    waits = True
    is_end = True
    ends_call = True

    @property
    def uses_parking(self) -> bool:
        return True

    @property
    def parking_code(self) -> Template:
        return self.code

    def enter(self, run: StepContext) -> StateResult:
        return build_parking_lookup(run, self.code, "pick up")

    def resume(self, run: StepContext) -> StateResult:
        event, result = run.event, run.lookup_result
        if type(event) is OrchestrationResult:  # the parked one has gone, and nobody had noticed
            return Exit(event.exit)
        if result is None:
            is_over = type(event) is Pie and event.type == "hangup"
            waits = type(event) is Pie or type(event) is Ace
            return AnswerCallback(Hangup() if is_over else Continue() if waits else None)
        if result.status == NOBODY_STATUS:
            return Exit("nobody")
        if result.status != DONE_STATUS:
            return StateFailure(f"the code cannot be asked for: {result.error or result.status}")
        run.names[CODE_FACT] = render_code(run, self.code)
        talk = ConnectConf(conference_id=result.body["room"], moh=self.music)
        return AnswerCallback(talk, AnswerEffects(has_code=True))

    def list_text_limits(self) -> Iterator[TextLimit]:
        yield limit_code(self.code)


def limit_code(code: Template) -> TextLimit:
    then = "the call takes its error exit"
    return TextLimit(("code",), "a code", MAX_PARKING_CODE, then, {"": code})


def build_parking_lookup(
    run: StepContext, template: Template, do: Any, limit: int = 0, *, has_exit: bool = False
) -> StateResult:
    """Ask for a code."""
    try:
        code = render_code(run, template)
    except EvalError as error:
        return StateFailure(error.message)
    if not 1 <= len(code) <= MAX_PARKING_CODE:
        return StateFailure(f"a code has 1 to {MAX_PARKING_CODE} characters")
    return LookupRequest(
        service=LOOKUP_OF_CODE,
        method="GET",
        url=f"parking:{do}",
        headers={},
        body=b"",
        timeout=ASK_SECONDS,
        retries=0,
        parking=ParkingRequest(do, code, run.names.get(HOST_FACT, ""), limit, has_exit),
    )


def render_code(run: StepContext, template: Template) -> str:
    """The code for this call, without blanks around it. Raises EvalError."""
    return template.render(run.names).strip()


def compile_code(builder: StateBuilder, path: KeyPath, text: str) -> Template | None:
    """The code of a state that parks or picks up."""
    code = builder.compile_template(path, text, EscapeMode.PLAIN)
    constant = None if code is None or code.constant is None else code.constant.strip()
    if constant == "":
        builder.add_problem("FE453", path, "a code has a character at least", "write the code here")
        return None
    if constant is not None and len(constant) > MAX_PARKING_CODE:
        message = f"a code has {MAX_PARKING_CODE} characters at most"
        builder.add_problem("FE453", path, message, "write a shorter one")
        return None
    builder.reads.add(HOST_FACT)
    builder.late_reads.add(CODE_FACT)
    builder.writes.add(CODE_FACT)
    return code


def compile_pick_up(
    builder: StateBuilder, path: KeyPath, authored: AuthoredPickUp
) -> CompiledPickUp | None:
    code = compile_code(builder, (*path, "code"), authored.code)
    builder.add_exit("nobody", authored.nobody, (*path, "nobody"), "same", also_via="ice")
    return CompiledPickUp(code, authored.music) if code else None


def summarise_pick_up(authored: Mapping[str, Any]) -> str:
    return f"code {authored['code']}"


PICK_UP_KIND = StateKind(
    "pick_up",
    "Pick up a parked call",
    EXAMPLE,
    Annotated[
        AuthoredPickUp,
        Meta(
            title="pick_up",
            description="Connect the caller to the one who is parked under a code.",
            examples=[{"code": "${vars.code}", "nobody": "nobody_waits"}],
            extra_json_schema={"x-hint": "write {code: <code>, nobody: <state>}"},
        ),
    ],
    compile_pick_up,
    "none",
    shape="connection",
    summarise=summarise_pick_up,
    actions={"": "connectConf"},
    identifying_options=frozenset({"code"}),
)
