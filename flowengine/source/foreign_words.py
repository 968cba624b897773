"""Words that authors bring from other languages, each with how it is said here."""

from collections.abc import Collection
from typing import Final, NamedTuple


class ForeignWord(NamedTuple):
    """`place` is a key that is known where the words are written, and tells that place from others.
    Without a key of its own, what a word stands for is explained by its cure.
    """

    place: str
    words: str
    cure: str


_STATE, _CONNECT, _PROMPT, _QUESTION = "hangup", "indications", "ssml", "again"
_MENU, _COLLECT, _FETCH, _CHOICE = "options", "terminator", "retries", "when"
_RECORDING, _VARIABLE, _FLOW, _PROJECT, _TABLE = (
    "credentials",
    "secret",
    "states",
    "services",
    "rows",
)
_RING, _GROUP, _QUEUE, _QUEUE_WAIT, _AGENT = "who", "wrap_up", "full", "estimate", "sign"
_PARK: Final = "in_use"
# what is said before a question is asked again; no key of it is there alone
_RETRY_WORDS: Final = "each and ssml"
_RETRY_WORDS_KEYS: Final = frozenset(("each", "ssml"))
_OPTION, _FLOW_INPUTS, _PLACE, _RECORD_MESSAGE = "hear", "with", "tries", "review"
_NO_BUSY_EXIT: Final = (
    "the platform ends the call when the callee is busy or does not answer; use ring: in place of "
    "connect:, which has busy:, no_answer: and nobody:, as it keeps the caller"
)

