"""FE320-FE329: values that are never there."""

from typing import Final

from flowengine.problems.catalogue_entry import CatalogueEntry, Severity

ENTRIES: Final[tuple[CatalogueEntry, ...]] = (
    CatalogueEntry(
        "FE320",
        "a value of an event that cannot have come",
        Severity.WARNING,
        "event.* values are those of the event that the call has just reported: keys after a "
        "question, a result after the end of the call, a verdict where machine detection is on. "
        "By no path does a call come to this state with such an event, also not by a subflow, so "
        "the value is always empty or 0.",
        """\
flow: line
start: welcome
states:
  welcome:
    choose:
      - {when: 'event.digits == "1"', next: agents}
      - next: goodbye
  agents: {connect: "+14045009000"}
  goodbye: {hangup: }
""",
        """\
flow: line
start: welcome
vars: {key: {type: digits, max: 1}}
states:
  welcome:
    collect: {prompt: Please press a key., into: key, otherwise: goodbye}
    next: judge
  judge:
    choose:
      - {when: 'event.digits == "1" || vars.key == "2"', next: agents}
      - next: goodbye
  agents: {connect: "+14045009000"}
  goodbye: {hangup: }
""",
    ),
)
