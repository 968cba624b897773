"""Whatever a backend answers, it is read: without an exception, with a cure for each finding, and
once and for all.
"""

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from flowengine import svaml
from flowengine.switch.reading import read_answer
from flowengine.switch.reading.context_rules import ALLOWED_ACTIONS as CONTEXTS
from flowengine.switch.switch_settings import SwitchSettings
from tests.switch.reading.reading_cases import ACTIONS, INSTRUCTIONS, action, instruction
from tests.thoroughness import examples

CONTEXT = st.sampled_from(sorted(CONTEXTS))
WORDS = [
    "",
    "1",
    "true",
    "main",
    "return(1)",
    "menu(main)",
    "private",
    "+46700000001",
    "ring",
    "#tts[a]",
    "sip",
    "ä" * 700,
    "\ud800",
]
PROPERTIES = [
    "name",
    "menus",
    "id",
    "options",
    "dtmf",
    "action",
    "destination",
    "type",
    "endpoint",
    "record",
    "recordingOptions",
]
PROPERTIES += [
    "callHeaders",
    "key",
    "value",
    "ids",
    "text",
    "locale",
    "amd",
    "maxDuration",
    "dtmfMode",
    "Name",
    "MENUS",
    "odd",
]
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.sampled_from(WORDS)
    | st.text(max_size=8)
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(PROPERTIES), inner, max_size=4)
    ),
)
CHANGES = st.dictionaries(st.sampled_from(PROPERTIES), VALUES, max_size=3)
SOME_INSTRUCTION = st.builds(
    lambda name, more: {**instruction(name), **more}, st.sampled_from(sorted(INSTRUCTIONS)), CHANGES
)
SOME_ACTION = st.builds(
    lambda name, more: {**action(name), **more}, st.sampled_from(sorted(ACTIONS)), CHANGES
)
ANSWERS = st.fixed_dictionaries(
    {},
    optional={
        "instructions": st.lists(SOME_INSTRUCTION, max_size=3) | VALUES,
        "action": SOME_ACTION | VALUES,
    },
)


@settings(deadline=None, max_examples=examples(300))
@given(
    st.binary(max_size=40) | (ANSWERS | VALUES).map(lambda value: json.dumps(value).encode()),
    CONTEXT,
    st.booleans(),
)
def test_body_of_any_kind_is_read_with_a_cure_for_each_finding(body, context, app_origin):
    reading = read_answer(body, context, SwitchSettings(), app_origin=app_origin)
    assert all(finding.message and finding.cure for finding in reading.illegal + reading.tolerated)


@settings(deadline=None, max_examples=examples(300))
@given(ANSWERS, CONTEXT)
def test_answer_that_was_read_reads_the_same_again(answer, context):
    reading = read_answer(json.dumps(answer).encode(), context, SwitchSettings())
    if not reading.illegal:
        again = read_answer(
            svaml.encode_svaml(reading.instructions, reading.action), context, SwitchSettings()
        )
        assert (again.instructions, again.action, again.illegal) == (
            reading.instructions,
            reading.action,
            (),
        )
