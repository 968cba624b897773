"""Whatever stands in a file: a project, or a problem; never a traceback."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flowengine.importers.studio.studio_flow import MAX_STUDIO_WIDGETS
from flowengine.importers.studio.studio_project import import_studio
from flowengine.importers.studio.widget_table import WIDGET_CONSTRUCTS
from tests.importers.odd_json import build_values, check_odd_flows
from tests.thoroughness import examples

NASTY = [
    *("", " ", "yes", "null", "~", "1", "-1", "1e9", "007", "+46", "12:30", "09:30", "=", "<<", "&a"),
    *("${vars.x}", "$${", "${", "{{", "}}", "{{}}", "{%", "{% %}", "{{a|}}", "{{a||b}}", "{{ | x }}"),
    *("{{flow.variables.x}}", "{{flow.variables.in | upcase}}", "{{widgets.a.Digits}}", "{{a.b['c d'].e}}"),
    *("{{widgets.b.parsed[0].x.size}}", "{{widgets.c.parsed.a | plus: 1 | default: 'z'}}", "{{a", "b}}"),
    *("{% if flow.variables.x == 'a' and widgets.a.Digits > 3 or flow.data.y %}p{% else %}q{% endif %}",),
    *("{% if %}x{% endif %}", "{% if a == %}x", "{% endif %}", "{% case flow.variables.x %}{% when 'a', 1 %}b{% endcase %}"),
    *("{% assign x = flow.variables.y | minus: 2 %}{{x}}", "{% for a in b %}c{% endfor %}", "{{'now' | date: '%H:%M'}}"),
    *("{{flow.variables.x | split: ',' | last}}", "{{flow.variables.x | slice: -2, 2}}", "{{trigger.call.From}}"),
    *("{{flow.variables.x" + " | default: flow.variables.x" * 40 + "}}", "{{ '\" + x' }}", "{{trigger.parent.parameters.p}}"),
    *("<speak>{{flow.variables.x}}</speak>", "<break time='1s'/>", "<speak>", "<!-- -->", "x" * 700, "\x00\x1b"),
    *("\ud83d", "é\u2028\u0085", "😀", "!!null", "- a", "[beep]", "true", "false", "#", "*", "Polly.Joanna"),
    *("https://a.example.com/x", "https://u:p@h.com/", "http://localhost:99999", "https://[::1", "//a", "h.com:x/{{a.b}}"),
    *("https://{{flow.variables.x}}.com/y", "sip:a@b.c", "client:x", "(a", "(?<=a)b", "[a-z]+", "en-GB", "xx-YY", '{"a": "${b}"}'),
]  # fmt: skip
TEXTS = st.sampled_from(NASTY) | st.text(max_size=8)
VALUES = build_values(TEXTS)
NAMES = st.sampled_from(["a", "b", "c", "${x}", "yes", "A B", "a-b", "t"])
PAIRS = st.lists(st.fixed_dictionaries({"key": TEXTS, "value": TEXTS}), max_size=3) | VALUES
PROPERTIES = (
    *("say", "play", "voice", "language", "loop", "timeout", "number_of_digits", "finish_on_key"),
    *(
        "input",
        "url",
        "method",
        "content_type",
        "body",
        "to",
        "from",
        "noun",
        "caller_id",
        "record",
    ),
    *("queue_name", "workflow", "attributes", "max_length", "transcribe", "flow_sid", "digits"),
)
CONDITION_TYPES = (
    *("equal_to", "not_equal_to", "matches_any_of", "does_not_match_any_of", "is_blank", "regex"),
    *(
        "contains",
        "starts_with",
        "less_than",
        "greater_than",
        "is_before_time",
        "is_after_date",
        "odd",
    ),
)
CONDITIONS = st.fixed_dictionaries(
    {
        "type": st.sampled_from(CONDITION_TYPES),
        "arguments": st.lists(TEXTS, max_size=2),
        "value": TEXTS,
    }
)
EVENTS = (
    *("incomingCall", "incomingRequest", "incomingParent", "audioComplete", "keypress", "speech"),
    *(
        "timeout",
        "match",
        "noMatch",
        "next",
        "success",
        "failed",
        "fail",
        "callCompleted",
        "answered",
    ),
    *("recordingComplete", "noAudio", "completed", "callComplete", "failedToEnqueue"),
)
WAYS = st.fixed_dictionaries(
    {"event": st.sampled_from(EVENTS)},
    optional={"next": NAMES | VALUES, "conditions": st.lists(CONDITIONS | VALUES, max_size=2)},
)
WIDGETS = st.fixed_dictionaries(
    {
        "name": NAMES,
        "type": st.sampled_from([*WIDGET_CONSTRUCTS, "unknown", ""]),
        "properties": st.builds(
            lambda texts, pairs: texts | pairs if isinstance(texts, dict) else texts,
            st.dictionaries(st.sampled_from(PROPERTIES), TEXTS | VALUES, max_size=6) | VALUES,
            st.dictionaries(st.sampled_from(["variables", "parameters"]), PAIRS, max_size=2),
        ),
        "transitions": st.lists(WAYS | VALUES, max_size=4) | VALUES,
    }
)
TRIGGER = {"name": "t", "type": "trigger"}
FLOWS = st.builds(
    lambda widgets, events, first: {
        "states": [
            TRIGGER | {"transitions": [{"event": each, "next": first} for each in events]},
            *widgets,
        ]
    },
    st.lists(WIDGETS, min_size=1, max_size=7),
    st.lists(st.sampled_from(EVENTS[:3]), min_size=1, max_size=2),
    NAMES,
)


def import_one(content: bytes) -> Any:
    return import_studio({"hostile.json": content}, "imported")


@settings(max_examples=examples(100), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(FLOWS, min_size=1, max_size=2))
def test_import_of_odd_studio_flows_gives_files_of_right_shape(flows: list[Any]) -> None:
    check_odd_flows(import_studio, flows)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"[" * 100_000, "nested too deep"),
        (b'{"states": []}', 'no list "states"'),
        (b'{"states": [{"name": "a", "type": "say-play"}]}', 'no widget of the type "trigger"'),
        (json.dumps({"states": [{}] * (MAX_STUDIO_WIDGETS + 1)}).encode(), "at most 2,000"),
    ],
)
def test_import_of_a_file_that_is_no_studio_flow_says_why(content: bytes, told: str) -> None:
    result = import_one(content)
    assert told in result.problems["hostile.json"]
    assert not result.draft.flows


def test_import_of_an_api_answer_reads_the_definition_in_it() -> None:
    flow = {"states": [TRIGGER]}
    for definition, path in ((json.dumps(flow), "$.states[0]"), (flow, "$.definition.states[0]")):
        answer = json.dumps({"sid": "FW1", "definition": definition}).encode()
        (entry,) = import_one(answer).draft.report.entries
        assert entry.path == path


@pytest.mark.parametrize("piece", ["{{", "{%", "{% if x %}", "{{ a.b | default: 'c' }}", "{{a.b['"])
def test_import_of_a_text_full_of_liquid_ends(piece: str) -> None:
    say = {"name": "a", "type": "say-play", "properties": {"say": piece * 10_000}}
    ways = [{"event": "incomingCall", "next": "a"}]
    flow = {"states": [TRIGGER | {"transitions": ways}, say]}
    assert import_one(json.dumps(flow).encode()).draft.flows
