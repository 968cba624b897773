"""`flowengine api number`."""

import click

from flowengine.cli.api.result_format import format_number_info, format_numbers
from flowengine.cli.platform_access import (
    PlatformAccess,
    add_access_options,
    check_not_empty,
    run_request,
)
from flowengine.problems import format_count

add_owner_options = [
    click.option(
        "--application",
        default="",
        callback=check_not_empty,
        help="Another application of the account.",
    ),
    click.option(
        "--capability",
        default="voice",
        show_default=True,
        type=click.Choice(["voice", "sms"]),
        help="What the number does there.",
    ),
]


@click.group()
def number() -> None:
    """See, assign and release numbers, and ask about others."""


@number.command("list")
@add_access_options
def list_numbers(access: PlatformAccess) -> None:
    """List the numbers of the account, each with the application that it reaches."""
    run_request(access, lambda api: api.numbers.list_all(), format_numbers)


@number.command()
@click.argument("numbers", metavar="NUMBER...", nargs=-1, required=True)
@add_owner_options[0]
@add_owner_options[1]
@add_access_options
def assign(
    numbers: tuple[str, ...], application: str, capability: str, access: PlatformAccess
) -> None:
    """Let numbers of the account reach the application; at most 100 at once."""
    run_request(
        access,
        lambda api: api.numbers.assign(numbers, application, capability),
        lambda _: f"{format_count(len(numbers), 'number')} assigned",
    )


@number.command()
@click.argument("one", metavar="NUMBER")
@add_owner_options[0]
@add_owner_options[1]
@add_access_options
def release(one: str, application: str, capability: str, access: PlatformAccess) -> None:
    """Take a number away from its application; it stays in the account."""
    run_request(
        access,
        lambda api: api.numbers.unassign(one, application, capability),
        lambda _: f"{one} reaches no application any more",
    )


@number.command()
@click.argument("one", metavar="NUMBER")
@add_access_options
def query(one: str, access: PlatformAccess) -> None:
    """Ask what kind of number this is, and what a minute costs. The platform has deprecated this
    route.
    """
    run_request(access, lambda api: api.numbers.query_number(one), format_number_info)
