"""FE211-FE219: choices, lookups, subflows and connections."""

from typing import Final

from flowengine.problems.catalogue_entry import CatalogueEntry, Severity

ENTRIES: Final[tuple[CatalogueEntry, ...]] = (
    CatalogueEntry(
        "FE211",
        "choices that are never looked at",
        Severity.ERROR,
        "A choice without when: is always taken, so that nothing below it is ever tried.",
        """\
flow: line
start: welcome
vars:
  tier: {type: text, default: gold}
states:
  welcome:
    choose:
      - next: goodbye
      - {when: vars.tier == "gold", next: desk}
      - next: goodbye
  desk: {connect: "+14045009000"}
  goodbye: {hangup: }
""",
        """\
flow: line
start: welcome
vars:
  tier: {type: text, default: gold}
states:
  welcome:
    choose:
      - {when: vars.tier == "gold", next: desk}
      - next: goodbye
  desk: {connect: "+14045009000"}
  goodbye: {hangup: }
""",
    ),
    CatalogueEntry(
        "FE212",
        "shares that are not the whole",
        Severity.ERROR,
        "The shares of a split make 100%. The last entry may go without a share; it takes the "
        "rest.",
        """\
flow: line
start: welcome
states:
  welcome:
    split:
      - {share: 10%, next: desk}
      - {share: 80%, next: goodbye}
  desk: {connect: "+14045009000"}
  goodbye: {hangup: }
""",
        """\
flow: line
start: welcome
states:
  welcome:
    split:
      - {share: 10%, next: desk}
      - next: goodbye
  desk: {connect: "+14045009000"}
  goodbye: {hangup: }
""",
    ),
    CatalogueEntry(
        "FE213",
        "a fetch without exactly one method",
        Severity.ERROR,
        "A fetch has one of get:, post: and put:, with the path.",
        """\
# project.yaml
project: acme
services: {crm: {url: https://crm.example.com}}
# main.yaml
flow: line
start: welcome
states:
  welcome:
    fetch: {service: crm}
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
        "FE214",
        "a path that does not start with /",
        Severity.ERROR,
        "The service in project.yaml has the address; a fetch names the path below it.",
        """\
# project.yaml
project: acme
services: {crm: {url: https://crm.example.com}}
# main.yaml
flow: line
start: welcome
states:
  welcome:
    fetch: {service: crm, get: ping}
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
        "FE215",
        "an input is missing",
        Severity.ERROR,
        "The subflow declares inputs without a default; whoever uses it hands them in under with:.",
        """\
# project.yaml
project: acme
routes: [{flow: line}]
# main.yaml
flow: line
start: welcome
states:
  welcome:
    subflow: {flow: greet, outcomes: {done: goodbye}}
  goodbye: {hangup: }
# greet.yaml
flow: greet
start: say_it
vars:
  name: {type: text}
inputs: [name]
outcomes: [done]
states:
  say_it: {say: "Hello ${vars.name}.", next: end}
  end: {return: done}
""",
        """\
# project.yaml
project: acme
routes: [{flow: line}]
# main.yaml
flow: line
start: welcome
states:
  welcome:
    subflow: {flow: greet, with: {name: Ann}, outcomes: {done: goodbye}}
  goodbye: {hangup: }
# greet.yaml
flow: greet
start: say_it
vars:
  name: {type: text}
inputs: [name]
outcomes: [done]
states:
  say_it: {say: "Hello ${vars.name}.", next: end}
  end: {return: done}
""",
    ),
    CatalogueEntry(
        "FE216",
        "an unknown outcome",
        Severity.ERROR,
        "A subflow ends by one of the outcomes that it declares, and whoever uses it names these "
        "and no others.",
        """\
flow: greet
start: say_it
outcomes: [greeted]
states:
  say_it: {say: Hello., next: end}
  end: {return: done}
""",
        """\
flow: greet
start: say_it
outcomes: [greeted]
states:
  say_it: {say: Hello., next: end}
  end: {return: greeted}
""",
    ),
    CatalogueEntry(
        "FE217",
        "a connection without exactly one target",
        Severity.ERROR,
        "A connection leads to exactly one of phone, sip, app, conference and stream.",
        """\
flow: line
start: welcome
states:
  welcome: {connect: {ring: 20s}}
""",
        """\
flow: line
start: welcome
states:
  welcome: {connect: {phone: "+14045009000", ring: 20s}}
""",
    ),
    CatalogueEntry(
        "FE218",
        "a choice without choices",
        Severity.ERROR,
        "A variable of type choice lists the values that it may have.",
        """\
flow: line
start: welcome
vars:
  tier: {type: choice, default: gold}
states:
  welcome: {say: "${vars.tier}", hangup: }
""",
        """\
flow: line
start: welcome
vars:
  tier: {type: choice, choices: [gold, standard], default: gold}
states:
  welcome: {say: "${vars.tier}", hangup: }
""",
    ),
    CatalogueEntry(
        "FE219",
        "next: where the verb already leads on",
        Severity.ERROR,
        "A menu leads on by its options, a choose by its conditions; hangup: and connect: are the "
        "end of the road. A next: beside "
        "them would never be taken.",
        """\
flow: line
start: welcome
states:
  welcome: {hangup: , next: goodbye}
  goodbye: {hangup: }
""",
        """\
flow: line
start: welcome
states:
  welcome: {next: goodbye}
  goodbye: {hangup: }
""",
    ),
)
