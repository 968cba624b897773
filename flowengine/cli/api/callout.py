"""`flowengine api callout`."""

from collections.abc import Callable
from functools import wraps
from typing import Any, cast

import click

from flowengine.cli.api.svaml_argument import HeaderType, SvamlType, TargetType
from flowengine.cli.platform_access import (
    PlatformAccess,
    add_access_options,
    add_region_option,
    run_request,
)
from flowengine.sinch import CallTarget
from flowengine.sinch.client import (
    CallingApi,
    Callout,
    ConferenceCallout,
    ConferenceDtmf,
    CustomCallout,
    TtsCallout,
)

KeyMode = click.Choice(["ignore", "forward", "detect"])
Music = click.Choice(["", "ring", "music1", "music2", "music3"])
Domain = click.Choice(["", "pstn", "mxp"])
MAX_DURATION_OPTION = click.option(
    "--max-duration", default=0, type=click.IntRange(0, 14_400), help="Seconds, at most 14400."
)
LOCALE_OPTION = click.option("--locale", default="", help="The language and voice of the words.")
DOMAIN_OPTION = click.option(
    "--domain", default="", type=Domain, metavar="pstn|mxp", help="Over phone lines, or to the app."
)


@click.group()
def callout() -> None:
    """Place a call.

    The command prints the id of the call. The call itself may still fail: flowengine api call show
    tells.
    """


def add_callout_options(command: Callable[..., None]) -> Callable[..., None]:
    """The options of all kinds of callouts."""

    @click.option("--cli", default="", help="The number to show, one of the application's own.")
    @click.option("--dtmf", default="", help="Keys to press when it is answered: digits, #, w.")
    @click.option("--custom", default="", help="A text that each callback of the call brings.")
    @click.option(
        "--header",
        "headers",
        multiple=True,
        type=HeaderType(),
        metavar="X-CB-NAME=VALUE",
        help="A header that each callback of the call brings; at most five.",
    )
    @click.option("--ace", "enable_ace", is_flag=True, help="Have ACE sent to the callback URL.")
    @click.option("--pie", "enable_pie", is_flag=True, help="Have PIE sent to the callback URL.")
    @click.option("--dice", "enable_dice", is_flag=True, help="Have DiCE sent to the callback URL.")
    @add_region_option
    @add_access_options
    @wraps(command)
    def run(*args: Any, **options: Any) -> None:
        command(*args, **options)

    return run


@callout.command()
@click.option(
    "--to",
    "destination",
    required=True,
    type=TargetType(),
    help="A number, sip:user@host, or the name of an app user.",
)
@click.option("--text", default="", help="What is said.")
@click.option("--prompts", default="", help="What is played instead: #tts[…];https://…")
@LOCALE_OPTION
@DOMAIN_OPTION
@add_callout_options
def speech(text: str, prompts: str, destination: CallTarget, **options: Any) -> None:
    """Call somebody, say a text and hang up."""
    if bool(text) == bool(prompts):
        raise click.UsageError("give --text or --prompts: what shall be said?")
    if destination.type == "number" and not options["cli"]:
        click.echo(
            "remark: without --cli the platform takes the callout, and reaches nobody", err=True
        )
    place_callout(TtsCallout, options, destination=destination, text=text, prompts=prompts)


@callout.command()
@click.option(
    "--to",
    "destination",
    required=True,
    type=TargetType(),
    help="A number, sip:user@host, or the name of an app user.",
)
@click.option("--conference", "conference_id", required=True, help="The id of the conference.")
@click.option("--greeting", default="", help="What is said before.")
@click.option(
    "--music",
    "moh_class",
    default="",
    type=Music,
    metavar="ring|music1|music2|music3",
    help="What is heard while alone.  [default: silence]",
)
@click.option("--keys", type=KeyMode, help="What happens with keys that are pressed there.")
@click.option(
    "--max-digits", default=1, show_default=True, type=click.IntRange(1), help="With --keys detect."
)
@LOCALE_OPTION
@DOMAIN_OPTION
@MAX_DURATION_OPTION
@add_callout_options
def conference(keys: str | None, max_digits: int, **options: Any) -> None:
    """Call somebody into a conference, which begins with its first member."""
    mode = cast("Any", keys)
    dtmf = ConferenceDtmf(mode=mode, max_digits=max_digits) if keys else None
    place_callout(ConferenceCallout, options, conference_dtmf_options=dtmf)


@callout.command()
@click.option(
    "--to",
    "destination",
    type=TargetType(),
    help="Whom to call where --ice does not say it: a number, sip:user@host, or an app user.",
)
@click.option(
    "--ice",
    "ice",
    default="",
    type=SvamlType(takes_url=True),
    help="SVAML that connects the call, @FILE, or the URL to ask.",
)
@click.option(
    "--ace-svaml",
    "ace",
    default="",
    type=SvamlType(takes_url=True),
    help="SVAML or URL for when it is answered.",
)
@click.option(
    "--pie-svaml",
    "pie",
    default="",
    type=SvamlType(takes_url=True),
    help="SVAML or URL for the input of a menu.",
)
@click.option(
    "--dice-url", "dice", default="", metavar="URL", help="The URL that hears of the end."
)
@MAX_DURATION_OPTION
@add_callout_options
def custom(**options: Any) -> None:
    """Place a call that SVAML describes. What is not given is asked for at the callback URL of the
    application.
    """
    place_callout(CustomCallout, options)


def place_callout(kind: Callable[..., Callout], options: dict[str, Any], **more: Any) -> None:
    """Place the callout, and print the id of the call."""
    access: PlatformAccess = options.pop("access")
    headers = dict(options.pop("headers"))
    request = kind(**options, **more)

    async def place(api: CallingApi) -> dict[str, str]:
        return {"callId": await api.callouts.place(request, headers)}

    run_request(access, place, lambda placed: placed["callId"])
