"""The options that commands share which place calls."""

from collections.abc import Callable
from functools import wraps
from typing import Any

import click

from flowengine.cli.http_url import is_http_url
from flowengine.limits import MAX_PLACEMENT_TRIES
from flowengine.states.field_types import DURATION_PATTERN, parse_seconds
from flowengine.states.place_plan import CALLEE_ZONE

DEFAULT_SERVER = "http://127.0.0.1:8080"


class DurationType(click.ParamType[int]):
    """A duration as in flows, in whole seconds."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """The seconds."""
        import re  # noqa: PLC0415  # only a given duration needs it

        if isinstance(value, int):
            return value
        if not re.fullmatch(DURATION_PATTERN, value):
            self.fail("write a number and a unit: 30s, 10m, 2h", param, ctx)
        return parse_seconds(value)


def check_server_url(_ctx: click.Context, _param: click.Parameter, url: str) -> str:
    """Refuse what is no address."""
    if not is_http_url(url):
        raise click.BadParameter(f"write an address, such as {DEFAULT_SERVER}")
    return url


add_server_option = click.option(
    "--server",
    default=DEFAULT_SERVER,
    show_default=True,
    metavar="URL",
    callback=check_server_url,
    help="The server that places the calls; FLOWENGINE_ADMIN_TOKEN has its token.",
)


def add_placement_options(command: Callable[..., None]) -> Callable[..., None]:
    """How and when people are called, handed over as `call_options`."""

    @add_server_option
    @click.option("--within", default="", help="The calendar in whose hours people are called.")
    @click.option(
        "--zone",
        default="",
        help=f"The clock for that: an IANA zone, or {CALLEE_ZONE} for that of each number.",
    )
    @click.option(
        "--tries",
        default=1,
        show_default=True,
        type=click.IntRange(1, MAX_PLACEMENT_TRIES),
        help="How often to call until somebody answers.",
    )
    @click.option(
        "--pause", default="10m", show_default=True, type=DurationType(), help="Between two tries."
    )
    @click.option(
        "--ring", default="30s", show_default=True, type=DurationType(), help="How long to ring."
    )
    @click.option("--caller-id", default="", help="The number that is shown.")
    @click.option(
        "--application",
        default="",
        help="The key of the application, where the project has several.",
    )
    @wraps(command)
    def run(*args: Any, **options: Any) -> None:
        names = ("within", "zone", "tries", "pause", "ring", "caller_id", "application")
        chosen = {name: options.pop(name) for name in names}
        command(*args, call_options=chosen, **options)

    return run
