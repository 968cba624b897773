"""Section 2.9: signing, deadline, the fallback, and the way past a primary URL that keeps failing."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest

from flowengine.sinch import Verifier
from flowengine.switch.clock import VIRTUAL_START, VirtualClock
from flowengine.switch.switch_events import AnswerReceived, CallbackSent
from flowengine.switch.switch_settings import SwitchSettings
from flowengine.switch.switch_setup import SwitchApplication
from flowengine.switch.wire import CallbackSender, DirectTransport, Response

PRIMARY, FALLBACK = "https://backend.example/sinch/a%20b?tenant=1", "https://other.example"
APPLICATION = SwitchApplication("f00dcafe", "BeIukql3pTKJ8RGL5zo0DA==", PRIMARY, FALLBACK)
OK = Response(200, {}, b"{}")
BODY = b'{"event":"ice"}'


@dataclass
class Bench:
    """A delivery, a backend by URL, and all that can be seen of them"""

    answers: dict[str, list[Response | None] | Response | None] = field(default_factory=dict)
    settings: SwitchSettings = field(default_factory=SwitchSettings)
    proper: object = staticmethod(lambda _: True)
    clock: VirtualClock = field(default_factory=VirtualClock)
    sent: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    seen: list[object] = field(default_factory=list)
    done: list[tuple[Response | None, str, datetime]] = field(default_factory=list)

    def __post_init__(self):
        self.delivery = CallbackSender(
            self.clock, self.settings, DirectTransport(self.answer), self.seen.append
        )

    def answer(self, url, headers, body):
        self.sent.append((url, dict(headers), body))
        answers = self.answers.get(url, OK)
        return answers.pop(0) if isinstance(answers, list) else answers

    def send(self, application=APPLICATION, **more):
        def done(response, said):
            self.done.append((response, said, self.clock.now()))

        self.delivery.send(application, "call-1", "ice", BODY, done, is_valid=self.proper, **more)
        assert not self.done, "an answer must never come before send has returned"
        self.clock.run()
        return self.done.pop()[:2]

    @property
    def urls(self):
        return [url for url, _, _ in self.sent]


def test_callback_is_signed_for_the_path_that_it_goes_to():
    bench = Bench({PRIMARY: Response(500, {}, b"")})
    bench.send()
    verifier = Verifier({APPLICATION.key: APPLICATION.secret})
    for (_, headers, body), path in zip(bench.sent, (b"/sinch/a%20b", b"/"), strict=True):
        assert verifier.verify("POST", path, headers, body, VIRTUAL_START) == APPLICATION.key
        assert headers["authorization"].startswith("application f00dcafe:")
        assert headers["content-type"] == "application/json; charset=utf-8"
        assert headers["x-timestamp"].startswith("2026-03-02T09:00:00.000")
    assert len({headers["x-timestamp"] for _, headers, _ in bench.sent}) == 2, "sent twice"


def test_extra_headers_travel_along_but_sign_nothing_away():
    bench = Bench({PRIMARY: None})
    bench.send(extra_headers={"X-CB-Id": "17", "authorization": "none"})
    assert [headers["X-CB-Id"] for _, headers, _ in bench.sent] == ["17", "17"]
    assert all(headers["authorization"].startswith("application ") for _, headers, _ in bench.sent)


def test_answer_has_the_url_that_it_came_from():
    bench = Bench()
    assert bench.send() == (OK, PRIMARY)
    assert bench.seen == [CallbackSent("call-1", VIRTUAL_START, "ice", PRIMARY, BODY)]


FAILURES = {
    "status 500": (Response(500, {}, b"oops"), "answered with status 500", 500),
    "status 401": (Response(401, {}, b""), "answered with status 401", 401),
    "a redirect": (Response(302, {"location": "/"}, b""), "answered with status 302", 302),
    "no answer": (None, "no answer within 5 seconds", 0),
    "a reason": (
        Response(0, {}, b"", "could not be reached: refused"),
        "could not be reached: refused",
        0,
    ),
    "improper": (Response(200, {}, b"no"), "the answer is no proper SVAML", 200),
}


@pytest.mark.parametrize("row", FAILURES)
def test_failure_goes_to_the_fallback_once_with_the_same_body(row):
    response, why, status = FAILURES[row]
    bench = Bench({PRIMARY: response}, proper=lambda body: body != b"no")
    assert bench.send() == (OK, FALLBACK)
    assert bench.urls == [PRIMARY, FALLBACK]
    assert {body for _, _, body in bench.sent} == {BODY}
    asked, told, again = bench.seen
    assert (asked.url, again.url) == (PRIMARY, FALLBACK)
    assert told == AnswerReceived(
        "call-1", again.at, "ice", PRIMARY, status, response.body if response else b"", why, (), ()
    )


@pytest.mark.parametrize("row", FAILURES)
def test_failure_of_primary_and_fallback_is_no_answer(row):
    response, why, _ = FAILURES[row]
    bench = Bench({PRIMARY: None, FALLBACK: response}, proper=lambda body: body != b"no")
    assert bench.send() == (None, why)
    assert bench.urls == [PRIMARY, FALLBACK]
    assert [type(seen) for seen in bench.seen] == [
        CallbackSent,
        AnswerReceived,
        CallbackSent,
        AnswerReceived,
    ]


@pytest.mark.parametrize("status", [200, 201, 204, 299])
def test_status_2xx_is_an_answer(status):
    bench = Bench({PRIMARY: Response(status, {}, b"")})
    assert bench.send()[1] == PRIMARY


def test_without_fallback_there_is_one_attempt_and_no_bypass():
    bench = Bench({PRIMARY: None})
    for _ in range(5):
        assert bench.send(SwitchApplication("f00dcafe", "", PRIMARY))[0] is None
    assert bench.urls == [PRIMARY] * 5


def test_url_of_its_own_has_no_fallback():
    own = "https://callout.example/ice"
    bench = Bench({own: None})
    assert bench.send(url=own)[0] is None
    assert bench.urls == [own]


def test_application_without_a_url_is_sent_nothing():
    bench = Bench()
    assert bench.send(SwitchApplication("f00dcafe", "")) == (
        None,
        "the application has no callback URL",
    )
    assert bench.seen == bench.sent == []


def test_answers_take_their_time():
    bench = Bench({PRIMARY: Response(503, {}, b"")}, SwitchSettings(callback_seconds=2.0))
    bench.send()
    assert [seen.at - VIRTUAL_START for seen in bench.seen] == [
        timedelta(0),
        timedelta(seconds=2),
        timedelta(seconds=2),
    ]
    assert bench.clock.seconds == 4
    assert bench.sent[1][1]["x-timestamp"] == "2026-03-02T09:00:02.000Z"
    assert bench.sent[0][1]["authorization"] != bench.sent[1][1]["authorization"]


def test_answer_later_than_the_deadline_is_none():
    bench = Bench({}, SwitchSettings(callback_seconds=5.5, callback_timeout=5))
    assert bench.send() == (None, "no answer within 5 seconds")
    assert bench.clock.seconds == 10


def test_failing_primary_is_bypassed_probed_and_restored():
    bench = Bench({PRIMARY: None})
    for _ in range(4):
        bench.send()
    assert bench.urls == [PRIMARY, FALLBACK] * 3 + [FALLBACK]
    bench.sent.clear()
    bench.clock.advance(60)
    for _ in range(
        2
    ):  # the probe, which fails and goes on to the fallback, and the next minute of bypassing
        bench.send()
    assert bench.urls == [PRIMARY, FALLBACK, FALLBACK]
    bench.sent.clear()
    bench.clock.advance(60)
    bench.answers[PRIMARY] = OK
    for _ in range(2):
        assert bench.send() == (OK, PRIMARY)
    assert bench.urls == [PRIMARY, PRIMARY]


def test_primary_is_bypassed_only_after_failures_in_a_row():
    bench = Bench({PRIMARY: [None, None, OK, None, None, OK, None]})
    for _ in range(7):
        bench.send()
    assert bench.urls.count(PRIMARY) == 7


def test_while_bypassed_the_fallback_is_on_its_own():
    bench = Bench({PRIMARY: None, FALLBACK: None})
    for _ in range(3):
        bench.send()
    bench.sent.clear()
    assert bench.send()[0] is None
    assert bench.urls == [FALLBACK]


def test_new_primary_is_not_bypassed_for_the_old_one():
    bench = Bench({PRIMARY: None})
    for _ in range(3):
        bench.send()
    assert bench.send(SwitchApplication("f00dcafe", "", "https://new.example/", FALLBACK)) == (
        OK,
        "https://new.example/",
    )


def test_silence_lasts_until_the_deadline_also_in_virtual_time():
    late, refused = (
        Response(0, {}, b"", "no answer within 5 seconds", late=True),
        Response(0, {}, b"", "refused"),
    )
    for answer, seconds in ((None, 5), (late, 5), (refused, 0)):
        bench = Bench({PRIMARY: answer}, SwitchSettings(callback_timeout=5))
        assert bench.send() == (OK, FALLBACK)
        assert bench.clock.seconds == seconds
