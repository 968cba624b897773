"""record_message: ask for a spoken message, and go on when its file is there."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Final

from msgspec import UNSET, Meta
from msgspec.structs import replace

from flowengine.limits import (
    MAX_FILE_WAIT_SECONDS,
    MAX_MENU_TIMEOUT_MILLIS,
    MAX_MESSAGE_SECONDS,
    MAX_RECORDING_URL,
)
from flowengine.source import KeyPath
from flowengine.states.builder import StateBuilder
from flowengine.states.collect_options import add_global_exits
from flowengine.states.flow_context import FILE_NAME_KIND, Variable
from flowengine.states.message_recorder import (
    AGAIN_KEY,
    SEND_KEY,
    CompiledMessage,
    MessageTimes,
)
from flowengine.states.question import (
    Question,
    RetryPrompts,
    compile_retry_prompts,
    get_attempts,
    get_timeout_millis,
    list_silent_facts,
)
from flowengine.states.record_message_options import AuthoredMessage
from flowengine.states.recording import CompiledRecording, Recording, compile_recording
from flowengine.states.state_kind import AuthoredFact, StateKind

POLL_MILLIS: Final = 2_000  # between two looks whether the file is there
FILE_NAME_SIZE: Final = 96  # of the moment, the call id and the format
NO_WORDS: Final = RetryPrompts(())
EXAMPLE = """
voicemail:
  record_message:
    prompt: Please leave a message after the tone.
    limit: 2m
    review: To send it press 1, to say it again press 2.
    into: message
    silent: goodbye
    to: s3://acme-voicemail/messages
    credentials: ${secrets.s3}
  next: tell_sales
