"""FE3xx: expressions."""

from typing import Final

from flowengine.problems.catalogue_entry import CatalogueEntry, Severity

ENTRIES: Final[tuple[CatalogueEntry, ...]] = (
    CatalogueEntry(
        "FE301",
        "an unknown name",
        Severity.ERROR,
        "An expression reads variables as vars.name, facts of the call as call.from, opening hours "
        "as hours.name.open and so on. "
        "There is nothing of this name.",
        """\
flow: line
start: welcome
vars:
  tier: {type: text, default: gold}
states:
  welcome: {say: "Hello ${vars.teir}", hangup: }
""",
        """\
flow: line
start: welcome
vars:
  tier: {type: text, default: gold}
states:
  welcome: {say: "Hello ${vars.tier}", hangup: }
""",
    ),
    CatalogueEntry(
        "FE302",
        "values that do not go together",
        Severity.ERROR,
        "The value is not of the type that its place needs, or two values of different types are "
        "compared or added. Convert one "
        "of them, for example by text(…) or integer(…).",
        """\
flow: line
start: welcome
vars:
  tier: {type: text, default: gold}
states:
  welcome:
    choose:
      - {when: 'vars.tier > 3', next: desk}
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
      - {when: 'vars.tier == "gold"', next: desk}
      - next: goodbye
  desk: {connect: "+14045009000"}
  goodbye: {hangup: }
""",
    ),
    CatalogueEntry(
        "FE303",
        "not a condition",
        Severity.ERROR,
        "Where something is decided the expression must be true or false. A comparison makes a "
        "condition of a value.",
        """\
flow: line
start: welcome
vars:
  tier: {type: text, default: gold}
states:
  welcome:
    choose:
      - {when: 'vars.tier', next: desk}
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
      - {when: 'vars.tier == "gold"', next: desk}
      - next: goodbye
  desk: {connect: "+14045009000"}
  goodbye: {hangup: }
""",
    ),
    CatalogueEntry(
        "FE304",
        "an expression that cannot be read",
        Severity.ERROR,
        "A bracket, a quote or an operator is missing or misplaced. Texts inside an expression "
        "stand in quotes.",
        """\
flow: line
start: welcome
vars:
  tier: {type: text, default: gold}
states:
  welcome:
    choose:
      - {when: 'vars.tier == ', next: desk}
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
      - {when: 'vars.tier == "gold"', next: desk}
      - next: goodbye
  desk: {connect: "+14045009000"}
  goodbye: {hangup: }
""",
    ),
    CatalogueEntry(
        "FE305",
        "an unknown function",
        Severity.ERROR,
        "There is no function of this name; the language reference lists them all.",
        """\
flow: line
start: welcome
vars:
  tier: {type: text, default: gold}
states:
  welcome: {say: "Hello ${uper(vars.tier)}", hangup: }
""",
        """\
flow: line
start: welcome
vars:
  tier: {type: text, default: gold}
states:
  welcome: {say: "Hello ${upper(vars.tier)}", hangup: }
""",
    ),
    CatalogueEntry(
        "FE306",
        "braces without $ in a text",
        Severity.ERROR,
        "In a text the value of an expression is written as ${…}. {{…}} and {vars.…} would be read "
        "out as they stand.",
        """\
flow: line
start: welcome
vars:
  tier: {type: text, default: gold}
states:
  welcome: {say: "Hello {{ vars.tier }}", hangup: }
""",
        """\
flow: line
start: welcome
vars:
  tier: {type: text, default: gold}
states:
  welcome: {say: "Hello ${vars.tier}", hangup: }
""",
    ),
    CatalogueEntry(
        "FE307",
        "something is not closed",
        Severity.ERROR,
        "A ${ needs its }, and a text inside an expression its closing quote. To mean the "
        "characters ${ themselves write $${.",
        """\
flow: line
start: welcome
vars:
  tier: {type: text, default: gold}
states:
  welcome: {say: "Hello ${vars.tier", hangup: }
""",
        """\
flow: line
start: welcome
vars:
  tier: {type: text, default: gold}
states:
  welcome: {say: "Hello ${vars.tier}", hangup: }
""",
    ),
    CatalogueEntry(
        "FE308",
        "an expression that is too large",
        Severity.ERROR,
        "An expression may have a limited length, depth and number of loops, so that no call waits "
        "for it. Work the value out in "
        "several steps with set:.",
        """\
flow: line
start: welcome
vars:
  tier: {type: text, default: gold}
states:
  welcome:
    choose:
      - {when: '[1, 2].exists(a, [3].exists(b, [4].exists(c, a + b == c)))', next: desk}
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
      - {when: 'vars.tier in ["gold", "silver"]', next: desk}
      - next: goodbye
  desk: {connect: "+14045009000"}
  goodbye: {hangup: }
""",
    ),
    CatalogueEntry(
        "FE309",
        "a function or operator used the wrong way",
        Severity.ERROR,
        "The function or operator exists, but takes other values, or another number of them.",
        """\
flow: line
start: welcome
vars:
  tier: {type: text, default: gold}
states:
  welcome: {say: "Hello ${upper(vars.tier, 3)}", hangup: }
""",
        """\
flow: line
start: welcome
vars:
  tier: {type: text, default: gold}
states:
  welcome: {say: "Hello ${upper(vars.tier)}", hangup: }
""",
    ),
    CatalogueEntry(
        "FE310",
        "an expression that always fails",
        Severity.ERROR,
        "A part of the expression fails in every call that comes to it, whatever its names hold: the "
        "check tries values of each form that they can have.",
        """\
flow: line
start: welcome
states:
  welcome:
    choose:
      - {when: 1 / 0 == 1, next: goodbye}
      - next: goodbye
  goodbye: {hangup: }
""",
        """\
flow: line
start: welcome
states:
  welcome:
    choose:
      - {when: call.from == "", next: goodbye}
      - next: goodbye
  goodbye: {hangup: }
""",
    ),
    CatalogueEntry(
        "FE315",
        "a word that never comes",
        Severity.ERROR,
        "What is compared is never this word. The platform's words are read in small letters and "
        "without blanks, whatever spelling it sends, and a choice holds one of its choices or "
        "nothing.",
        """\
flow: line
start: welcome
on: {ended: after}
states:
  welcome: {hangup: }
  after:
    choose:
      - {when: 'event.result == "BUSY"', next: over}
      - next: over
  over: {done: }
""",
        """\
flow: line
start: welcome
on: {ended: after}
states:
  welcome: {hangup: }
  after:
    choose:
      - {when: 'event.result == "busy"', next: over}
      - next: over
  over: {done: }
""",
    ),
)
