"""Expressions against what their names can hold."""

import json
from typing import Any

import pytest

from flowengine.compile import compile_project
from flowengine.compile.expression_names import list_name_types
from flowengine.compile.name_domains import build_domains
from flowengine.expr import ExprError, Scope
from flowengine.expr.value_domains import suggest_words
from flowengine.problems import Problem
from flowengine.sinch import decode, vocabulary
from flowengine.sinch.vocabulary import fold_word
from flowengine.states import Variable

VARIABLES = {
    "tier": {"type": "choice", "choices": ["gold", "silver"]},
    "n": {"type": "integer"},
    "m": {"type": "integer"},
    "k": {"type": "integer"},
    "d": {"type": "date"},
    "t": {"type": "text", "max": 20},
    "pin": {"type": "digits", "max": 4},
}

SAID = " ".join(f"${{spell(text(vars.{name}))}}" for name in VARIABLES)


def problems(expression: str, **more: Any) -> tuple[Problem, ...]:
    flow = {
        "flow": "line", "start": "a", "vars": VARIABLES, "inputs": list(VARIABLES), "locale": "en-GB", **more,
        "states": {
            "a": {"set": {"t": f"${{string({expression})}}"}, "next": "b", "locale": "fr-FR"},
            "b": {"say": SAID, "hangup": {}},
        },
    }  # fmt: skip
    made = compile_project(
        {"line.yaml": json.dumps(flow).encode(), "project.yaml": b"project: test"}, {}
    )
    # where an event can be is another check
    return tuple(problem for problem in made.problems if problem.code != "FE320")


@pytest.mark.parametrize(
    ("expression", "cure"),
    [
        ('event.result == "BUSY"', 'write "busy"'),
        ('"NO ANSWER" != event.result', 'write "noanswer"'),
        ('event.reason in ["callerhangup", "hung up"]', "it can be"),
        ('event.type == "Timeout"', 'write "timeout"'),
        ('event.amd == "human being"', 'write "human"'),
        ('event.amd_reason == "quiet"', "it can be"),
        ('event.input == "keys"', 'it can be "dtmf" or "voice"'),
        ('event.result.startsWith("ANS")', "it can be"),
        ('call.origin == "app"', "it can be"),
        ('now.weekday == "Monday"', 'write "monday"'),
        ('vars.tier == "platinum"', 'it can be "gold" or "silver"'),
        ('upper(event.result) == "busy"', 'write "BUSY"'),
        ('lower(event.result) == "no answer"', 'write "noanswer"'),
        ('trim(vars.tier) in ["platinum"]', 'it can be "gold" or "silver"'),
        ('"busy!" == event.result + "?"', "it can be"),
        ('(event.result == "busy" ? "a" : "b") == "c"', 'it can be "b" or "a"'),
        ('event.result.matches("^BUSY$")', 'write "busy"'),
        ('"BUSY" in [event.result]', 'write "busy"'),
        ('call.locale == "sv"', 'it can be "en-GB", "en-US" or "fr-FR"'),
        ('lower(call.locale) == "en-US"', 'write "en-us"'),
        ('call.locale.startsWith("sv")', "it can be"),
        ('now.date == "24/12/2026"', 'it looks like "2026-12-24"'),
        ('now.date != "2026-3-2"', 'write "2026-03-02"'),
        ('now.date == "2026-02-30"', 'it looks like "2026-12-24"'),
        ('now.date.endsWith("24.12")', "it looks like"),
        ('call.failure == "timout"', 'write "timeout"'),
        ('call.failure in ["status 503", "503"]', '"status 503"'),
        ('call.failure.startsWith("state ")', '"status 503"'),
        ('now.time < "9:00"', 'write "09:00"'),
        ('"17.30" <= now.time', 'write "17:30"'),
        ('now.time in ["09:00", "noon"]', 'it looks like "09:30"'),
        ('vars.d > "24 December"', "it looks like"),
        ('vars.pin == "12-34"', 'write "1234"'),
        ('call.from == "14045550100"', 'write "+14045550100"'),
        ('call.from in ["+1 (404) 555-0100"]', 'write "+14045550100"'),
        ('"0046701234567" != call.redirected_from', 'write "+46701234567"'),
        ('vars.pin == "123456"', "it looks like"),
        ('vars.t == "x" && (vars.n > 1 || vars.tier != "Gold")', 'write "gold"'),
    ],
)
def test_comparison_with_a_word_that_never_comes_is_an_error(expression: str, cure: str) -> None:
    found = problems(expression)
    assert [problem.code for problem in found] == ["FE315"], found
    assert cure in found[0].hint