goodbye: {say: Goodbye., hangup: }
"""


def compile_message(
    builder: StateBuilder, path: KeyPath, authored: AuthoredMessage
) -> CompiledMessage | None:
    check_second_recording(builder)
    variable = builder.register_write(authored.into, (*path, "into"))
    recorder = compile_message_recording(builder, path, authored)
    if authored.silent is not UNSET:
        builder.add_exit("silent", authored.silent, (*path, "silent"), "pie")
    if variable is None or recorder is None:
        return None
    check_file_variable(builder, path, variable)
    # put back by the notice of the file; both travel while the call waits
    builder.late_reads.add(f"vars.{variable.name}")
    everywhere = builder.context.global_keys.keys()
    keys = add_global_exits(builder, everywhere)
    is_reviewed = authored.review is not UNSET
    storage = builder.context.storage
    beep = builder.compile_prompt((*path, "beep"), authored.beep, late=True)
    return CompiledMessage(
        question=build_menu_question(builder),
        review=compile_review(builder, path, authored) if is_reviewed else None,
        prompt=builder.compile_prompt((*path, "prompt"), authored.prompt, late=True),
        again=builder.compile_prompt((*path, "again"), authored.again, late=True),
        beep=beep or (storage.beep if storage else None),
        thanks=builder.compile_prompt((*path, "thanks"), authored.thanks, late=True),
        recorder=recorder,
        variable=variable,
        file_name=builder.add_shadow_variable(
            replace(variable, kind=FILE_NAME_KIND, size=FILE_NAME_SIZE, default=None)
        ),
        end_key=authored.end,
        keys={key: leads for key, leads in keys.items() if key != authored.end},
        review_keys={
            key: leads
            for key, leads in keys.items()
            if is_reviewed and key not in (SEND_KEY, AGAIN_KEY)
        },
        times=compile_times(builder, path, authored),
    )


def compile_message_recording(
    builder: StateBuilder, path: KeyPath, authored: AuthoredMessage
) -> CompiledRecording | None:
    has_address = bool(authored.to) or builder.context.storage is not None
    if not has_address and authored.credentials is UNSET:
        # where the `recordings:` of the project cannot be read, that has been reported
        if not builder.context.unread.has_name("recordings", "to"):
            builder.add_problem(
                "FE421",
                path,
                "nothing says where the message is stored",
                "add `to: s3://bucket/folder` with its credentials here, or to `recordings:` of "
                "the project",
                at_key=True,
            )
        return None
    recording = Recording(
        to=authored.to,
        credentials=authored.credentials,
        format=authored.format,
        transcribe=authored.transcribe,
    )
    return compile_recording(builder, path, recording, late=True)


def check_second_recording(builder: StateBuilder) -> None:
    authored = builder.document.get_value(builder.path)
    if isinstance(authored.get("record"), Mapping):  # `record: stop` ends one that runs already
        builder.add_problem(
            "FE204",
            (*builder.path, "record"),
            "record_message records by itself, and this begins a second recording",
            "remove it; `to`, `credentials`, `format` and `transcribe` belong in record_message",
            at_key=True,
        )


def check_file_variable(builder: StateBuilder, path: KeyPath, variable: Variable) -> None:
    if variable.kind != "text":
        builder.add_problem(
            "FE221",
            (*path, "into"),
            f"{variable.name} is {variable.kind}; the address of a file is text",
            f"declare it as {{type: text, max: {MAX_RECORDING_URL}}}",
        )
    elif variable.size < MAX_RECORDING_URL:
        builder.add_problem(
            "FE209",
            (*path, "into"),
            f"the address of a file does not fit into {variable.name}, which holds {variable.size}",
            f"set max: {MAX_RECORDING_URL} on the variable",
        )


def compile_times(builder: StateBuilder, path: KeyPath, authored: AuthoredMessage) -> MessageTimes:
    limit = 1000 * builder.compile_seconds(
        (*path, "limit"), authored.limit, MAX_MESSAGE_SECONDS, "how long a message may be"
    )
    wait = 1000 * builder.compile_seconds(
        (*path, "wait"), authored.wait, MAX_FILE_WAIT_SECONDS, "how long the caller waits"
    )
    silence = builder.compile_millis(
        (*path, "silence"),
        authored.silence,
        1000,
        MAX_MENU_TIMEOUT_MILLIS,
        "how long the caller may say nothing",
    )
    # the platform waits half a minute at most, so a long message is several menus
    whole, rest = divmod(limit, MAX_MENU_TIMEOUT_MILLIS)
    poll = min(wait, POLL_MILLIS)
    return MessageTimes(
        segments=(MAX_MENU_TIMEOUT_MILLIS,) * whole + (rest,) * bool(rest),
        silence=0 if authored.silent is UNSET else silence,
        review=get_timeout_millis(builder, (*path, "timeout"), authored.timeout),
        poll=poll,
        polls=-(-wait // poll),
    )


def build_menu_question(builder: StateBuilder) -> Question:
    """The menus of the state, without words of their own."""
    return Question(
        menu_id=f"{builder.context.flow}.{builder.state}",
        first=None,
        again=None,
        no_input=NO_WORDS,
        no_match=NO_WORDS,
        attempts=1,
        barge=True,
        has_named_menus=builder.context.menu_ids == "named",
        accepts_voice=False,
        voice=builder.context.voice,
    )


def compile_review(builder: StateBuilder, path: KeyPath, authored: AuthoredMessage) -> Question:
    return replace(
        build_menu_question(builder),
        first=builder.compile_embedded_prompt((*path, "review"), authored.review, late=True),
        no_input=compile_retry_prompts(builder, (*path, "no_input"), authored.no_input, "no_input"),
        no_match=compile_retry_prompts(builder, (*path, "no_match"), authored.no_match, "no_match"),
        attempts=get_attempts(builder, authored.attempts),
        barge=authored.barge,
    )


def list_message_facts(authored: AuthoredMessage) -> Iterator[AuthoredFact]:
    yield AuthoredFact("topic", f"variable {authored.into}", None)
    if not authored.to or authored.credentials is UNSET or authored.beep is UNSET:
        yield AuthoredFact("topic", "recordings", None)
    yield from list_silent_facts(authored.silent)
    for name in ("beep", "review", "thanks"):
        if (words := getattr(authored, name)) is not UNSET:
            yield AuthoredFact("prompt", name, words, (name,))
    yield AuthoredFact("global keys", "key ", ())


RECORD_MESSAGE_KIND = StateKind(
    "record_message",
    "Ask for a spoken message",
    EXAMPLE,
    Annotated[
        AuthoredMessage,
        Meta(
            title="record_message",
            description="Ask for a spoken message.",
            examples=[
                {"prompt": "Please leave a message after the tone.", "into": "message"},
            ],
        ),
    ],
    compile_message,
    "pie",
    shape="question",
    summarise=lambda authored: authored.get("prompt"),
    list_facts=list_message_facts,
    has_defaults=True,
    actions={"": "runMenu"},
    identifying_options=frozenset({"into"}),
)
