"""FE9xx: warnings. A flow with them runs, but probably not as it was meant."""

from typing import Final

from flowengine.problems.catalogue_entry import CatalogueEntry, Severity

ENTRIES: Final[tuple[CatalogueEntry, ...]] = (
    CatalogueEntry(
        "FE901",
        "a state that no call comes to",
        Severity.WARNING,
        "Nothing leads to this state: no next:, no option, no exit, no entry under on: and no "
        "error:. Either something should lead "
        "there, or the state is left over and can go.",
        """\
flow: line
start: welcome
states:
  welcome: {say: Hello., next: goodbye}
  goodbye: {hangup: }
  agents: {connect: "+14045009000"}
""",
        """\
flow: line
start: welcome
states:
  welcome: {say: Hello., next: agents}
  agents: {connect: "+14045009000"}
""",
    ),
    CatalogueEntry(
        "FE902",
        "a variable that nobody reads",
        Severity.WARNING,
        "The variable is declared, and perhaps given values, but nothing ever reads it: no text, "
        "no condition, no output.",
        """\
flow: line
start: welcome
vars:
  tier: {type: text, default: gold}
states:
  welcome: {say: Hello., hangup: }
""",
        """\
flow: line
start: welcome
vars:
  tier: {type: text, default: gold}
states:
  welcome: {say: "Hello, ${vars.tier} customer.", hangup: }
""",
    ),
    CatalogueEntry(
        "FE903",
        "a variable that never has a value",
        Severity.WARNING,
        "The variable is read, but it has no default, nothing sets it, and it is no input. It is "
        "always empty, 0 or false.",
        """\
flow: line
start: welcome
vars:
  name: {type: text}
states:
  welcome: {say: "Hello ${vars.name}.", hangup: }
""",
        """\
flow: line
start: welcome
vars:
  name: {type: text, default: caller}
states:
  welcome: {say: "Hello ${vars.name}.", hangup: }
""",
    ),
    CatalogueEntry(
        "FE904",
        "an unknown locale",
        Severity.WARNING,
        "The platform is not known to speak this locale. It adds voices from time to time, so this "
        "is no error; mostly it is a typing "
        "mistake, and the caller would hear a voice of another language or nothing.",
        """\
flow: line
locale: en-SU
start: welcome
states:
  welcome: {say: Hello., hangup: }
""",
        """\
flow: line
locale: en-US
start: welcome
states:
  welcome: {say: Hello., hangup: }
""",
    ),
    CatalogueEntry(
        "FE905",
        "an environment variable is missing",
        Severity.WARNING,
        "A secret is named here by its environment variable, and that variable is not set where "
        "the project was compiled. A check on a "
        "laptop need not have it; the server needs it, and a lookup that uses it fails without it.",
        """\
# project.yaml
project: acme
secrets: {crm: CRM_TOKEN}
# main.yaml
flow: line
start: welcome
states:
  welcome: {say: Hello., hangup: }
""",
        """\
# project.yaml
project: acme
secrets: {}
# main.yaml
flow: line
start: welcome
states:
  welcome: {say: Hello., hangup: }
""",
    ),
    CatalogueEntry(
        "FE906",
        "an option hides a key that works everywhere",
        Severity.WARNING,
        "The flow declares this key under keys: for all of its questions, but in this menu the key "
        "does something else. Callers who have "
        "learnt the key will be surprised.",
        """\
flow: line
start: main
keys: {0: agents}
states:
  main:
    menu: {prompt: For our hours press 0., options: {0: hours}, otherwise: agents}
  hours: {say: We are open all day., hangup: }
  agents: {connect: "+14045009000"}
""",
        """\
flow: line
start: main
keys: {0: agents}
states:
  main:
    menu: {prompt: For our hours press 1., options: {1: hours}, otherwise: agents}
  hours: {say: We are open all day., hangup: }
  agents: {connect: "+14045009000"}
""",
    ),
    CatalogueEntry(
        "FE907",
        "a recording that the platform ignores",
        Severity.WARNING,
        "In the answer that calls an app user the platform ignores startRecording. A call to a "
        "phone or a SIP address can be recorded.",
        """\
flow: line
start: alice
states:
  alice: {record: {to: "s3://calls/acme"}, connect: {app: alice}}
""",
        """\
flow: line
start: alice
states:
  alice: {record: {to: "s3://calls/acme"}, connect: {sip: alice@pbx.example.com}}
""",
    ),
    CatalogueEntry(
        "FE908",
        "a call may outgrow the cookie",
        Severity.WARNING,
        "What a waiting call carries may, in the worst case, be more than the 1024 bytes that the "
        "platform keeps in cookies. Then only the "
        "session store brings the call home. A smaller max: on the largest variables keeps it "
        "within the cookie; a text counts four bytes "
        "per character, digits one.",
        """\
flow: line
start: ask
vars:
  letter: {type: text, max: 400}
states:
  ask:
    collect: {prompt: Please speak., into: letter, voice: true, otherwise: read}
    next: read
  read: {say: "You said ${vars.letter}.", hangup: }
""",
        """\
flow: line
start: ask
vars:
  letter: {type: text, max: 100}
states:
  ask:
    collect: {prompt: Please speak., into: letter, voice: true, otherwise: read}
    next: read
  read: {say: "You said ${vars.letter}.", hangup: }
""",
    ),
    CatalogueEntry(
        "FE909",
        "a recording of nothing",
        Severity.WARNING,
        "The recording begins in the very state that hangs up, so it ends before the caller can "
        "speak. A "
        "message is recorded while the call waits for something, such as a key in a menu.",
        """\
flow: line
start: message
states:
  message: {record: {to: "s3://calls/acme"}, say: Please speak after the tone., hangup: }
""",
        """\
flow: line
start: message
states:
  message:
    record: {to: "s3://calls/acme"}
    menu: {prompt: Please speak. Press 1 when you are done., options: {1: thanks}, otherwise: thanks, timeout: 30s}
  thanks: {record: stop, say: Thank you., hangup: }
""",
    ),
    CatalogueEntry(
        "FE910",
        "a secret written as in a shell",
        Severity.WARNING,
        "Variables of the environment are not put into texts: `$NAME` is sent as it stands. A "
        "secret is declared in the project under "
        "secrets: and written as ${secrets.name}.",
        """\
# project.yaml
project: acme
services: {crm: {url: "https://crm.example.com", headers: {Authorization: "Bearer $CRM_TOKEN"}}}
# main.yaml
flow: line
start: welcome
states:
  welcome: {say: Hello., hangup: }
""",
        """\
# project.yaml
project: acme
services: {crm: {url: "https://crm.example.com", headers: {X-Plan: gold}}}
# main.yaml
flow: line
start: welcome
states:
  welcome: {say: Hello., hangup: }
""",
    ),
    CatalogueEntry(
        "FE911",
        "a secret that nothing uses",
        Severity.WARNING,
        "The project declares a secret, but no header, no recording and no text has it as "
        "${secrets.name}. Either it is missing somewhere, "
        "so that a lookup will be refused, or it is left over.",
        """\
# project.yaml
project: acme
services: {crm: {url: "https://crm.example.com"}}
secrets: {crm: CRM_TOKEN}
# main.yaml
flow: line
start: welcome
states:
  welcome: {say: Hello., hangup: }
""",
        """\
# project.yaml
project: acme
services: {crm: {url: "https://crm.example.com"}}
# main.yaml
flow: line
start: welcome
states:
  welcome: {say: Hello., hangup: }
""",
    ),
    CatalogueEntry(
        "FE912",
        "a silent caller is asked for ever",
        Severity.WARNING,
        "When the attempts of a question run out, otherwise: leads back to the same question, "
        "where they are counted anew. Whoever is not "
        "there any more, or cannot press keys, keeps the call going and is charged for it.",
        """\
flow: line
start: main
states:
  main:
    menu: {prompt: For an agent press 1., options: {1: agents}, otherwise: sorry}
  sorry: {say: I did not hear you., next: main}
  agents: {connect: "+14045009000"}
""",
        """\
flow: line
start: main
states:
  main:
    menu: {prompt: For an agent press 1., options: {1: agents}, no_input: I did not hear you., otherwise: agents}
  agents: {connect: "+14045009000"}
""",
    ),
)
