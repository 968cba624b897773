"""Whatever stands in a file: a project, or a problem; never a traceback."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flowengine.importers.connect.connect_project import import_connect
from flowengine.importers.connect.construct_table import CONSTRUCTS
from flowengine.importers.connect.flow_document import MAX_CONNECT_ACTIONS
from flowengine.importers.source_json import MAX_SOURCE_BYTES
from tests.importers.odd_json import build_values, check_odd_flows
from tests.thoroughness import examples

NASTY = [
    *("", " ", "yes", "null", "~", "on", "1", "-1", "1e9", "007", "+46", "12:30", "=", "<<", "&a"),
    *("${vars.x}", "$${", "${", "{{name}}", "$.Attributes.x", "$.External.a['b c'].d", "$.Lex.Slots.y"),
    *("$.StoredCustomerInput", "$.Attributes.${", "$.Attributes.in", "# no comment", "a: b", "'\""),
    *("<speak>$.External.m</speak>", "<speak>", "<!-- -->", '<a b="&amp;;"/>', "x" * 700, "\x00\x1b"),
    *("\ud83d", "é\u2028\u0085", "😀", "!!null", "- a", "[beep]", "True", "False", "Timeout", "*", "#"),
    *("ContinueLooping", "DoneLooping", "__proto__", "constructor", "../../etc/passwd", "C:\\x", "%41"),
    *("arn:aws:lambda:x:1:function:", "function", "en-US", "sv-SE", "Joanna", "https://a/b c;d"),
]  # fmt: skip
TEXTS = st.sampled_from(NASTY) | st.text(max_size=8)
VALUES = build_values(TEXTS)
IDENTIFIERS = st.sampled_from(["a", "b", "c", "${x}", "yes", "A B", "a-b"])
NUMBERS = ("LoopCount", "InputTimeLimitSeconds", "TimeLimitSeconds", "QueuePriority")
PARAMETERS = (
    *NUMBERS,
    *("Text", "SSML", "PromptId", "ComparisonValue", "QueueId", "HoursOfOperationId", "Messages"),
    *("Attributes", "FlowAttributes", "LambdaFunctionARN", "LambdaInvocationAttributes", "Media"),
    *("ContactFlowId", "FlowModuleId", "StoreInput", "InputValidation", "LexV2Bot", "CallerId"),
    *("ThirdPartyPhoneNumber", "ContinueFlowExecution", "CallbackNumber", "RecordingBehavior"),
    *("LanguageCode", "TextToSpeechVoice", "MetricType", "DTMFConfiguration", "InputEncryption"),
)
CONDITIONS = st.fixed_dictionaries(
    {
        "NextAction": IDENTIFIERS,
        "Condition": st.fixed_dictionaries(
            {
                "Operator": st.sampled_from(["Equals", "TextContains", "NumberLessThan", "Odd"]),
                "Operands": st.lists(TEXTS, max_size=2),
            }
        )
        | VALUES,
    }
)
ERRORS = st.fixed_dictionaries(
    {
        "ErrorType": st.sampled_from(["NoMatchingError", "NoMatchingCondition", "CallFailed"]),
        "NextAction": IDENTIFIERS,
    }
)
ACTIONS = st.fixed_dictionaries(
    {
        "Identifier": IDENTIFIERS,
        "Type": st.sampled_from([*CONSTRUCTS, "Unknown", ""]),
        "Parameters": st.dictionaries(st.sampled_from(PARAMETERS), VALUES, max_size=5) | VALUES,
        "Transitions": st.fixed_dictionaries(
            {
                "NextAction": IDENTIFIERS | VALUES,
                "Conditions": st.lists(CONDITIONS | VALUES, max_size=3),
                "Errors": st.lists(ERRORS | VALUES, max_size=3),
            }
        )
        | VALUES,
    }
)
FLOWS = st.fixed_dictionaries(
    {"StartAction": st.just("a"), "Actions": st.lists(ACTIONS, min_size=1, max_size=7)},
    optional={"Metadata": VALUES},
)


def import_one(content: bytes) -> Any:
    return import_connect({"hostile.json": content}, "imported")


@settings(max_examples=examples(100), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(FLOWS, min_size=1, max_size=2))
def test_import_of_odd_flows_gives_files_of_right_shape(flows: list[Any]) -> None:
    check_odd_flows(import_connect, flows)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"[" * 100_000, "nested too deep"),
        (b'{"a":' * 80 + b"1" + b"}" * 80, "nested too deep"),
        (b"9" * 6_000, "no JSON that can be read"),
        (b" " * (MAX_SOURCE_BYTES + 1), "at most 4,000,000 bytes are read"),
        (b"\xff\xfe", "no UTF-8 text, at byte 1"),
        (b'{"a": }', "line 1, column 7"),
        (b'{"modules": []}', "before 2020"),
        (b'{"Actions": []}', 'no list "Actions"'),
        (b'{"Actions": [{"Identifier": "a"}], "StartAction": "b"}', '"StartAction" names none'),
        (json.dumps({"Actions": [{}] * (MAX_CONNECT_ACTIONS + 1)}).encode(), "at most 2,000"),
    ],
)
def test_import_of_a_file_that_is_none_says_why(content: bytes, told: str) -> None:
    result = import_one(content)
    assert told in result.problems["hostile.json"]
    assert not result.draft.flows


def test_import_of_an_api_answer_reads_the_flow_in_it() -> None:
    flow = {"StartAction": "a", "Actions": [{"Identifier": "a", "Type": "DisconnectParticipant"}]}
    for content in (json.dumps(flow), flow):
        answer = json.dumps({"ContactFlow": {"Content": content}}).encode()
        assert import_one(answer).draft.report.count_conversions()["converted"] == 1


def test_import_of_a_large_flow_takes_each_action() -> None:
    count = MAX_CONNECT_ACTIONS // 10
    actions = [
        {
            "Identifier": str(number),
            "Type": "InvokeLambdaFunction",
            "Parameters": {"LambdaInvocationAttributes": {"a": f"$.External.v{number % 5}"}},
            "Transitions": {"NextAction": str((number * 7 + 1) % count)},
        }
        for number in range(count)
    ]
    result = import_one(json.dumps({"StartAction": "0", "Actions": actions}).encode())
    assert result.draft.report.count_conversions()["converted"] == count
