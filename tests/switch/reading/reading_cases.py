"""Answers for the tests of reading: one of each kind, each limit from both sides, each spelling
that is not the usual one.
"""

import json
from typing import Any

INSTRUCTIONS: dict[str, dict[str, Any]] = {
    "playFiles": {
        "ids": ["hello.mp3", "https://example.com/a.mp3", "#tts[Hello]"],
        "locale": "en-US",
    },
    "say": {"text": "Hello", "locale": "en-US/female"},
    "sendDtmf": {"value": "12#w3"},
    "setCookie": {"key": "fe", "value": "abc"},
    "answer": {},
    "startRecording": {"options": {"destinationUrl": "s3://bucket/dir", "credentials": "a:b:c"}},
    "stopRecording": {},
    "reportCallStatus": {"value": "success", "details": "fine"},
}
MENU: dict[str, Any] = {
    "id": "main",
    "mainPrompt": "#tts[Press 1]",
    "options": [{"dtmf": "1", "action": "return(one)"}],
}
HEADERS = [{"key": "k", "value": "v"}]
ACTIONS: dict[str, dict[str, Any]] = {
    "hangup": {},
    "continue": {},
    "connectPstn": {
        "number": "+46700000001",
        "cli": "private",
        "maxDuration": 14400,
        "dialTimeout": 30,
        "indications": "no",
        "dtmf": "1w#",
    },
    "connectMxp": {"destination": {"type": "username", "endpoint": "anna"}, "callHeaders": HEADERS},
    "connectConf": {
        "conferenceId": "room",
        "conferenceDtmfOptions": {"mode": "detect", "maxDigits": 4, "timeoutMills": 500},
        "moh": "ring",
    },
    "connectSip": {
        "destination": {"type": "sip", "endpoint": "bo@example.com:5060"},
        "transport": "TLS",
        "callHeaders": HEADERS,
    },
    "connectStream": {
        "destination": {"type": "Websocket", "endpoint": "wss://example.com/s"},
        "streamingOptions": {"version": 1, "sampleRate": 44100},
    },
    "runMenu": {"menus": [MENU], "mainMenu": "main", "enableVoice": True, "locale": "en-US"},
    "park": {
        "introPrompt": "#tts[Wait]",
        "holdPrompt": "https://example.com/a.mp3;#ssml[<speak>Still</speak>]",
        "maxDuration": 600,
    },
}


def instruction(name: str, **properties: Any) -> dict[str, Any]:
    return {"name": name, **INSTRUCTIONS[name], **properties}


def action(name: str, **properties: Any) -> dict[str, Any]:
    return {"name": name, **ACTIONS[name], **properties}


def answer(*said: dict[str, Any], then: dict[str, Any] | None = None) -> bytes:
    return json.dumps(
        {"instructions": list(said), **({"action": then} if then else {})}, ensure_ascii=False
    ).encode()


def with_menu(**properties: Any) -> dict[str, Any]:
    return action("runMenu", menus=[{**MENU, **properties}])


def with_option(**properties: Any) -> dict[str, Any]:
    return with_menu(options=[{**MENU["options"][0], **properties}])


