"""Slips and words of other languages: each has a cure in the words of this one."""

import pytest

from .project_texts import compiled

FRAME = """\
flow: main
start: a
states:
  a: {say: Hello., next: b}
  b: {%s}
"""
MENU = "menu: {prompt: Hi., options: {1: a}, otherwise: a, %s}"
COLLECT = "collect: {prompt: Hi., into: x, digits: 4, otherwise: a, %s}, next: a"
CONNECT = 'connect: {phone: "+14045550111", %s}'
RING = 'ring: {who: ["+14045550111", "+14045550112"], nobody: a, %s}'
QUEUE = "queue: {of: support, nobody: a, %s}"
GROUPS = '# project.yaml\nproject: p\ngroups: {support: {members: ["+14045550111"]}}\n'
KEYS = {
    'transfer: "+14045550111"': "write connect: and the number",
    "connect: 14045550111": 'a phone number has a + as well: "+14045550111"',
    "dial: x": "write connect: and the number",
    "play: x.wav": "write say: {audio: https://…}",
    "speak: Hello": "write say: and the text",
    "wait: 2s": "{pause: 2s}",
    "pause: 2": "{pause: 2s}",
    "goto: a": "use next:",
    "if: x": "write choose:",
    "else: x": "write choose:",
    "switch: x": "write choose:",
    "queue: x": "write {of: <group>, nobody: <state>}",
    "enqueue: x": "write queue: {of: <group>, nobody: <state>}",
    "sign_in: x": "write agent: {group: <group>, sign: in, unknown: <state>}",
    MENU % "empty: a": 'in a menu # is an option: "#": <state>',
    MENU.replace("1: a", "1: {next_flow: main}") % "attempts: 2": "do this in a state of its own",
    MENU.replace("1: a", "1: a, when: call.withheld") % "attempts: 2": "1: {next: main, when: …}",
    "next_flow: {flow: main, into: {x: y}}": "nothing comes back from that flow; use subflow:",
    "next_flow: {flow: main, with: {zip: 1}}": "remove it: the flow has no inputs:",
    QUEUE % "group: support": "use of:, the name of a group",
    QUEUE % "timeout: 20s": "use limit:, how long a caller waits",
    QUEUE % "every: 30s": "it belongs inside wait:",
    QUEUE % "say: Hello.": "use wait: {say: …}",
    QUEUE % "order: all at once": "a queue offers a call to one member at a time",
    QUEUE % "priority: 12": "write 0 to 9",
    QUEUE % "keys: {12: a}": "a key is one of 0-9 * #",
    QUEUE % "timed_out: a": "use too_long:",
    QUEUE % "wait: {say: Hi., interval: 30s}": "use every:",
    QUEUE % "wait: {say: 'It takes ${queue.wait}.'}": "write it in wait: {estimate: …}",
    QUEUE % "wait: {say: 'At ${queue.positon}.'}": "queue.position",
    QUEUE % "wait: {say: Hi., every: 5s}": "choose a time in that range",
    QUEUE % "limit: 9h": "choose a time in that range",
    "say: 'You are number ${queue.position}.', hangup: ": "wait: of a queue alone",
    "agent: {group: support, sign: on, unknown: a}, next: a": "write in",
    "agent: {of: support, sign: in, unknown: a}, next: a": "use group:",
    "gather: {}": "write menu: for choices by key or voice, collect: for digits",
    "busy: a": "the platform ends the call when the callee is busy",
    "no_answer: a": "use ring: in place of connect:, which has busy:, no_answer: and nobody:",
    "ring: 20s": "the time that a connect: rings belongs inside it",
    "hunt_group: x": "write ring: {who: [<number>, <number>], nobody: <state>}",
    RING % "strategy: hunt": "use order: all at once, in turn",
    RING % "order: simultaneous": "write all at once",
    RING % "order: round_robin": 'did you mean "round robin"?',
    RING % "timeout: 20s": "use each:, how long one phone rings",
    RING % "whisper: Hi.": "use accept:, what a member hears",
    RING % "otherwise: a": "use nobody:",
    RING % "accept: {prompt: Press 12., key: 12}": "a key is one of 0-9 * #",
    RING % "order: hunt": "write in turn",
    "record: {into: x}": "record_message: asks for a message and has into:",
    "say: {en-US: Hi., voice: male}": "{text: {en-US: …}}",
    "hangup: Goodbye.": "write hangup: with nothing behind it; what is said",
    "hangup: true": "write hangup: with nothing behind it",
    "next:a": "put a space after the colon: next: a",
    "choose: [{else: a}]": "write a last entry with next: alone",
    CONNECT % "timeout: 20s": "use ring:",
    CONNECT % "busy: a": "use ring: in place of connect:",
    MENU % "next: a": "each key under options: says where it leads",
    MENU % "retries: 2": "use attempts:",
    COLLECT % "next: a": "next: belongs one level further out, beside collect:",
    (COLLECT % "again: Hi.").replace("digits: 4", "digits: eight"): "write 8",
    (COLLECT % "again: Hi.").replace("digits: 4", "length: 4"): "use digits:",
    "say: Hi., next: \u201ca\u201d": "\u201c is no quote to YAML: write straight quotes",
    "next:\u00a0a": "a no-break space (U+00A0) follows the colon",
}


@pytest.mark.parametrize(("state", "hint"), KEYS.items(), ids=KEYS)
def test_state_with_a_slip_has_one_problem_with_its_cure(state: str, hint: str) -> None:
    (problem,) = compiled(FRAME % state + (GROUPS if "support" in state else "")).problems
    assert hint in problem.hint


def test_key_behind_a_no_break_space_is_told_so() -> None:
    text = "flow: main\nstart: a\nstates:\n  a:\n    \u00a0say: Hello.\n    hangup:\n"
    (problem,) = compiled(text).problems
    assert problem.hint == "it begins with a no-break space (U+00A0): write an ordinary space"


@pytest.mark.parametrize(
    ("kind", "hint"),
    [
        ("number", "write integer, or decimal"),
        ("string", "write text"),
        ("bool", "write boolean"),
        ("int", "write integer"),
        ("float", "write decimal"),
        ("enum", "write choice, and choices:"),
        ("list", "a variable holds one value"),
    ],
)
def test_type_of_another_language_names_the_type_that_is_meant(kind: str, hint: str) -> None:
    text = f"flow: main\nstart: a\nvars: {{x: {{type: {kind}}}}}\nstates: {{a: {{hangup: }}}}\n"
    (problem,) = compiled(text).problems
    assert hint in problem.hint


def test_empty_state_says_where_its_keys_are_written() -> None:
    (problem,) = compiled("flow: main\nstart: a\nstates:\n  a:\n").problems
    assert problem.message.startswith('"a" is empty')
    assert problem.hint == "write its keys on the lines below, indented further than its name"
