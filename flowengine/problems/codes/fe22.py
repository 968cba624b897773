"""FE220-FE239: beginnings, circles and nesting."""

from typing import Final

from flowengine.problems.catalogue_entry import CatalogueEntry, Severity

ENTRIES: Final[tuple[CatalogueEntry, ...]] = (
    CatalogueEntry(
        "FE220",
        "a flow without a beginning",
        Severity.ERROR,
        "start: names the state in which an incoming call, or the use as a subflow, begins. A flow "
        "that is only for calls placed "
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
    CatalogueEntry(
        "FE221",
        "a variable of the wrong type",
        Severity.ERROR,
        "Keys give digits or text, and the output of a subflow fits only a variable of the same "
        "type.",
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
    CatalogueEntry(
        "FE222",
        "a subflow that cannot begin",
        Severity.ERROR,
        "A subflow begins at its start:. A flow that only has entries under on: is entered by "
        "events alone.",
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
    CatalogueEntry(
        "FE223",
        "a word for two options",
        Severity.ERROR,
        "A word that a caller says must choose one option. Case and punctuation make no difference "
        "between words.",
        """\
flow: line
start: main
states:
  main:
    menu:
      prompt: Say bill, or agent.
      options: {1: {next: bill, hear: [bill]}, 2: {next: agent, hear: [Bill, agent]}}
      otherwise: agent
  bill: {say: Your bill is paid., hangup: }
  agent: {hangup: }
""",
        """\
flow: line
start: main
states:
  main:
    menu:
      prompt: Say bill, or agent.
      options: {1: {next: bill, hear: [bill]}, 2: {next: agent, hear: [agent]}}
      otherwise: agent
  bill: {say: Your bill is paid., hangup: }
  agent: {hangup: }
""",
    ),
    CatalogueEntry(
        "FE224",
        "a call header that cannot be sent",
        Severity.ERROR,
        "The name of a call header has no blanks, no colon and nothing but ASCII; case does not tell "
        "two names apart. Its value is one line of printable text, and all names and values "
        "together have at most 1024 bytes.",
        """\
flow: line
start: desk
states:
  desk: {connect: {sip: desk@pbx.example.com, headers: {X Tier: gold}}}
""",
        """\
flow: line
start: desk
states:
  desk: {connect: {sip: desk@pbx.example.com, headers: {X-Tier: gold}}}
""",
    ),
    CatalogueEntry(
        "FE228",
        "a return with nobody to return to",
        Severity.ERROR,
        "A flow that a route or an event begins has no caller. A call that comes to its return: "
        "could only be told that something "
        "went wrong.",
        """\
# project.yaml
project: acme
routes: [{flow: greet}]
# greet.yaml
flow: greet
start: hello
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
    CatalogueEntry(
        "FE230",
        "a circle without an end",
        Severity.ERROR,
        "These states lead into each other without ever asking, waiting or leaving: a call that "
        "comes here would go round until "
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
    CatalogueEntry(
        "FE231",
        "no way out for the caller",
        Severity.ERROR,
        "Whatever the caller answers leads back to the same questions: there is no way to a "
        "connection, to a hold or to the end "
        "of the call. A caller who says nothing, such as a line that was left open, would stay for "
        "hours.",
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
    CatalogueEntry(
        "FE232",
        "a flow that calls itself",
        Severity.ERROR,
        "A subflow is used inside itself, directly or by way of others, so that neither ever comes "
        "back. Go back with return: and "
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
states:
  welcome: {say: Hello., next: goodbye}
  goodbye: {hangup: }
""",
    ),
    CatalogueEntry(
        "FE233",
        "subflows nested too deeply",
        Severity.ERROR,
        "At most 8 subflows may wait for each other, because each of them travels with the call.",
        "",
        "",
    ),
    CatalogueEntry(
        "FE229",
        "a date without the order of its keys",
        Severity.ERROR,
        "Keys are only digits: whether 0102 is a day in January or in February must be said. A "
        "date is collected with a format, "
        "and only a date is.",
        """\
flow: line
start: ask
vars: {born: {type: date}}
states:
  ask:
    collect: {prompt: Your date of birth?, into: born, otherwise: bye}
    next: bye
  bye: {say: "${vars.born}", hangup: }
""",
        """\
flow: line
start: ask
vars: {born: {type: date}}
states:
  ask:
    collect: {prompt: Your date of birth?, into: born, format: MMDDYYYY, otherwise: bye}
    next: bye
  bye: {say: "${vars.born}", hangup: }
""",
    ),
)
