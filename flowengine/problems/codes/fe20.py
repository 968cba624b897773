"""FE201-FE210: names, exits, questions and prompts."""

from typing import Final

from flowengine.problems.catalogue_entry import CatalogueEntry, Severity

ENTRIES: Final[tuple[CatalogueEntry, ...]] = (
    CatalogueEntry(
        "FE201",
        "an unknown variable",
        Severity.ERROR,
        "A state can only write variables that the flow declares under vars:, with their type and "
        "size. The same goes for the "
        "inputs and outputs of a subflow.",
        """\
flow: line
start: welcome
vars:
  tier: {type: text, default: gold}
states:
  welcome: {set: {teir: silver}, next: greet}
  greet: {say: "${vars.tier}", hangup: }
""",
        """\
flow: line
start: welcome
vars:
  tier: {type: text, default: gold}
states:
  welcome: {set: {tier: silver}, next: greet}
  greet: {say: "${vars.tier}", hangup: }
""",
    ),
    CatalogueEntry(
        "FE202",
        "an unknown flow, service or message",
        Severity.ERROR,
        "The name is not one of the project's: a flow has it after flow:, services and messages "
        "are in project.yaml.",
        """\
# project.yaml
project: acme
services: {crm: {url: https://crm.example.com}}
# main.yaml
flow: line
start: welcome
states:
  welcome:
    fetch: {service: crn, get: /ping}
    next: goodbye
  goodbye: {hangup: }
""",
        """\
# project.yaml
project: acme
services: {crm: {url: https://crm.example.com}}
# main.yaml
flow: line
start: welcome
states:
  welcome:
    fetch: {service: crm, get: /ping}
    next: goodbye
  goodbye: {hangup: }
""",
    ),
    CatalogueEntry(
        "FE203",
        "an unknown state",
        Severity.ERROR,
        "Every exit leads to a state of the same flow. To go to another flow use subflow:.",
        """\
flow: line
start: welcome
states:
  welcome: {say: Hello., next: godbye}
  goodbye: {hangup: }
""",
        """\
flow: line
start: welcome
states:
  welcome: {say: Hello., next: goodbye}
  goodbye: {hangup: }
""",
    ),
    CatalogueEntry(
        "FE204",
        "a state that does two things",
        Severity.ERROR,
        "One state has one verb: it asks, or connects, or hangs up. What comes before the verb "
        "(say:, record: and others) may be "
        "in the same state.",
        """\
flow: line
start: welcome
states:
  welcome: {connect: "+14045009000", hangup: }
""",
        """\
flow: line
start: welcome
states:
  welcome: {connect: "+14045009000"}
""",
    ),
    CatalogueEntry(
        "FE205",
        "nothing says where the call goes next",
        Severity.ERROR,
        "A state without a verb, and one that sets, fetches or collects, needs next:.",
        """\
flow: line
start: welcome
states:
  welcome: {say: Hello.}
""",
        """\
flow: line
start: welcome
states:
  welcome: {say: Hello., hangup: }
""",
    ),
    CatalogueEntry(
        "FE206",
        "an exit is missing",
        Severity.ERROR,
        "Every way that a state can end leads somewhere: when attempts run out, when no condition "
        "holds, at each outcome of a subflow.",
        """\
flow: line
start: welcome
states:
  welcome:
    menu: {prompt: To end press 1., options: {1: goodbye}}
  goodbye: {hangup: }
""",
        """\
flow: line
start: welcome
states:
  welcome:
    menu: {prompt: To end press 1., options: {1: goodbye}, otherwise: goodbye}
  goodbye: {hangup: }
""",
    ),
    CatalogueEntry(
        "FE207",
        "a key without exactly one meaning",
        Severity.ERROR,
        "The long form of an option has either next:, the state to go to, or menu:, an inner menu.",
        """\
flow: line
start: welcome
states:
  welcome:
    menu: {prompt: To end press 1., options: {1: {hear: [end]}}, otherwise: goodbye}
  goodbye: {hangup: }
""",
        """\
flow: line
start: welcome
states:
  welcome:
    menu: {prompt: To end press 1., options: {1: {next: goodbye, hear: [end]}}, otherwise: goodbye}
  goodbye: {hangup: }
""",
    ),
    CatalogueEntry(
        "FE208",
        "no range of digits",
        Severity.ERROR,
        "A range has the smaller number first, and at least one digit.",
        """\
flow: line
start: welcome
vars:
  account: {type: digits, max: 8}
states:
  welcome:
    collect: {prompt: Your number?, into: account, digits: 8-4, otherwise: goodbye}
    next: read
  read: {say: "${vars.account}", hangup: }
  goodbye: {hangup: }
""",
        """\
flow: line
start: welcome
vars:
  account: {type: digits, max: 8}
states:
  welcome:
    collect: {prompt: Your number?, into: account, digits: 4-8, otherwise: goodbye}
    next: read
  read: {say: "${vars.account}", hangup: }
  goodbye: {hangup: }
""",
    ),
    CatalogueEntry(
        "FE209",
        "more digits than the variable holds",
        Severity.ERROR,
        "The question takes more digits than the variable that keeps them.",
        """\
flow: line
start: welcome
vars:
  account: {type: digits, max: 8}
states:
  welcome:
    collect: {prompt: Your number?, into: account, digits: 12, otherwise: goodbye}
    next: read
  read: {say: "${vars.account}", hangup: }
  goodbye: {hangup: }
""",
        """\
flow: line
start: welcome
vars:
  account: {type: digits, max: 8}
states:
  welcome:
    collect: {prompt: Your number?, into: account, digits: 8, otherwise: goodbye}
    next: read
  read: {say: "${vars.account}", hangup: }
  goodbye: {hangup: }
""",
    ),
    CatalogueEntry(
        "FE210",
        "a prompt that is several things",
        Severity.ERROR,
        "One entry of a prompt is exactly one of text, ssml, audio or message. For several in a "
        "row write a list.",
        """\
flow: line
start: welcome
states:
  welcome: {say: {text: Hello., audio: hello.mp3}, hangup: }
""",
        """\
flow: line
start: welcome
states:
  welcome: {say: [{text: Hello.}, {audio: hello.mp3}], hangup: }
""",
    ),
)
