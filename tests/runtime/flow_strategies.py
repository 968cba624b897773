"""Valid flows of every kind of state, and callbacks of every kind with whatever a caller or a
stranger may put into them.

The name of a state begins with the callback that it answers: i (incoming), p (key press), a
(answer), e (events).
"""

import json
from collections.abc import Mapping
from typing import Any

from hypothesis import strategies as st

Json = Any
VARS = {
    "t": {"type": "text", "max": 500},
    "u": {"type": "text", "max": 20, "default": "friend"},
    "d": {"type": "digits", "max": 8},
    "n": {"type": "integer"},
    "x": {"type": "decimal", "default": 1},
    "b": {"type": "boolean"},
    "c": {"type": "choice", "choices": ["gold", "1"]},
    "day": {"type": "date"},
    "hour": {"type": "time"},
}
PROJECT = {
    "project": "test",
    "routes": [{"flow": "line"}],
    "services": {"crm": {"url": "https://crm.example.com", "headers": {"X-Line": "a"}}},
    "calendars": {
        "desk": {
            "zone": "Europe/Stockholm",
            "open": {"mon-fri": "09:00-17:00"},
            "except": {"12-24": "closed"},
        }
    },
    "tables": {
        "people": {"rows": {"1": {"name": "Ann", "age": 3}}, "default": {"name": "", "age": 0}}
    },
    "groups": {"desk": {"members": ["+14045009001", "sip:a@b.example"], "order": "round robin"}},
    "messages": {"bye": {"en-US": "Bye ${vars.u}.", "sv-SE": "Hej då."}},
}
INNER: Mapping[str, Json] = {
    "flow": "inner",
    "start": "ask",
    "vars": {"d": {"type": "digits", "max": 4}, "t": {"type": "text", "max": 500}},
    "inputs": ["t"],
    "outputs": ["d"],
    "outcomes": ["right", "wrong"],
    "keys": {"*": "repeat", "#": "back"},
    "states": {
        "ask": {
            "collect": {
                "prompt": "${vars.t}?",
                "into": "d",
                "digits": "1-4",
                "attempts": 2,
                "otherwise": "wrong",
            },
            "next": "menu",
        },
        "menu": {
            "menu": {
                "prompt": "${vars.d}.",
                "options": {"1": "check", "2": "ask"},
                "otherwise": "wrong",
            }
        },
        "check": {
            "choose": [{"when": "100 / integer(vars.d) > 5", "next": "right"}, {"next": "wrong"}]
        },
        "right": {"return": "right"},
        "wrong": {"say": "From ${call.from}.", "return": "wrong"},
    },
}
PLAIN: Mapping[str, Json] = {
    "flow": "plain",
    "start": "count",
    "vars": {"n": {"type": "integer"}},
    "inputs": ["n"],
    "outputs": ["n"],
    "outcomes": ["done"],
    "states": {"count": {"set": {"n": "${10 / vars.n}"}, "next": "out"}, "out": {"return": "done"}},
}
TEXTS = (
    "Hello.", "Hello ${vars.u}.", "${call.custom}", "${vars.t}", ("${vars.t + vars.t} and "
                                                                 "${vars.t}"), ("${event.digits} "
                                                                              "${event.type}"),
    "${spell(vars.d)}", "n ${vars.n} x ${vars.x} b ${vars.b}", ("by ${10 / "
                                                               "vars.n}"), "${hours.desk.next_open}", "${call.from} ${call.user}",
    "${tables.people.name(vars.d)}", ("${now.date} ${vars.day} ${vars.hour} "
                                     "${vars.c}"), "${call.locale}", "word " * 99, "$${vars.t}",
    "${text(event.headers)}",
)  # fmt: skip
CONDITIONS = (
    "vars.b", "vars.n > 3", 'vars.t == ""', ("10 / vars.n > "
                                            "1"), "hours.desk.open", 'call.from.startsWith("+46")', "luhn(vars.d)",
    'vars.c == "gold"', "size(vars.t) > 5", "tables.people.age(vars.d) > 1", ("integer(vars.t) > "
                                                                             "1"), ("event.duration "
                                                                                  "> 0"),
)  # fmt: skip
VALUES = {
    "t": TEXTS,
    "u": tuple(text for text in TEXTS if "${" in text or len(text) <= 20),
    "d": ("123", "${vars.t}", "${digits(call.from)}"),
    "n": (
        5,
        "${vars.n + 1}",
        "${10 / vars.n}",
        "${event.duration}",
        "${size(vars.t) * 1000000000000000}",
    ),
    "x": (2, 0.5, "${vars.x * 1e200}", "${vars.x / 3.0}"),
    "b": (True, "${!vars.b}", "${vars.n > 0}"),
    "c": ("gold", "${vars.t}"),
}
texts = st.sampled_from(TEXTS)
parts = st.one_of(
    texts,
    texts.map(lambda text: {"text": {"en-US": text, "sv-SE": f"Hej {text}"}}),
    texts.filter(lambda text: "word" not in text).map(lambda text: {"ssml": "<speak>One "
                                                                            f"<break/>{text}</speak>"}),
    st.sampled_from([
        {"audio": "a.mp3"}, {"audio": "https://example.com/${vars.t}.mp3"}, {"audio": "https://${vars.t}/a.mp3"}, {"message": "bye"},
        {"text": "Hej.", "locale": "sv-SE", "voice": "male"},
    ]),
)  # fmt: skip
prompts = parts | st.lists(
    parts.filter(lambda part: "word" not in str(part)), min_size=1, max_size=3
)
asked_parts = st.one_of(
    texts,
    st.sampled_from(
        [{"audio": "a.mp3"}, {"message": "bye"}, {"audio": "https://example.com/${vars.t}.mp3"}]
    ),
)
# what a question says is one list in one voice; it must be short enough for the platform where all
# of it is known at load
short_parts = asked_parts.filter(lambda part: "word" not in part)
questions = short_parts | st.lists(short_parts, min_size=1, max_size=3)
conditions = st.sampled_from(CONDITIONS)
keys = st.sampled_from("0123456789*#")
durations = st.sampled_from(["1s", "1.5s", "20s"])


