"""SVAML, addresses and headers on the command line."""

import json
import re
import sys
from pathlib import Path

import click

from flowengine.sinch import CallTarget


class SvamlType(click.ParamType[str]):
    """SVAML as JSON, the file that it stands in as @FILE, or - for standard input. Where
    `takes_url`, also the URL to ask for it.
    """

    name = "svaml"

    def __init__(self, *, takes_url: bool = False) -> None:
        self._takes_url = takes_url

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> str:
        """Click's way to read it."""
        text = str(value)
        if self._takes_url and re.match(r"https?://", text):
            return text
        if text == "-" or text.startswith("@"):
            try:
                text = sys.stdin.read() if text == "-" else Path(text[1:]).read_text("utf-8")
            except (OSError, ValueError) as error:
                self.fail(f"{value} cannot be read: {error}", param, ctx)
        try:
            is_object = isinstance(json.loads(text), dict)
        except (ValueError, RecursionError):
            is_object = False
        if text and not is_object:
            self.fail(
                'write SVAML as a JSON object, such as {"action": {"name": "hangup"}}, or @FILE',
                param,
                ctx,
            )
        return text


class TargetType(click.ParamType[CallTarget]):
    """Who is called: a phone number, `sip:` with a user and a host, or the name of an app user."""

    name = "address"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> CallTarget:
        """Click's way to read it."""
        if isinstance(value, CallTarget):
            return value
        text = str(value).strip()
        if not text:
            self.fail("name who is called", param, ctx)
        if re.fullmatch(r"\+?[\d ()\-./]+", text):
            return CallTarget("number", re.sub(r"[ ()\-./]", "", text))
        if text.startswith("sip:"):
            return CallTarget("sip", text.removeprefix("sip:"))
        return CallTarget("username", text)


class HeaderType(click.ParamType[tuple[str, str]]):
    """A header that comes back with each callback, as `X-CB-Name=value`."""

    name = "header"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, str]:
        """Click's way to read it."""
        name, equals, content = str(value).partition("=")
        if not equals or not re.fullmatch(r"(?i)x-cb-[\w-]+", name):
            self.fail("write it as X-CB-Name=value: the platform forwards these alone", param, ctx)
        if not re.fullmatch(r"[\x20-\x7e]*", content):
            self.fail("the value of a header has ASCII characters only", param, ctx)
        return name, content
