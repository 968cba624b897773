"""The checks over whole programs: each case is a project and the problems it has, as code
line:column.
"""

import re

import pytest

from flowengine.compile.checks.cookie_size import FACT_BYTES as COOKIE_FACTS
from flowengine.compile.checks.cookie_size import compute_cookie_bytes, compute_worst_case
from flowengine.limits import MAX_SUBFLOW_DEPTH
from flowengine.runtime import cookie
from flowengine.runtime.call_state import Call, Frame, encode_call
from tests.compile.project_texts import compiled

CASES = {
    "a lookup again and again, over a state that only says something": (
        """\
# project.yaml
project: acme
services: {crm: {url: https://crm.example.com}}
# main.yaml
flow: line
start: a
vars: {tries: {type: integer}}
states:
  a: {fetch: {service: crm, get: /a, on: {timeout: b}, failed: c}, next: c}
  b: {say: One moment., next: a}
  c: {hangup: }
""",
        ["FE902 3:8", "FE951 5:52"],
    ),
    "a lookup again at once": (
        """\
# project.yaml
project: acme
services: {crm: {url: https://crm.example.com}}
# main.yaml
flow: line
start: a
vars: {tries: {type: integer}}
states:
  a: {fetch: {service: crm, get: /a, failed: a}, next: c}
  c: {hangup: }
""",
        ["FE902 3:8", "FE951 5:46"],
    ),
    "a lookup again with a count, after a question, or after an answer": (
        """\
# project.yaml
project: acme
services: {crm: {url: https://crm.example.com}}
# main.yaml
flow: line
start: a
vars: {tries: {type: integer}}
states:
  a: {fetch: {service: crm, get: /a, on: {404: d}, failed: b}, next: e}
  b: {set: {tries: "${vars.tries + 1}"}, choose: [{when: vars.tries < 3, next: a}, {next: c}]}
  c: {hangup: }
  d: {menu: {prompt: Press 1., options: {1: a}, otherwise: c}}
  e: {fetch: {service: crm, post: /b, failed: c}, next: a}
""",
        [],
    ),
    "an apology with a bare key, one that is too long, and an empty one": (
        f"""\
# project.yaml
project: acme
apology: {{en-US: "To try again, press #.", sv-SE: "{"Hej " * 151}"}}
# main.yaml
flow: line
start: a
states: {{a: {{hangup: }}}}
""",
        ["FE420 2:18", "FE410 2:51"],
    ),
    "an empty apology": (
        """\
# project.yaml
project: acme
apology: {en-US: "", sv-SE: "#"}
# main.yaml
flow: line
start: a
states: {a: {hangup: }}
""",
        [],
    ),
    "bare keys in values that are spoken, and in others": (
        """\
# project.yaml
project: acme
routes: [{flow: line}]
tables: {t: {rows: {a: {said: "Press *.", kept: "*"}, b: {said: star, kept: "#"}}}}
# main.yaml
flow: line
start: a
vars: {said: {type: text, default: "#"}, kept: {type: text, default: "#"}}
states:
  a: {say: "${vars.said}", next: b}
  b: {set: {said: "Press #", kept: "Press #"}, next: c}
  c: {say: "${vars.said}", next: d}
  d: {set: {said: "${tables.t.said(vars.kept)}"}, subflow: {flow: two, with: {it: "a #"}, outcomes: {ready: e}}, say: "${vars.said}"}
  e: {say: "${tables.t.kept(vars.kept) == '*' ? 'star' : 'hash'}", hangup: }
# two.yaml
flow: two
start: a
inputs: [it]
outcomes: [ready]
vars: {it: {type: text}}
states:
  a: {say: "It is ${vars.it}.", return: ready}
""",
        ["FE420 3:36", "FE420 6:19", "FE420 8:83", "FE420 3:31"],
    ),
    "unreachable: a chain of states is told at its first state": (
        """\
flow: line
start: welcome
states:
  welcome: {say: Hello., hangup: }
  lost: {say: Nobody hears this., next: more}
  more: {hangup: }
""",
        ["FE901 5:3"],
    ),
    "reached by a key that works everywhere, by an error and by an event": (
        """\
flow: line
start: main
keys: {9: agents, "*": repeat, "#": back}
error: sorry
on: {ended: over}
states:
  main:
    menu: {prompt: Press 1., options: {1: goodbye}, otherwise: goodbye}
  goodbye: {hangup: }
  agents: {connect: "+14045009000"}
  sorry: {say: Sorry., hangup: }
  over: {done: }
""",
        [],
    ),
    "a state that leads to itself": (
        """\
flow: line
start: welcome
vars: {n: {type: integer}}
states:
  welcome: {set: {n: "${vars.n + 1}"}, next: welcome}
""",
        ["FE230 5:3"],
    ),
    "a loop of subflows that never wait": (
        """\
# project.yaml
project: acme
routes: [{flow: line}]
# main.yaml
flow: line
start: welcome
states:
  welcome: {subflow: {flow: quick, outcomes: {ready: welcome}}}
# quick.yaml
flow: quick
start: off
outcomes: [ready]
states:
  off: {return: ready}
""",
        ["FE230 4:3"],
    ),
    "a loop through a subflow that asks leads out when the subflow hangs up": (
        """\
# project.yaml
project: acme
routes: [{flow: line}]
# main.yaml
flow: line
start: welcome
states:
  welcome: {subflow: {flow: ask, outcomes: {again: welcome}}}
# ask.yaml
flow: ask
start: main
outcomes: [again]
states:
  main:
    menu: {prompt: Press 1., options: {1: once_more}, otherwise: goodbye}
  once_more: {return: again}
  goodbye: {hangup: }
""",
        [],
    ),
    "trapped behind a door that closes": (
        """\
flow: line
start: door
states:
  door:
    menu: {prompt: Press 1., options: {1: room}, otherwise: goodbye}
  room:
    menu: {prompt: Press 1., options: {1: room, 2: repeat}, otherwise: room}
  goodbye: {hangup: }
""",
        ["FE231 6:3"],
    ),
    "a wait is asked again until an answer leads out, and a silent caller for ever": (
        """\
flow: line
start: door
states:
  door:
    menu: {prompt: Press 1., options: {1: goodbye}, otherwise: door}
  goodbye: {hangup: }
""",
        ["FE912 5:64"],
    ),
    "a silent caller for ever, though others are not": (
        """\
flow: line
start: door
states:
  door:
    menu: {prompt: Press 1., options: {1: goodbye}, silent: door, otherwise: goodbye}
  goodbye: {hangup: }
""",
        ["FE912 5:61"],
    ),
    "a caller who presses wrong keys may be asked for ever": (
        """\
flow: line
start: door
states:
  door:
    menu: {prompt: Press 1., options: {1: goodbye}, silent: goodbye, otherwise: door}
  goodbye: {hangup: }
""",
        [],
    ),
    "an exit for silence that is no other than that of the rest": (
        """\
flow: line
start: door
states:
  door:
    menu: {prompt: Press 1., options: {1: goodbye}, silent: goodbye, otherwise: goodbye}
  goodbye: {hangup: }
""",
        ["FE936 5:53"],
    ),
    "continue on an incoming call, park after a key": (
        """\
flow: line
start: door
states:
  door:
    menu: {prompt: Press 1., options: {1: wait}, otherwise: wait}
  wait: {park: {limit: 1m}}
""",
        ["FE401 6:10"],
    ),
    "continue on an incoming call": (
        "flow: line\nstart: on_you_go\nstates:\n  on_you_go: {continue: }\n",
        ["FE401 4:15"],
    ),
    "done is for events only": (
        "flow: line\nstart: ready\nstates:\n  ready: {done: }\n",
        ["FE401 4:11"],
    ),
    "an answered call joins a conference, but calls no phone": (
        """\
flow: line
on: {answered: who}
states:
  who: {choose: [{when: 'call.custom == "a"', next: room}, {next: agents}]}
  room: {connect: {conference: room}}
  agents: {connect: "+14045009000"}
""",
        ["FE401 6:12"],
    ),
    "whispering after the answer, recording before": (
        """\
flow: line
start: agents
states:
  agents: {answer: true, record: {to: "s3://calls/acme"}, connect: {phone: "+14045009000", answered: whisper}}
  whisper: {say: A support call., dtmf: "1", continue: }
""",
        ["FE402 5:35"],
    ),
    "the end of a call reports and looks up, a notice says nothing": (
        """\
# project.yaml
project: acme
services: {crm: {url: https://crm.example.com}}
# main.yaml
flow: line
start: bye
error: sorry
on: {ended: report, notified: {any: note}, pressed: keys}
states:
  bye: {connect: {conference: room, keys: {mode: detect}}}
  report: {report: {status: success}, fetch: {service: crm, get: /ended}, next: over}
  over: {done: }
  note: {report: {status: failure}, done: }
  keys: {hangup: }
  sorry: {say: Sorry., hangup: }
""",
        ["FE402 9:10", "FE401 10:10"],
    ),
    "a machine heard of late is a notice": (
        """\
flow: line
start: agents
states:
  agents: {connect: {phone: "+14045009000", detect: async, machine: note}}
  note: {say: Hello machine., done: }
""",
        ["FE402 5:10"],
    ),
    "a failed question is answered after a key": (
        """\
flow: line
start: main
states:
  main:
    menu: {prompt: Press 1., options: {1: goodbye}, otherwise: goodbye}
    error: alice
  alice: {connect: {app: alice}}
  goodbye: {hangup: }
""",
        ["FE401 7:11"],
    ),
    "asking again says answer: again": (
        """\
flow: line
start: main
states:
  main:
    answer: true
    menu: {prompt: Press 1., options: {1: goodbye, 2: repeat}, otherwise: goodbye}
  goodbye: {hangup: }
""",
        ["FE402 5:5"],
    ),
    "a subflow that asks comes back after a key press, one that does not comes back as it went": (
        """\
# project.yaml
project: acme
routes: [{flow: line}]
# main.yaml
flow: line
start: greet
states:
  greet: {subflow: {flow: hello, outcomes: {ready: pin}}}
  pin: {subflow: {flow: ask, outcomes: {ready: alice}}}
  alice: {connect: {app: alice}}
# hello.yaml
flow: hello
start: hello
outcomes: [ready]
states:
  hello: {say: Hello., answer: true, next: off}
  off: {return: ready}
# ask.yaml
flow: ask
start: main
outcomes: [ready]
states:
  main:
    menu: {prompt: Press 1., options: {1: off}, otherwise: off}
  off: {return: ready}
""",
        ["FE401 6:11"],
    ),
    "flows that call each other": (
        """\
# project.yaml
project: acme
routes: [{flow: a}]
# a.yaml
flow: a
start: call
outcomes: [ready]
states:
  call: {subflow: {flow: b, outcomes: {ready: off}}}
  off: {return: ready}
# b.yaml
flow: b
start: call
outcomes: [ready]
states:
  call: {subflow: {flow: a, outcomes: {ready: off}}}
  off: {return: ready}
""",
        ["FE232 5:26", "FE232 5:26"],
    ),
    "locales wherever they stand": (
        """\
flow: line
locale: sv-SE
start: welcome
vars: {locale: {type: text, default: xx-XX}}
states:
  welcome:
    locale: xx-YY
    say: [{text: {en-US: Hi., sv-SV: Hej.}, locale: en-us}, {text: "${vars.locale}", locale: de-DX}]
    next: text
  text: {set: {locale: qq-QQ}, next: read}
  read: {say: "${vars.locale}", next: off}
  off: {hangup: }
""",
        ["FE904 7:13", "FE904 8:31", "FE904 8:94"],
    ),
    "long numbers that are spoken as they stand": (
        """\
flow: line
start: tell
vars: {account: {type: digits, max: 8, default: "12345678"}, code: {type: digits, default: "1"}}
states:
  tell:
    say: ["You call from ${call.from}.", {en-US: "From ${ call.redirected_from }.", sv-SE: Hej.}]
    next: sell
  sell: {say: "Account ${vars.account}, code ${vars.code}.", next: ask}
  ask:
    ring: {who: ["+14045009000"], accept: "A call from ${call.from}.", nobody: off}
  off: {say: {ssml: "<p>${call.from}</p>"}, hangup: }
""",
        ["FE461 6:28", "FE461 6:59", "FE461 8:26", "FE461 8:48", "FE461 10:58", "FE461 11:27"],
    ),
    "long numbers that are spoken digit by digit, short ones, and numbers that are not spoken": (
        """\
flow: line
start: tell
vars: {account: {type: digits, max: 16}, room: {type: digits, max: 4, default: "12"}}
states:
  tell:
    say: ["${spell(call.from)}, ${spell(vars.account)}", "Room ${vars.room}."]
    set: {account: "${call.from}"}
    next: mark
  mark: {say: {ssml: "<say-as interpret-as='telephone'>${call.from}</say-as>"}, next: go}
  go:
    choose:
      - {when: vars.account == "12345678", next: sip}
      - {next: sip}
  sip: {connect: {sip: desk@pbx.example.com, headers: {X-From: "${call.from}"}}}
""",
        [],
    ),
    "a dialled number in another spelling": (
        """\
# project.yaml
project: acme
routes:
  - {origin: mxp, type: username, flow: app}
  - {flow: line}
# line.yaml
flow: line
start: welcome
states:
  welcome:
    choose:
      - {when: 'call.to == "14045550100"', next: other}
      - {when: 'call.to == "+14045550100" || call.to == "1234"', next: other}
      - {when: 'call.to in ["+14045550101", "+1 404 555 0102"]', next: other}
      - {when: 'call.to == "support" || call.to == "14045550100@pbx.example.com"', next: other}
      - next: other
  other: {hangup: }
# app.yaml
flow: app
start: welcome
states:
  welcome:
    choose:
      - {when: 'call.to == "14045550100"', next: other}
      - {when: '"+1 (404) 555-0103" == call.to', next: other}
      - next: other
  other: {hangup: }
""",
        ["FE462 7:17", "FE462 6:28", "FE462 8:45"],
    ),
    "variables in the notation of another language": (
        """\
# project.yaml
project: acme
services: {crm: {url: "https://crm.example.com"}}
# line.yaml
flow: line
start: greet
vars: {name: {type: text, default: Ann}, room: {type: digits, max: 2, default: "12"}}
states:
  greet:
    say: [Hello $name., "Room { room }?", "You pay $5, {other}, $${name}, ${vars.name}."]
    next: look
  look:
    fetch: {service: crm, post: "/x/{room}/100%25", body: {a: "%name%", b: "${vars.room}"}, failed: off}
    next: off
  off: {note: "Says {name}.", hangup: }
""",
        ["FE463 6:17", "FE463 6:31", "FE463 9:37", "FE463 9:64"],
    ),
    "an option may lead where the key leads anyway": (
        """\
flow: line
start: main
keys: {0: agents, 9: goodbye}
states:
  main:
    menu: {prompt: Press 0., options: {0: {next: agents, hear: [agent]}, 9: {next: agents}}, otherwise: goodbye}
  agents: {connect: "+14045009000"}
  goodbye: {hangup: }
""",
        ["FE906 6:74"],
    ),
    "what is wrong already has no followers": (
        """\
flow: line
start: welcome
vars: {tier: {type: text}}
states:
  welcome: {say: "${vars.teir}", next: godbye}
  goodbye: {hangup: }
""",
        ["FE301 5:21", "FE203 5:40"],
    ),
    "silence and the question again are one answer": (
        f"""\
flow: line
start: main
states:
  main:
    menu: {{prompt: {"How are you? " * 45}, options: {{1: goodbye}}, no_input: {"We hear nothing. " * 30}, otherwise: goodbye}}
  goodbye: {{hangup: }}
""",
        ["FE404 5:5"],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_project_has_exactly_these_problems(name):
    text, expected = CASES[name]
    found = compiled(text).problems
    assert [
        f"{problem.code} {problem.span.line}:{problem.span.column}" for problem in found
    ] == expected, found


def test_problem_message_shows_the_path_and_the_cure():
    text, _ = CASES[
        "a subflow that asks comes back after a key press, one that does not comes back as it went"
    ]
    (problem,) = compiled(text).problems
    assert problem.message == (
        "alice cannot call an app user after a key press: greet (incoming call) -> outcome ready "
        "-> pin -> outcome ready -> "
        "alice (after a key press)"
    )
    assert problem.hint == "only possible on an incoming call; lead there before the first question"


def test_subflows_nest_as_deep_as_the_limit_and_no_deeper():
    def chain(depth):
        middle = [
            f"# f{i}.yaml\nflow: f{i}\nstart: call\noutcomes: [ready]\nstates:\n"
            f"  call: {{subflow: {{flow: f{i + 1}, outcomes: {{ready: off}}}}}}\n  off: "
            f"{{{'return: ready' if i else 'hangup: '}}}\n"
            for i in range(depth)
        ]
        last = f"# f{depth}.yaml\nflow: f{depth}\nstart: off\noutcomes: [ready]\nstates:\n  off: {{return: ready}}\n"
        return "# project.yaml\nproject: acme\nroutes: [{flow: f0}]\n" + "".join(middle) + last

    assert compiled(chain(MAX_SUBFLOW_DEPTH)).problems == ()
    (problem,) = compiled(chain(MAX_SUBFLOW_DEPTH + 1)).problems
    assert (problem.code, str(problem.span)) == ("FE233", "f0.yaml:5:26")


NESTED = """\
# project.yaml
project: acme
routes: [{flow: line}]
# main.yaml
flow: line
start: ask
on: {ended: report}
vars:
  account: {type: digits, max: 20}
  name: {type: text, max: 30, default: Åsa}
  tries: {type: integer}
  sure: {type: boolean}
  tier: {type: choice, choices: [gold, standard], default: gold}
  unread: {type: text, max: 200, default: x}
states:
  ask:
    collect: {prompt: Your number?, into: account, otherwise: use}
    next: use
  use: {subflow: {flow: pin, outcomes: {ready: say_all}}}
  say_all: {say: "${vars.name} ${vars.tries} ${vars.sure} ${vars.tier} ${vars.unread}", set: {tries: 1, sure: true}, next: told}
  told: {choose: [{when: vars.sure && vars.tries > 0, next: off}, {next: off}]}
  off: {hangup: }
  report: {report: {status: success, details: "${vars.account} from ${call.from}"}, done: }
# pin.yaml
flow: pin
start: main
vars:
  code: {type: digits, max: 8}
outcomes: [ready]
states:
  main:
    collect: {prompt: Your code?, into: code, otherwise: off}
    next: off
  off: {return: ready}
"""


def largest(program, name):
    if name in ("call.from", "call.to", "call.user", "call.origin"):
        return "x" * COOKIE_FACTS[name]
    variable = program.variables[name.removeprefix("vars.")]
    texts = {
        "digits": "9" * variable.size,
        "text": "\N{BELL}" * variable.size,
        "choice": "standard",
    }
    return {**texts, "integer": 2**62, "boolean": True}[variable.kind]


def test_cookie_worst_case_is_never_exceeded_and_close():
    programs = compiled(
        NESTED.replace("${call.from}", "${call.from} ${call.to} ${call.user} ${call.origin}")
    ).programs
    line, pin = programs["line"], programs["pin"]
    values = {name: largest(line, name) for name in line.live["use"]}
    inner = {name: largest(pin, name) for name in pin.live["main"]}
    call = Call(
        "0123456789ab",
        "pin",
        "main",
        "cmn-CN",
        inner,
        109,
        "main",
        2**31,
        (Frame("line", "use", values),),
        ended=False,
    )
    real = cookie.calculate_cookie_size(len(encode_call(call)))
    assert real <= compute_worst_case(programs)["pin", "main"] <= real + 72


def test_event_reads_are_live_wherever_the_call_waits():
    live = compiled(NESTED).programs["line"].live
    assert {"vars.account", "call.from"} <= live["off"]


def test_cookie_size_is_that_of_the_runtime():
    assert [compute_cookie_bytes(length) for length in range(2000)] == [
        cookie.calculate_cookie_size(length) for length in range(2000)
    ]


def test_too_much_for_a_cookie_names_the_largest_variables():
    (problem,) = compiled(NESTED.replace("max: 200", "max: 500")).problems
    assert problem.code == "FE908"
    assert "vars" not in problem.hint
    assert problem.hint.startswith("give the largest a smaller max: unread (")


def test_too_much_for_a_cookie_of_a_flow_that_needs_the_store_anyway_is_no_problem():
    flow = NESTED.replace("max: 200", "max: 500")
    called = flow.replace(
        "states:", "states:\n  sales: {ring: {who: ['+14045009001'], nobody: off}}", 1
    )
    assert called != flow
    assert "FE908" in [one.code for one in compiled(flow).problems]
    assert "FE908" not in [one.code for one in compiled(called).problems]
    without = [one.code for one in compiled(called, cookies_only=True).problems]
    assert {"FE403", "FE427"} <= {*without}


def test_too_much_for_a_cookie_names_no_value_without_a_max():
    text = "${call.from} ${call.to} ${call.user} ${call.sip} ${call.custom} ${call.failed_state}"
    flow = f"""\
# line.yaml
flow: line
start: first
vars: {{price: {{type: decimal}}, name: {{type: text, max: 120}}}}
states:
  first: {{collect: {{prompt: Who?, into: name, voice: true, otherwise: end}}, next: second}}
  second: {{collect: {{prompt: How much?, into: price, otherwise: end}}, next: end}}
  end: {{say: "${{vars.price}} ${{vars.name}} {text}", hangup: }}
"""
    (problem,) = [one for one in compiled(flow).problems if one.code == "FE908"]
    named = problem.hint.removeprefix("give the largest a smaller max: ")
    assert re.fullmatch(r"name \(\d+ bytes\)", named)