@st.composite
def assignments(draw: st.DrawFn) -> Json:
    names = draw(st.lists(st.sampled_from(sorted(VALUES)), min_size=1, max_size=3, unique=True))
    return {"set": {name: draw(st.sampled_from(VALUES[name])) for name in names}}


@st.composite
def fetches(draw: st.DrawFn, onward: st.SearchStrategy[str]) -> Json:
    method = draw(st.sampled_from(["get", "post", "put"]))
    sources = st.sampled_from(["body", "body.name", "status == 200", "status", "now.date"])
    into = draw(st.dictionaries(st.sampled_from(sorted(VARS)), sources))
    kinds = {
        "status == 200": {"b", "t"},
        "status": {"n", "x", "t"},
        "now.date": {"t", "u", "d", "c", "day", "hour"},
    }
    wanted = {
        name: value
        for name, value in into.items()
        if name in kinds.get(value, set(VARS)) and (value[:4] == "body" or name != "t")
    }
    fetch: dict[str, Json] = {
        "service": "crm",
        method: "/a/${vars.t}?b=${call.from}",
        "into": wanted,
        "failed": draw(onward),
    }
    body: st.SearchStrategy[Json] = st.just({"t": "${vars.t}", "n": "${vars.n}", "x": 1})
    fetch |= draw(st.fixed_dictionaries({}, optional={
        **({} if method == "get" else {"body": body}), "headers": st.just({"X-T": "${vars.t}"}), "timeout": durations,
        "retries": st.integers(0, 3), "on": st.dictionaries(st.sampled_from(["404", "5xx", "timeout"]), onward),
    }))  # fmt: skip
    return {"fetch": fetch}


@st.composite
def menus(
    draw: st.DrawFn, onward: st.SearchStrategy[str], anywhere: st.SearchStrategy[str]
) -> Json:
    inner = {"menu": {"prompt": draw(questions), "options": {"1": draw(anywhere)}}}
    leads = anywhere | st.sampled_from(["repeat", "back"])
    option = (
        leads
        | st.fixed_dictionaries(
            {"next": leads, "hear": st.lists(st.sampled_from(["bill", "new bill"]))}
        )
        | st.just(inner)
    )
    menu = {
        "prompt": draw(questions),
        "options": draw(st.dictionaries(keys, option, min_size=1)),
        "otherwise": draw(onward),
    }
    menu |= draw(st.fixed_dictionaries({}, optional={
        "again": texts.filter(lambda text: "word" not in text), "attempts": st.integers(1, 9),
        "no_input": st.just({"each": ["${vars.t}", "B."]}), "no_match": st.just("Wrong."), "timeout": durations,
        "repeats": st.integers(0, 2), "barge": st.booleans(),
    }))  # fmt: skip
    heard = set[str]()
    for option in menu["options"].values():
        if isinstance(option, dict) and "hear" in option:
            option["hear"] = [
                word for word in option["hear"] if word not in heard and not heard.add(word)
            ]
    return {"menu": menu}


