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
        if found := re.fullmatch(r"(\d+)([smhd])", str(value)):
            return time.time() - int(found[1]) * UNIT_SECONDS[found[2]]
        try:
            moment = datetime.fromisoformat(str(value))
        except ValueError:
            self.fail(
                f"{value} is no time: write 30m, 1h or 7d for that long ago, or a date such as "
                "2026-12-24",
                param,
                ctx,
            )
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
