"""JUnit XML: what Jenkins' junit-10.xsd (jenkinsci/xunit-plugin) allows, and well-formed whatever
names hold.
"""

import re
import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowengine.problems import Span
from flowengine.scenarios.conversation import TranscriptLine
from flowengine.scenarios.result import Failure, ScenarioResult
from flowengine.scenarios.scenario_report import SourceRenderer, to_junit

# The rules of junit-10.xsd for the elements that are written here: which attributes an element may
# have, which of them it must have, and which elements it may hold.
COUNTS = {"name", "time", "tests", "failures", "errors"}
ALLOWED = {
    "testsuites": COUNTS,
    "testsuite": {
        *COUNTS,
        *("group", "skipped", "timestamp", "hostname", "id", "package", "file", "log", "url"),
    },
    "testcase": {"name", "time", "classname", "group"},
    "failure": {"type", "message"},
}
REQUIRED = {
    "testsuites": set(),
    "testsuite": {"name", "tests", "failures", "errors"},
    "testcase": {"name"},
    "failure": set(),
}
HOLDS = {
    "testsuites": {"testsuite"},
    "testsuite": {"testsuite", "properties", "testcase", "system-out", "system-err"},
    "testcase": {"skipped", "error", "failure", "system-out", "system-err"},
    "failure": set(),
}
SUREFIRE_TIME = re.compile(r"(([0-9]{0,3},)*[0-9]{3}|[0-9]{0,3})*(\.[0-9]{0,3})?")


def check_element(element):
    name, attributes = element.tag, set(element.attrib)
    assert attributes <= ALLOWED[name]
    assert attributes >= REQUIRED[name]
    assert {child.tag for child in element} <= HOLDS[name]
    if name != "testcase":
        assert SUREFIRE_TIME.fullmatch(element.get("time", ""))
    assert name == "failure" or not (element.text or "").strip()
    for child in element:
        check_element(child)


def result(flow, name, *, message="", seconds=0.25, file="scenarios/line.yaml"):
    span = Span(file, 3, 5, 3, 9)
    failures = (Failure(span, message, message, message),) if message else ()
    heard = (TranscriptLine(1.5, "caller", message),) if message else ()
    return ScenarioResult(flow, name, span, failures, heard, (), "main", span, seconds)


def reports(*results):
    return ET.fromstring(
        to_junit(results, SourceRenderer({"scenarios/line.yaml": b"a\nb\nc: d\n"}, "flows"))
    )


def test_junit_has_the_structure_of_jenkins_junit_10_xsd():
    root = reports(
        result("line", "it works", seconds=1234.5),
        result("line", "it fails", message="no"),
        result("other", "it works", file="scenarios/other.yaml"),
        result("other", "it works too", file="scenarios/more.yaml"),
    )
    check_element(root)
    assert [suite.get("id") for suite in root] == ["0", "1"]
    assert [suite.get("file") for suite in root] == ["flows/scenarios/line.yaml", None]
    assert (root.get("tests"), root.get("failures"), root.get("time")) == ("4", "1", "1235.250")


def test_junit_without_scenarios_has_the_structure_of_jenkins_junit_10_xsd():
    check_element(reports())


ODD = {
    "control characters": ("a\x00b\x1b[31mc\x7f", "a\ufffdb\ufffd[31mc\x7f"),
    "lone surrogate": ("a\ud800b\udfff", "a\ufffdb\ufffd"),
    "no characters": ("a\ufffeb\uffff", "a\ufffdb\ufffd"),
    "end of CDATA": ("a]]>b", "a]]>b"),
    "markup": ("<a href=\"b\">&amp; 'c' <!-- --> <?d?>", None),
    "beyond the first plane": ("😀 𐍈 \U0010ffff", None),
    "every blank": ("a\u00a0b\u202fc\u2028d\u200be", None),
    "line breaks": ("a\nb\tc\rd", None),
    "nothing": ("", None),
}


@pytest.mark.parametrize("row", ODD)
def test_junit_with_odd_names_is_well_formed_and_keeps_what_xml_can_hold(row):
    text, kept = ODD[row]
    kept = text if kept is None else kept
    root = reports(result(text, text, message=text or "no"))
    check_element(root)
    [[case]] = root
    assert (root[0].get("name"), case.get("name"), case.get("classname")) == (kept, kept, kept)
    assert case[0].get("message") == (kept or "no")


@given(st.text(alphabet=st.characters(exclude_categories=()), min_size=1))
def test_junit_is_well_formed_with_any_text(text):
    check_element(reports(result(text, text, message=text, file=text)))