@st.composite
def collects(draw: st.DrawFn, onward: st.SearchStrategy[str]) -> Json:
    into, digits = draw(
        st.sampled_from(
            [
                ("d", 8),
                ("d", "2-6"),
                ("t", None),
                ("n", 3),
                ("c", None),
                ("day", None),
                ("hour", None),
            ]
        )
    )
    collect = {"prompt": draw(questions), "into": into, "otherwise": draw(onward)}
    if into == "day":
        collect["format"] = "DDMMYYYY"
    elif digits:
        collect["digits"] = digits
    collect |= draw(st.fixed_dictionaries({}, optional={
        "valid": conditions, "invalid": st.just("No ${vars.u}."), "confirm": st.just("${vars.d} "
                                                                                     "${vars.t}?"), "attempts": st.integers(1, 9),
        "voice": st.booleans(), "no_input": st.just("Hm."),
    }))  # fmt: skip
    return {"collect": collect, "next": draw(onward)}


PHONES = ("+14045009000", "${call.from}", "${vars.t}", "dialled")
RICH_PHONE = {
    "phone": "+14045009000",
    "caller_id": "${vars.t}",
    "ring": "20s",
    "limit": "1h",
    "dtmf": "w${vars.t}",
    "indications": "se",
}


@st.composite
def connects(
    draw: st.DrawFn, context: str, answers: st.SearchStrategy[str], notes: st.SearchStrategy[str]
) -> Json:
    address = draw(st.sampled_from(["a@b.example", "${vars.t}@b.example", "${vars.t}"]))
    sip = {"sip": address, "headers": {"X-A": "${vars.t}${vars.t}${vars.t}"}}
    phone = draw(st.sampled_from([{"phone": number} for number in PHONES] + [RICH_PHONE]))
    late = {"detect": "async", "person": draw(notes), "beep": draw(notes)}
    early = {"answered": draw(answers), "machine": draw(answers), "unsure": draw(answers)}
    room = {
        "conference": draw(st.sampled_from(["room", "${vars.t}"])),
        "keys": {"mode": "detect"},
        "music": "music1",
    }
    found = [
        {**phone, **draw(st.sampled_from([{}, late, early]))},
        {**sip, "caller_id": "${vars.t}", "transport": "tls"},
        room,
    ]
    if context == "i":
        found += [
            {
                "app": draw(st.sampled_from(["ann", "${vars.t}", "dialled"])),
                "headers": {"X-A": "${vars.t}"},
            }
        ]
        found += [
            {
                "stream": draw(st.sampled_from(["wss://a.example/${vars.t}", "wss://${vars.t}"])),
                "limit": "5m",
                "version": 1,
            }
        ]
    return {"connect": draw(st.just(room) if context == "a" else st.sampled_from(found))}


@st.composite
def rings(draw: st.DrawFn, released: st.SearchStrategy[str]) -> Json:
    called = [
        {"who": ["${vars.t}"]},
        {"who": ["+14045009001", "${vars.t}", "sip:${vars.t}@b.example"]},
        {"group": "desk"},
    ]
    whisper = {"prompt": "For ${vars.t}.", "key": 5, "taken": [{"audio": "gone.mp3"}]}
    exits = ("busy", "no_answer", "after")
    optional: dict[str, st.SearchStrategy[Json]] = {
        "accept": st.sampled_from(["A call from ${call.from}.", whisper]),
        "wait": st.sampled_from([{"say": "${vars.u}"}, {"music": "music1"}]),
        "caller_id": st.sampled_from(["private", "${vars.t}"]),
        "order": st.sampled_from(["all at once", "in turn", "longest idle"]),
        **dict.fromkeys(exits, released),
    }
    chosen = draw(st.fixed_dictionaries({}, optional=optional))
    return {"ring": {**draw(st.sampled_from(called)), "nobody": draw(released), **chosen}}


@st.composite
def queues(draw: st.DrawFn, released: st.SearchStrategy[str], full: st.SearchStrategy[str]) -> Json:
    """A queue; what follows within the same answer must fit to this callback, and all else to both."""
    exits = {"too_long": released, "after": released, "full": full}
    optional: dict[str, st.SearchStrategy[Json]] = {
        "accept": st.just("A call from ${call.from}."),
        "wait": st.sampled_from(
            [
                {"say": "${queue.position} ${vars.u}", "every": "20s"},
                {"say": [{"audio": "wait.mp3"}], "estimate": "${queue.wait} ${vars.t}"},
            ]
        ),
        "priority": st.sampled_from([3, "size(vars.t)"]),
        "limit": st.just("5m"),
        "keys": st.just({"1": "failed"}),
        **exits,
    }
    chosen = draw(st.fixed_dictionaries({}, optional=optional))
    return {"queue": {"of": "desk", "nobody": "failed", **chosen}}


