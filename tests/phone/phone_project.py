"""A project to call: every kind of thing that can happen to somebody at a phone."""

from pathlib import Path

FILES = {
    "project.yaml": """\
project: shop
routes:
  - {to: +14045550101, flow: line}
  - {to: +14045550102, flow: room}
  - {to: +14045550103, flow: waiting}
  - {to: +14045550104, flow: message}
  - {to: +14045550105, flow: assistant}
  - {to: +14045550106, flow: trouble}
  - {to: +14045550107, flow: sales}
  - {origin: mxp, type: username, flow: apps}
  - {origin: server, flow: bill}
services: {crm: {url: "https://crm.example.com/v1", headers: {Authorization: "Bearer ${secrets.crm}"}}}
secrets: {crm: CRM_TOKEN, files: FILES_KEY}
defaults: {no_match: That is not a choice., no_input: Sorry?}
apology: We are sorry.
""",
    "line.yaml": """\
flow: line
start: welcome
vars:
  order: {type: digits, max: 4}
  status: {type: text, max: 20}
states:
  welcome:
    say: Welcome to the shop.
    menu:
      prompt: For your order press 1. For the shop press 2.
      options:
        1: {next: ask, hear: [order]}
        2: shop
      otherwise: bye
  ask:
    collect: {prompt: Enter your order number., into: order, digits: 4, valid: luhn(vars.order), invalid: That is not one., otherwise: shop}
    next: look_up
  look_up:
    fetch:
      service: crm
      get: /orders/${vars.order}
      into: {status: body.status}
      on: {404: unknown}
      failed: shop
    next: tell
  tell: {say: "It is ${vars.status}.", hangup: }
  unknown: {say: I know no such order., next: ask}
  shop:
    connect: {phone: "+14045009000", ring: 20s, answered: whisper, detect: sync, machine: bye, person: whisper, unsure: whisper}
  whisper: {say: A call from the line., continue: }
  bye: {say: Goodbye., hangup: }
""",
    "room.yaml": """\
flow: room
start: join
on: {pressed: heard}
states:
  join:
    say: Welcome to the meeting.
    connect: {conference: meeting, music: music2, keys: {mode: detect, max: 2, timeout: 2s}}
  heard:
    fetch: {service: crm, post: /hands, body: {keys: "${event.digits}"}, failed: nothing}
    next: nothing
  nothing: {done: }
""",
    "waiting.yaml": """\
flow: waiting
start: hold
states:
  hold:
    park: {intro: Please wait., hold: [{audio: "https://media.example.com/waiting.mp3"}, You are still in line.], limit: 1m}
""",
    "message.yaml": """\
flow: message
start: greet
on: {notified: {recording_available: file_it, any: noted}}
states:
  greet:
    answer: true
    record: {to: "s3://shop/messages", credentials: "${secrets.files}", notify: true}
    menu: {prompt: Speak now., options: {"#": thanks}, otherwise: thanks, barge: false}
  thanks: {record: stop, say: Thank you., hangup: }
  file_it:
    fetch: {service: crm, post: /messages, body: {recording: "${event.destination}"}, failed: noted}
    next: noted
  noted: {done: }
""",
    "assistant.yaml": """\
flow: assistant
start: talk
states:
  talk: {say: Talk to the assistant., connect: {stream: "wss://bot.example.com/audio"}}
""",
    "trouble.yaml": """\
flow: trouble
start: breaks
vars: {number: {type: integer}}
states:
  breaks: {set: {number: "${1 / vars.number}"}, next: never}
  never: {hangup: }
""",
    "sales.yaml": """\
flow: sales
start: find
states:
  find:
    ring:
      who: [+14045009001, +14045009002]
      order: in turn
      accept: A call for sales. Press 1 to take it.
      wait: {say: We are looking for somebody., music: music1}
      nobody: sorry
      after: bye
  sorry: {say: Nobody is there., hangup: }
  bye: {say: Goodbye., hangup: }
""",
    "apps.yaml": """\
flow: apps
start: through
states:
  through: {connect: {app: dialled}}
""",
    "bill.yaml": """\
flow: bill
start: dial
inputs: [name]
vars: {name: {type: text, max: 20, default: there}}
states:
  dial:
    connect: {phone: "${call.to}", caller_id: +14045001000, detect: sync, person: tell, unsure: tell, machine: leave}
  tell:
    menu: {prompt: "Hello ${vars.name}. To talk about your bill press 1.", options: {1: agent}, otherwise: bye}
  agent: {connect: "+14045009000"}
  leave: {say: "Please call us, ${vars.name}.", hangup: }
  bye: {say: Goodbye., hangup: }
""",
}
CALLS = {
    "a menu, by key": ["--keys", "5,2,decline"],
    "a menu, by voice and in silence": ["--keys", 'say "my order, please",,,'],
    "digits with retries, then a lookup by hand": [
        "--keys",
        "1,12#,1231,1230,{status: on its way}",
    ],
    "a lookup that finds nothing, one with the usual answer": ["--keys", "1,1230,404,1230,"],
    "a lookup that fails": ["--keys", "1,1230,timeout,hang up"],
    "an agent answers": ["--keys", "2,person,say hello,callee say hi,callee 1,callee hang up"],
    "an agent is busy": ["--keys", "2,busy"],
    "an agent lets it ring": ["--keys", "2,,"],
    "an agent is a machine": ["--keys", "2,machine"],
    "a conference": ["--to", "+14045550102", "--keys", "*1,,"],
    "a park that is ended by hand": [
        "--flow",
        "waiting",
        "--keys",
        "wait 10,unpark +14045550140,answer,hang up",
    ],
    "a park that lasts too long": ["--flow", "waiting", "--keys", "wait 58s,,,"],
    "a recording": ["--flow", "message", "--keys", "#,500"],
    "a stream": ["--flow", "assistant", "--keys", "answer,callee say I am a bot,hang up"],
    "from app to app": ["--app", "alice", "--to", "bob", "--keys", "no answer"],
    "a ring that the second phone takes": [
        "--flow",
        "sales",
        "--keys",
        "agent1 busy,agent2 answer,agent2 1,say Hello,agent2 say Hi,agent2 hang up",
    ],
    "a ring that nobody takes": [
        "--flow",
        "sales",
        "--keys",
        "agent1 decline,wait 5,agent2 no answer",
    ],
    "an apology": ["--flow", "trouble", "--keys", ""],
    "a placed call": [
        "--outbound",
        "--to",
        "+14045550177",
        "--data",
        "name=Ms Lee",
        "--keys",
        "person,1,answer,callee hang up",
    ],
    "a placed call to a machine": ["--outbound", "--keys", "machine"],
    "at another time, from a hidden number": [
        "--at",
        "23:00",
        "--from",
        "private",
        "--keys",
        "hang up",
    ],
}
"""Calls by what happens in them"""


def project(folder: Path) -> Path:
    flows = folder / "flows"
    flows.mkdir()
    for name, text in FILES.items():
        (flows / name).write_text(text)
    return flows
