"""From the options of `serve`, which click has checked, to the settings of a server."""

import os
from dataclasses import fields
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from flowengine.cli.serve_options import name_variable
from flowengine.environment import FILE_SUFFIX, VARIABLES
from flowengine.server.server_settings import ServerSettings


def build_settings(ctx: click.Context, options: dict[str, Any]) -> ServerSettings:
    """The settings that these options say. Raises click.UsageError."""
    flows, git = choose_source(ctx, options["flows"], options["git"])
    # a link is followed as it is led elsewhere
    where = options["path"] if git else os.path.abspath(flows or "")  # noqa: PTH100
    known = {each.name for each in fields(ServerSettings)} - {"flows", "git"}
    given = {name: value for name, value in options.items() if name in known}
    return ServerSettings(
        where,
        str(git.resolve()) if git else "",
        **given,
        store_variable=find_variable_with_file(ctx, "store"),
        journal_variable=find_variable_with_file(ctx, "journal"),
    )


def find_variable_with_file(ctx: click.Context, name: str) -> str:
    """The variable of an option whose value stands in a file, which may change; "" for others."""
    variable = name_variable(name)
    is_in_file = (
        ctx.get_parameter_source(name) is ParameterSource.ENVIRONMENT
        and VARIABLES.find_source(variable) == variable + FILE_SUFFIX
    )
    return variable if is_in_file else ""


def choose_source(
    ctx: click.Context, flows: Path | None, git: Path | None
) -> tuple[Path | None, Path | None]:
    """A folder or a repository. Where one is said by a flag, say, and the other one by the file,
    the flag counts. Raises click.UsageError.
    """
    if flows is None and git is None:
        raise click.UsageError("name a folder of flows, or a repository with --git")
    if flows is not None and git is not None:
        order = list(ParameterSource)
        of_flows, of_git = (
            order.index(ctx.get_parameter_source(name) or ParameterSource.DEFAULT)
            for name in ("flows", "git")
        )
        if of_flows == of_git:
            raise click.UsageError("name a folder of flows, or a repository with --git")
        return (flows, None) if of_flows < of_git else (None, git)
    return flows, git