@st.composite
def preambles(draw: st.DrawFn, context: str) -> Json:
    optional: dict[str, st.SearchStrategy[Json]] = {
        "say": prompts,
        "locale": st.sampled_from(["sv-SE", "${vars.t}", "${call.custom}"]),
        "record": st.sampled_from(
            ["stop", {"to": "s3://bucket/${vars.t}", "transcribe": "en-US"}, {"to": "${vars.t}"}]
        ),
        "note": st.just("for authors"),
        "error": st.just("failed"),
    }
    if context in "ip":
        optional["dtmf"] = st.sampled_from(["12#", "${vars.t}"])
    if context == "i":
        optional["answer"] = st.booleans()
    return draw(st.fixed_dictionaries({}, optional=optional)) if context != "e" else {}


@st.composite
def states(draw: st.DrawFn, context: str, number: int, counts: Mapping[str, int]) -> Json:
    """A state that leads only to later ones of its callback, except by keys; so every loop waits,
    and every way ends.
    """

    def later(of: str, least: int = 0) -> st.SearchStrategy[str]:
        return st.integers(least, counts[of] - 1).map(lambda index: f"{of}{index}")

    if number == counts[context] - 1:
        return {"done": {}} if context == "e" else {"say": "Goodbye.", "hangup": {}}
    onward = later(context, number + 1)
    after_key = later("p", number + 1) if context == "p" else later("p")
    passing = [
        assignments().flatmap(lambda verb: onward.map(lambda to: {**verb, "next": to})),
        st.tuples(conditions, onward, onward).map(
            lambda it: {"choose": [{"when": it[0], "next": it[1]}, {"next": it[2]}]}
        ),
        st.tuples(onward, onward).map(
            lambda it: {"split": [{"share": "30%", "next": it[0]}, {"next": it[1]}]}
        ),
        fetches(onward).flatmap(lambda verb: onward.map(lambda to: {**verb, "next": to})),
        onward.map(
            lambda to: {
                "subflow": {
                    "flow": "plain",
                    "with": {"n": "${vars.n}"},
                    "into": {"n": "n"},
                    "outcomes": {"done": to},
                }
            }
        ),
        onward.map(lambda to: {"next": to}),
    ]
    if context == "e":
        return draw(st.one_of(passing))
    with_caller = [
        menus(after_key, later("p")),
        collects(after_key),
        connects(context, later("a"), later("e")),
        st.tuples(after_key, after_key).map(
            lambda it: {
                "subflow": {
                    "flow": "inner",
                    "with": {"t": "${vars.t}"},
                    "into": {"d": "d"},
                    "outcomes": {"right": it[0], "wrong": it[1]},
                }
            }
        ),
    ]
    own = {
        "i": [
            st.just(
                {
                    "park": {
                        "intro": "${vars.t}",
                        "hold": ["${vars.u}", {"audio": "a.mp3"}],
                        "limit": "5m",
                    }
                }
            )
        ],
        "p": [],
        "a": [],
    }
    if context in "ip":
        released = later("i", number + 1) if context == "i" else later("i")
        own[context] += [rings(released), queues(released, onward)]
    going_on = [st.just({"continue": {}})] if context in "pa" else []
    verb = draw(st.one_of(*passing, *with_caller, *with_caller, *own[context], *going_on))
    before = draw(preambles(context))
    if "menu" in verb or "collect" in verb:
        before.pop(
            "answer", None
        )  # a question may be asked again by key, when the call is long answered
    return {**before, **verb}


@st.composite
def flows(draw: st.DrawFn) -> dict[str, bytes]:
    """The files of a project with a flow of all kinds of states."""
    counts = {context: draw(st.integers(1, 5)) for context in "ipae"}
    made = {
        f"{context}{n}": draw(states(context, n, counts))
        for context, count in counts.items()
        for n in range(count)
    }
    flow: dict[str, Json] = {
        "flow": "line", "locale": "en-US", "start": "i0", "vars": VARS, "inputs": ["t", "n", "x", "c"],
        "on": {"answered": "a0", "pressed": "e0", "ended": "e0", "notified": {"any": "e0"}},
        "states": {**made, "failed": {"say": "Sorry ${vars.u}.", "hangup": {}}},
    }  # fmt: skip
    flow |= draw(
        st.fixed_dictionaries(
            {},
            optional={
                "error": st.just("failed"),
                "keys": st.just({"0": "p0", "*": "repeat", "#": "back"}),
            },
        )
    )
    named = {"platform": {"menu_ids": draw(st.sampled_from(["named", "main"]))}}
    files = {"line": flow, "inner": INNER, "plain": PLAIN, "project": {**PROJECT, **named}}
    return {f"{name}.yaml": json.dumps(content).encode() for name, content in files.items()}