FOREIGN_WORDS: Final = (
    ForeignWord(  # wherever the call can be led on
        "next",
        "goto go go_to jump target transition then to_state next_state",
        "use next:",
    ),
    ForeignWord(
        _STATE,
        "transfer dial forward bridge call redirect call_number connect_to number refer",
        "write connect: and the number, or {phone: …}",
    ),
    ForeignWord(
        _STATE,
        "play playback play_audio play_file file sound",
        "write say: {audio: https://…}",
    ),
    ForeignWord(
        _STATE,
        "speak tts announce greeting play_text talk output",
        "write say: and the text; a question has its prompt: inside menu: or collect:",
    ),
    ForeignWord(
        _STATE,
        "wait pause sleep delay",
        "no state only waits; a pause stands within what is said: say: [One., {pause: 2s}, Two.]",
    ),
    ForeignWord(
        _STATE,
        "if else elif switch case condition branch cond unless",
        "write choose: with a list of {when: <condition>, next: <state>}; "
        "the last entry has next: alone and takes the rest",
    ),
    ForeignWord(
        _STATE,
        "enqueue agent_queue call_queue acd waiting_queue waitroom",
        "write queue: {of: <group>, nobody: <state>}",
    ),
    ForeignWord(
        _STATE,
        "unpark retrieve pickup take_parked call_pickup",
        "write pick_up: {code: <code>, nobody: <state>}",
    ),
    ForeignWord(
        _PARK,
        "timeout max_wait wait_limit duration max_duration time_limit",
        "use limit:, how long a call is held, and too_long:, where it goes then",
    ),
    ForeignWord(_PARK, "on_timeout timed_out expired no_answer nobody", "use too_long:"),
    ForeignWord(_PARK, "busy taken occupied on_busy", "use in_use:"),
    ForeignWord(_PARK, "slot lot space orbit extension number name", "use code:"),
    ForeignWord(_PARK, "music moh hold_music", "use hold:, a prompt: hold: {audio: https://…}"),
    ForeignWord(
        _STATE,
        "hold",
        "park: holds a call with music, queue: has the caller wait for a free member of a group, and "
        "connect: {conference: …} brings callers into a room",
    ),
    ForeignWord(
        _STATE,
        "sign sign_in sign_out login logout agent_login agent_logout log_in log_out",
        "write agent: {group: <group>, sign: in, unknown: <state>}",
    ),
    ForeignWord(
        _STATE,
        "hunt hunt_group ring_group ringall dial_group call_group simring find_me",
        "write ring: {who: [<number>, <number>], nobody: <state>}",
    ),
    ForeignWord(
        _STATE,
        "gather ask input get_digits read_digits listen capture",
        "write menu: for choices by key or voice, collect: for digits or words",
    ),
    ForeignWord(
        _STATE,
        "busy no_answer on_busy on_no_answer noanswer unanswered",
        f"{_NO_BUSY_EXIT}; place: does not wait, and flowengine placements tells what has become of it",
    ),
    ForeignWord(
        _STATE, "exit end stop disconnect terminate hang_up finish quit", "write hangup: alone"
    ),
    ForeignWord(
        _STATE,
        "http request webhook api rest http_request lookup curl url",
        "write fetch: {service: …, get: /path}",
    ),
    ForeignWord(
        _STATE,
        "let assign variable variables vars set_variable setvar",
        "write set: {<variable>: <value>}; variables are declared under vars: of the flow",
    ),
    ForeignWord(
        _STATE,
        "voicemail leave_message take_message record_voicemail mailbox",
        "write record_message: with a prompt: and into:",
    ),
    ForeignWord(
        _STATE,
        "go_to_flow goto_flow transfer_to_flow switch_flow chain flow",
        "write next_flow: <flow>; subflow: uses a flow and comes back",
    ),
    ForeignWord(_STATE, "gosub execute run use_flow include", "write subflow: {flow: …, outcomes: …}"),
    ForeignWord(_STATE, "on_error catch on_failure fallback", "use error:"),
    ForeignWord(_STATE, "language lang", "use locale:"),
    ForeignWord(_STATE, "comment description remark", "use note:"),
    ForeignWord(
        _CONNECT,
        "timeout ring_timeout wait ring_time dial_timeout",
        "use ring:, how long it rings; limit: is how long the call may last",
    ),
    ForeignWord(_CONNECT, "max_duration duration time_limit max_length", "use limit:"),
    ForeignWord(_CONNECT, "number to dest destination tel telephone", "use phone:"),
    ForeignWord(_CONNECT, "from callerid caller cli ani", "use caller_id:"),
    ForeignWord(_CONNECT, "user username client", "use app:"),
    ForeignWord(_CONNECT, "room conf", "use conference:"),
    ForeignWord(
        _CONNECT,
        "busy no_answer on_busy on_no_answer noanswer unanswered failed otherwise declined",
        _NO_BUSY_EXIT,
    ),
    ForeignWord(_CONNECT, "after survey then on_hangup", "use ring: in its place, which has after:"),
    ForeignWord(_RING, "agents members numbers phones to targets destinations phone users", "use who:"),
    ForeignWord(_RING, "groups hunt_group team of", "use group:, the name of a file in groups/"),
    ForeignWord(
        _RING,
        "strategy mode method ring_strategy policy distribution",
        "use order: all at once, in turn, round robin or longest idle",
    ),
    ForeignWord(
        _RING,
        "timeout ring_timeout ring ring_time dial_timeout duration",
        "use each:, how long one phone rings",
    ),
    ForeignWord(
        _RING,
        "whisper announce announcement screen confirm confirmation prompt greeting",
        "use accept:, what a member hears before pressing 1",
    ),
    ForeignWord(_RING, "music moh hold hold_music", "use wait: {music: music1}"),
    ForeignWord(_RING, "say play", "use wait: {say: …} for the caller, accept: for the members"),
    ForeignWord(_RING, "from callerid caller cli ani", "use caller_id:"),
    ForeignWord(
        _RING, "otherwise failed fallback else default voicemail on_failure declined", "use nobody:"
    ),
    ForeignWord(_RING, "on_busy", "use busy:"),
    ForeignWord(_RING, "on_no_answer noanswer unanswered", "use no_answer:"),
    ForeignWord(
        _RING,
        "next answered then on_hangup ended hangup",
        "use after:, where the call goes when the member has hung up",
    ),
    ForeignWord(_RING, "wrap_up wrapup wrap_up_time", "write wrap_up: in groups/<name>.yaml"),
    ForeignWord(_GROUP, "who agents numbers phones targets users", "use members:"),
    ForeignWord(
        _GROUP,
        "strategy mode method ring_strategy policy distribution",
        "use order: all at once, in turn, round robin or longest idle",
    ),
    ForeignWord(_GROUP, "timeout ring ring_timeout", "use each:, how long one phone rings"),
    ForeignWord(_GROUP, "wrapup wrapup_time wrap_up_time", "use wrap_up:"),
    ForeignWord(
        _GROUP,
        "max_waiting max_queue queue_size max_size capacity maxlen size limit",
        "use most_waiting:, how many callers may wait in its queue",
    ),
    ForeignWord(_GROUP, "penalty retry delay", "use pause:, after a call that was not taken"),
    ForeignWord(_GROUP, "group name", "remove it: the file has the name of the group"),
    ForeignWord(
        _QUEUE, "group groups team name agents members who from_group", "use of:, the name of a group"
    ),
    ForeignWord(
        _QUEUE,
        "timeout max_wait maxwait max_wait_time wait_limit duration max_time",
        "use limit:, how long a caller waits; each: is how long the phone of a member rings",
    ),
    ForeignWord(
        _QUEUE,
        "ring ring_timeout ring_time dial_timeout",
        "use each:, how long the phone of a member rings",
    ),
    ForeignWord(
        _QUEUE,
        "strategy mode method policy distribution routing",
        "use order: in turn, round robin or longest idle",
    ),
    ForeignWord(
        _QUEUE,
        "whisper announce screen confirm confirmation prompt agent_prompt",
        "use accept:, what a member hears before pressing 1",
    ),
    ForeignWord(_QUEUE, "music moh hold hold_music", "use wait: {music: music1}"),
    ForeignWord(
        _QUEUE, "say play announcement position", "use wait: {say: …}, what the caller hears"
    ),
    ForeignWord(
        _QUEUE,
        "every interval frequency announce_frequency periodic",
        "it belongs inside wait:, beside what is said: wait: {say: …, every: 30s}",
    ),
    ForeignWord(_QUEUE, "options key press choices exit_keys", "use keys: {2: <state>}"),
    ForeignWord(_QUEUE, "weight prio importance", "use priority:, a number from 0 to 9"),
    ForeignWord(_QUEUE, "wrap_up wrapup wrap_up_time", "write wrap_up: in groups/<name>.yaml"),
    ForeignWord(
        _QUEUE,
        "most_waiting max_waiting max_size size capacity maxlen",
        "write most_waiting: in groups/<name>.yaml; full: says where the call goes then",
    ),
    ForeignWord(_QUEUE, "pause penalty", "write pause: in groups/<name>.yaml"),
    ForeignWord(
        _QUEUE,
        "otherwise failed fallback else default empty no_agents closed join_empty",
        "use nobody:",
    ),
    ForeignWord(_QUEUE, "overflow on_full queue_full busy", "use full:"),
    ForeignWord(
        _QUEUE,
        "on_timeout timed_out expired no_answer timeout_exit waited_too_long",
        "use too_long:, where the call goes after limit:",
    ),
    ForeignWord(
        _QUEUE,
        "next answered then on_hangup ended hangup",
        "use after:, where the call goes when the member has hung up",
    ),
    ForeignWord(_QUEUE, "from callerid caller cli ani", "use caller_id:"),
    ForeignWord(_QUEUE_WAIT, "interval frequency repeat each period", "use every:"),
    ForeignWord(_QUEUE_WAIT, "moh hold hold_music", "use music:"),
    ForeignWord(_QUEUE_WAIT, "text announce announcement position prompt words", "use say:"),
    ForeignWord(_QUEUE_WAIT, "time eta wait expected estimated", "use estimate:"),
    ForeignWord(
        _QUEUE_WAIT, "keys options", "it belongs one level further out, beside wait:"
    ),
    ForeignWord(_AGENT, "of queue team in", "use group:, the name of a file in groups/"),
    ForeignWord(_AGENT, "status state action do set", "use sign: in, out or pause"),
    ForeignWord(_AGENT, "who number phone member address agent user", "use is:"),
    ForeignWord(_AGENT, "otherwise failed else error not_found nobody", "use unknown:"),
    ForeignWord(_AGENT, "next", "next: belongs one level further out, beside agent:"),
    ForeignWord(_CONNECT, "record", "write record: {to: …} in the state, beside connect:"),
    ForeignWord(
        _RECORDING,
        "into file url path destination save location",
        "write to: with an address such as s3://bucket/folder; record: records a call, "
        "and record_message: asks for a message and has into:",
    ),
    ForeignWord(_PROMPT, "url file play wav mp3 sound src", "use audio:"),
    ForeignWord(_PROMPT, "tts speak say words", "use text:"),
    ForeignWord(_PROMPT, "speech markup", "use ssml:"),
    ForeignWord(_PROMPT, "wait break silence sleep delay", "use pause:"),
    ForeignWord(_PROMPT, "language lang", "use locale:"),
    ForeignWord(
        _PROMPT,
        "when if unless condition cond visible show",
        'write it in the words: ${hours.office.open ? "We are here." : ""}; a recording or a message is '
        "left out by a choose: before",
    ),
    ForeignWord(
        _RETRY_WORDS,
        "next goto go go_to jump target transition then to_state next_state",
        "the question is asked again after these words; where the call goes in the end stands beside "
        "them: silent: after silence, otherwise: after a wrong answer",
    ),
    ForeignWord(_QUESTION, "text say speak question message ask", "use prompt:"),
    ForeignWord(_QUESTION, "retries tries max_attempts max_tries max_retries", "use attempts:"),
    ForeignWord(_QUESTION, "reprompt reask retry_prompt repeat", "use again:"),
    ForeignWord(
        _QUESTION,
        "silence noinput on_no_input on_timeout no_answer",
        "use no_input: for what is said after silence, and silent: for where the call goes in the end",
    ),
    ForeignWord(_QUESTION, "else fallback default failed on_failure max_exceeded", "use otherwise:"),
    ForeignWord(_QUESTION, "interruptible barge_in bargein interrupt", "use barge:"),
    ForeignWord(
        _MENU,
        "next",
        "each key under options: says where it leads, and otherwise: where the call goes without one",
    ),
    ForeignWord(
        _MENU, "interdigit_timeout inter_digit_timeout digit_wait key_timeout", "use digit_timeout:"
    ),
    ForeignWord(_MENU, "keys choices choice entries digits map", "use options:"),
    ForeignWord(_MENU, "nomatch invalid on_no_match wrong", "use no_match:"),
    ForeignWord(
        _MENU, "empty on_empty", 'only collect: has empty:; in a menu # is an option: "#": <state>'
    ),
    ForeignWord(
        _OPTION,
        "next_flow subflow connect say hangup ring queue collect goto_flow set fetch",
        "an option only leads on: do this in a state of its own, and lead there by next:",
    ),
    ForeignWord(
        _FLOW_INPUTS,
        "into outcomes outputs",
        "nothing comes back from that flow; use subflow: where the call shall return",
    ),
    ForeignWord(
        _COLLECT,
        "length num_digits max_digits numdigits count size min max",
        "use digits:, a number such as 8 or a range such as 4-8",
    ),
    ForeignWord(
        _COLLECT, "on_empty allow_empty optional skip", "use empty:, where # alone leads"
    ),
    ForeignWord(
        _RECORD_MESSAGE,
        "empty on_empty no_message no_speech no_input_exit",
        "use silent:, where the call goes when the caller says nothing",
    ),
    ForeignWord(_PLACE, "delay after wait later offset", "use in:"),
    ForeignWord(_PLACE, "attempts retries max_attempts max_tries", "use tries:"),
    ForeignWord(_PLACE, "number phone callee destination who", "use to:"),
    ForeignWord(_COLLECT, "variable store save var save_as as", "use into:"),
    ForeignWord(_COLLECT, "finish_on_key end_key terminate finish", "use terminator:"),
    ForeignWord(_COLLECT, "validate validation check pattern regex", "use valid:, a condition"),
    ForeignWord(_COLLECT, "nomatch no_match on_invalid error", "use invalid:"),
    ForeignWord(
        _FETCH,
        "url uri address host endpoint",
        "the url: of a service stands under services: of project.yaml; write service: and its name",
    ),
    ForeignWord(_FETCH, "path method verb", "write get:, post: or the like with the path"),
    ForeignWord(_FETCH, "data params json payload query", "use body:; a query stands in the path"),
    ForeignWord(_FETCH, "save response result store output", "use into:"),
    ForeignWord(_FETCH, "error else on_error otherwise fallback", "use failed:"),
    ForeignWord(_CHOICE, "if condition cond expr expression test case", "use when:"),
    ForeignWord(
        _CHOICE, "else otherwise default elif", "write a last entry with next: alone: it takes the rest"
    ),
    ForeignWord(_VARIABLE, "kind", "use type:"),
    ForeignWord(_VARIABLE, "values enum options oneof one_of", "write type: choice and choices:"),
    ForeignWord(_VARIABLE, "size length max_length maxlength", "use max:"),
    ForeignWord(_VARIABLE, "initial value init", "use default:"),
    ForeignWord(_FLOW, "begin entry initial start_at first entrypoint", "use start:"),
    ForeignWord(_FLOW, "variables var", "use vars:"),
    ForeignWord(_FLOW, "steps nodes blocks", "use states:"),
    ForeignWord(_FLOW, "name id", "use flow:"),
    ForeignWord(_FLOW, "language lang", "use locale:, language and country such as es-MX"),
    ForeignWord(_PROJECT, "numbers lines", "use routes:, a list of {to: …, flow: …}"),
    ForeignWord(_PROJECT, "timezone time_zone tz", "use zone:"),
    ForeignWord(_PROJECT, "vars variables states start", "it belongs to a flow, in its own file"),
    ForeignWord(
        _PROJECT,
        "canary rollout share traffic",
        "the share of a new version is no part of the flows: flowengine canary FOLDER --share 10%",
    ),
    ForeignWord(
        _PROJECT,
        "notes note release release_notes changelog version",
        'a note on a version stands beside it: flowengine publish FOLDER --note "…"',
    ),
    ForeignWord(_TABLE, "data entries values", "use rows:"),
)  # fmt: skip
_CURES_BY_PLACE: Final = {
    (entry.place, word): entry.cure for entry in FOREIGN_WORDS for word in entry.words.split()
}


def find_foreign_cure(key: str, known: Collection[str]) -> str:
    """How a key of another language is said where these keys are known."""
    word = key.casefold().replace("-", "_").strip("_")
    places = [*known]
    if _RETRY_WORDS_KEYS.issubset(known):
        places.append(_RETRY_WORDS)
    return next(
        (_CURES_BY_PLACE[place, word] for place in places if (place, word) in _CURES_BY_PLACE), ""
    )
