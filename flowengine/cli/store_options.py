"""Where commands find what a server keeps: they resolve `--store` and `--journal` as `serve` does, by
flag, variable and flowengine.toml, so that an operator says them once.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click

from flowengine.cli.serve_options import (
    CONFIG_FILE,
    JOURNAL_HELP,
    ServeOption,
    check_journal,
    check_store,
    name_variable,
    read_variable,
)
from flowengine.server.server_settings import DEFAULT_STORE, ServerSettings

StoreCommand = TypeVar("StoreCommand", bound=Callable[..., Any])


class StoreOption(ServeOption):
    """An option of a command that has the meaning of that of `serve`."""

    def __init__(self, param_decls: Sequence[str], *, help: str, **given: Any) -> None:  # noqa: A002
        super().__init__(param_decls[0], help, **given)

    def consume_value(
        self, ctx: click.Context, opts: Mapping[str, Any]
    ) -> tuple[Any, click.core.ParameterSource]:
        """The value, from the first of flag, variable and file that has one."""
        if ctx.default_map is None:
            ctx.default_map = read_file_defaults()
        return super().consume_value(ctx, opts)


def read_file_defaults() -> dict[str, Any]:
    """What flowengine.toml says of options of `serve`. Raises click.UsageError for what is wrong in
    the file.
    """
    named = read_variable(name_variable("config"))
    if named is None and not Path(CONFIG_FILE).is_file():
        return {}
    # without a file nothing need be imported
    from flowengine.cli.config_file import read_config_file  # noqa: PLC0415

    file = read_config_file(Path(named or CONFIG_FILE))
    if file.problems:
        raise click.UsageError("\n".join(file.problems))
    return {key.replace("-", "_"): value for key, value in file.values.items()}


store_option = click.option(
    "--store",
    cls=StoreOption,
    default=DEFAULT_STORE,
    help="The store of the server, which knows its releases.",
    callback=check_store,
)


journal_option = click.option(
    "--journal",
    cls=StoreOption,
    default="",
    show_default="with the store",
    help=JOURNAL_HELP,
    callback=check_journal,
)


def add_journal_options(command: StoreCommand) -> StoreCommand:
    """The options that say which journal is read."""
    store = click.option(
        "--store",
        cls=StoreOption,
        default=DEFAULT_STORE,
        help="The store of the server: the journal is with it, unless --journal says where.",
        callback=check_store,
    )
    return store(journal_option(command))


def build_store_settings(store: str, journal: str = "") -> ServerSettings:
    """The settings of a server that keeps its data there, by which commands find it. They have no
    flows.
    """
    return ServerSettings("", store=store, journal=journal)
