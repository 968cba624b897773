"""Values that outgrow their place, locales without words, numbers that are not dialled, and what
has no effect: each case is a project and the problems it has.
"""

import pytest

from flowengine.svaml.locales import TRANSCRIPTION_LOCALES
from tests.compile.checks.test_silent_mistakes import LINE, TWO, found
from tests.compile.project_texts import compiled

ONE_MORE = "project: acme\nlocale: en-US\nroutes: [{flow: line}]\n"
VALUES = {
    "event.destination into a text of 64": (
        LINE + "on: {notified: {recording_available: b}}\nvars: {place: {type: text}}\nstates:\n"
        '  a: {record: {to: "s3://calls/acme"}, connect: "+14045009000"}\n'
        '  b: {set: {place: "${event.destination}"}, next: c}\n'
        '  c: {choose: [{when: vars.place == "", next: d}, {next: d}]}\n  d: {done: }\n',
        ["FE930 7:20"],
    ),
    "a longer variable, a template and one that fits": (
        LINE + "vars:\n  long: {type: text, max: 80, default: x}\n  short: {type: text, max: 20}\n"
        "  fits: {type: text, max: 80}\n  both: {type: text, max: 82}\nstates:\n"
        '  a: {set: {short: "${vars.long}", fits: "${vars.long}", both: "${vars.long} - "}, next: b}\n'
        '  b: {say: "${vars.short} ${vars.fits} ${vars.both}", hangup: }\n',
        ["FE930 9:20", "FE930 9:64"],
    ),
    "joined by + and spelled, with numbers that are none of this": (
        LINE + "vars:\n  d: {type: digits, max: 4, default: '1'}\n  four: {type: digits, max: 4}\n"
        "  nine: {type: text, max: 9}\n  n: {type: integer}\nstates:\n"
        '  a: {set: {four: "${vars.d + vars.d}", nine: "${vars.d + \'+\' + vars.d}", n: "${vars.n + 1}"}, next: b}\n'
        '  b: {say: "${vars.four} ${vars.nine} ${vars.n}", next: c}\n'
        '  c: {set: {four: "${spell(vars.d)}", nine: "${spell(vars.d) + vars.d}"}, next: d}\n'
        '  d: {say: "${vars.four} ${vars.nine}", hangup: }\n',
        ["FE930 11:19", "FE930 11:45", "FE930 9:19"],
    ),
    "a list said": (
        LINE
        + "vars:\n  d: {type: digits, max: 4, default: '1'}\n  e: {type: text, max: 9, default: x}\n"
        "  ten: {type: text, max: 10}\n  wide: {type: text, max: 14}\nstates:\n"
        '  a: {set: {ten: "${list_words([vars.d, vars.e])}", wide: "${list_words([vars.d, vars.e])}"}, next: b}\n'
        '  b: {say: "${vars.ten} ${vars.wide}", hangup: }\n',
        ["FE930 9:18"],
    ),
    "a cell of a table, cut where it may be cut": (
        "# project.yaml\nproject: acme\ntables: {t: {rows: {a: {name: Anna-Karin}}}}\n# main.yaml\n"
        + LINE
        + "vars:\n  short: {type: text, max: 4}\n  four: {type: text, max: 4}\nstates:\n"
        '  a: {set: {short: "${tables.t.name(\'a\')}", four: "${first(call.to, 4)}"}, next: b}\n'
        '  b: {say: "${vars.short} ${vars.four}", hangup: }\n',
        ["FE930 7:20"],
    ),
    "into and out of a subflow": (
        TWO
        % (
            "{flow: line}",
            (
                "vars: {long: {type: text, max: 50, default: x}, small: {type: text, max: 10}}\nstates:\n"
                '  a: {subflow: {flow: two, with: {it: "${vars.long}"}, into: {small: it}, outcomes: {ready: b}}}\n'
                '  b: {say: "${vars.small}", hangup: }'
            ),
            (
                "inputs: [it]\noutputs: [it]\noutcomes: [ready]\nvars: {it: {type: text, max: 40}}\nstates:\n"
                '  a: {choose: [{when: vars.it == "", next: b}, {next: b}]}\n  b: {return: ready}'
            ),
        ),
        ["FE930 5:39", "FE930 5:70"],
    ),
    "names of rooms": (
        LINE
        + "vars: {long: {type: text, default: x}, room: {type: text, max: 20, default: y}}\nstates:\n"
        "  a: {choose: [{when: vars.room == vars.long, next: b}, {next: c}]}\n"
        '  b: {connect: {conference: "room-${vars.long}"}}\n'
        '  c: {connect: {conference: "room-${vars.room}-${first(vars.long, 30)}"}}\n',
        ["FE934 6:29"],
    ),
    "call headers count four bytes to a letter, and keys count": (
        LINE
        + "vars: {one: {type: text, max: 250, default: x}, two: {type: digits, max: 400, default: '1'}}\nstates:\n"
        "  a: {choose: [{when: vars.one == vars.two, next: b}, {next: c}]}\n"
        '  b: {connect: {sip: a@b.example.com, headers: {X-One: "${vars.one}", X-Two: abcdefghijklmnop}}}\n'
        '  c: {connect: {sip: a@b.example.com, headers: {X-Two: "${vars.two}"}}}\n',
        ["FE934 6:48"],
    ),
    "what is spoken and reported": (
        LINE
        + "on: {ended: b}\nvars: {one: {type: text, max: 500, default: x}, two: {type: text, max: 60, default: x}}\nstates:\n"
        f'  a: {{say: ["{"All about us. " * 8}${{vars.one}}", "Only ${{vars.one}}"], hangup: }}\n'
        '  b: {report: {status: success, details: "says ${vars.two}"}, done: }\n',
        ["FE934 6:13", "FE934 7:42"],
    ),
}
SPOKEN = "menu: {prompt: Press 1 or 2., options: {1: b, 2: c}, otherwise: b}"
LOCALES = {
    "one text for two languages": (
        LINE
        + f"states:\n  a: {{{SPOKEN}}}\n  c: {{locale: sv-SE, next: b}}\n  b: {{say: Hello., hangup: }}\n",
        ["FE932 6:12"],
    ),
    "the words of a state that chooses its locale, and what has no words": (
        LINE + f"states:\n  a: {{{SPOKEN}}}\n  c: {{locale: sv-SE, say: Hej., next: b}}\n"
        '  b: {say: ["${call.id}", {audio: jingle.mp3}], hangup: }\n',
        [],
    ),
    "by the choices of a variable, one of which has no text": (
        LINE
        + "vars: {l: {type: choice, choices: [en-US, sv-SE, fi-FI], default: en-US}}\nstates:\n"
        f"  a: {{{SPOKEN}}}\n  c: {{set: {{l: fi-FI}}, next: b}}\n"
        '  b: {locale: "${vars.l}", say: {text: {en-US: Hello., sv-SE: Hej.}}, next: d}\n'
        "  d: {say: {text: {en-US: Bye., sv-SE: Hej då., fi-FI: Hei hei.}}, hangup: }\n",
        ["FE932 7:40"],
    ),
    "another country with the same language": (
        (
            "flow: line\nlocale: en-US\nstart: a\n"
            f"states:\n  a: {{{SPOKEN}}}\n  c: {{locale: en-GB, next: b}}\n  b: {{say: [Hello., {{text: {{en-US: Hi.}}}}], hangup: }}\n"
        ),
        [],
    ),
    "audio by locale": (
        LINE
        + f"states:\n  a: {{{SPOKEN}}}\n  c: {{locale: sv-SE, next: b}}\n  b: {{say: {{audio: {{en-US: a.mp3}}}}, hangup: }}\n",
        ["FE932 6:20"],
    ),
    "a message is told once, where it stands; defaults and the apology too": (
        f"# project.yaml\n{ONE_MORE}messages: {{hi: Hello.}}\n"
        "defaults: {no_input: I hear nothing.}\napology: {en-US: Sorry.}\n# main.yaml\n"
        + LINE
        + f"states:\n  a: {{{SPOKEN}}}\n  c: {{locale: sv-SE, say: {{message: hi}}, next: b}}\n"
        "  b: {say: {message: hi}, menu: {prompt: {text: {en-US: One., sv-SE: Ett.}}, options: {1: d}, otherwise: d}}\n"
        "  d: {hangup: }\n",
        ["project.yaml FE932 4:16", "project.yaml FE932 5:22", "project.yaml FE932 6:10"],
    ),
    "a subflow speaks the locale of its callers": (
        TWO
        % (
            "{flow: line}",
            (
                f"states:\n  a: {{{SPOKEN}}}\n  c: {{locale: sv-SE, next: b}}\n"
                "  b: {subflow: {flow: two, outcomes: {ready: d}}}\n  d: {hangup: }"
            ),
            "outcomes: [ready]\nstates:\n  a: {say: Hello., next: b}\n  b: {return: ready}",
        ),
        ["two.yaml FE932 5:12"],
    ),
    "the answer of a placed call, where a connection has a locale and an answer of its own": (
        LINE + "on: {answered: e}\nstates:\n"
        '  a: {locale: sv-SE, connect: {phone: "+14045009000", answered: d}}\n'
        "  d: {say: {text: {sv-SE: Hej.}}, continue: }\n  e: {say: Hello., hangup: }\n",
        [],
    ),
    "the answer of a placed call that chooses a locale": (
        LINE + "on: {answered: e}\nstates:\n  a: {hangup: }\n"
        "  e: {locale: sv-SE, next: f}\n  f: {say: {text: {en-US: Hello.}}, hangup: }\n",
        ["FE932 7:19"],
    ),
    "transcription": (
        LINE + "locale: nb-NO\nstates:\n"
        '  a: {record: {to: "s3://a/b", transcribe: nb-NO}, next: b}\n'
        '  b: {record: {to: "s3://a/b", transcribe: true}, next: c}\n'
        '  c: {record: {to: "s3://a/b", transcribe: gd_GB}, connect: "+14045009000"}\n',
        ["FE904 5:44", "FE904 6:44"],
    ),
}
TABLE = (
    "# project.yaml\nproject: acme\ntables: {t: {rows: {a: {%s}, b: {%s}}}}\n# main.yaml\n" + LINE
)
PHONES = {
    "a column that is dialled, by a variable": (
        TABLE % ('n: "4045000010"', 'n: "+14045000010"') + "vars: {p: {type: text}}\nstates:\n"
        '  a: {set: {p: "${tables.t.n(call.from)}"}, next: b}\n  b: {connect: {phone: "${vars.p}"}}\n',
        ["project.yaml FE457 2:28"],
    ),
    "a column that is dialled, in which a word stands for nobody": (
        TABLE % ('n: "none"', 'n: "+14045000010"') + "states:\n"
        '  a: {choose: [{when: tables.t.n(call.from) == "none", next: c}, {next: b}]}\n'
        '  b: {connect: {phone: "${tables.t.n(call.from)}"}}\n  c: {hangup: }\n',
        ["project.yaml FE935 2:28"],
    ),
    "a column called phone; empty cells and words are not dialled": (
        TABLE % ("phone: 0046 8 123 45 67, name: x", 'phone: "", name: "4045000010"')
        + "states:\n  a: {say: \"${tables.t.phone('a')} ${tables.t.name('a')}\", hangup: }\n",
        ["project.yaml FE935 2:32"],
    ),
    "a default, a text that is set, and one that is dialled by another variable": (
        LINE + "vars: {n: {type: text, default: '4045000010'}, m: {type: text}}\nstates:\n"
        '  a: {set: {n: "4045000010"}, say: "${vars.n}", next: b}\n'
        '  b: {set: {m: "4045000010"}, next: c}\n'
        '  c: {set: {n: "${vars.m}"}, say: "${vars.n}", next: d}\n'
        '  d: {choose: [{when: call.from == "", next: e}, {next: f}]}\n'
        '  e: {set: {n: "+14045000010"}, next: f}\n'
        '  f: {connect: {phone: "${vars.n}"}}\n',
        ["FE935 3:33", "FE935 5:16", "FE935 6:16"],
    ),
    "texts that are not dialled, and a number to be shown": (
        LINE + "vars: {n: {type: text, default: '4045000010'}, m: {type: text, default: private}}\n"
        "states:\n"
        '  a: {set: {m: "4045000010"}, say: "${vars.n}", next: b}\n'
        '  b: {connect: {phone: dialled, caller_id: "${vars.m}"}}\n',
        ["FE935 5:16"],
    ),
    "a choice of numbers": (
        LINE + "vars: {n: {type: choice, choices: ['4045000010', '+14045000010']}}\n"
        "states:\n  a: {set: {n: '+14045000010'}, next: b}\n"
        '  b: {connect: {phone: "${vars.n}"}}\n',
        ["FE935 3:36"],
    ),
    "a variable that sounds like a number and one that holds words": (
        LINE
        + "vars: {phone: {type: text, default: '4045000010'}, mobile: {type: text, default: none}}\n"
        'states:\n  a: {say: "${vars.phone} ${vars.mobile}", hangup: }\n',
        ["FE935 3:37"],
    ),
    "the input of a subflow that is dialled, and the column that it comes from": (
        TWO
        % (
            "{flow: line}",
            (
                "states:\n  a: {subflow: {flow: two, with: {n: '4045000010'}, outcomes: {ready: b}}}\n"
                "  b: {subflow: {flow: two, with: {n: \"${tables.t.n('a')}\"}, outcomes: {ready: c}}}\n"
                "  c: {hangup: }"
            ),
            (
                "inputs: [n]\noutcomes: [ready]\nvars: {n: {type: text}}\n"
                "states:\n  a: {connect: {phone: '${vars.n}'}, error: b}\n  b: {return: ready}"
            ),
        )
        + "# tables/t.yaml\nrows: {a: {n: '4045000010'}}\n",
        ["FE935 4:38", "tables/t.yaml FE457 1:15"],
    ),
    "digits have no +": (
        LINE + "vars: {d: {type: digits, max: 15, default: '14045000010'}}\nstates:\n"
        '  a: {choose: [{when: vars.d == "1", next: b}, {next: c}]}\n'
        '  b: {connect: "${vars.d}"}\n  c: {connect: "+${vars.d}"}\n',
        ["FE457 6:16"],
    ),
}
BYE, ROOM = "  bye: {hangup: }\n", '  room: {connect: {conference: "room-%s"}}\n'
ASK_PIN = (
    LINE + "vars: {pin: {type: digits, max: 4}}\nstates:\n"
    "  a: {collect: {prompt: Pin?, into: pin, digits: 4, otherwise: %s}, next: room}\n"
)
LOOK_AT = LINE + "states:\n  a: {choose: [{when: '%s == \"\"', next: bye}, {next: room}]}\n"
ROOMS = {
    "a pin that the caller may not enter": (
        ASK_PIN % "room" + ROOM % "${vars.pin}",
        ["FE940 6:32"],
    ),
    "a pin that the caller has entered": (ASK_PIN % "bye" + ROOM % "${vars.pin}" + BYE, []),
    "a caller who withholds the number": (
        LINE + "states:\n  a: {say: Hello., next: room}\n" + ROOM % "${call.from}",
        ["FE940 5:32"],
    ),
    "a caller whose number is looked at": (LOOK_AT % "call.from" + ROOM % "${call.from}" + BYE, []),
    "a value that is never empty": (
        LOOK_AT % "call.to" + ROOM % "${now.date}-${call.from}" + BYE,
        [],
    ),
}
IDLE = {
    "a stop without a start, also in a subflow": (
        LINE + 'states:\n  a: {record: stop, next: b}\n  b: {record: {to: "s3://a/b"}, next: c}\n'
        "  c: {record: stop, hangup: }\n",
        ["FE936 4:7"],
    ),
    "a recording that the caller of the subflow began": (
        TWO
        % (
            "{flow: line}",
            (
                'states:\n  a: {record: {to: "s3://a/b"}, next: b}\n'
                "  b: {subflow: {flow: two, outcomes: {ready: c}}}\n  c: {hangup: }"
            ),
            "outcomes: [ready]\nstates:\n  a: {record: stop, next: b}\n  b: {return: ready}",
        ),
        [],
    ),
    "the locale that the call has": (
        LINE + "locale: sv-SE\nstates:\n  a: {locale: sv-SE, say: Hej., hangup: }\n",
        ["FE936 5:7"],
    ),
    "one of several locales that states choose": (
        LINE + f"states:\n  a: {{{SPOKEN}}}\n  b: {{locale: en-US, say: Hi., next: d}}\n"
        "  c: {locale: sv-SE, say: Hej., next: d}\n  d: {hangup: }\n",
        [],
    ),
    "a value that is overwritten before it is read": (
        LINE + "vars: {n: {type: integer}}\nstates:\n  a: {set: {n: 1}, next: b}\n"
        '  b: {set: {n: 2}, next: c}\n  c: {say: "${vars.n}", hangup: }\n',
        ["FE936 5:13"],
    ),
    "a value that an event reads": (
        LINE + "on: {ended: c}\nvars: {n: {type: integer}}\nstates:\n  a: {set: {n: 1}, next: b}\n"
        '  b: {hangup: }\n  c: {report: {status: success, details: "${vars.n}"}, done: }\n',
        [],
    ),
    "a value that keys in a conference leave for the call": (
        LINE
        + "on: {pressed: c, ended: d}\nvars: {n: {type: integer}, m: {type: integer}}\nstates:\n"
        "  a: {menu: {prompt: Press 1., options: {1: b, 2: e}, otherwise: b}}\n"
        "  b: {connect: {conference: room, keys: {mode: detect}}}\n"
        "  c: {set: {n: 1}, next: d}\n  d: {done: }\n"
        '  e: {say: "${vars.n} ${vars.m}", hangup: }\n',
        ["FE903 4:28"],
    ),
    "options of a question that is asked once, and without voice": (
        LINE
        + "states:\n  a:\n    menu:\n      prompt: Press 1.\n      options: {1: b}\n      otherwise: b\n"
        "      attempts: 1\n      again: Press 1, please.\n      no_input: Sorry?\n      voice_timeout: 9s\n"
        "  b: {hangup: }\n",
        ["FE936 10:7", "FE936 11:7", "FE936 12:7"],
    ),
    "words for more attempts than there are": (
        LINE
        + "states:\n  a: {menu: {prompt: Press 1., options: {1: {next: b, hear: [one]}}, otherwise: b, "
        "voice_timeout: 9s, attempts: 2, no_input: {each: [Sorry?, Pardon?]}}}\n  b: {hangup: }\n",
        ["FE936 4:142"],
    ),
    "branches and shares that nobody takes": (
        LINE + "states:\n  a:\n    choose:\n      - {when: 1 == 2, next: c}\n"
        '      - {when: call.from == "", next: b}\n      - {when: call.from  ==  "", next: c}\n      - next: b\n'
        "  b: {split: [{share: 0%, next: c}, {next: c}]}\n  c: {hangup: }\n",
        ["FE936 10:15", "FE936 6:9", "FE936 8:9"],
    ),
    "counting keys that are only passed on": (
        LINE
        + "states:\n  a: {connect: {conference: room, keys: {mode: forward, max: 3, timeout: 2s}}}\n",
        ["FE936 4:57", "FE936 4:65"],
    ),
    "a lookup that may last longer than the platform waits": (
        "# project.yaml\nproject: acme\nservices: {crm: {url: https://crm.example.com}}\n# main.yaml\n"
        + LINE
        + "states:\n  a: {fetch: {service: crm, get: /a, timeout: 9s, failed: b}, next: b}\n"
        "  b: {fetch: {service: crm, get: /a, timeout: 4.5s, failed: c}, next: c}\n  c: {hangup: }\n",
        ["FE936 4:38"],
    ),
    "a route below one that takes its calls": (
        "# project.yaml\nproject: acme\nroutes: [{flow: line, to: '+1404*'}, {flow: line, to: '+14045001000'}, "
        "{flow: line, to: '+1405*', origin: sip}, {flow: line, to: '+1405*'}, {flow: line}]\n# main.yaml\n"
        + LINE
        + "states:\n  a: {hangup: }\n",
        ["project.yaml FE936 2:38"],
    ),
}


