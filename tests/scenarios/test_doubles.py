"""Doubles are strict: they answer what they are for, as often as they are for it, and tell what
differs.
"""

from typing import Any

import pytest

from flowengine.scenarios.doubles import LookupDoubles, ServiceDouble
from flowengine.states import LookupRequest, LookupResult

CRM = {"crm": "https://crm.example.com/v1"}


def request(
    path: str = "/accounts/1", method: str = "GET", body: bytes = b"", **headers: str
) -> LookupRequest:
    return LookupRequest("crm", method, CRM["crm"] + path, headers, body, 2.0, 0)


def told(double: ServiceDouble, made: LookupRequest) -> str:
    lookups = LookupDoubles([double], CRM)
    assert lookups(made) == LookupResult(0, error="refused")
    return lookups.unexpected_requests[0][1]


GOOD = ServiceDouble("crm", "GET", "/accounts/1", answer={"name": "Ann"})


def test_double_answers_once_and_is_used_up() -> None:
    lookups = LookupDoubles([GOOD], CRM)
    assert lookups(request()) == LookupResult(200, {"name": "Ann"})
    assert lookups.unexpected_requests == []
    assert lookups(request()).error == "refused"
    assert [reason for _, reason in lookups.unexpected_requests] == ["it has been used up"]


def test_doubles_of_the_same_request_answer_one_after_the_other() -> None:
    lookups = LookupDoubles([GOOD, ServiceDouble("crm", "GET", "/accounts/1", status=404)], CRM)
    assert [lookups(request()).status for _ in range(2)] == [200, 404]


@pytest.mark.parametrize(
    ("times", "asked", "short"),
    [(1, 0, True), (2, 1, True), (2, 2, False), (0, 0, False), (0, 3, False)],
)
def test_double_asked_too_rarely_is_short(times: int, asked: int, short: bool) -> None:
    lookups = LookupDoubles([ServiceDouble("crm", "GET", "/accounts/*", times=times)], CRM)
    for _ in range(asked):
        assert lookups(request()).status == 200
    ((double, taken),) = lookups.count_uses()
    assert (taken < double.times) is short


DIFFERENCES: list[tuple[Any, LookupRequest, str]] = [
    (
        ServiceDouble("desk", "GET", "/accounts/1"),
        request(),
        "no lookup of this scenario is for crm",
    ),
    (ServiceDouble("crm", "PUT", "/accounts/1"), request(), "it expects PUT"),
    (ServiceDouble("crm", "GET", "/accounts/2"), request(), "it expects /accounts/2"),
    (ServiceDouble("crm", "GET", "/accounts/?"), request("/accounts/1"), "it expects /accounts/?"),
    (
        ServiceDouble("crm", "POST", "/a", body={"up": True}),
        request("/a", "POST", b'{"up":false}'),
        "it expects body.up true, not false",
    ),
    (
        ServiceDouble("crm", "POST", "/a", body={"up": True}),
        request("/a", "POST", b'{"up":1}'),
        "it expects body.up true, not 1",
    ),
    (
        ServiceDouble("crm", "POST", "/a", body={"up": 1}),
        request("/a", "POST", b'{"up":1,"down":2}'),
        "it expects no body.down",
    ),
    (
        ServiceDouble("crm", "POST", "/a", body={"id": "a*"}),
        request("/a", "POST", b'{"id":"b1"}'),
        'it expects body.id "a*", not "b1"',
    ),
    (
        ServiceDouble("crm", "PATCH", "/a", body={"l": [{"n": 1}, "x*"]}),
        request("/a", "PATCH", b'{"l":[{"n":1},"y"]}'),
        'it expects body.l[1] "x*", not "y"',
    ),
    (
        ServiceDouble("crm", "PATCH", "/a", body={"l": [{"n": 1}]}),
        request("/a", "PATCH", b'{"l":[{"n":1,"m":2}]}'),
        "it expects no body.l[0].m",
    ),
    (
        ServiceDouble("crm", "DELETE", "/a", body=[1]),
        request("/a", "DELETE", b"[1,2]"),
        "it expects 1 item in body, not 2",
    ),
    (
        ServiceDouble("crm", "PATCH", "/a", body={"n": {"m": None}}),
        request("/a", "PATCH", b'{"n":{}}'),
        "it expects body.n.m null, which is not there",
    ),
    (
        ServiceDouble("crm", "PATCH", "/a", body={"n": [1]}),
        request("/a", "PATCH", b'{"n":{"m":1}}'),
        'it expects body.n [1], not {"m":1}',
    ),
    (
        ServiceDouble("crm", "DELETE", "/a", body={"n": 1}),
        request("/a", "DELETE"),
        "it expects a body",
    ),
    (
        ServiceDouble("crm", "GET", "/accounts/1", headers={"X-Line": "a"}),
        request(**{"X-Line": "b"}),
        "it expects the header X-Line: a",
    ),
]


@pytest.mark.parametrize(
    ("double", "made", "expected"), DIFFERENCES, ids=[case[2] for case in DIFFERENCES]
)
def test_difference_to_a_double_is_reported(
    double: ServiceDouble, made: LookupRequest, expected: str
) -> None:
    assert told(double, made) == expected


def test_nearest_double_reports_the_difference() -> None:
    lookups = LookupDoubles(
        [ServiceDouble("crm", "PUT", "/x"), ServiceDouble("crm", "GET", "/accounts/2")], CRM
    )
    lookups(request())
    assert lookups.unexpected_requests[0][1] == "it expects /accounts/2"


def test_double_compares_values_at_any_depth() -> None:
    body = {"l": [{"n": "a*", "m": None}, ["*", True]], "o": {}}
    lookups = LookupDoubles([ServiceDouble("crm", "PATCH", "/a", body=body)], CRM)
    lookups(request("/a", "PATCH", b'{"o":{},"l":[{"m":null,"n":"ab"},[{"x":1},true]]}'))
    assert lookups.unexpected_requests == []


def test_double_takes_a_star_for_anything_and_headers_in_any_case() -> None:
    double = ServiceDouble(
        "crm",
        "POST",
        "/calls/*/notes",
        body={"call": "*", "n": 1},
        headers={"authorization": "Bearer *"},
    )
    lookups = LookupDoubles([double], CRM)
    lookups(request("/calls/abc/notes", "POST", b'{"call":"abc","n":1}', Authorization="Bearer x"))
    assert lookups.unexpected_requests == []
    assert str(lookups.made_requests[0]) == 'crm: POST /calls/abc/notes {"call":"abc","n":1}'


@pytest.mark.parametrize(
    ("fails", "error"), [("timeout", "timeout"), ("unreachable", "connection")]
)
def test_double_may_fail(fails: str, error: str) -> None:
    assert LookupDoubles([ServiceDouble("crm", "GET", "/accounts/1", fails=fails)], CRM)(
        request()
    ) == LookupResult(0, error=error)
