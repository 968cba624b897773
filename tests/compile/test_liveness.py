"""Which values travel with a waiting call."""

from tests.compile.project_texts import compiled

LINE = """\
# project.yaml
project: acme
services: {crm: {url: https://crm.example.com}}
recordings: {to: s3://acme/messages}
# line.yaml
flow: line
start: main
vars:
  name: {type: text, max: 100}
  number: {type: digits, max: 8}
  message: {type: text, max: 256}
states:
  main:
    menu: {prompt: Press 1 or 2 or 3., options: {1: look_up, 2: ask, 3: record}, otherwise: bye}
  look_up: {fetch: {service: crm, get: /name, into: {name: body.name}, failed: bye}, next: tell}
  tell: {say: "Hello ${vars.name}.", next: main}
  ask: {collect: {prompt: Your number., into: number, digits: 8, otherwise: bye}, next: keep}
  keep: {say: "It is ${spell(vars.number)}.", next: main}
  record: {record_message: {prompt: Please speak., into: message}, next: send}
  send:
    fetch: {service: crm, post: /messages, body: {file: "${vars.message}"}, failed: bye}
    next: main
  bye: {hangup: }
"""


def list_names_in_main(text: str) -> list[str]:
    line = compiled(text).programs["line"]
    return sorted(name for name in line.live["main"] if name.startswith("vars."))


def test_value_that_is_written_anew_before_it_is_read_does_not_travel():
    # a collect puts the old number back where an input is refused
    assert list_names_in_main(LINE) == ["vars.number"]


def test_value_that_the_exit_of_a_failed_lookup_reads_travels():
    failed = LINE.replace("failed: bye}, next: tell}", "failed: tell}, next: tell}")
    assert list_names_in_main(failed) == ["vars.name", "vars.number"]


def test_file_that_the_prompt_of_its_own_recording_plays_travels():
    played = LINE.replace("prompt: Please speak.", 'prompt: {audio: "${vars.message}"}')
    assert list_names_in_main(played) == ["vars.message", "vars.number"]
