"""One edit of each kind, and what is said of it. An edit is a text and what stands there instead."""

from typing import NamedTuple

PROJECT = """
project: test
locale: en-US
routes:
  - {to: "+14045550101", flow: line}
  - {to: "+14045550102", flow: second}
  - {flow: line}
services:
  crm: {url: "https://crm.example.com", headers: {Authorization: "Bearer ${secrets.crm}"}, timeout: 2s}
secrets: {crm: CRM_TOKEN}
defaults: {attempts: 3, no_input: {message: silence}}
messages:
  silence: {en-US: I heard nothing., sv-SE: Jag hörde inget.}
  bye: Goodbye.
calendars:
  support: {zone: Europe/Stockholm, open: {mon-fri: "09:00-17:00"}}
groups:
  desk: {members: ["+14045550130", "sip:desk@pbx.example.com"], each: 15s}
tables:
  rooms: {rows: {10: {phone: "+14045550110"}, 20: {phone: "+14045550120"}}}
apology: Sorry.
"""
OTHER = """
flow: other
start: ask
inputs: [wanted]
outcomes: [right, wrong]
vars: {given: {type: digits, max: 4}, wanted: {type: digits, max: 4}}
states:
  ask:
    collect: {prompt: The code?, into: given, digits: 4, valid: vars.given == vars.wanted, otherwise: refused}
    next: accepted
  accepted: {return: right}
  refused: {return: wrong}
"""
LINE = """
flow: line
title: A line
start: welcome
on: {ended: file_call, notified: {recording_available: noted}}
error: sorry
vars:
  tier: {type: choice, choices: [gold, standard], default: standard}
  room: {type: digits, max: 4}
keys: {0: agents}
defaults: {otherwise: agents, timeout: 6s}
states:
  welcome:
    note: Asked for by sales.
    answer: true
    say:
      text: {en-US: Thank you for calling Acme., sv-SE: Tack för att du ringer Acme.}
    choose:
      - {when: hours.support.open, next: main}
      - {when: 'vars.tier == "gold"', next: agents}
      - next: closed
  main:
    menu:
      prompt: For your room press 1. For the code press 2. For a chance press 3.
      options:
        1: {next: ask_room, hear: [room, flat]}
        2: check
        3: {menu: {prompt: Heads press 1. Tails press 2., options: {1: toss, 2: closed}}}
      barge: false
  ask_room:
    collect: {prompt: Which room?, into: room, digits: 1-4, attempts: 2, invalid: That is no room.}
    next: look_up
  look_up:
    fetch:
      service: crm
      get: /rooms/${vars.room}
      headers: {X-Line: house}
      into: {tier: body.tier}
      on: {404: closed}
      failed: sorry
    next: upgrade
  upgrade:
    set: {tier: gold}
    next: agents
  check:
    subflow: {flow: other, with: {wanted: "1234"}, outcomes: {right: agents, wrong: closed}}
  toss:
    split:
      - {share: 10%, next: agents}
      - next: closed
  agents:
    say: I will put you through.
    connect: {phone: "+14045009000", ring: 20s, answered: whisper}
  whisper: {say: "A call on ${now.weekday}.", continue: }
  closed:
    say: We are closed.
    hangup:
  sorry:
    say: {message: bye}
    connect: {phone: "${tables.rooms.phone(vars.room)}"}
  file_call: {report: {status: success, details: done}, done: }
  noted: {done: }
"""
SECOND = """
flow: second
start: hello
states:
  hello:
    say: This is the other line.
    ring:
      group: desk
      accept: Press 1 to take it.
      wait: {say: One moment., music: music1}
      nobody: bye
  bye: {hangup: }
  later: {hangup: }
"""
FILES = {"project.yaml": PROJECT, "other.yaml": OTHER, "line.yaml": LINE, "second.yaml": SECOND}


class Edit(NamedTuple):
    """What is replaced in a file by what, and the lines that a reader gets, without their places
    and the summary.
    """

    name: str
    file: str
    old: str
    new: str
    lines: tuple[str, ...]


