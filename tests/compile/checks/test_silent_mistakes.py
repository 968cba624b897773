"""What would happen in silence is told: each case is a project and the problems it has, as code
line:column of the file main.yaml, or file code line:column of another.
"""

import pytest

from flowengine.compile import ProjectCompiler
from tests.compile.project_texts import compiled, files

LINE = "flow: line\nstart: a\n"
ASK = "menu: {prompt: To end press 1., options: {1: bye}, otherwise: bye}"
TWO = """\
# project.yaml
project: acme
routes: [%s]
# main.yaml
flow: line
start: a
%s
# two.yaml
flow: two
start: a
%s
"""
EVENT_VALUES = {
    "event.result outside on: ended": (
        LINE + "states:\n  a: {choose: [{when: 'event.result == \"busy\"', next: b}, {next: b}]}\n"
        "  b: {hangup: }\n",
        ["FE320 4:24"],
    ),
    "event.result after the end, also two states later": (
        LINE
        + "on: {ended: c}\nstates:\n  a: {hangup: }\n  c: {choose: [{when: 'true == true && event."
        'duration > 0\', next: d}, {next: d}]}\n  d: {report: {status: success, details: "${event.result}"}, done: }\n',
        [],
    ),
    "event.digits before any question, and in the first question itself": (
        LINE
        + 'states:\n  a: {say: "${event.digits}", menu: {prompt: "You pressed ${event.digits}", '
        'options: {1: b}, no_match: "${event.digits} is no choice", otherwise: b}}\n'
        '  b: {say: "${event.digits}", hangup: }\n',
        ["FE320 4:15", "FE320 4:61"],
    ),
    "event.digits asked once more": (
        LINE + "states:\n  a: {menu: {prompt: Press 1., options: {1: b}, otherwise: b}}\n"
        '  b: {menu: {prompt: "You pressed ${event.digits}. Press 1.", options: {1: c}, otherwise: c}}\n'
        "  c: {hangup: }\n",
        [],
    ),
    "event.amd without and with detection": (
        LINE + "states:\n  a: {menu: {prompt: Press 1., options: {1: b, 2: c}, otherwise: b}}\n"
        '  b: {connect: {phone: "+14045009000", answered: d}}\n'
        '  c: {connect: {phone: "+14045009000", answered: e, machine: e}}\n'
        '  d: {say: "It is ${event.amd}", continue: }\n'
        '  e: {say: "It is ${event.amd} as ${event.amd_reason}", continue: }\n',
        ["FE320 7:21"],
    ),
    "event.amd of a placed call": (
        'flow: line\non: {answered: a}\nstates:\n  a: {say: "It is ${event.amd}", hangup: }\n',
        [],
    ),
    "event.destination on a notice of a recording only": (
        LINE + "on: {notified: {recording_available: b, callingerror: c}}\nstates:\n"
        '  a: {record: {to: "s3://calls/acme"}, connect: "+14045009000"}\n'
        '  b: {choose: [{when: event.destination == "", next: d}, {next: d}]}\n'
        "  c: {choose: [{when: event.destination == event.error, next: d}, {next: d}]}\n"
        "  d: {done: }\n",
        ["FE320 7:23"],
    ),
    "any notice may be of a recording or of an error": (
        LINE + "on: {notified: {any: b}}\nstates:\n  a: {hangup: }\n"
        "  b: {choose: [{when: event.destination == event.error, next: d}, {next: d}]}\n"
        "  d: {done: }\n",
        [],
    ),
    "a subflow that is used before and after a question": (
        TWO
        % (
            "{flow: line}",
            (
                "states:\n  a: {subflow: {flow: two, outcomes: {ready: b}}}\n"
                "  b: {menu: {prompt: Press 1., options: {1: c}, otherwise: c}}\n"
                "  c: {subflow: {flow: two, outcomes: {ready: d}}}\n  d: {hangup: }"
            ),
            (
                'outcomes: [ready]\nstates:\n  a: {say: "${event.digits} ${event.result}", next: b}\n'
                "  b: {return: ready}"
            ),
        ),
        ["two.yaml FE320 5:31"],
    ),
    "after a subflow the event is the one that it ended with": (
        TWO
        % (
            "{flow: line}",
            (
                "states:\n  a: {subflow: {flow: two, outcomes: {asked: b, quick: c}}}\n"
                '  b: {say: "${event.digits}", hangup: }\n  c: {say: "${event.digits}", hangup: }'
            ),
            (
                "outcomes: [asked, quick]\nstates:\n"
                '  a: {choose: [{when: call.from == "", next: b}, {next: d}]}\n'
                "  b: {menu: {prompt: Press 1., options: {1: c}, otherwise: c}}\n"
                "  c: {return: asked}\n  d: {return: quick}"
            ),
        ),
        ["FE320 6:15"],
    ),
    "words of a caller that only look like a name of an event": (
        LINE + "states:\n  a: {say: The event.result is that event.digits are read., hangup: }\n",
        [],
    ),
    "keys in a conference": (
        LINE
        + "on: {pressed: b}\nstates:\n  a: {connect: {conference: room, keys: {mode: detect}}}\n"
        "  b: {choose: [{when: 'event.digits == \"1\"', next: c}, {next: c}]}\n  c: {done: }\n",
        [],
    ),
}
SUBFLOW = (
    "outcomes: [ready]\n%sstates:\n  a: {say: Hello., next: b}\n  b: {return: ready}\n  c: {done: }"
)
USER = "states:\n  a: {subflow: {flow: two, outcomes: {ready: b}}}\n  b: {hangup: }"
EVENTS = {
    "on: in a subflow": (
        TWO % ("{flow: line}", USER, SUBFLOW % "on: {ended: c}\n"),
        [],
    ),
    "on: in a flow that a placed call may name": (
        TWO
        % (
            "{flow: line}",
            USER,
            SUBFLOW.replace("c: {done: }", "c: {done: }\n  d: {hangup: }")
            % "on: {answered: d, ended: c}\n",
        ),
        [],
    ),
    "keys that nothing hears": (
        LINE + "states:\n  a: {connect: {conference: room, keys: {mode: detect}}}\n",
        ["FE939 4:48"],
    ),
    "keys that no conference reports": (
        LINE + "on: {pressed: b}\nstates:\n  a: {connect: {conference: room}}\n  b: {done: }\n",
        ["FE939 3:6"],
    ),
    "keys that a conference in a subflow reports": (
        TWO
        % (
            "{flow: line}",
            USER.replace("states:", "on: {pressed: c}\nstates:") + "\n  c: {done: }",
            (
                'outcomes: [ready]\nstates:\n  a: {choose: [{when: call.from == "", next: b}, {next: d}]}\n'
                "  b: {return: ready}\n  d: {connect: {conference: room, keys: {mode: detect}}}"
            ),
        ),
        [],
    ),
    "notices of a recording that the flow around a subflow has begun": (
        TWO
        % (
            "{flow: line}",
            (
                'states:\n  a: {record: {to: "s3://acme"}, next: c}\n  b: {hangup: }\n'
                "  c: {subflow: {flow: two, outcomes: {ready: b}}}"
            ),
            SUBFLOW % "on: {notified: {recording_available: c}}\n",
        ),
        [],
    ),
    "notices of a message": (
        LINE + "on: {notified: {recording_finished: c, transcription_available: c}}\n"
        "vars: {message: {type: text, max: 256}}\nstates:\n  a: {record_message: {prompt: Speak., "
        'into: message, to: "s3://acme"}, next: b}\n  b: {say: "${vars.message}", hangup: }\n'
        "  c: {done: }\n",
        ["FE939 3:40"],
    ),
    "a transcript of a message in a locale that is none": (
        LINE
        + "vars: {message: {type: text, max: 256}}\nstates:\n  a: {record_message: {prompt: Speak., "
        'into: message, to: "s3://acme", transcribe: xx-XX}, next: b}\n'
        '  b: {say: "${vars.message}", hangup: }\n',
        ["FE904 5:84"],
    ),
    "notices that never come": (
        LINE + "on: {notified: {recording_available: b, transcription_available: b, amd: b}}\n"
        'states:\n  a: {record: {to: "s3://calls/acme", notify: false, transcribe: true}, hangup: }\n'
        "  b: {done: }\n",
        ["FE939 3:17", "FE939 3:41", "FE939 3:69", "FE909 5:7"],
    ),
}
ORIGIN = "{origin: mxp, flow: line}, {flow: line}"
ROUTED_MENU = (
    f"# project.yaml\nproject: acme\nroutes: [{{flow: line%s}}]\n# main.yaml\n{LINE}"
    f"states:\n  a: {{{ASK}}}\n  bye: {{hangup: }}\n"
)
QUESTIONS = {
    "a menu behind answered:": (
        LINE
        + f'states:\n  a: {{connect: {{phone: "+14045009000", answered: b}}}}\n  b: {{{ASK}}}\n  bye: {{hangup: }}\n',
        ["FE933 5:7"],
    ),
    "a menu in the answer to a placed call": (
        f"flow: line\non: {{answered: b}}\nstates:\n  b: {{{ASK}}}\n  bye: {{hangup: }}\n",
        [],
    ),
    "a menu behind a connection of a placed call": (
        "# project.yaml\nproject: acme\nroutes: [{origin: server, flow: line}]\n# main.yaml\n"
        + LINE
        + f'states:\n  a: {{connect: {{phone: "+14045009000", person: b}}}}\n  b: {{{ASK}}}\n  bye: {{hangup: }}\n',
        [],
    ),
    "a menu for callers from apps": (
        f"# project.yaml\nproject: acme\nroutes: [{ORIGIN}]\n# main.yaml\n"
        + LINE
        + f"states:\n  a: {{{ASK}}}\n  bye: {{hangup: }}\n",
        ["FE937 4:7"],
    ),
    "a menu for callers from apps, in a subflow": (
        TWO
        % (
            "{flow: line, origin: mxp}",
            USER,
            f"outcomes: [ready]\nstates:\n  a: {{{ASK}}}\n  bye: {{return: ready}}",
        ),
        ["two.yaml FE937 5:7"],
    ),
    "a platform that reports keys of apps": (
        "# project.yaml\nproject: acme\nroutes: [{origin: mxp, flow: line}]\nplatform: {pie_for_apps: true}\n# main.yaml\n"
        + LINE
        + f"states:\n  a: {{{ASK}}}\n  bye: {{hangup: }}\n",
        [],
    ),
    "callers from apps go another way": (
        f"# project.yaml\nproject: acme\nroutes: [{ORIGIN}]\n# main.yaml\n"
        + LINE
        + "states:\n  a: {choose: [{when: 'call.origin != \"mxp\"', next: b}, {next: bye}]}\n"
        + f"  b: {{{ASK}}}\n  bye: {{hangup: }}\n",
        [],
    ),
    "an unconditional route is no route of apps": (ROUTED_MENU % "", []),
    "a dialled user or conference": (ROUTED_MENU % ", to: front-desk7", ["FE937 4:7"]),
    "a dialled conference by its type": (ROUTED_MENU % ", type: conference", ["FE937 4:7"]),
    "a dialled user in a call that an app has not begun": (
        ROUTED_MENU % ", to: desk, origin: pstn",
        [],
    ),
    "a dialled SIP address": (ROUTED_MENU % ", to: sip-desk@pbx.example.com", []),
    "what may be the beginning of a SIP address": (ROUTED_MENU % ", to: 'desk*'", []),
    "a dialled number": (ROUTED_MENU % ", to: '14045550100'", []),
}
LOOP = "{flow: line, to: '+14045550100'}, {flow: two, to: '+14045550101'}"
TO = 'states:\n  a: {connect: "+1404555010%d"}'
AWAY = 'states:\n  a: {connect: "+14045009000"}'
OWN = 'states:\n  a: {connect: {phone: "${call.to}"}}'
SET_NUMBER = "states: {a: {set: {n: '%s'}, next: b}, b: {connect: {phone: '${vars.n}'}}}"
TABLE = (
    "# project.yaml\nproject: acme\nroutes: [{flow: line, to: '+14045550100'}]\n"
    "tables: {t: {rows: {'+14045550100': {to: '%s'}}}}\n# main.yaml\nflow: line\nstart: a\n"
    "states:\n  a: {connect: {phone: '${tables.t.to(%s)}'}, error: b}\n  b: {hangup: }\n"
)
LOOPS = {
    "two numbers": (TWO % (LOOP, TO % 1, TO % 0), ["FE938 4:16"]),
    "one number that calls itself": (
        TWO % (LOOP, "states:\n  a: {connect: {phone: dialled}}", TO % 9),
        ["FE938 4:24"],
    ),
    "one number that calls itself by its own fact": (
        TWO % (LOOP, 'states:\n  a: {connect: {phone: "${call.to}"}}', TO % 9),
        ["FE938 4:24"],
    ),
    "one way only": (TWO % (LOOP, TO % 1, TO % 9), []),
    "a caller who is asked": (
        TWO
        % (
            LOOP,
            TO % 1,
            (
                "states:\n  a: {menu: {prompt: Press 1., options: {1: b}, otherwise: bye}}\n"
                '  b: {connect: "+14045550100"}\n  bye: {hangup: }'
            ),
        ),
        [],
    ),
    "a caller who says nothing": (
        TWO
        % (
            LOOP,
            TO % 1,
            (
                "states:\n  a: {menu: {prompt: Press 1., options: {1: bye}, otherwise: b}}\n"
                '  b: {connect: "+14045550100"}\n  bye: {hangup: }'
            ),
        ),
        ["FE938 4:16"],
    ),
    "by way of a subflow": (
        TWO
        % (
            LOOP,
            TO % 1,
            (
                "states:\n  a: {subflow: {flow: three, outcomes: {ready: b}}}\n  b: "
                '{connect: "+14045550100"}'
            ),
        )
        + "# three.yaml\nflow: three\nstart: a\noutcomes: [ready]\nstates:\n  a: {say: Hello., next: b}\n  b: {return: ready}\n",
        ["FE938 4:16"],
    ),
    "a number that only a wildcard takes": (
        TWO % ("{flow: two, to: '+14045550*'}, {flow: line}", TO % 1, TO % 0),
        ["two.yaml FE938 4:16"],
    ),
    "a number of a country that a wildcard takes": (
        TWO % ("{flow: two, to: '+1*'}, {flow: line}", TO % 1, TO % 0),
        [],
    ),
    "a wildcard below the number": (
        TWO % ("{flow: line, to: '+14045550101'}, {flow: two, to: '+14045550*'}", AWAY, TO % 1),
        [],
    ),
    "a wildcard whose numbers ring themselves": (
        TWO % ("{flow: line, to: '+1404*'}, {flow: two}", OWN, TO % 9),
        ["FE938 4:24"],
    ),
    "a route of calls by phone that ring themselves": (
        TWO % ("{flow: line, origin: pstn}, {flow: two}", OWN, TO % 9),
        ["FE938 4:24"],
    ),
    "callers from apps dial numbers of others": (
        TWO % ("{flow: two, to: '+4*', origin: mxp}, {flow: line}", OWN, OWN),
        [],
    ),
    "callers from apps are told apart": (
        TWO
        % (
            "{flow: line, to: '+1404*'}, {flow: two}",
            (
                "states:\n  a: {choose: [{when: 'call.origin == \"mxp\"', next: b}, {next: c}]}\n"
                '  b: {connect: dialled}\n  c: {connect: "+14045009000"}'
            ),
            TO % 9,
        ),
        [],
    ),
    "a number by way of set": (
        TWO % (LOOP, "vars: {n: {type: text, max: 128}}\n" + SET_NUMBER % "${call.to}", TO % 9),
        ["FE938 4:69"],
    ),
    "a number by way of two variables": (
        TWO
        % (
            LOOP,
            "vars: {m: {type: text, max: 20, default: '+14045550100'}, n: {type: text, max: 128}}\n"
            + SET_NUMBER % "${vars.m}",
            TO % 9,
        ),
        ["FE938 4:68"],
    ),
    "a number of others by way of set": (
        TWO % (LOOP, "vars: {n: {type: text, max: 128}}\n" + SET_NUMBER % "+14045009000", TO % 9),
        [],
    ),
    "a number by way of a table with the dialled number": (
        TABLE % ("+14045550100", "call.to"),
        ["FE938 4:24"],
    ),
    "another number by way of a table with the dialled number": (
        TABLE % ("+14045009000", "call.to"),
        [],
    ),
    "a number by way of a table with any key": (
        TABLE % ("+14045550100", "call.from"),
        ["FE938 4:24"],
    ),
    "a number by way of the input of a subflow": (
        TWO
        % (
            LOOP,
            (
                "states:\n  a: {subflow: {flow: three, with: {n: '${call.to}'}, outcomes: {ready: b}}}\n"
                "  b: {hangup: }"
            ),
            TO % 9,
        )
        + "# three.yaml\nflow: three\nstart: a\noutcomes: [ready]\ninputs: [n]\nvars: {n: {type: text, max: 128}}\n"
        "states:\n  a: {connect: {phone: '${vars.n}'}, error: b}\n  b: {return: ready}\n",
        ["three.yaml FE938 7:24"],
    ),
}


