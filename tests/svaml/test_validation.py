"""Answers: their bytes, and what is found wrong with them."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from flowengine import svaml
from flowengine.svaml import (
    AmdOptions,
    CallHeader,
    ConferenceDtmfOptions,
    ConnectConf,
    ConnectMxp,
    ConnectPstn,
    ConnectSip,
    ConnectStream,
    Continue,
    Hangup,
    Menu,
    MenuOption,
    Park,
    PlayFiles,
    RecordingOptions,
    ReportCallStatus,
    RunMenu,
    Say,
    SendDtmf,
    SetCookie,
    StartRecording,
    StopRecording,
    StreamingOptions,
    TranscriptionOptions,
    encode_fragment,
    encode_svaml,
    find_violations,
)

SCHEMA = json.loads((Path(__file__).parents[2] / "schemas" / "svaml.schema.json").read_text())
MENU = RunMenu(
    (
        Menu(
            "main",
            main_prompt="#tts[Hi]",
            options=(MenuOption("1", "return(a)"), MenuOption("*", "menu(more)")),
        ),
        Menu("more", max_digits=4),
    ),
    locale="en-US",
)
RECORD = StartRecording(
    RecordingOptions(
        "s3://bucket/dir", transcription_options=TranscriptionOptions(enabled=True, locale="en-US")
    )
)
INSTRUCTIONS = [
    Say("Hello.", "en-US"),
    PlayFiles(("#tts[Hi]", "#href[https://example.com/a.mp3]", "welcome.wav"), "en-US"),
    SendDtmf("1w#"),
    SetCookie("fe", "abc"),
    svaml.Answer(),
    RECORD,
    StopRecording(),
    ReportCallStatus("success", "well done"),
]
ACTIONS = [
    Hangup(),
    Continue(),
    ConnectPstn(
        "+46708123456",
        cli="private",
        max_duration=14400,
        dial_timeout=20,
        dtmf="ww1",
        indications="no",
        amd=AmdOptions(enabled=True, asynchronous=True),
    ),
    ConnectMxp(svaml.to_user_destination("anna"), (CallHeader("tier", "gold"),)),
    ConnectConf("room", ConferenceDtmfOptions("detect", max_digits=4), "music1"),
    ConnectSip(
        svaml.to_sip_destination("sip:gold@pbx.example.com:5061"),
        60,
        "+46708123456",
        "tls",
        suppress_callbacks=True,
        moh="ring",
    ),
    ConnectStream(
        svaml.to_stream_destination("wss://example.com/audio"), StreamingOptions(1, 44100), 60
    ),
    MENU,
    Park("en-US", "#tts[Wait]", "#href[https://example.com/a.mp3]", 600),
]


def name(value: Any) -> str:
    return value.__struct_config__.tag


def schema_errors(context: str, body: bytes) -> list[str]:
    validator = Draft202012Validator(SCHEMA | {"$ref": f"#/$defs/{context}"})
    return [error.message for error in validator.iter_errors(json.loads(body))]


def test_wire_spelling():
    body = encode_svaml([Say("Hello."), SetCookie("fe", "x")], MENU)
    assert json.loads(body) == {
        "instructions": [
            {"name": "say", "text": "Hello."},
            {"name": "setCookie", "key": "fe", "value": "x"},
        ],
        "action": {
            "name": "runMenu",
            "locale": "en-US",
            "mainMenu": "main",
            "menus": [
                {
                    "id": "main",
                    "mainPrompt": "#tts[Hi]",
                    "options": [
                        {"dtmf": "1", "action": "return(a)"},
                        {"dtmf": "*", "action": "menu(more)"},
                    ],
                },
                {"id": "more", "maxDigits": 4},
            ],
        },
    }
    assert encode_svaml([], Hangup()) == b'{"action":{"name":"hangup"}}'
    assert encode_svaml([], None) == b"{}"
    assert json.loads(encode_svaml([], ACTIONS[2]))["action"]["amd"] == {
        "enabled": True,
        "async": True,
    }
    assert json.loads(encode_svaml([], ConnectPstn(amd=AmdOptions(enabled=False))))["action"] == {
        "name": "connectPstn",
        "amd": {"enabled": False},
    }


@given(st.lists(st.sampled_from(INSTRUCTIONS)), st.sampled_from(ACTIONS), st.data())
def test_answers_are_read_back_and_fragments_change_no_byte(instructions, action, data):
    body = encode_svaml(instructions, action)
    mixed = [encode_fragment(item) if data.draw(st.booleans()) else item for item in instructions]
    assert encode_svaml(mixed, encode_fragment(action)) == body
    assert svaml.decode_svaml(body) == svaml.Svaml(tuple(instructions), action)


@pytest.mark.parametrize("context", ["ice", "ace", "pie", "dice", "notify"])
@pytest.mark.parametrize(
    "action", [*ACTIONS, None], ids=lambda value: name(value) if value else "none"
)
@pytest.mark.parametrize("instruction", INSTRUCTIONS, ids=name)
def test_legality_and_schema_agree(context, instruction, action):
    found = [
        text
        for text in find_violations(context, [instruction], action)
        if "connectMxp" not in text or "allowed" in text
    ]
    assert bool(found) == bool(schema_errors(context, encode_svaml([instruction], action)))
    legal = name(instruction) in svaml.LEGAL_INSTRUCTIONS[context]
    legal &= (
        name(action) in svaml.LEGAL_ACTIONS[context] if action else context in {"dice", "notify"}
    )
    assert legal == (not found)


def test_fragments_are_judged_too():
    assert find_violations("ace", [encode_fragment(SendDtmf("1"))], encode_fragment(Park())) == [
        "sendDtmf is not allowed in an answer to ace",
        "park is not allowed in an answer to ace",
    ]


BAD_INSTRUCTIONS = [
    Say("x" * 601),
    PlayFiles(()),
    PlayFiles(("#tts[Hi]",)),
    PlayFiles(("#tts[a;b]",), "en-US"),
    PlayFiles(("#tts[a]b]",), "en-US"),
    PlayFiles(("#href[ftp://x/a]",)),
    PlayFiles(("#href[https://example.com/ok]", "ftp://x/a")),
    PlayFiles(("#foo[x]",)),
    SendDtmf("*"),
    SetCookie("", "x"),
    SetCookie("k" * 51, "x"),
    SetCookie("k", "x" * 1024),
    StartRecording(RecordingOptions("https://example.com/a")),
]
BAD_ACTIONS = [
    ConnectPstn("46708123456"),
    ConnectPstn("+46708123456", cli="anna"),
    ConnectPstn("+46708123456", max_duration=14401),
    ConnectPstn("+46708123456", dial_timeout=0),
    ConnectPstn("+46708123456", dtmf="*"),
    ConnectPstn("+46708123456", indications="xx"),
    ConnectMxp(svaml.to_sip_destination("a@b")),
    ConnectMxp(svaml.to_user_destination("a"), (CallHeader("k", "v" * 1024),)),
    ConnectConf("x" * 65),
    ConnectConf(""),
    ConnectConf("x", moh="jazz"),
    ConnectSip(svaml.to_sip_destination("pbx.example.com")),
    ConnectSip(svaml.to_sip_destination("a@b"), transport="SCTP"),
    ConnectStream(svaml.to_stream_destination("ws://example.com")),
    Park(max_duration=601),
    Park(intro_prompt="#tts[Hi]"),
    RunMenu((Menu("other"),)),
    RunMenu((Menu("main"),), main_menu="other"),
    RunMenu((Menu("main"), Menu("main"))),
    RunMenu((Menu("main"), Menu("m" * 65))),
    RunMenu((Menu("main"),), enable_voice=True),
    RunMenu((Menu("main", timeout_mills=999),)),
    RunMenu((Menu("main", max_digits=0),)),
    RunMenu((Menu("main", options=(MenuOption("12", "return(a)"),)),)),
    RunMenu((Menu("main", options=(MenuOption("1", "return(a)"), MenuOption("1", "return(b)"))),)),
    RunMenu((Menu("main", options=(MenuOption("1", "menu(gone)"),)),)),
    RunMenu((Menu("main", options=(MenuOption("1", "go"),)),)),
    RunMenu((Menu("main", main_prompt="#tts[Hi]"),)),
]


@pytest.mark.parametrize("instruction", BAD_INSTRUCTIONS, ids=str)
def test_bad_instruction(instruction):
    assert len(find_violations("ice", [instruction], Hangup())) == 1


@pytest.mark.parametrize("action", BAD_ACTIONS, ids=str)
def test_bad_action(action):
    assert len(find_violations("ice", [], action)) == 1


@pytest.mark.parametrize(
    "report", [ReportCallStatus("maybe"), ReportCallStatus("success", "x" * 65)]
)
def test_bad_report(report):
    assert len(find_violations("dice", [report], None)) == 1


@pytest.mark.parametrize(
    ("instructions", "action", "message"),
    [
        (
            [Say("x" * 501), Say("x" * 500)],
            Hangup(),
            "1001 spoken characters; an answer may hold 1000",
        ),
        ([Say("x")] * 65, Hangup(), "65 prompt parts; an answer may hold 64"),
        ([SetCookie("a", "1"), SetCookie("b", "1")], Hangup(), "more than one cookie"),
        ([RECORD], ConnectMxp(), "startRecording is ignored together with connectMxp"),
        ([], None, "an answer to ice needs an action"),
        (
            [Say("x" * 600)],
            Park("en-US", hold_prompt=svaml.format_tts("x" * 401)),
            "1001 spoken characters; an answer may hold 1000",
        ),
    ],
)
def test_whole_answers(instructions, action, message):
    assert find_violations("ice", instructions, action) == [message]


def test_foreign_svaml_is_refused():
    with pytest.raises(msgspec.MsgspecError):
        svaml.decode_svaml(b'{"action":{"name":"fly"}}')
