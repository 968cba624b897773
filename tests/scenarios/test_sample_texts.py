"""The first answer of a lookup that somebody is offered: each field has a value of its own."""

from flowengine.phone.lookup_answers import format_answer
from flowengine.scenarios.trial_inputs import TrialInputs
from tests.compiled_release import compile_release

FLOW = """\
flow: line
start: look
vars:
  first_name: {type: text}
  tier: {type: text, default: standard}
  status: {type: text}
  town: {type: text, max: 6}
  desk_phone: {type: text}
  pin: {type: text, default: hush, secret: true}
  amount: {type: decimal}
states:
  look:
    fetch:
      service: crm
      get: /
      into: {first_name: body.first, tier: body.tier, status: body.status, town: body.town,
        desk_phone: body.desk, pin: body.pin, amount: body.amount}
      failed: bye
    next: tell
  tell:
    choose:
      - {when: 'vars.status in ["sent", "lost"]', next: ring}
      - {when: vars.tier == "gold" && vars.pin != "", next: ring}
      - next: bye
  ring: {connect: {phone: "${vars.desk_phone}"}}
  bye: {say: "${vars.first_name} ${vars.town} ${vars.amount}", hangup: }
"""


def test_sample_answer_has_values_by_the_names_and_the_use_of_its_fields() -> None:
    files = {"project.yaml": 'project: p\nservices: {crm: {url: "https://a.example"}}\n'}
    release = compile_release(files | {"line.yaml": FLOW})
    inputs = TrialInputs.from_release(release, {})
    answers = inputs.list_answers(("line", "look"))
    assert format_answer(answers[0]) == (
        '200 {"first":"Ann","tier":"standard","status":"some status","town":"Spring",'
        '"desk":"+14045550123","pin":"some pin","amount":12.5}'
    )
    bodies = [answer["answer"] for answer in answers if "answer" in answer]
    assert {body["status"] for body in bodies} == {"some status", "sent", "lost"}
    assert {body["tier"] for body in bodies} == {"standard", "gold"}


def test_failed_answers_of_a_lookup_are_tried_in_the_same_order_each_time() -> None:
    files = {"project.yaml": 'project: p\nservices: {crm: {url: "https://a.example"}}\n'}
    exits = "on: {404: bye, 410: bye, 429: bye, 500: bye, 503: bye, timeout: bye}"
    flow = FLOW.replace("failed: bye", f"{exits}\n      failed: bye")
    release = compile_release(files | {"line.yaml": flow})
    answers = TrialInputs.from_release(release, {}).list_answers(("line", "look"))
    assert [answer for answer in answers if "answer" not in answer] == [
        *({"status": status} for status in (404, 410, 429, 500, 503)),
        {"fails": "timeout"},
        {"fails": "unreachable"},
    ]
