"""What a lookup sends of values, and what a flow makes of the numbers that come back."""

import asyncio
import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st

from flowengine.compile import compile_project
from flowengine.expr import EscapeMode, EvalError, Scope, Type
from flowengine.runtime.step import resume, step
from flowengine.runtime.step_outcome import Outcome
from flowengine.server.fetch import LookupClient
from flowengine.states import LookupRequest, LookupResult
from flowengine.states.response_body import parse_body
from flowengine.svaml import encode_svaml
from tests.states.conversation import compiled, event
from tests.thoroughness import examples

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
SERVICES = {"services": {"crm": {"url": "https://crm.example.com"}}}


def first_step(case: Mapping[str, Any], environment: Mapping[str, str] | None = None) -> Outcome:
    made = compiled(case, environment)
    assert made.release is not None, made.problems
    return step(made.release, None, event("ice", {}), NOON)


def heard(case: Mapping[str, Any], content: bytes) -> str:
    waiting = first_step(case).waiting
    assert waiting is not None
    outcome = resume(waiting, LookupResult(200, parse_body(content)))
    return encode_svaml(outcome.instructions, outcome.action).decode()


def calculating(expression: str, kind: str = "integer") -> dict[str, Any]:
    return {
        "flow": {
            "vars": {"x": {"type": kind}},
            "states": {
                "first": {
                    "fetch": {
                        "service": "crm",
                        "get": "/n",
                        "into": {"x": expression},
                        "failed": "out",
                    },
                    "next": "told",
                },
                "told": {"say": "x is ${vars.x}.", "hangup": {}},
                "out": {"say": "Out.", "hangup": {}},
            },
        },
        "project": {
            **SERVICES,
            "tables": {"rooms": {"rows": {"1": {"floor": 7}}, "default": {"floor": 0}}},
        },
    }


@pytest.mark.parametrize("one", [b"1", b"1.0", b"1e0", b"10E-1"])
@pytest.mark.parametrize(
    ("expression", "result"),
    [
        ("body.n + 1", "2"),
        ("body.n == 1 ? 5 : 6", "5"),
        ("body.n in [1, 2] ? 5 : 6", "5"),
        ("body.n > 0 ? 5 : 6", "5"),
        ("body.list[body.n]", "4"),
        ("tables.rooms.floor(text(body.n))", "7"),
        ("{1: 3}[body.n]", "3"),
        ("integer(body.n)", "1"),
        ("body.n * 3 - 1", "2"),
    ],
)
def test_integer_of_an_answer_is_one_however_it_is_written(
    one: bytes, expression: str, result: str
) -> None:
    content = b'{"n": %b, "list": [3, 4]}' % one
    assert f"x is {result}." in heard(calculating(expression), content)


@pytest.mark.parametrize(
    ("number", "result"), [(b"2", "2.5"), (b"2.0", "2.5"), (b"2.5", "3.125"), (b"-4", "-5")]
)
@pytest.mark.parametrize("expression", ["body.n * 1.25", "1.25 * body.n", "body.n / 0.8"])
def test_decimal_arithmetic_takes_integers_of_an_answer(
    number: bytes, result: str, expression: str
) -> None:
    content = b'{"n": %b}' % number
    assert f"x is {result}." in heard(calculating(expression, "decimal"), content)


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (b"12345678901234567890123", "x is 12345678901234567890123."),
        (b"9223372036854775808", "x is 9223372036854775808."),
        (b"NaN", "x is ."),
        (b"1e999", "x is ."),
        (b"-Infinity", "x is ."),
    ],
)
def test_number_that_fits_no_variable_is_text_or_nothing(number: bytes, said: str) -> None:
    assert said in heard(calculating("body.n", "text"), b'{"n": %b}' % number)
    assert "Out." in heard(calculating("body.n"), b'{"n": %b}' % number)
    assert "Out." in heard(calculating("body.n / 0.0", "decimal"), b'{"n": %b}' % number)


class Echo(BaseHTTPRequestHandler):
    """Answers with the headers as bytes that it got, with the method and the body."""

    def do_POST(self) -> None:
        sent = {name: value.encode("latin-1").decode() for name, value in self.headers.items()}
        body = self.rfile.read(int(self.headers.get("content-length") or 0)).decode()
        found = [self.path, [[*pair] for pair in sent.items()], self.command, body]
        content = json.dumps(found).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_PATCH = do_DELETE = do_POST  # noqa: N815  # the names that http.server looks for

    def log_message(self, *_args: Any) -> None:
        pass


@pytest.fixture(scope="module")
def echo() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Echo)
    server.daemon_threads = True
    Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield f"127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def sending(
    echo: str, headers: Mapping[str, str], value: str, path: str = "/", **more: Any
) -> dict[str, Any]:
    return {
        "flow": {
            "vars": {"v": {"type": "text", "default": value}},
            "states": {
                "first": {
                    "fetch": {"service": "crm", "get": path, "headers": headers, **more},
                    "next": "out",
                },
                "out": {"hangup": {}},
            },
        },
        "project": {
            "secrets": {"key": "KEY"},
            "services": {
                "crm": {
                    "url": f"http://{echo}",
                    "private": True,
                    "headers": {"Authorization": "Bearer ${secrets.key}"},
                }
            },
        },
    }


