"""FE5xx: the project: its files, routes, calendars and tables."""

from typing import Final

from flowengine.problems.catalogue_entry import CatalogueEntry, Severity

EXAMPLE_FLOW: Final = """\
# main.yaml
flow: line
start: welcome
states:
  welcome: {say: Hello., hangup: }
"""
ENTRIES: Final[tuple[CatalogueEntry, ...]] = (
    CatalogueEntry(
        "FE501",
        "a project without a flow",
        Severity.ERROR,
        "A project needs at least one flow: a YAML file beside project.yaml that begins with "
        "flow:.",
        "# project.yaml\nproject: acme\n",
        "# project.yaml\nproject: acme\n" + EXAMPLE_FLOW,
    ),
    CatalogueEntry(
        "FE502",
        "one name for two things",
        Severity.ERROR,
        "Two flows, or two calendars, tables or messages, have the same name, so that a reference "
        "would be a guess.",
        EXAMPLE_FLOW + EXAMPLE_FLOW.replace("main.yaml", "other.yaml"),
        "# project.yaml\nproject: acme\nroutes: [{flow: line}]\n"
        + EXAMPLE_FLOW
        + EXAMPLE_FLOW.replace("main.yaml", "other.yaml").replace("flow: line", "flow: other-line"),
    ),
    CatalogueEntry(
        "FE503",
        "a route to a flow that is not there",
        Severity.ERROR,
        "A route names the flow that answers. This project has no flow of that name.",
        "# project.yaml\nproject: acme\nroutes: [{flow: lime}]\n" + EXAMPLE_FLOW,
        "# project.yaml\nproject: acme\nroutes: [{flow: line}]\n" + EXAMPLE_FLOW,
    ),
    CatalogueEntry(
        "FE504",
        "a calendar that cannot be understood",
        Severity.ERROR,
        "Opening hours are written as 09:00-17:00 under days such as mon-fri or sat; "
        "exceptions by date as closed or with hours of their own.",
        "# project.yaml\nproject: acme\ncalendars:\n  support: {zone: Europe/Stockholm, open: "
        "{mon-fri: nine to five}}\n" + EXAMPLE_FLOW,
        "# project.yaml\nproject: acme\ncalendars:\n  support: {zone: Europe/Stockholm, open: "
        "{mon-fri: 09:00-17:00}}\n" + EXAMPLE_FLOW,
    ),
    CatalogueEntry(
        "FE505",
        "a row unlike the others",
        Severity.ERROR,
        "All rows of a table have the same columns, and a column holds one type of value, as the "
        "first row has it.",
        "# project.yaml\nproject: acme\ntables:\n  desks: {rows: {north: {floor: 1}, south: "
        "{floor: ground}}}\n" + EXAMPLE_FLOW,
        "# project.yaml\nproject: acme\ntables:\n  desks: {rows: {north: {floor: 1}, south: "
        "{floor: 0}}}\n" + EXAMPLE_FLOW,
    ),
    CatalogueEntry(
        "FE506",
        "an unknown time zone",
        Severity.ERROR,
        "Time zones are named as the IANA database has them: a continent and a city.",
        "# project.yaml\nproject: acme\nzone: Sweden/Stockholm\n" + EXAMPLE_FLOW,
        "# project.yaml\nproject: acme\nzone: Europe/Stockholm\n" + EXAMPLE_FLOW,
    ),
    CatalogueEntry(
        "FE507",
        "no route to any flow",
        Severity.WARNING,
        "A project of one flow needs no routes: that flow answers every call. As soon as there are "
        "two, routes say which one does; without "
        "any, every call that comes from outside hears the apology. Calls that your system places "
        "may name their flow.",
        EXAMPLE_FLOW
        + EXAMPLE_FLOW.replace("main.yaml", "other.yaml").replace("flow: line", "flow: other-line"),
        "# project.yaml\nproject: acme\nroutes: [{flow: line, to: +14045001000}, {flow: "
        "other-line}]\n"
        + EXAMPLE_FLOW
        + EXAMPLE_FLOW.replace("main.yaml", "other.yaml").replace("flow: line", "flow: other-line"),
    ),
    CatalogueEntry(
        "FE508",
        "flows that cannot be read",
        Severity.ERROR,
        "The place that a server follows, or a file in it, cannot be read: a branch was deleted, a "
        "disk does not answer, a file may not be "
        "read, is a link that leads nowhere or out of the folder, or is no file at all but, say, a "
        "named pipe. What was live stays live, "
        "and the server goes on trying; as soon as it can read, it follows again, and this problem "
        "is gone.",
        "",
        "",
    ),
    CatalogueEntry(
        "FE509",
        "a mistake of flowengine's own",
        Severity.ERROR,
        "flowengine failed while it read or compiled this file. That is no fault of the file, though "
        "something in it brought it about. Nothing of the project is published; a server goes on with "
        "the release before. The message tells where in flowengine it happened, and nothing of what "
        "your files or secrets say: report it as it stands. Until it is mended, take back what was "
        "changed last. `FLOWENGINE_TRACEBACK=1` in the environment writes the whole traceback, which "
        "may hold values of your files.",
        "",
        "",
    ),
    CatalogueEntry(
        "FE510",
        "a header that cannot be sent",
        Severity.ERROR,
        "Names of headers have letters, digits and hyphens, and are the same in upper and lower "
        "case. What frames a request or belongs to its connection, such as Content-Length, the "
        "server sets itself.",
        "# project.yaml\nproject: acme\nservices:\n  crm: {url: https://crm.example.com, headers: "
        "{X Line: support}}\n" + EXAMPLE_FLOW,
        "# project.yaml\nproject: acme\nservices:\n  crm: {url: https://crm.example.com, headers: "
        "{X-Line: support}}\n" + EXAMPLE_FLOW,
    ),
    CatalogueEntry(
        "FE511",
        "a header of several lines",
        Severity.ERROR,
        "The value of a header has one line and no control characters. Values that `${…}` brings "
        "in are put on one line in the call; what you write yourself must be right here.",
        "# project.yaml\nproject: acme\nservices:\n  crm: {url: https://crm.example.com, headers: "
        '{X-Line: "support\\nteam"}}\n' + EXAMPLE_FLOW,
        "# project.yaml\nproject: acme\nservices:\n  crm: {url: https://crm.example.com, headers: "
        "{X-Line: support team}}\n" + EXAMPLE_FLOW,
    ),
    CatalogueEntry(
        "FE512",
        "a path that is not sent as it is written",
        Severity.ERROR,
        "A path has one line. A # begins a part that browsers keep for themselves: no service "
        "ever sees it. Values that `${…}` brings in are escaped, so they may hold anything.",
        """\
# project.yaml
project: acme
services: {crm: {url: https://crm.example.com}}
# main.yaml
flow: line
start: welcome
states:
  welcome:
    fetch: {service: crm, get: "/rooms/#10"}
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
    fetch: {service: crm, get: /rooms/%2310}
    next: goodbye
  goodbye: {hangup: }
""",
    ),
    CatalogueEntry(
        "FE513",
        "an address that no lookup can be sent to",
        Severity.ERROR,
        "The address of a service is http:// or https://, a host, perhaps a port and the "
        "beginning of a path. The path of each lookup follows it, so it has no ? and no #.",
        "# project.yaml\nproject: acme\nservices:\n  crm: {url: 'https://crm.example.com/v1?a=1'}\n"
        + EXAMPLE_FLOW,
        "# project.yaml\nproject: acme\nservices:\n  crm: {url: https://crm.example.com/v1}\n"
        + EXAMPLE_FLOW,
    ),
    CatalogueEntry(
        "FE514",
        "a call journal without room",
        Severity.ERROR,
        "The journal and what it writes ahead need 32MB; less would hold next to no calls. "
        "Most installations keep the default of 2GB.",
        "# project.yaml\nproject: acme\njournal: {size: 1MB}\n" + EXAMPLE_FLOW,
        "# project.yaml\nproject: acme\njournal: {size: 500MB}\n" + EXAMPLE_FLOW,
    ),
)