def line(name: str, old: str, new: str, *lines: str) -> Edit:
    return Edit(name, "line.yaml", old, new, ("line", *lines))


def second(name: str, old: str, new: str, *lines: str) -> Edit:
    return Edit(name, "second.yaml", old, new, ("second", *lines))


def project(name: str, old: str, new: str, *lines: str) -> Edit:
    return Edit(name, "project.yaml", old, new, ("what flows share", *lines))


OPEN = "      - {when: hours.support.open, next: main}\n"
GOLD = "      - {when: 'vars.tier == \"gold\"', next: agents}\n"
EDITS = (
    second("the music of a wait", "music1", "music2", "~ hello (ring)", "~ wait music: music1 -> music2"),
    second("the words of a wait", "One moment.", "A moment.", "~ hello (ring)", "~ wait say: “One moment.” -> “A moment.”"),
    second("a whisper", "1 to take it.", "1 for it.", "~ hello (ring)", "~ accept: “Press 1 to take it.” -> “Press 1 for it.”"),
    second("a key that takes a call", "accept: Press 1 to take it.", "accept: {prompt: Press 1 to take it., key: 2}",
           "~ hello (ring)", "~ accept key: 1 -> 2"),
    second("members in place of a group", "group: desk", 'who: ["+1 404 555 0130"]', "~ hello (ring)", "+ who: +14045550130",
           "- group: desk"),
    second("another way out of a ring", "nobody: bye", "nobody: bye\n      busy: later", "~ hello (ring)", "+ busy: later",
           "calls now come to later", "new way: start: hello -[busy]-> later"),
    line("words", "We are closed.", "We have closed.", "~ closed (hangup)", "~ say: “We are "
                                                                            "closed.” -> “We have "
                                                                            "closed.”"),
    line("words of one locale", "Tack för att du ringer Acme.", "Välkommen.", "~ welcome (choose)",
         "~ say (sv-SE): “Tack för att du ringer Acme.” -> “Välkommen.”"),
    line("a locale is added", "ringer Acme.}", "ringer Acme., fi-FI: Hei.}", "~ welcome "
                                                                             "(choose)", "+ say "
                                                                                         "(fi-FI): "
                                                                                         "“Hei.”"),
    line("a locale is removed", ", sv-SE: Tack för att du ringer Acme.", "", "~ welcome (choose)",
         "- say (sv-SE): “Tack för att du ringer Acme.”"),
    line("a sound for words", "say: We are closed.", "say: {audio: closed.mp3}", "~ closed "
                                                                                 "(hangup)",
         "~ say: “We are closed.” -> [audio closed.mp3]"),
    line("a voice of its own", "say: We are closed.", "say: {text: We are closed., voice: "
                                                      "Joanna}", "~ closed (hangup)",
         "~ say: “We are closed.” -> “We are closed.” (voice Joanna)"),
    line("words are removed", "    say: We are closed.\n", "", "~ closed (hangup)", "- say: “We "
                                                                                    "are closed.”"),
    line("words of an inner menu", "Heads press 1. Tails", "Heads is 1. Tails", "~ main (menu)",
         "~ key 3 prompt: “Heads press 1. Tails press 2.” -> “Heads is 1. Tails press 2.”"),
    line("words by attempt", "invalid: That is no room.", "invalid: {each: [That is no room., "
                                                          "Still none.]}", "~ ask_room (collect)",
         "+ invalid, time 2: “Still none.”"),
    line("an exit leads elsewhere", "failed: sorry", "failed: agents", "~ look_up (fetch)", "~ "
                                                                                            "failed: sorry -> agents",
         "new way: start: welcome -[hours.support.open]-> main -[key 1]-> ask_room -> look_up "
         "-[failed]-> agents -[answered]-> whisper",
         "lost way: start: welcome -[hours.support.open]-> main -[key 1]-> ask_room -> look_up "
         "-[failed]-> sorry"),
    line("an exit is added", "404: closed}", "404: closed, 500: agents}", "~ look_up (fetch)", "+ "
                                                                                               "on "
                                                                                               "500: agents",
         "new way: start: welcome -[hours.support.open]-> main -[key 1]-> ask_room -> look_up -[on "
         "500]-> agents -[answered]-> whisper"),
    line("an exit is removed", "      on: {404: closed}\n", "", "~ look_up (fetch)", "- on 404: "
                                                                                     "closed",
         "lost way: start: welcome -[hours.support.open]-> main -[key 1]-> ask_room -> look_up "
         "-[on 404]-> closed"),
    line("an error exit of its own", "    next: upgrade\n", "    next: upgrade\n    error: "
                                                            "closed\n", "~ look_up (fetch)",
         "~ error: sorry -> closed",
         "new way: start: welcome -[hours.support.open]-> main -[key 1]-> ask_room -> look_up "
         "-[error]-> closed"),
    line("an option leads elsewhere", "2: check", "2: closed", "~ main (menu)", "~ key 2: check -> "
                                                                                "closed",
         "calls no longer come to check", "new way: start: welcome -[hours.support.open]-> main "
                                          "-[key 2]-> closed",
         "lost way: start: welcome -[hours.support.open]-> main -[key 2]-> check -[outcome "
         "wrong]-> closed",
         "lost way: start: welcome -[hours.support.open]-> main -[key 2]-> check -[outcome "
         "right]-> agents -[answered]-> whisper"),
    line("an option is added", "        2: check", "        2: check\n        9: repeat", "~ main "
                                                                                          "(menu)", "+ key 9: repeat"),
    line("an option is removed", "        2: check\n", "", "~ main (menu)", "- key 2: "
                                                                            "check", "calls no "
                                                                                     "longer come "
                                                                                     "to check",
         "lost way: start: welcome -[hours.support.open]-> main -[key 2]-> check -[outcome "
         "wrong]-> closed",
         "lost way: start: welcome -[hours.support.open]-> main -[key 2]-> check -[outcome "
         "right]-> agents -[answered]-> whisper"),
    line("spoken words of an option", "hear: [room, flat]", "hear: [room, house]", "~ main (menu)",
         "~ key 1 hear: flat, room -> house, room"),
    line("a condition", 'vars.tier == "gold"', 'vars.tier != "gold"', "~ welcome (choose)",
         '~ choice to agents: vars.tier == "gold" -> vars.tier != "gold"'),
    line("a condition leads elsewhere", '"gold"\', next: agents', '"gold"\', next: main', "~ "
                                                                                          "welcome "
                                                                                          "(choose)",
         '~ choice vars.tier == "gold": agents -> main',
         'lost way: start: welcome -[vars.tier == "gold"]-> agents -[answered]-> whisper'),
    line("conditions change places", f"{OPEN}{GOLD}", f"{GOLD}{OPEN}", "~ welcome (choose)",
         '~ order of choices: hours.support.open, vars.tier == "gold" -> vars.tier == "gold", '
         'hours.support.open'),
    line("a condition is removed", "      - {when: 'vars.tier == \"gold\"', next: "
                                   "agents}\n", "", "~ welcome (choose)",
         '- choice vars.tier == "gold": agents', 'lost way: start: welcome -[vars.tier == '
                                                 '"gold"]-> agents -[answered]-> whisper'),
    line("what is valid", "invalid: That is no room.", 'invalid: That is no room., valid: '
                                                       'vars.room != "13"', "~ ask_room (collect)",
         '+ valid: vars.room != "13"'),
    line("a number", "ring: 20s", "ring: 25s", "~ agents (connect)", "~ ring: 20s -> 25s"),
    line("digits", "digits: 1-4", "digits: 2-4", "~ ask_room (collect)", "~ digits: 1-4 -> 2-4"),
    line("attempts of its own", "attempts: 2", "attempts: 4", "~ ask_room (collect)", "~ attempts: "
                                                                                      "2 -> 4"),
    line("a share", "share: 10%", "share: 25%", "~ toss (split)", "~ share to agents: 10% -> "
                                                                  "25%", "~ share to closed: 90% "
                                                                         "-> 75%"),
    line("a setting", "barge: false", "barge: true", "~ main (menu)", "~ barge: no -> yes"),
    line("whom to call", "+14045009000", "+14045009001", "~ agents (connect)", "~ phone: "
                                                                               "+14045009000 -> "
                                                                               "+14045009001"),
    line("a value that is set", "set: {tier: gold}", "set: {tier: standard}", "~ upgrade "
                                                                              "(set)", "~ set "
                                                                                       "tier: gold "
                                                                                       "-> "
                                                                                       "standard"),
    line("a header", "X-Line: house", "X-Line: flat", "~ look_up (fetch)", "~ headers X-Line: "
                                                                           "house -> flat"),
    line("what is taken from an answer", "tier: body.tier", "tier: body.level", "~ look_up (fetch)",
         "~ into tier: body.tier -> body.level"),
    line("what is handed in", 'wanted: "1234"', 'wanted: "4321"', "~ check (subflow)", "~ with "
                                                                                       "wanted: "
                                                                                       "1234 -> "
                                                                                       "4321"),
    line("a report", "details: done", "details: over", "~ file_call (done)", "~ report details: "
                                                                             "done -> over"),
    line("another kind of state", 'weekday}.", continue: ', 'weekday}.", hangup: ', "~ whisper "
                                                                                    "(hangup)", "~ "
                                                                                                "kind: continue -> hangup"),
    line("a state is added", "  noted: {done: }", "  noted: {done: }\n  lunch: {say: We are at "
                                                  "lunch., hangup: }", "+ lunch (hangup)",
         "+ say: “We are at lunch.”"),
    line("a state is removed", "    say: We are closed.\n    hangup:", "    say: We are closed.\n  "
                                                                       "  next: sorry",
         "~ closed (say)", "~ kind: hangup -> say", "+ next: sorry",
         "new way: start: welcome -[else]-> closed -> sorry"),
    line("the entry", "start: welcome", "start: main", "~ start: welcome -> main", "calls no "
                                                                                   "longer come to "
                                                                                   "welcome",
         "new way: start: main -[key 3.2]-> closed", "lost way: start: welcome -[else]-> closed",
         "lost way: start: welcome -[hours.support.open]-> main -[key 3.2]-> closed",
         'lost way: start: welcome -[vars.tier == "gold"]-> agents -[answered]-> whisper'),
    line("an entry is added", "on: {ended", "on: {answered: whisper, ended", "+ answered: "
                                                                             "whisper", "new way: "
                                                                                        "answered: "
                                                                                        "whisper"),
    line("an entry is removed", "on: {ended: file_call, ", "on: {", "- ended: file_call", "calls "
                                                                                          "no "
                                                                                          "longer "
                                                                                          "come to "
                                                                                          "file_call",
         "lost way: ended: file_call"),
    line("a key that works everywhere", "keys: {0: agents}", "keys: {0: closed}", "~ key 0: agents "
                                                                                  "-> closed",
         "affects line.main, line.ask_room", "new way: start: welcome -[hours.support.open]-> main "
                                             "-[key 0]-> closed",
         "new way: start: welcome -[hours.support.open]-> main -[key 1]-> ask_room -[key 0]-> "
         "closed",
         "lost way: start: welcome -[hours.support.open]-> main -[key 0]-> agents -[answered]-> "
         "whisper",
         "lost way: start: welcome -[hours.support.open]-> main -[key 1]-> ask_room -[key 0]-> "
         "agents -[answered]-> whisper"),
    line("the flow's default", "timeout: 6s", "timeout: 7s", "~ default timeout: 6s -> "
                                                             "7s", "affects line.main, "
                                                                   "line.ask_room"),
    line("the flow's error exit", "error: sorry", "error: closed", "~ error: sorry -> "
                                                                   "closed", "affects"),
    line("the first value of a variable", "default: standard", "default: gold",
         '~ variable tier: choice, at first "standard", one of gold, standard -> choice, at first '
         '"gold", one of gold, standard',
         "affects line.welcome, line.look_up, line.upgrade"),
    line("a variable is added", "vars:\n", "vars:\n  name: {type: text}\n", "+ variable name: "
                                                                            "text, at most 64"),
    line("a secret variable", "room: {type: digits, max: 4}", "room: {type: digits, max: 4, "
                                                              "secret: true}",
         "~ variable room: digits, at most 4 -> digits, at most 4, secret", "affects "
                                                                            "line.ask_room, "
                                                                            "line.look_up, "
                                                                            "line.sorry"),
    line("the locale", "title: A line\n", "title: A line\nlocale: sv-SE\n", "~ locale: en-US -> "
                                                                            "sv-SE", "affects"),
    Edit("what a flow hands out", "other.yaml", "inputs: [wanted]", "inputs: [wanted]\noutputs: "
                                                                    "[given]", ("other", ("+ "
                                                                                         "outputs: "
                                                                                         "given"))),
    Edit("a flow is renamed", "other.yaml", "flow: other", "flow: code", (("code, which was "
                                                                          "other"),)),
    project("a shared default", "attempts: 3", "attempts: 4", "~ default attempts: 3 -> "
                                                              "4", "affects line.main, other.ask"),
    project("a default falls away", "{attempts: 3, no_input: {message: silence}}", "{attempts: 3}",
            "- default no_input (en-US): “I heard nothing.”", "affects line.main, line.ask_room, "
                                                              "other.ask",
            "- default no_input (sv-SE): “Jag hörde inget.”", "affects line.main, line.ask_room, "
                                                              "other.ask"),
    project("a message", "bye: Goodbye.", "bye: See you.", "~ message bye: “Goodbye.” -> “See "
                                                           "you.”", "affects line.sorry"),
    project("a message by way of a default", "Jag hörde inget.", "Förlåt?", "~ message silence "
                                                                            "(sv-SE): “Jag hörde "
                                                                            "inget.” -> “Förlåt?”",
            "affects line.main, line.ask_room, other.ask"),
    project("opening hours", "09:00-17:00", "09:00-16:00",
            "~ calendar support, monday, tuesday, wednesday, thursday, friday: 09:00-17:00 -> "
            "09:00-16:00", "affects line.welcome"),
    project("a row of a table", '20: {phone: "+14045550120"}', '20: {phone: "+14045550121"}',
            '~ table rooms, row 20: phone "+14045550120" -> phone "+14045550121"', "affects "
                                                                                   "line.sorry"),
    project("a member of a group", '"+14045550130", "sip:desk', '"+14045550131", "sip:desk',
            "~ group desk, members: +14045550130, desk@pbx.example.com -> +14045550131, desk@pbx.example.com",
            "affects second.hello"),
    project("how long a group rings", "each: 15s", "each: 20s", "~ group desk, each: 15s -> 20s", "affects second.hello"),
    project("the address of a service", "crm.example.com", "crm.example.org",
            "~ service crm, url: https://crm.example.com -> https://crm.example.org", "affects "
                                                                                      "line.look_up"),
    project("where a secret is", "{crm: CRM_TOKEN}", "{crm: CRM_KEY}", "~ secret crm: CRM_TOKEN -> "
                                                                       "CRM_KEY", "affects "
                                                                                  "line.look_up"),
    project("a route leads elsewhere", '5550101", flow: line', '5550101", flow: second', "~ route "
                                                                                         "to "
                                                                                         "+14045550101: line -> second"),
    project("another number", "+14045550102", "+14045550103", "~ route to second: to +14045550102 "
                                                              "-> to +14045550103"),
    project("a route is removed", '  - {to: "+14045550102", flow: second}\n', "", "- route to "
                                                                                  "+14045550102: "
                                                                                  "second"),
    project("the apology", "apology: Sorry.", "apology: Oh dear.", "~ apology: “Sorry.” -> “Oh "
                                                                   "dear.”"),
    project("the locale of all", "locale: en-US", "locale: en-GB", "~ locale: en-US -> "
                                                                   "en-GB", "affects"),
    project("recordings", "apology: Sorry.", "apology: Sorry.\nrecordings: {to: s3://box}", "+ "
                                                                                           "recordings to: s3://box"),
    project("the journal", "apology: Sorry.", "apology: Sorry.\njournal: {numbers: clear}", "~ "
                                                                                            "journal numbers: masked -> clear"),
    project("no journal", "apology: Sorry.", "apology: Sorry.\njournal: {keep: none}", "~ journal "
                                                                                       "keep: 30d "
                                                                                       "-> none"),
    project("an application", "apology: Sorry.", "apology: Sorry.\napplications: [{key: key-1, "
                                                 "secret: ACME}]",
            "+ application key-1: ACME"),
    project("the zone", "apology: Sorry.", "apology: Sorry.\nzone: Europe/Oslo", "~ zone: UTC -> "
                                                                                 "Europe/Oslo", "affects line.whisper"),
    project("a setting of the platform", "apology: Sorry.", "apology: Sorry.\nplatform: {deadline: "
                                                            "4s}", "~ platform deadline: 5s -> 4s"),
)  # fmt: skip
MEANINGLESS = (
    ("a note", "line.yaml", "Asked for by sales.", "Asked for by everybody."),
    ("a title", "line.yaml", "title: A line", "title: The line"),
    ("a comment", "line.yaml", "states:\n", "# What happens\nstates:\n"),
    ("the spelling of a duration", "line.yaml", "ring: 20s", "ring: 20000ms"),
    ("what is so anyway", "line.yaml", "barge: false", ("barge: false\n      attempts: 3\n      "
                                                       "repeats: 0")),
    ("the long form of an option", "line.yaml", "2: check", "2: {next: check}"),
    ("the long form of words", "line.yaml", "say: We are closed.", "say: [{text: We are closed.}]"),
    ("lines of words", "line.yaml", "say: We are closed.", "say: >\n      We are\n      closed."),
    ("spaces in an expression", "line.yaml", 'vars.tier == "gold"', 'vars.tier=="gold"'),
    ("spaces in a template", "line.yaml", "/rooms/${vars.room}", "/rooms/${ vars.room }"),
    ("the message said in full", "line.yaml", "say: {message: bye}", "say: Goodbye."),
    ("the default said again", "line.yaml", "invalid: That is no room.}", ("invalid: That is no "
                                                                          "room., otherwise: "
                                                                          "agents, timeout: 6s}")),
    ("the key said again", "line.yaml", "        2: check", "        2: check\n        0: agents"),
    ("a message that nobody says", "project.yaml", "  bye: Goodbye.", ("  bye: Goodbye.\n  hello: "
                                                                      "Hello.")),
    ("a row of a table in another place", "project.yaml", ('10: {phone: "+14045550110"}, 20: '
                                                          '{phone: "+14045550120"}'),
     '20: {phone: "+14045550120"}, 10: {phone: "+14045550110"}'),
    ("days one by one", "project.yaml", 'mon-fri: "09:00-17:00"', ('mon-thu: "09:00-17:00", fri: '
                                                                  '["09:00-17:00"], sun: closed')),
    ("a whisper in its long form", "second.yaml", "accept: Press 1 to take it.", (
        "accept: {prompt: Press 1 to take it., timeout: 8000ms}")),
    ("a member as people write it", "project.yaml", "+14045550130", "+1 404 555 0130"),
    ("how long a group rings in milliseconds", "project.yaml", "each: 15s", "each: 15000ms"),
    ("the number as people write it", "line.yaml", "+14045009000", "+1 404 500 9000"),
)  # fmt: skip