@pytest.mark.parametrize("name", (cases := EVENT_VALUES | EVENTS | QUESTIONS | LOOPS))
def test_call_paths_with_silent_mistakes_are_told_and_no_others(name: str) -> None:
    text, expected = cases[name]
    assert found(text) == expected, [problem.message for problem in compiled(text).problems]


def found(text: str) -> list[str]:
    return sorted(
        (
            f"{'' if problem.span.file == 'main.yaml' else problem.span.file + ' '}"
            f"{problem.code} {problem.span.line}:{problem.span.column}"
            for problem in compiled(text).problems
        ),
        key=lambda told: (told.count(" "), told.rpartition(" ")[2]),
    )


def test_compiler_that_remembers_tells_of_a_moved_mistake_at_its_new_place() -> None:
    compiler = ProjectCompiler()
    text = EVENT_VALUES["event.result outside on: ended"][0]
    (before,) = compiler.compile(files(text), {}).problems
    (after,) = compiler.compile(files(text.replace("states:", "title: Line\nstates:")), {}).problems
    assert (before.span.line, after.span.line) == (4, 5)


def test_project_without_a_locale_any_more_lacks_no_words_of_it() -> None:
    compiler = ProjectCompiler()
    text = (
        QUESTIONS["a menu in the answer to a placed call"][0]
        .replace(
            "  bye: {hangup: }", "  bye: {locale: sv-SE, next: end}\n  end: {say: Bye., hangup: }"
        )
        .replace("options: {1: bye}", "options: {1: end}")
    )
    told = compiler.compile(files(text), {}).problems
    assert [problem.code for problem in told] == ["FE932"]
    assert compiler.compile(files(text.replace("locale: sv-SE, ", "")), {}).problems == ()
