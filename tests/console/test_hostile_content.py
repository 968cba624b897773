"""What authors, callers and other systems write never becomes markup, whatever it is."""

import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flowengine.console.page_rendering import CONSOLE_FOLDER, PAGES
from tests.console.console_line import FLOW, create_client, write_flows
from tests.console.operated_line import create_operator, publish_line, record_calls, write_line
from tests.journal.journal_line import ended, press, ring
from tests.thoroughness import examples

MARK = "hostile"
HOSTILE = st.builds(
    "".join,
    st.lists(
        st.sampled_from(
            [
                *("<script>", f"<{MARK}>", "</pre>", "<!--", "-->", "]]>", "'", '"', "`", "&#60;"),
                *("<svg onload=x>", f'" {MARK}="', f"' {MARK}='", "{{", "}}", "{%", "\u2028", "é"),
                *(" ", "javascript:x", "</textarea>", "</title>", "=", "/>", "\\", "%3C", "&lt;"),
            ]
        ),
        min_size=1,
        max_size=8,
    ),
)
JINJA_TAG = re.compile(r"\{[{%#].*?[}%#]\}", re.DOTALL)
ROOT_TEMPLATES = sorted(path.name for path in (CONSOLE_FOLDER / "pages").glob("*.html"))


class MarkupReader(HTMLParser):
    """Notes elements and attributes that no template has."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.names: set[str] = set()
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.names |= {name for name, _ in attrs}
        self.links += [value or "" for name, value in attrs if name in ("href", "src")]


def read_markup(text: str) -> MarkupReader:
    reader = MarkupReader()
    reader.feed(text)
    return reader


def find_faults(text: str) -> list[str]:
    """Markup that came from what was written, and what the policy would stop."""
    read = read_markup(text)
    faults = [name for name in read.names if name.startswith("on") or name in (MARK, "style")]
    faults += [tag for tag in read.tags if tag in (MARK, "svg", "iframe", "style")]
    faults += [link for link in read.links if link.lower().startswith(("javascript:", "data:"))]
    faults += ["an inline script"] if "<script>" in text else []
    return faults


@settings(max_examples=examples(25), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(hostile=HOSTILE, name=HOSTILE)
def test_hostile_text_in_flows_is_text_on_their_pages(
    hostile: str, name: str, tmp_path: Path
) -> None:
    flows = write_flows(tmp_path / "flows")
    quoted = hostile.replace("'", "''")
    (flows / "line.yaml").write_text(
        FLOW.replace("1: greet", f"1: '{quoted}'").replace("Press 1", f"'{quoted}'")
    )
    client = create_client(flows)
    for path in ("/problems", f"/problems/{name.strip('/.') or 'x'}", f"/sign-in?to={hostile}"):
        answer = client.get(path, headers={"Accept": "text/html"})
        assert find_faults(answer.text) == [], path


def test_hostile_text_of_callers_is_text_on_pages_of_calls(tmp_path: Path) -> None:
    data, call = tmp_path / "data", "a call"
    hostile = f"'\"><script>x</script><{MARK} onload=x>{{{{ 7 * 7 }}}}"
    ringing = {**ring(call), "cli": hostile, "custom": hostile, "userId": hostile}
    publish_line(data)
    record_calls(data, [ringing, press(hostile, call), ended(call, hostile)])
    client = create_operator(write_line(tmp_path / "flows"), data)
    for path in (
        "/calls",
        f"/calls?number={hostile}&state={hostile}",
        f"/calls/{call}",
        "/live",
        f"/calls/{hostile}",
        "/releases",
        "/lines",
        "/problems",
    ):
        answer = client.get(path, headers={"Accept": "text/html"})
        assert find_faults(answer.text.replace("<svg", "<g")) == [], path


def test_templates_escape_everything() -> None:
    assert PAGES.autoescape is True
    for name in ROOT_TEMPLATES:
        source = (CONSOLE_FOLDER / "pages" / name).read_text()
        assert "|safe" not in source.replace(" ", ""), name
        assert find_faults(JINJA_TAG.sub("", source)) == [], name


def test_scripts_make_no_markup_and_run_no_text() -> None:
    forbidden = ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(")
    for script in (CONSOLE_FOLDER / "static").glob("*.js"):
        code = "".join(
            line
            for line in script.read_text().splitlines(True)
            if not line.lstrip().startswith("//")
        )
        assert not [word for word in forbidden if word in code], script.name


def test_template_that_lacks_a_value_fails() -> None:
    jinja2: Any = pytest.importorskip("jinja2")
    with pytest.raises(jinja2.UndefinedError):
        PAGES.from_string("{{ nobody_gave_this }}").render()