def received(echo: str, case: Mapping[str, Any], key: str = "hush") -> tuple[str, dict[str, str]]:
    waiting = first_step(case, {"KEY": key}).waiting
    assert waiting is not None
    return sent(echo, waiting.request)


async def perform(echo: str, request: LookupRequest) -> LookupResult:
    client = LookupClient(lambda: {echo: True})
    found = await client(request, 5)
    await client.close()
    return found


def sent(echo: str, request: LookupRequest) -> tuple[str, dict[str, str]]:
    found = asyncio.run(perform(echo, request))
    assert found.status == 200, found
    path, headers, *_ = found.body
    names = [name.lower() for name, _ in headers]
    assert len(names) == len(set(names))
    return path, {name.lower(): value for name, value in headers}


@pytest.mark.parametrize(
    ("value", "arrives"),
    [
        ("Björn Åkesson", "Björn Åkesson"),
        ("  two blanks  ", "two blanks"),
        ("日本 ☎", "日本 ☎"),
        ("", ""),
        ("\u00a0\u202f", ""),
        ("a\r\nX-Evil: 1", "a  X-Evil: 1"),
        ("a\x00\x1b\x7f\x85\u2028b", "a     b"),
    ],
)
def test_header_with_any_value_arrives_on_one_line(echo: str, value: str, arrives: str) -> None:
    if "\0" in value:  # no variable can hold one; a header cannot either
        value = value.replace("\0", "\x01")
    case = sending(echo, {"X-Name": "${vars.v}"}, value)
    _, headers = received(echo, case)
    assert headers["x-name"] == arrives
    assert "x-evil" not in headers


@pytest.mark.parametrize("key", ["hush\n", " hush ", "hush\r\n"])
def test_secret_with_a_line_end_arrives_without(echo: str, key: str) -> None:
    """As secrets that were written to a file and read from it have."""
    _, headers = received(echo, sending(echo, {}, ""), key)
    assert headers["authorization"].split() == ["Bearer", "hush"]
    assert headers["authorization"] == headers["authorization"].strip()


def test_header_of_a_state_replaces_that_of_the_service_in_any_case(echo: str) -> None:
    _, headers = received(echo, sending(echo, {"AUTHORIZATION": "Basic x"}, ""))
    assert headers["authorization"] == "Basic x"


def test_content_type_of_an_author_replaces_ours_in_any_case(echo: str) -> None:
    case = sending(echo, {"Content-Type": "application/vnd.acme+json"}, "")
    fetch = case["flow"]["states"]["first"]["fetch"]
    fetch["post"] = fetch.pop("get")
    fetch["body"] = {"a": 1}
    _, headers = received(echo, case)
    assert headers["content-type"] == "application/vnd.acme+json"


@pytest.mark.parametrize("method", ["patch", "delete"])
@pytest.mark.parametrize("body", [{"a": [{"b": "${vars.v}"}, None, 2.5]}, [["${vars.v}"], {}]])
def test_nested_body_arrives_by_any_method(echo: str, method: str, body: Any) -> None:
    case = sending(echo, {}, 'x"é', body=body)
    fetch = case["flow"]["states"]["first"]["fetch"]
    fetch[method] = fetch.pop("get")
    fetch["into"] = {"v": "body[2]"}
    case["flow"]["states"]["out"] = {"say": "${vars.v}", "hangup": {}}
    waiting = first_step(case, {"KEY": "hush"}).waiting
    assert waiting is not None
    found = asyncio.run(perform(echo, waiting.request))
    outcome = resume(waiting, found)
    assert method.upper().encode() in encode_svaml(outcome.instructions, outcome.action)
    assert found.body[3] == json.dumps(body, separators=(",", ":"), ensure_ascii=False).replace(
        "${vars.v}", r"x\"é"
    )


BODIES = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**15), 10**15) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=8,
)


@given(st.dictionaries(st.text(max_size=3), BODIES, max_size=3) | st.lists(BODIES, max_size=3))
@settings(deadline=None, max_examples=examples(50))
def test_body_is_sent_as_it_is_written(body: Any) -> None:
    case = sending("crm.example.com", {}, "", body=body)
    fetch = case["flow"]["states"]["first"]["fetch"]
    fetch["post"] = fetch.pop("get")
    made = compiled(case, {"KEY": "hush"})
    if made.release is None:  # such as a character that no file can hold, or a ${
        reject()
    waiting = step(made.release, None, event("ice", {}), NOON).waiting
    assert waiting is not None
    assert json.loads(waiting.request.body) == body


