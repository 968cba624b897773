"""`flowengine api callback`."""

import click

from flowengine.cli.api.result_format import format_callback_urls
from flowengine.cli.platform_access import (
    PlatformAccess,
    add_access_options,
    check_not_empty,
    read_credentials,
    run_request,
)
from flowengine.sinch.client import CallbackUrls, CallingApi

add_application_option = click.option(
    "--application",
    default="",
    callback=check_not_empty,
    help="Another application of the account, by its key.",
)


@click.group()
def callback() -> None:
    """See and set the callback URLs of the application.

    flowengine go-live sets one, and proves that it reaches the server.
    """


@callback.command()
@add_application_option
@add_access_options
def show(application: str, access: PlatformAccess) -> None:
    """Show both callback URLs."""
    key = application or read_credentials()[0]
    run_request(access, lambda api: api.callbacks.get(key), format_callback_urls)


@callback.command("set")
@click.argument("primary", metavar="URL", callback=check_not_empty)
@click.option(
    "--fallback",
    default="",
    metavar="URL",
    callback=check_not_empty,
    help="The URL after the first has failed.",
)
@add_application_option
@add_access_options
def set_urls(primary: str, fallback: str, application: str, access: PlatformAccess) -> None:
    """Set both callback URLs; without --fallback there is only one then."""
    key = application or read_credentials()[0]

    async def set_and_read(api: CallingApi) -> CallbackUrls:
        await api.callbacks.set(key, primary, fallback)
        return await api.callbacks.get(key)

    run_request(access, set_and_read, format_callback_urls)
