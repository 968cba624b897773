"""FE930-FE939: warnings of what would happen in silence: nothing, something else, or for ever."""

from typing import Final

from flowengine.problems.catalogue_entry import CatalogueEntry, Severity

ENTRIES: Final[tuple[CatalogueEntry, ...]] = (
    CatalogueEntry(
        "FE930",
        "a value that may be longer than its variable",
        Severity.WARNING,
        "A text is cut to what its variable holds, and digits that are too many are refused, so "
        "that the state takes its error exit. The size is the worst case, from the sizes of the "
        "variables, tables and facts of the call that the value is made of.",
        """\
flow: line
start: welcome
on: {notified: {recording_available: keep}}
vars: {place: {type: text}}
states:
  welcome: {record: {to: "s3://calls/acme"}, connect: "+14045009000"}
  keep: {set: {place: "${event.destination}"}, next: file}
  file: {choose: [{when: 'vars.place != ""', next: end}, {next: end}]}
  end: {done: }
""",
        """\
flow: line
start: welcome
on: {notified: {recording_available: keep}}
vars: {place: {type: text, max: 256}}
states:
  welcome: {record: {to: "s3://calls/acme"}, connect: "+14045009000"}
  keep: {set: {place: "${event.destination}"}, next: file}
  file: {choose: [{when: 'vars.place != ""', next: end}, {next: end}]}
  end: {done: }
""",
    ),
    CatalogueEntry(
        "FE931",
        "an entry for events in a subflow",
        Severity.WARNING,
        "The end of a call, notices and keys in a conference go to the flow in which the call "
        "began. In a flow that is only used by others, these entries are never taken.",
        """\
# project.yaml
project: acme
routes: [{flow: line}]
# main.yaml
flow: line
start: welcome
states:
  welcome: {subflow: {flow: greet, outcomes: {ready: goodbye}}}
  goodbye: {hangup: }
# greet.yaml
flow: greet
start: hello
outcomes: [ready]
on: {ended: over}
states:
  hello: {say: Hello., next: end}
  end: {return: ready}
  over: {done: }
""",
        """\
# project.yaml
project: acme
routes: [{flow: line}]
# main.yaml
flow: line
start: welcome
on: {ended: over}
states:
  welcome: {subflow: {flow: greet, outcomes: {ready: goodbye}}}
  goodbye: {hangup: }
  over: {done: }
# greet.yaml
flow: greet
start: hello
outcomes: [ready]
states:
  hello: {say: Hello., next: end}
  end: {return: ready}
""",
    ),
    CatalogueEntry(
        "FE932",
        "a locale without words",
        Severity.WARNING,
        "A call may come here in a locale for which this text, message, default or apology has no "
        "words. The caller hears those of another language; a text that is given only once is then "
        "read by a voice of the wrong language. The message says where a call gets the locale.",
        """\
flow: line
locale: en-US
start: main
states:
  main:
    menu: {prompt: For English press 1. För svenska tryck 2., options: {1: hello, 2: swedish}, otherwise: hello}
  swedish: {locale: sv-SE, next: hello}
  hello: {say: Welcome to Acme., hangup: }
""",
        """\
flow: line
locale: en-US
start: main
states:
  main:
    menu: {prompt: For English press 1. För svenska tryck 2., options: {1: hello, 2: swedish}, otherwise: hello}
  swedish: {locale: sv-SE, next: hello}
  hello: {say: {text: {en-US: Welcome to Acme., sv-SE: Välkommen till Acme.}}, hangup: }
""",
    ),
    CatalogueEntry(
        "FE933",
        "a question after a callee has answered",
        Severity.WARNING,
        "Once a connection is answered there are two people, and descriptions of the platform "
        "differ on who of them hears a question and can answer it. In a call that your system has "
        "placed the callee is the only one; there is no doubt then.",
        """\
flow: line
start: agents
states:
  agents: {connect: {phone: "+14045009000", answered: accept}}
  accept:
    menu: {prompt: To take this call press 1., options: {1: join}, otherwise: refuse}
  join: {continue: }
  refuse: {hangup: }
""",
        """\
flow: line
start: agents
states:
  agents: {connect: {phone: "+14045009000", answered: announce}}
  announce: {say: You are now connected to an agent., continue: }
""",
    ),
    CatalogueEntry(
        "FE934",
        "a text that may outgrow what the platform takes",
        Severity.WARNING,
        "The platform has limits: 64 characters for the name of a conference, 128 for that of an "
        "app user, 1024 bytes for call headers, 600 characters for a spoken text, 64 for the "
        "details of a report. The size is the worst case, from the sizes of the variables and "
        "tables in the text.",
        """\
flow: line
start: ask
vars: {room: {type: text}}
states:
  ask:
    collect: {prompt: Which room?, into: room, voice: true, otherwise: goodbye}
    next: join
  join: {connect: {conference: "room-${vars.room}"}}
  goodbye: {hangup: }
""",
        """\
flow: line
start: ask
vars: {room: {type: text, max: 20}}
states:
  ask:
    collect: {prompt: Which room?, into: room, voice: true, otherwise: goodbye}
    next: join
  join: {connect: {conference: "room-${vars.room}"}}
  goodbye: {hangup: }
""",
    ),
    CatalogueEntry(
        "FE935",
        "a phone number that is not dialled",
        Severity.WARNING,
        "The platform dials numbers with + and country code only. A number without them in a table "
        "or a variable sends every call that needs it to its error exit.",
        """\
# project.yaml
project: acme
tables: {floors: {rows: {"1": {phone: "4045000010"}, "2": {phone: "+14045000020"}}}}
# main.yaml
flow: line
start: ask
vars: {floor: {type: digits, max: 1}}
states:
  ask:
    collect: {prompt: Which floor?, into: floor, digits: 1, otherwise: goodbye}
    next: put_through
  put_through: {connect: {phone: "${tables.floors.phone(vars.floor)}"}, error: goodbye}
  goodbye: {hangup: }
""",
        """\
# project.yaml
project: acme
tables: {floors: {rows: {"1": {phone: "+14045000010"}, "2": {phone: "+14045000020"}}}}
# main.yaml
flow: line
start: ask
vars: {floor: {type: digits, max: 1}}
states:
  ask:
    collect: {prompt: Which floor?, into: floor, digits: 1, otherwise: goodbye}
    next: put_through
  put_through: {connect: {phone: "${tables.floors.phone(vars.floor)}"}, error: goodbye}
  goodbye: {hangup: }
""",
    ),
    CatalogueEntry(
        "FE936",
        "something that does nothing",
        Severity.WARNING,
        "What stands here has no effect: a recording is stopped that nothing has started, a value "
        "is set that no later state reads, a locale is chosen that the call speaks already, words "
        "are written for an attempt that never comes, an option needs another one that is not "
        "there, a branch or a route comes after one that takes everything.",
        """\
flow: line
start: welcome
states:
  welcome: {record: stop, say: Hello., hangup: }
""",
        """\
flow: line
start: welcome
states:
  welcome: {say: Hello., hangup: }
""",
    ),
    CatalogueEntry(
        "FE937",
        "keys of callers from apps",
        Severity.WARNING,
        "All descriptions of the platform say that it reports no keys and no spoken answers of "
        "callers from apps, whose calls come over the internet. A route for `origin: mxp` leads "
        "such calls to a question, where they would wait for ever, or to a conference that listens "
        "to keys. A platform that does report them is told by `platform: {pie_for_apps: true}`.",
        """\
# project.yaml
project: acme
routes: [{origin: mxp, flow: line}, {flow: line}]
# main.yaml
flow: line
start: main
states:
  main:
    menu: {prompt: For an agent press 1., options: {1: agents}, otherwise: agents}
  agents: {connect: "+14045009000"}
""",
        """\
# project.yaml
project: acme
routes: [{origin: mxp, flow: line}, {flow: line}]
# main.yaml
flow: line
start: which
states:
  which:
    choose:
      - {when: 'call.origin == "mxp"', next: agents}
      - next: main
  main:
    menu: {prompt: For an agent press 1., options: {1: agents}, otherwise: agents}
  agents: {connect: "+14045009000"}
""",
    ),
    CatalogueEntry(
        "FE938",
        "numbers that connect to each other for ever",
        Severity.WARNING,
        "A flow connects to a number of this project, and the flow that answers there connects "
        "back, directly or by others, without a caller who has to answer anything. Such a call "
        "begins anew again and again, and each round is charged.",
        """\
# project.yaml
project: acme
routes: [{flow: line, to: "+14045550100"}, {flow: two, to: "+14045550101"}]
# main.yaml
flow: line
start: forward
states:
  forward: {connect: "+14045550101"}
# two.yaml
flow: two
start: return_it
states:
  return_it: {connect: "+14045550100"}
""",
        """\
# project.yaml
project: acme
routes: [{flow: line, to: "+14045550100"}, {flow: two, to: "+14045550101"}]
# main.yaml
flow: line
start: forward
states:
  forward: {connect: "+14045550101"}
# two.yaml
flow: two
start: return_it
states:
  return_it: {connect: "+14045009000"}
""",
    ),
    CatalogueEntry(
        "FE939",
        "an event that never comes",
        Severity.WARNING,
        "What the platform reports follows from what a flow does: notices of recordings from "
        "record:, transcripts from transcribe:, keys in a conference from `keys: {mode: detect}`. "
        "Without it the entry is never taken; without an entry, nothing hears the event.",
        """\
flow: line
start: agents
on: {notified: {transcription_available: keep}}
states:
  agents: {record: {to: "s3://calls/acme"}, connect: "+14045009000"}
  keep: {done: }
""",
        """\
flow: line
start: agents
on: {notified: {transcription_available: keep}}
states:
  agents: {record: {to: "s3://calls/acme", transcribe: en-US}, connect: "+14045009000"}
  keep: {done: }
""",
    ),
)
