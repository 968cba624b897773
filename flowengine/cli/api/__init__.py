"""`flowengine api`: one file per group of routes, imported only when it is called."""

from typing import Final

import click

from flowengine.cli.lazy_group import LazyCommandGroup

API_GROUPS: Final = {
    "call": "See a call, change it, end it, report on it.",
    "callback": "See and set the callback URLs of the application.",
    "callout": "Place a call.",
    "conference": "See the members of a conference, and manage them.",
    "number": "See, assign and release numbers, and ask about others.",
    "recording": "List, download and delete recordings.",
    "report": "Figures of users, counters, and the state of services.",
}


@click.group(cls=LazyCommandGroup, summaries=API_GROUPS, package="flowengine.cli.api")
def api() -> None:
    """Call the platform's APIs.

    Credentials come from SINCH_APPLICATION_KEY and SINCH_APPLICATION_SECRET, and requests are
    signed with them. Each command exits with 1 where the platform refuses; the error has the
    platform's code and a cure.
    """