@given(st.text(min_size=1, max_size=20).filter(lambda text: text not in (".", "..")))
@settings(deadline=None, max_examples=examples(50))
def test_value_in_a_path_or_query_stays_one_piece(echo: str, value: str) -> None:
    template = Scope({"vars.v": Type.TEXT}).compile_template(
        "/a/${vars.v}/b?c=${vars.v}&d=1", EscapeMode.URL
    )
    try:
        address = template.render({"vars.v": value})
    except EvalError:
        assert "\0" in value
        return
    path, _ = sent(echo, LookupRequest("crm", "GET", f"http://{echo}{address}", {}, b"", 1, 0))
    first, _, query = path.partition("?")
    assert first.count("/") == 3
    assert first.startswith("/a/")
    assert first.endswith("/b")
    assert query.count("&") == 1
    assert query.endswith("&d=1")
    assert path.isascii()


def test_half_of_a_surrogate_pair_in_a_path_is_no_apology() -> None:
    from flowengine.expr.escaping import escape_for_url

    assert escape_for_url("a\ud800") == "a%3F"


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"X A": "1"}, "FE510"),
        ({"X-Tier\n": "1"}, "FE510"),
        ({"": "1"}, "FE510"),
        ({"X-Ä": "1"}, "FE510"),
        ({"Content-Length": "5"}, "FE510"),
        ({"transfer-encoding": "chunked"}, "FE510"),
        ({"X-A": "1", "x-a": "2"}, "FE510"),
        ({"X-A": "one\ntwo"}, "FE511"),
        ({"X-A": "a\x1bb ${vars.v}"}, "FE511"),
    ],
)
@pytest.mark.parametrize("of", ["state", "service"])
def test_header_that_cannot_be_sent_is_refused(
    echo: str, headers: Mapping[str, str], code: str, of: str
) -> None:
    case = sending(echo, headers if of == "state" else {}, "x")
    if of == "service":
        headers = {name: value.replace("${vars.v}", "") for name, value in headers.items()}
        case["project"]["services"]["crm"]["headers"] = headers
    found = [problem.code for problem in compiled(case, {"KEY": "hush"}).problems]
    assert found.count(code) == 1
    assert not set(found) - {code, "FE902"}


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("https://crm.example.com?x=1", "FE513"),
        ("https://crm.example.com/v1#a", "FE513"),
        ("https://crm.example.com:99999", "FE513"),
        ("https://crm.example.com:abc/", "FE513"),
        ("https://[::1", "FE513"),
        ("https://crm example.com", "FE513"),
        ("https://:80", "FE513"),
        ("http://localhost:8080", "FE513"),
        ("http://10.0.0.5/v1", "FE513"),
        ("https://[::1]", "FE513"),
        ("https://169.254.169.254", "FE513"),
    ],
)
def test_address_of_a_service_that_cannot_be_asked_is_refused(
    echo: str, url: str, code: str
) -> None:
    case = sending(echo, {}, "x")
    case["project"]["services"]["crm"] |= {"url": url, "private": False}
    found = [problem.code for problem in compiled(case, {"KEY": "hush"}).problems]
    assert found.count(code) == 1


def test_private_address_of_a_service_that_is_declared_private_is_fine(echo: str) -> None:
    case = sending(echo, {}, "x")
    case["project"]["services"]["crm"] |= {"url": "http://10.0.0.5/v1", "private": True}
    assert "FE513" not in [problem.code for problem in compiled(case, {"KEY": "hush"}).problems]


@pytest.mark.parametrize("path", ["/a#${vars.v}", "/a\nb", "/a\tb"])
def test_path_that_cannot_be_sent_is_refused(echo: str, path: str) -> None:
    found = [p.code for p in compiled(sending(echo, {}, "x", path), {"KEY": "hush"}).problems]
    assert found.count("FE512") == 1


def test_open_circuit_takes_the_exit_of_the_lookup_that_opened_it() -> None:
    case = {
        "states": {
            "first": {
                "fetch": {"service": "crm", "get": "/x", "on": {"timeout": "late"}, "failed": "no"},
                "next": "fine",
            },
            "late": {"say": "Late.", "hangup": {}},
            "no": {"say": "Failed.", "hangup": {}},
            "fine": {"hangup": {}},
        },
        "project": SERVICES,
    }
    for error, said in (("timeout", "Late."), ("refused", "Failed."), ("connection", "Failed.")):
        waiting = first_step(case).waiting
        assert waiting is not None
        outcome = resume(waiting, LookupResult(0, error=f"circuit open: {error}"))
        assert said.encode() in encode_svaml(outcome.instructions, outcome.action)
        notes = [entry.what for entry in outcome.trace]
        assert f"fetch failed: circuit open: {error}" in notes


@pytest.mark.parametrize(("value", "codes"), [("null", []), ("~", []), ("''", []), ("", ["FE152"])])
def test_value_of_a_body_that_is_left_empty_is_an_error(value: str, codes: list[str]) -> None:
    flow = (
        "flow: line\nstart: first\nstates:\n  first:\n    fetch:\n      service: crm\n"
        f"      patch: /a\n      body:\n        a: [b, {{c: {value} }}]\n    next: out\n"
        "  out: {hangup: }\n"
    )
    project = b"project: test\nservices: {crm: {url: https://crm.example.com}}\n"
    found = compile_project({"line.yaml": flow.encode(), "project.yaml": project}, {}).problems
    assert [problem.code for problem in found] == codes
    assert all((one.span.line, one.span.column) == (9, 17) for one in found)