@pytest.mark.parametrize("name", (cases := VALUES | LOCALES | PHONES | ROOMS | IDLE))
def test_worst_cases_are_told_and_near_misses_are_not(name: str) -> None:
    text, expected = cases[name]
    assert found(text) == expected, [problem.message for problem in compiled(text).problems]


def test_value_longer_than_its_variable_names_the_length_needed() -> None:
    (problem,) = compiled(VALUES["event.destination into a text of 64"][0]).problems
    assert problem.message == (
        "this may have 256 characters; place holds 64, and what is longer is cut"
    )
    assert problem.hint == "give place `max: 256`"


def test_locale_without_words_names_the_state_that_chooses_it() -> None:
    (problem,) = compiled(LOCALES["one text for two languages"][0]).problems
    assert problem.message == ("this text has no words for sv-SE: sv-SE is chosen in c of line")


def test_platform_transcribes_41_locales() -> None:
    assert len(set(TRANSCRIPTION_LOCALES)) == 41


@pytest.mark.parametrize("rate", [8000, 16000, 24000, 44100, 48000, 96000])
def test_stream_sample_rate_of_the_platform_is_taken(rate: int) -> None:
    assert compiled(stream(rate)).problems == ()


@pytest.mark.parametrize("rate", [11025, 22050, 96001])
def test_stream_sample_rate_that_the_platform_has_not_is_told(rate: int) -> None:
    (problem,) = compiled(stream(rate)).problems
    assert (problem.severity, problem.span.line, problem.span.column) == ("error", 4, 69)


def stream(rate: int) -> str:
    return (
        LINE
        + f'states:\n  a: {{connect: {{stream: "wss://bot.example.com/audio", sample_rate: {rate}}}}}\n'
    )