def headers(size: int) -> list[dict[str, str]]:
    return [{"key": "x" * 24, "value": "é" * ((size - 24) // 2)}]


def _sip(**destination: Any) -> dict[str, Any]:
    return action(
        "connectSip", destination={"type": "sip", "endpoint": "bo@example.com"} | destination
    )


MENU_0 = "action.menus[0]"
OPTION_0 = f"{MENU_0}.options[0]"

# what is said, and where something is wrong with it ("" nowhere): the limit itself, and one beyond
# it
LIMITS: dict[str, tuple[bytes, str]] = {}


def _said(row: str, where: str, **properties: Any) -> None:
    name = row.partition(" ")[0]
    LIMITS[row] = answer(instruction(name, **properties)), where and f"instructions[0]{where}"


def _done(row: str, where: str, done: dict[str, Any]) -> None:
    LIMITS[row] = answer(then=done), where


_said("say of 600", "", text="a" * 600)
_said("say of 601", ".text", text="a" * 601)
_said("sendDtmf *", ".value", value="1*2")
_said("sendDtmf letters", ".value", value="12a")
_said("setCookie key of 50", "", key="k" * 50)
_said("setCookie key of 51", ".key", key="k" * 51)
_said("setCookie key of none", ".key", key="")
_said("playFiles ftp", ".ids[1]", ids=["a.mp3", "ftp://example.com/a.mp3"])
_said("playFiles open", ".ids[0]", ids=["#tts[Hello"])
_said("playFiles odd part", ".ids[0]", ids=["#song[Hello]"])
_said("playFiles bad href", ".ids[0]", ids=["#href[example.com/a.mp3]"])
_said("startRecording azure", "", options={"destinationUrl": "azure://account/container"})
_said(
    "startRecording elsewhere",
    ".options.destinationUrl",
    options={"destinationUrl": "https://example.com/"},
)
LIMITS["cookies of 1024 bytes"] = (
    answer(instruction("setCookie", key="é" * 12, value="v" * 1000)),
    "",
)
LIMITS["cookies of 1025 bytes"] = (
    answer(
        instruction("setCookie", key="a", value="é" * 511),
        instruction("setCookie", key="b", value="v"),
    ),
    "instructions",
)
LIMITS["cookies set twice count once"] = (
    answer(*[instruction("setCookie", key="a", value="v" * 1000)] * 2),
    "",
)
_done("connectPstn number of 6 digits", "", action("connectPstn", number="+123456"))
_done("connectPstn number of 5 digits", "action.number", action("connectPstn", number="+12345"))
_done(
    "connectPstn number of 17 digits",
    "action.number",
    action("connectPstn", number="+12345678901234567"),
)
_done(
    "connectPstn number without plus", "action.number", action("connectPstn", number="46700000001")
)
_done(
    "connectPstn formatted number",
    "action.number",
    action("connectPstn", number="+46 (70) 000 00 01"),
)
_done("connectPstn cli a name", "action.cli", action("connectPstn", cli="Anna"))
_done("connectPstn 14401 seconds", "action.maxDuration", action("connectPstn", maxDuration=14401))
_done("connectPstn no seconds", "action.maxDuration", action("connectPstn", maxDuration=0))
_done("connectPstn no ringing", "action.dialTimeout", action("connectPstn", dialTimeout=0))
_done("connectPstn dtmf with *", "action.dtmf", action("connectPstn", dtmf="1*"))
_done("connectPstn tones of nowhere", "action.indications", action("connectPstn", indications="xx"))
_done(
    "connectPstn to an app user",
    "action.destination",
    {"name": "connectPstn", "destination": {"type": "username", "endpoint": "anna"}},
)
_done("connectMxp without destination", "", {"name": "connectMxp"})
_done(
    "connectMxp to a number",
    "action.destination.type",
    action("connectMxp", destination={"type": "number", "endpoint": "+46700000001"}),
)
_done(
    "connectMxp to a sip address",
    "action.destination.type",
    action("connectMxp", destination={"type": "sip", "endpoint": "bo@example.com"}),
)
_done(
    "connectMxp to nobody",
    "action.destination.endpoint",
    action("connectMxp", destination={"type": "username", "endpoint": ""}),
)
_done("connectMxp headers of 1024 bytes", "", action("connectMxp", callHeaders=headers(1024)))
_done(
    "connectMxp headers of 1026 bytes",
    "action.callHeaders",
    action("connectMxp", callHeaders=headers(1026)),
)
_done("connectConf id of 64", "", action("connectConf", conferenceId="r" * 64))
_done("connectConf id of 129", "action.conferenceId", action("connectConf", conferenceId="r" * 129))
_done("connectConf without id", "action", {"name": "connectConf"})
_done("connectConf odd music", "action.moh", action("connectConf", moh="music4"))
_done(
    "connectConf odd mode",
    "action.conferenceDtmfOptions.mode",
    action("connectConf", conferenceDtmfOptions={"mode": "collect"}),
)
_done(
    "connectConf no digits",
    "action.conferenceDtmfOptions.maxDigits",
    action("connectConf", conferenceDtmfOptions={"mode": "detect", "maxDigits": 0}),
)
_done("connectSip without destination", "action", {"name": "connectSip"})
_done("connectSip without user", "action.destination.endpoint", _sip(endpoint="example.com"))
_done("connectSip 14401 seconds", "action.maxDuration", action("connectSip", maxDuration=14401))
_done("connectSip by pigeon", "action.transport", action("connectSip", transport="PIGEON"))
_done(
    "connectSip headers of 1026 bytes",
    "action.callHeaders",
    action("connectSip", callHeaders=headers(1026)),
)
_done(
    "connectStream without tls",
    "action.destination.endpoint",
    action("connectStream", destination={"type": "Websocket", "endpoint": "ws://a/b"}),
)
_done(
    "connectStream to a user",
    "action.destination.type",
    action("connectStream", destination={"type": "username", "endpoint": "anna"}),
)
_done(
    "connectStream 14401 seconds", "action.maxDuration", action("connectStream", maxDuration=14401)
)
_done("park 601 seconds", "action.maxDuration", action("park", maxDuration=601))
_done("park with a broken prompt", "action.introPrompt", action("park", introPrompt="#tts[a;b]"))
_done("runMenu without menus", "action.mainMenu", {"name": "runMenu"})
_done(
    "runMenu voice without locale",
    "action",
    {"name": "runMenu", "menus": [MENU], "enableVoice": True},
)
_done("runMenu begins nowhere", "action.mainMenu", action("runMenu", mainMenu="first"))
_done("runMenu one id twice", "action.menus[1].id", action("runMenu", menus=[MENU, MENU]))
_done("menu without id", MENU_0, action("runMenu", menus=[{"mainPrompt": "a.mp3"}]))
_done("menu of no name", f"{MENU_0}.id", action("runMenu", menus=[{"id": ""}], mainMenu=""))
_done("menu repeats -1", f"{MENU_0}.repeats", with_menu(repeats=-1))
_done("menu repeats 0", "", with_menu(repeats=0))
_done("menu maxDigits 0", f"{MENU_0}.maxDigits", with_menu(maxDigits=0))
_done("menu timeoutMills 0", f"{MENU_0}.timeoutMills", with_menu(timeoutMills=0))
_done("menu timeoutMills 1000", "", with_menu(timeoutMills=1000))
_done("menu timeoutMills 30000", "", with_menu(timeoutMills=30000))
_done("menu maxTimeoutMills 0", f"{MENU_0}.maxTimeoutMills", with_menu(maxTimeoutMills=0))
_done("option dtmf 10", f"{OPTION_0}.dtmf", with_option(dtmf="10"))
_done("option dtmf A", f"{OPTION_0}.dtmf", with_option(dtmf="A"))
_done("option without dtmf", OPTION_0, with_menu(options=[{"action": "return(1)"}]))
_done("option without action", OPTION_0, with_menu(options=[{"dtmf": "1"}]))
_done("option to nowhere", f"{OPTION_0}.action", with_option(action="menu(mian)"))
_done("option of no kind", f"{OPTION_0}.action", with_option(action="hangup"))
_done("option return of nothing", "", with_option(action="return()"))
_done("one key twice", f"{MENU_0}.options[1].dtmf", with_menu(options=MENU["options"] * 2))

# no answer at all, or of the wrong make
BROKEN: dict[str, tuple[bytes, str]] = {
    "not JSON": (b"<svaml/>", ""),
    "not UTF-8": (b'{"action": "\xff"}', ""),
    "too deep": (b"[" * 5000, ""),
    "a list": (b"[]", ""),
    "a text": (b'"hangup"', ""),
    "instructions no list": (b'{"instructions": {"name": "say", "text": "a"}}', "instructions"),
    "an instruction by name alone": (b'{"instructions": ["answer"]}', "instructions[0]"),
    "an action by name alone": (b'{"action": "hangup"}', "action"),
    "an action without a name": (b'{"action": {"number": "+46700000001"}}', "action"),
    "a name that is no text": (b'{"action": {"name": 1}}', "action"),
    "an unknown action": (b'{"action": {"name": "connectPhone"}}', "action.name"),
    "an unknown instruction": (b'{"instructions": [{"name": "talk"}]}', "instructions[0].name"),
    "an action among instructions": (
        b'{"instructions": [{"name": "hangup"}]}',
        "instructions[0].name",
    ),
    "an instruction as action": (b'{"action": {"name": "say", "text": "a"}}', "action.name"),
    "a list for a text": (
        b'{"instructions": [{"name": "say", "text": ["a"]}]}',
        "instructions[0].text",
    ),
    "a text for a number": (
        b'{"action": {"name": "park", "maxDuration": "long"}}',
        "action.maxDuration",
    ),
    "half a second": (b'{"action": {"name": "park", "maxDuration": 1.5}}', "action.maxDuration"),
    "infinity": (b'{"action": {"name": "park", "maxDuration": "inf"}}', "action.maxDuration"),
    "a number for true": (
        b'{"action": {"name": "connectPstn", "suppressCallbacks": 1}}',
        "action.suppressCallbacks",
    ),
    "true for a text": (
        b'{"instructions": [{"name": "say", "text": true}]}',
        "instructions[0].text",
    ),
    "a text for an object": (
        b'{"action": {"name": "connectSip", "destination": "bo@example.com"}}',
        "action.destination",
    ),
    "an object for a list": (
        b'{"action": {"name": "connectMxp", "callHeaders": {"k": "v"}}}',
        "action.callHeaders",
    ),
    "a broken item of a list": (
        b'{"action": {"name": "connectMxp", "callHeaders": [{"key": "k", "value": "v"}, "w"]}}',
        "action.callHeaders[1]",
    ),
    "a header without key": (
        b'{"action": {"name": "connectMxp", "callHeaders": [{"value": "v"}]}}',
        "action.callHeaders[0]",
    ),
    "two mistakes": (
        b'{"action": {"name": "park", "maxDuration": [], "introPrompt": {}}}',
        "action.maxDuration",
    ),
    "an odd type": (
        b'{"action": {"name": "connectConf", "conferenceId": {"id": "a"}}}',
        "action.conferenceId",
    ),
}

# what is written, how it reads in the usual spelling, where a word is said about it (None: not at
# all)
Spelled = tuple[dict[str, Any], dict[str, Any], str | None]
SPELLED_ACTIONS: dict[str, Spelled] = {
    "connectPSTN": ({"name": "connectPSTN"}, {"name": "connectPstn"}, "action.name"),
    "connectpstn": (
        {"name": "connectpstn", "NUMBER": "+46700000001"},
        {"name": "connectPstn", "number": "+46700000001"},
        "action.NUMBER",
    ),
    "connectMXP": ({"name": "connectMXP"}, {"name": "connectMxp"}, "action.name"),
    "RunMenu": (action("runMenu") | {"name": "RunMenu"}, action("runMenu"), "action.name"),
    "Name": ({"Name": "hangup"}, {"name": "hangup"}, "action.Name"),
    "callheaders": (
        {"name": "connectMxp", "callheaders": HEADERS},
        {"name": "connectMxp", "callHeaders": HEADERS},
        "action.callheaders",
    ),
    "Sip": (_sip(type="Sip"), _sip(), "action.destination.type"),
    "sip: in the address": (
        _sip(endpoint="sip:bo@example.com"),
        _sip(),
        "action.destination.endpoint",
    ),
    "no type of a sip address": (
        {"name": "connectSip", "destination": {"endpoint": "bo@example.com"}},
        {"name": "connectSip", "destination": {"type": "sip", "endpoint": "bo@example.com"}},
        "action.destination",
    ),
    "websocket": (
        action(
            "connectStream", destination={"type": "websocket", "endpoint": "wss://example.com/s"}
        ),
        action("connectStream"),
        "action.destination.type",
    ),
    "tls": (action("connectSip", transport="tls"), action("connectSip", transport="TLS"), None),
    "number as destination": (
        {"name": "connectpstn", "destination": {"type": "number", "endpoint": "+46700000001"}},
        {"name": "connectPstn", "number": "+46700000001"},
        "action.destination",
    ),
    "enabled in quotes": (
        {"name": "connectPstn", "amd": {"enabled": "true", "async": "False"}},
        {"name": "connectPstn", "amd": {"enabled": True}},
        "action.amd.enabled",
    ),
    "Norway as false": (
        {"name": "connectPstn", "indications": False},
        {"name": "connectPstn", "indications": "no"},
        "action.indications",
    ),
    "tones us-old": (
        {"name": "connectPstn", "indications": "us-old"},
        {"name": "connectPstn", "indications": "us-old"},
        "action.indications",
    ),
    "cli incoming": (
        {"name": "connectPstn", "cli": "incoming"},
        {"name": "connectPstn"},
        "action.cli",
    ),
    "cli Private": (
        {"name": "connectPstn", "cli": "Private"},
        {"name": "connectPstn", "cli": "private"},
        "action.cli",
    ),
    "cli without plus": (
        {"name": "connectPstn", "cli": "46700000001"},
        {"name": "connectPstn", "cli": "+46700000001"},
        "action.cli",
    ),
    "seconds in quotes": (
        {"name": "connectPstn", "maxDuration": "60"},
        {"name": "connectPstn", "maxDuration": 60},
        "action.maxDuration",
    ),
    "seconds with a point": (
        {"name": "connectPstn", "maxDuration": 60.0},
        {"name": "connectPstn", "maxDuration": 60},
        "action.maxDuration",
    ),
    "null": ({"name": "connectPstn", "cli": None}, {"name": "connectPstn"}, "action.cli"),
    "dtmf as integer": (with_option(dtmf=1), with_option(dtmf="1"), f"{OPTION_0}.dtmf"),
    "return (value)": (
        with_option(action="return (one)"),
        with_option(action="return(one)"),
        f"{OPTION_0}.action",
    ),
    "Menu(id)": (
        with_option(action=" Menu(main) "),
        with_option(action="menu(main)"),
        f"{OPTION_0}.action",
    ),
    "mainText": (
        {"name": "runmenu", "menus": [{"id": "main", "mainText": "a.mp3", "repeatText": "b.mp3"}]},
        {
            "name": "runMenu",
            "menus": [{"id": "main", "mainPrompt": "a.mp3", "repeatPrompt": "b.mp3"}],
        },
        f"{MENU_0}.mainText",
    ),
    "isTimeoutPrompt": (with_menu(isTimeoutPrompt=True), with_menu(), f"{MENU_0}.isTimeoutPrompt"),
    "badge": (action("runMenu", badge=False), action("runMenu"), "action.badge"),
    "spaces between parts": (
        with_menu(mainPrompt="#tts[a] ; #tts[b];"),
        with_menu(mainPrompt="#tts[a];#tts[b]"),
        f"{MENU_0}.mainPrompt",
    ),
    "no menu main": (
        action("runMenu", menus=[{**MENU, "id": "first"}], mainMenu="first"),
        action("runMenu", menus=[{**MENU, "id": "first"}], mainMenu="first"),
        "action.menus",
    ),
    "an id of 65": (
        with_menu(id="m" * 65) | {"mainMenu": "m" * 65},
        with_menu(id="m" * 65) | {"mainMenu": "m" * 65},
        f"{MENU_0}.id",
    ),
    "timeoutMills 999": (
        with_menu(timeoutMills=999),
        with_menu(timeoutMills=999),
        f"{MENU_0}.timeoutMills",
    ),
    "timeoutMills 30001": (
        with_menu(timeoutMills=30001),
        with_menu(timeoutMills=30001),
        f"{MENU_0}.timeoutMills",
    ),
    "brackets in a text": (
        with_menu(mainPrompt="#tts[a [b]]"),
        with_menu(mainPrompt="#tts[a [b]]"),
        f"{MENU_0}.mainPrompt",
    ),
    "broken SSML": (
        with_menu(mainPrompt="#ssml[<speak>a]"),
        with_menu(mainPrompt="#ssml[<speak>a]"),
        f"{MENU_0}.mainPrompt",
    ),
    "a locale of old": (
        action("park", locale="zn-CN"),
        action("park", locale="zn-CN"),
        "action.locale",
    ),
    "park dialTimeout": (
        {"name": "park", "dialTimeout": 60},
        {"name": "park", "maxDuration": 60},
        "action.dialTimeout",
    ),
    "dtmfMode": (
        {"name": "connectConf", "conferenceId": "a", "dtmfMode": "Forward"},
        {"name": "connectConf", "conferenceId": "a", "conferenceDtmfOptions": {"mode": "forward"}},
        "action.dtmfMode",
    ),
    "Music1": (
        action("connectConf", moh="Music1"),
        action("connectConf", moh="music1"),
        "action.moh",
    ),
    "conferenceType": (
        action("connectConf", conferenceType="twopart"),
        action("connectConf"),
        "action.conferenceType",
    ),
    "a user of 129": (
        action("connectMxp", destination={"type": "username", "endpoint": "u" * 129}),
        action("connectMxp", destination={"type": "username", "endpoint": "u" * 129}),
        "action.destination.endpoint",
    ),
    "hangupCause": ({"name": "hangup", "hangupCause": 0}, {"name": "hangup"}, "action.hangupCause"),
    "tags": ({"name": "hangup", "tags": []}, {"name": "hangup"}, "action.tags"),
    "the same twice": (
        {"name": "connectPstn", "CLI": "private", "cli": "+46700000001"},
        {"name": "connectPstn", "cli": "+46700000001"},
        "action.cli",
    ),
}
SPELLED_INSTRUCTIONS: dict[str, Spelled] = {
    "Say": ({"name": "Say", "Text": "Hi"}, {"name": "say", "text": "Hi"}, "instructions[0].name"),
    "playfiles": (
        {"name": "playfiles", "ids": ["a.mp3"]},
        {"name": "playFiles", "ids": ["a.mp3"]},
        "instructions[0].name",
    ),
    "SetCookie": (
        instruction("setCookie") | {"name": "SetCookie"},
        instruction("setCookie"),
        "instructions[0].name",
    ),
    "say of a number": (
        {"name": "say", "text": 17},
        {"name": "say", "text": "17"},
        "instructions[0].text",
    ),
    "say of nothing": ({"name": "say"}, {"name": "say", "text": ""}, "instructions[0]"),
    "nothing to play": (
        {"name": "playFiles", "ids": []},
        {"name": "playFiles", "ids": []},
        "instructions[0].ids",
    ),
    "a cookie without value": (
        {"name": "setCookie", "key": "a"},
        {"name": "setCookie", "key": "a", "value": ""},
        "instructions[0]",
    ),
    "options.destination": (
        {"name": "startRecording", "options": {"destination": "s3://b"}},
        {"name": "startRecording", "options": {"destinationUrl": "s3://b"}},
        "instructions[0].options.destination",
    ),
    "sdrive": (
        {"name": "startRecording", "options": {"destinationUrl": "sdrive://b"}},
        {"name": "startRecording", "options": {"destinationUrl": "sdrive://b"}},
        "instructions[0].options.destinationUrl",
    ),
    "no destination": (
        {"name": "startRecording", "options": {}},
        {"name": "startRecording", "options": {"destinationUrl": ""}},
        "instructions[0].options",
    ),
    "no options": (
        {"name": "startRecording"},
        {"name": "startRecording", "options": {"destinationUrl": ""}},
        "instructions[0]",
    ),
}
