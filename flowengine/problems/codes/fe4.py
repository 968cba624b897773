"""FE4xx: what the platform allows, and its limits."""

from typing import Final

from flowengine.problems.catalogue_entry import CatalogueEntry, Severity

ENTRIES: Final[tuple[CatalogueEntry, ...]] = (
    CatalogueEntry(
        "FE401",
        "an action that is not possible where the call then is",
        Severity.ERROR,
        "What can be done with a call depends on what has just happened to it. An app user can be "
        "called when the call comes in, but not "
        "after a key press; a call can go on only once it is connected. The message shows the "
        "shortest way by which a call gets to this "
        "state, with what happens on that way in brackets. Do it earlier on that way, or do "
        "something else here.",
        """\
flow: line
start: main
states:
  main:
    menu: {prompt: For Alice press 1., options: {1: alice}, otherwise: goodbye}
  alice: {connect: {app: alice}}
  goodbye: {hangup: }
""",
        """\
flow: line
start: main
states:
  main:
    menu: {prompt: For Alice press 1., options: {1: alice}, otherwise: goodbye}
  alice: {connect: {sip: alice@pbx.example.com}}
  goodbye: {hangup: }
""",
    ),
    CatalogueEntry(
        "FE402",
        "something said or done that is not possible where the call then is",
        Severity.ERROR,
        "Before its verb a state may speak, record, send keys, answer or report, but not after "
        "every event: once the call has ended nobody "
        "hears a word, and keys can be sent only to a call that comes in or has just given an "
        "answer to a question. The message shows the "
        "shortest way to this state.",
        """\
flow: line
start: welcome
on: {ended: report}
states:
  welcome: {say: Hello., hangup: }
  report: {say: Goodbye., done: }
""",
        """\
flow: line
start: welcome
on: {ended: report}
states:
  welcome: {say: Hello., hangup: }
  report: {report: {status: success}, done: }
""",
    ),
    CatalogueEntry(
        "FE403",
        "a call may outgrow the cookie, and there is no store",
        Severity.ERROR,
        "What a waiting call carries may, in the worst case, be more than the 1024 bytes that the "
        "platform keeps in cookies, and this "
        "server keeps calls in cookies only. Give the largest variables a smaller max:, or "
        "configure a session store. A text counts four "
        "bytes per character, digits one.",
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
        "FE404",
        "too much said at once",
        Severity.ERROR,
        "The platform speaks at most 1000 characters in one answer. What a state says before its "
        "question and the question itself are one "
        "answer.",
        "flow: line\nstart: welcome\nstates:\n  welcome:\n    say:\n"
        + 3 * f"      - {'All about us. ' * 28}\n"
        + "    hangup:\n",
        "flow: line\nstart: welcome\nstates:\n  welcome:\n    say:\n"
        + 2 * f"      - {'All about us. ' * 28}\n"
        + "    hangup:\n",
    ),
    CatalogueEntry(
        "FE405",
        "too many prompts at once",
        Severity.ERROR,
        "The platform takes at most 64 prompts in one answer. Several short texts can be one text.",
        "flow: line\nstart: welcome\nstates:\n  welcome:\n    say: "
        f"[{', '.join(['Hello.'] * 65)}]\n    hangup:\n",
        "flow: line\nstart: welcome\nstates:\n  welcome:\n    say: "
        f"[{', '.join(['Hello.'] * 3)}]\n    hangup:\n",
    ),
    CatalogueEntry(
        "FE406",
        "a name too long for a menu",
        Severity.ERROR,
        "A menu is known to the platform by the names of its flow and state together, with a point "
        "between them: at most 64 characters.",
        """\
flow: the-line-of-the-customer-support
start: the_menu_with_all_the_choices_there_are
states:
  the_menu_with_all_the_choices_there_are:
    menu: {prompt: To end press 1., options: {1: goodbye}, otherwise: goodbye}
  goodbye: {hangup: }
""",
        """\
flow: support
start: choices
states:
  choices:
    menu: {prompt: To end press 1., options: {1: goodbye}, otherwise: goodbye}
  goodbye: {hangup: }
""",
    ),
    CatalogueEntry(
        "FE410",
        "a text too long to speak",
        Severity.ERROR,
        "The platform speaks at most 600 characters of one text. A list of texts, or two states, "
        "say the same without a gap.",
        f"flow: line\nstart: welcome\nstates:\n  welcome: {{say: {'All about us. ' * 50}, hangup: "
        f"}}\n",
        f"flow: line\nstart: welcome\nstates:\n  welcome: {{say: {'All about us. ' * 5}, hangup: "
        f"}}\n",
    ),
    CatalogueEntry(
        "FE411",
        "speech markup that is not well formed",
        Severity.ERROR,
        "SSML is XML: every element that is opened is closed, and & is written as the word and.",
        """\
flow: line
start: welcome
states:
  welcome: {say: {ssml: "Hello <emphasis>there"}, hangup: }
""",
        """\
flow: line
start: welcome
states:
  welcome: {say: {ssml: "Hello <emphasis>there</emphasis>"}, hangup: }
""",
    ),
    CatalogueEntry(
        "FE412",
        "a time outside the platform's range",
        Severity.ERROR,
        "The platform waits between 1s and 30s for a key, holds a parked call for 10m at most, and "
        "ends a connection after 4h. Ringing and "
        "limits are whole seconds on the wire, so parts of a second are refused, not rounded.",
        """\
flow: line
start: wait
states:
  wait: {park: {intro: Please hold., limit: 1h}}
""",
        """\
flow: line
start: wait
states:
  wait: {park: {intro: Please hold., limit: 10m}}
""",
    ),
    CatalogueEntry(
        "FE413",
        "an option that this kind of connection has not",
        Severity.ERROR,
        "Phones, SIP addresses, app users, conferences and streams take different options. The "
        "platform would drop this one in silence.",
        """\
flow: line
start: alice
states:
  alice: {connect: {app: alice, ring: 20s}}
""",
        """\
flow: line
start: alice
states:
  alice: {connect: {phone: "+14045009000", ring: 20s}}
""",
    ),
    CatalogueEntry(
        "FE414",
        "an exit that can never be taken",
        Severity.ERROR,
        "Exits of a connection follow from what the platform reports. A silent connection reports "
        "nothing, and a beep is reported by "
        "asynchronous detection only.",
        """\
flow: line
start: agents
states:
  agents: {connect: {phone: "+14045009000", silent: true, answered: announce}}
  announce: {say: You are now connected to an agent., continue: }
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
        "FE415",
        "an address that cannot be reached",
        Severity.ERROR,
        "A phone number has + and the country code, a SIP address is user@host, a stream begins "
        "with wss://, "
        "a room has 1 to 64 characters. A recording goes to s3://bucket/folder or "
        "azure://account/container.",
        """\
flow: line
start: agents
states:
  agents: {connect: {sip: agents}}
""",
        """\
flow: line
start: agents
states:
  agents: {connect: {sip: agents@pbx.example.com}}
""",
    ),
    CatalogueEntry(
        "FE417",
        "an audio file that cannot be played",
        Severity.ERROR,
        "Audio is the name of a file uploaded to the platform, or an address that begins with "
        "https:// or http://. Prompts travel as a "
        "list with ; [ and ] between them, so none of these may stand in a name, and neither may "
        "spaces.",
        """\
flow: line
start: welcome
states:
  welcome: {say: {audio: my welcome.mp3}, hangup: }
""",
        """\
flow: line
start: welcome
states:
  welcome: {say: {audio: my-welcome.mp3}, hangup: }
""",
    ),
    CatalogueEntry(
        "FE416",
        "another voice inside a question",
        Severity.ERROR,
        "The prompts of a question or a park travel to the platform as one list, spoken in one "
        "voice and one locale. What is to be said in "
        "another voice or locale is said before, by say:, or the whole question is, by locale: on "
        "its state.",
        """\
flow: line
start: main
states:
  main:
    menu:
      prompt: [To end press 1., {text: Tryck 1., locale: sv-SE}]
      options: {1: goodbye}
      otherwise: goodbye
  goodbye: {hangup: }
""",
        """\
flow: line
start: main
states:
  main:
    say: {text: Tryck 1., locale: sv-SE}
    menu:
      prompt: To end press 1.
      options: {1: goodbye}
      otherwise: goodbye
  goodbye: {hangup: }
""",
    ),
)