hostile = st.one_of(
    st.sampled_from([
        "", "1", "2", "12345678", "0", "*", "#", "1#", "yes", "no", "31122026", "0930", "gold", "+46708168731", "private", "sv-SE", "bill",
        "]", ";", "#tts[", "x];#href[http://e.example/a]", "\0", ("a\r\nB: "
                                                                 "c"), "${vars.t}", "1.1", "word " * 200, "9" * 400, "x" * 2000,
        "wss://a.example", "s3://b", "s3://b c", "٣", "&amp;<b>", "a@b.example", "1" * 20, "\u2028",
    ]),
    st.text(max_size=30),
)  # fmt: skip
numbers = st.integers(-(2**70), 2**70)
jsons = st.recursive(
    st.none()
    | st.booleans()
    | numbers
    | st.floats(allow_nan=False, allow_infinity=False)
    | hostile,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["name", "a", ""]), inner, max_size=3)
    ),
    max_leaves=5,
)
queue_facts = st.fixed_dictionaries(
    {
        "position": st.integers(1, 9),
        "wait": st.integers(0, 9999),
        "waiting": st.integers(0, 3),
        "signed_in": st.integers(0, 2),
    }
)
bodies = jsons | st.fixed_dictionaries({"name": jsons}) | queue_facts
fetched = st.tuples(
    st.sampled_from([200, 204, 301, 404, 500, 0]), bodies, st.sampled_from(["", "timeout", "x"])
)
menu_ids = st.sampled_from(
    [
        "main",
        "line.p0",
        "line.i0",
        "line.i1.1",
        "inner.ask",
        "line.nobody",
        "room",
        "",
        ".",
        "nobody.x",
    ]
)
amd = st.fixed_dictionaries(
    {
        "status": st.sampled_from(["human", "machine", "notsure", "hangup", "inprogress", "x"]),
        "reason": hostile,
    }
)
data = st.dictionaries(st.sampled_from("tnxcq"), jsons)
handed = st.fixed_dictionaries(
    {}, optional={"flow": st.sampled_from(["line", "inner", "nobody"]), "data": data}
)


def callback(name: str, **fields: st.SearchStrategy[Json]) -> st.SearchStrategy[Json]:
    common = {
        "callid": st.just("call-1"), "version": st.just(1), "timestamp": hostile, "custom": hostile | handed.map(json.dumps),
        "user": hostile, "conferenceId": st.sampled_from(["", "room"]), "applicationKey": hostile,
    }  # fmt: skip
    required = {"event": st.just(name), "callid": common.pop("callid")}
    return st.fixed_dictionaries(required, optional={**common, **fields})


destinations = st.fixed_dictionaries(
    {"type": st.sampled_from(["did", "sip", "Username", "x"]), "endpoint": hostile}
)
headers = st.lists(st.fixed_dictionaries({"key": hostile, "value": hostile}), max_size=2)
menu_results = st.fixed_dictionaries({
    "menuId": menu_ids, "type": st.sampled_from(["return", "sequence", "timeout", "invalidinput", "hangup", "error", "x"]),
    "value": hostile, "inputMethod": st.sampled_from(["dtmf", "voice"]),
})  # fmt: skip
incoming = callback(
    "ice",
    cli=hostile,
    to=destinations,
    originationType=st.sampled_from(["PSTN", "MXP", "x"]),
    callHeaders=headers,
)
pressed = callback("pie", menuResult=menu_results)
results = st.sampled_from(
    ["nobody", "busy", "no_answer", "after", "too_long", "key 1", "announcement", "x"]
)
callbacks = st.one_of(
    incoming,
    pressed,
    pressed,
    callback("ace", amd=amd),
    callback(
        "dice", result=hostile, reason=hostile, duration=st.integers(0, 10**6), callHeaders=headers
    ),
    callback(
        "notify",
        type=st.sampled_from(["amd", "amd_beep", "recording_available", "x"]),
        amd=amd,
        destination=hostile,
    ),
)
