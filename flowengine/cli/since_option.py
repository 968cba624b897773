"""A moment in the past, as one types it."""

import re
import time
from datetime import UTC, datetime

import click

UNIT_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


class SinceType(click.ParamType[float]):
    """`1h` ago, or a date such as 2026-12-24 or 2026-12-24T09:30 (UTC), as seconds since 1970."""

    name = "since"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Click's way to read it."""
        if isinstance(value, float):
            return value
        try:
            return parse_since(str(value))
        except (ValueError, OverflowError, OSError):
            self.fail(
                f"{value} is no time: write 30m, 1h or 7d for that long ago, or a date such as "
                "2026-12-24",
                param,
                ctx,
            )


def parse_since(text: str) -> float:
    """The moment in seconds since 1970. Raises ValueError, OverflowError or OSError."""
    if found := re.fullmatch(r"(\d+)([smhd])", text):
        seconds = time.time() - int(found[1]) * UNIT_SECONDS[found[2]]
    else:
        moment = datetime.fromisoformat(text)
        seconds = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    datetime.fromtimestamp(seconds, UTC)  # whether it is in the years 1 to 9999
    return seconds