@pytest.mark.parametrize(
    "expression",
    [
        'event.result == "busy"',
        'event.result == "" || vars.tier == ""',
        'call.failure in ["timeout", "status 404"] || call.failure.startsWith("status 5")',
        'vars.tier in ["gold", "silver"]',
        'vars.t == "platinum"',
        'event.reason.contains("hangup")',
        'now.weekday in ["saturday", "sunday"]',
        'upper(event.result) == "BUSY" || trim(event.reason) == ""',
        'lower(vars.t) == "Gold" || event.result + vars.t == "x"',
        'event.result.matches("^(busy|noanswer)$")',
        '"x" in [event.result, vars.t]',
        'call.locale in ["en-US", "fr-FR"] || call.locale.startsWith("en")',
        'now.date == "2026-12-24" || now.date > "2026-12" || now.date < "2027"',
        'now.date.endsWith("-12-24") || now.date.contains("-12-") || vars.d == ""',
        'now.time >= "09:00" && now.time < "24:00" || now.time.startsWith("09")',
        'call.from in ["+14045550100", "112", "0701234567", ""] || call.from.startsWith("1404555")',
        'now.time.matches("^9") || vars.pin == "1234" || vars.pin.startsWith("46")',
    ],
)
def test_comparison_with_words_that_come_is_fine(expression: str) -> None:
    assert problems(expression) == ()


@pytest.mark.parametrize(
    ("other", "fine"),
    [
        ("{flow: two, start: a, states: {a: {hangup: }}}", False),
        ("{flow: two, start: a, locale: sv-SE, states: {a: {hangup: }}}", True),
        ("{flow: two, start: a, states: {a: {locale: sv-SE, hangup: }}}", True),
        (
            (
                "{flow: two, start: a, vars: {l: {type: choice, choices: [sv-SE], default: sv-SE}}, "
                "states: {a: {locale: '${vars.l}', hangup: }}}"
            ),
            True,
        ),
        ("{flow: two, start: a, states: {a: {locale: '${call.custom}', hangup: }}}", True),
        ("{flow: two, start: a, states: {a: {locale: sv-SE, hangup: never}}}", True),
    ],
)
def test_comparison_with_a_locale_knows_those_of_all_flows(other: str, fine: bool) -> None:
    flow = (
        "{flow: line, start: a, states: {a: {choose: "
        "[{when: 'call.locale == \"sv-SE\"', next: b}, {next: b}]}, b: {hangup: }}}"
    )
    made = compile_project(
        {
            "project.yaml": b"{project: test}",
            "line.yaml": flow.encode(),
            "two.yaml": other.encode(),
        },
        {},
    )
    assert ("FE315" not in [problem.code for problem in made.problems]) is fine


@pytest.mark.parametrize(
    ("expression", "cure"),
    [
        ("timestamp(now.date)", "days_between"),
        ('vars.t == "" && timestamp(vars.d) > timestamp("2026-01-01T00:00:00Z")', "days_between"),
        ("string(duration(now.time))", "90s"),
        ("int(vars.tier)", "digits"),
        ("vars.n / 0", "zero"),
        ("vars.n % 0 == 1", "zero"),
        ("vars.t == 'a' ? 1 / 0 : 1", "zero"),
        ('["a", "b"][2] == vars.t', "begins at 0"),
        ('now.date.split("-")[4]', "begins at 0"),
        ('parse_date(vars.d, "DDMMYYYY")', ""),
        ('now.date.matches("[")', ""),
    ],
)
def test_part_that_can_only_fail_is_an_error(expression: str, cure: str) -> None:
    found = problems(expression)
    assert [problem.code for problem in found] == ["FE310"], found
    assert cure in found[0].hint


