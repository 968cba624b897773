"""FE2xx: names and the graph of states."""

from typing import Final

from flowengine.problems.entry import Entry, Severity

ENTRIES: Final[tuple[Entry, ...]] = (
    Entry(
        "FE201",
        "an unknown variable",
        Severity.ERROR,
        "A state can only write variables that the flow declares under vars:, with their type and size. The same goes for the "
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
    Entry(
        "FE202",
        "an unknown flow, service or message",
        Severity.ERROR,
        "The name is not one of the project's: a flow has it after flow:, services and messages are in project.yaml.",
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
    Entry(
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
    Entry(
        "FE204",
        "a state that does two things",
        Severity.ERROR,
        "One state has one verb: it asks, or connects, or hangs up. What comes before the verb (say:, record: and others) may be "
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
    Entry(
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
    Entry(
        "FE206",
        "an exit is missing",
        Severity.ERROR,
        "Every way that a state can end leads somewhere: when attempts run out, when no condition holds, at each outcome of a subflow.",
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
    Entry(
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
    Entry(
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
    Entry(
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
    Entry(
        "FE210",
        "a prompt that is several things",
        Severity.ERROR,
        "One entry of a prompt is exactly one of text, ssml, audio or message. For several in a row write a list.",
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
    Entry(
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
    Entry(
        "FE212",
        "shares that are not the whole",
        Severity.ERROR,
        "The shares of a split make 100%. The last entry may go without a share; it takes the rest.",
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
    Entry(
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
    Entry(
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
    Entry(
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
    Entry(
        "FE216",
        "an unknown outcome",
        Severity.ERROR,
        "A subflow ends by one of the outcomes that it declares, and whoever uses it names these and no others.",
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
    Entry(
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
    Entry(
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
    Entry(
        "FE219",
        "next: where the verb already leads on",
        Severity.ERROR,
        "A menu leads on by its options, a choose by its conditions; hangup: and connect: are the end of the road. A next: beside "
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
    Entry(
        "FE220",
        "a flow without a beginning",
        Severity.ERROR,
        "start: names the state in which an incoming call, or the use as a subflow, begins. A flow that is only for calls placed "
        "for you needs on: answered: instead.",
        """\
flow: line
states:
  welcome: {say: Hello., hangup: }
""",
        """\
flow: line
start: welcome
states:
  welcome: {say: Hello., hangup: }
""",
    ),
    Entry(
        "FE221",
        "a variable of the wrong type",
        Severity.ERROR,
        "Keys give digits or text, and the output of a subflow fits only a variable of the same type.",
        """\
flow: line
start: welcome
vars:
  sure: {type: boolean}
states:
  welcome:
    collect: {prompt: Yes or no?, into: sure, otherwise: goodbye}
    next: read
  read: {say: "${vars.sure}", hangup: }
  goodbye: {hangup: }
""",
        """\
flow: line
start: welcome
vars:
  sure: {type: digits, max: 1}
states:
  welcome:
    collect: {prompt: Yes or no?, into: sure, otherwise: goodbye}
    next: read
  read: {say: "${vars.sure}", hangup: }
  goodbye: {hangup: }
""",
    ),
    Entry(
        "FE222",
        "a subflow that cannot begin",
        Severity.ERROR,
        "A subflow begins at its start:. A flow that only has entries under on: is entered by events alone.",
        """\
# project.yaml
project: acme
routes: [{flow: line}]
# main.yaml
flow: line
start: welcome
states:
  welcome:
    subflow: {flow: greet, outcomes: {ready: goodbye}}
  goodbye: {hangup: }
# greet.yaml
flow: greet
on: {answered: hello}
outcomes: [ready]
states:
  hello: {say: Hello., next: end}
  end: {return: ready}
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
    subflow: {flow: greet, outcomes: {ready: goodbye}}
  goodbye: {hangup: }
# greet.yaml
flow: greet
start: hello
outcomes: [ready]
states:
  hello: {say: Hello., next: end}
  end: {return: ready}
""",
    ),
    Entry(
        "FE230",
        "a circle without an end",
        Severity.ERROR,
        "These states lead into each other without ever asking, waiting or leaving: a call that comes here would go round until "
        "the engine stops it.",
        """\
flow: line
start: welcome
vars:
  tries: {type: integer}
states:
  welcome: {say: Hello., next: again}
  again: {set: {tries: "${vars.tries + 1}"}, next: welcome}
""",
        """\
flow: line
start: welcome
vars:
  tries: {type: integer}
states:
  welcome: {say: Hello., next: again}
  again: {set: {tries: "${vars.tries + 1}"}, next: check}
  check:
    choose:
      - {when: vars.tries < 3, next: welcome}
      - next: goodbye
  goodbye: {hangup: }
""",
    ),
    Entry(
        "FE231",
        "no way out for the caller",
        Severity.ERROR,
        "Whatever the caller answers leads back to the same questions: there is no way to a connection, to a hold or to the end "
        "of the call. A caller who says nothing, such as a line that was left open, would stay for hours.",
        """\
flow: line
start: welcome
states:
  welcome:
    menu: {prompt: For our hours press 1., options: {1: hours}, otherwise: welcome}
  hours: {say: We are always open., next: welcome}
""",
        """\
flow: line
start: welcome
states:
  welcome:
    menu: {prompt: For our hours press 1., options: {1: hours}, otherwise: goodbye}
  hours: {say: We are always open., next: welcome}
  goodbye: {hangup: }
""",
    ),
    Entry(
        "FE232",
        "a flow that calls itself",
        Severity.ERROR,
        "A subflow is used inside itself, directly or by way of others, so that neither ever comes back. Go back with return: and "
        "let the caller of the flow decide what to do again.",
        """\
flow: line
start: welcome
outcomes: [ready]
states:
  welcome:
    subflow: {flow: line, outcomes: {ready: goodbye}}
  goodbye: {return: ready}
""",
        """\
flow: line
start: welcome
outcomes: [ready]
states:
  welcome: {say: Hello., next: goodbye}
  goodbye: {return: ready}
""",
    ),
    Entry(
        "FE233",
        "subflows nested too deeply",
        Severity.ERROR,
        "At most 8 subflows may wait for each other, because each of them travels with the call.",
        "",
        "",
    ),
)
