"""FE311 to FE399: expressions whose literal values mean nothing."""

from typing import Final

from flowengine.problems.catalogue_entry import CatalogueEntry, Severity

ENTRIES: Final = (
    CatalogueEntry(
        "FE311",
        "no possible phone number",
        Severity.ERROR,
        "e164() gives nothing for what cannot be a phone number, or for the prefix of no country. "
        "Here that can be told before any call. Write the number as it is dialled in its country, "
        "with the country's prefix beside it, or with + and the prefix in front.",
        """\
flow: line
start: desk
states:
  desk: {connect: "${e164('070-12', '46')}"}
""",
        """\
flow: line
start: desk
states:
  desk: {connect: "${e164('070-123 45 67', '46')}"}
""",
    ),
    CatalogueEntry(
        "FE312",
        "no such time zone in an expression",
        Severity.ERROR,
        "Functions such as getHours take an IANA name (Europe/Stockholm), or hours and minutes from "
        "UTC (+01:00). Names such as localtime mean another place on each machine.",
        """\
flow: line
start: welcome
states:
  welcome:
    choose:
      - {when: "timestamp(now.date + 'T12:00:00Z').getHours('localtime') < 12", next: bye}
      - next: bye
  bye: {hangup: }
""",
        """\
flow: line
start: welcome
states:
  welcome:
    choose:
      - {when: "timestamp(now.date + 'T12:00:00Z').getHours('Europe/Stockholm') < 12", next: bye}
      - next: bye
  bye: {hangup: }
""",
    ),
)