@pytest.mark.parametrize(
    "expression",
    [
        'timestamp(now.date + "T" + now.time + ":00Z").getHours()',
        "1 / vars.n",
        "(vars.m + vars.k) / vars.n",
        "int(vars.t)",
        "timestamp(vars.t) > timestamp(vars.t)",
        '["a", "b"][vars.n]',
        '["a", "b"][vars.n - 4711]',
        "vars.n > 5000 ? 1 / (vars.n - 5001) : 2",
        "days_between(now.date, vars.d)",
        "age(vars.d, now.date)",
        'vars.t.split("-")[9]',
        "parse_date(vars.t, 'DD.MM.YYYY')",
        'int(now.date.split("-")[0]) % 2',
    ],
)
def test_part_that_may_have_a_value_is_fine(expression: str) -> None:
    assert problems(expression) == ()


def choice_problems(value: str) -> list[str]:
    """The problems of setting the variable `tier`, which is gold or silver, to this."""
    flow = {
        "flow": "line", "start": "a", "vars": VARIABLES, "inputs": list(VARIABLES),
        "states": {
            "a": {"set": {"tier": value}, "next": "b"},
            "b": {"fetch": {"service": "s", "get": "/", "into": {"tier": value[2:-1]}, "failed": "c"}, "next": "c"},
            "c": {"say": "${vars.tier}", "hangup": {}},
        },
    }  # fmt: skip
    project = b"{project: test, services: {s: {url: 'https://crm.example'}}}"
    made = compile_project({"line.yaml": json.dumps(flow).encode(), "project.yaml": project}, {})
    return [problem.message for problem in made.problems if problem.code == "FE315"]


@pytest.mark.parametrize(
    ("value", "word"),
    [
        ("${'Gold'}", "Gold"),
        ("${vars.n > 1 ? 'gold' : 'Silver'}", "Silver"),
        ("${vars.n > 1 ? 'gold' : vars.n > 0 ? 'bronze' : ''}", "bronze"),
        ("${call.origin}", "pstn"),
        ("${vars.n > 1 ? now.weekday : 'gold'}", "monday"),
    ],
)
def test_choice_set_to_what_is_none_of_its_choices_is_an_error(value: str, word: str) -> None:
    assert choice_problems(value) == [f'tier is never "{word}"'] * 2


@pytest.mark.parametrize(
    "value",
    [
        "${vars.n > 1 ? 'gold' : 'silver'}",
        "${vars.n > 1 ? 'gold' : ''}",
        "${vars.tier}",
        "${vars.t}",
        "${vars.t + 'gold'}",
    ],
)
def test_choice_set_to_what_may_be_one_of_its_choices_is_fine(value: str) -> None:
    assert choice_problems(value) == []


def test_notify_type_that_never_comes_is_an_error() -> None:
    found = problems("vars.t", on={"notified": {"recording_done": "b", "any": "b"}})
    assert "FE315" in [problem.code for problem in found]


def test_platform_words_are_their_own_spelling_and_compare() -> None:
    own = {
        "tier": Variable(
            "tier", "choice", list_name_types({}, {})["call.id"], 9, False, None, ("a b",)
        )
    }
    known = build_domains(own, {}, ())
    wide = list_name_types({"tier": own["tier"].type}, {})
    scope = Scope(wide).narrow(wide, known)
    for name, domain in known.items():
        for word in domain.words:
            scope.compile_condition(f'{name} == "{word}"')
            with pytest.raises(ExprError, match="never"):
                scope.compile_condition(f'{name} == "{word.upper()}"')
    for words in (vocabulary.RESULTS, vocabulary.REASONS, vocabulary.NOTICE_TYPES):
        assert [fold_word(word.upper()) for word in words] == list(words)
    assert suggest_words("A  B", ("a b",)) == 'write "a b"; it can be "a b"'


@pytest.mark.parametrize(
    ("wire", "word"),
    [("NOANSWER", "noanswer"), ("NO ANSWER", "noanswer"), ("N/A", "n/a"), ("Novel", "novel")],
)
def test_result_of_an_ended_call_is_folded(wire: str, word: str) -> None:
    body = {"event": "dice", "callid": "1", "result": wire, "reason": wire}
    event: Any = decode(json.dumps(body).encode())
    assert (event.result, event.reason) == (word, word)
