"""A group of commands, each imported only when it is called."""

import errno
import gc
import os
import signal
import sys
from collections.abc import Mapping
from importlib import import_module
from keyword import iskeyword
from typing import Any

import click

from flowengine.garbage_collection import pause_garbage_collection


def to_module_name(command: str) -> str:
    """The module of a command, and its function there."""
    name = command.replace("-", "_")
    return f"{name}_" if iskeyword(name) else name


class LazyCommandGroup(click.Group):
    """A group that knows the summary of each command without importing it. The function of a
    command `go-live` is `go_live` in the module of that name, that of `import` is `import_`.
    """

    def __init__(
        self, *args: Any, summaries: Mapping[str, str], package: str, **settings: Any
    ) -> None:
        super().__init__(*args, **settings)
        self.summaries = summaries
        self._package = package

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  # click's signature
        """The commands by name."""
        return list(self.summaries)

    # click's signature
    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """The command, imported now."""
        if cmd_name not in self.summaries:
            return None
        if cmd_name == "serve" and sys.argv[1:2] == ["serve"]:
            # a server may be stopped while its program is still read: nothing is under way, and a
            # service manager must see that it ended well
            signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
        name = to_module_name(cmd_name)
        path = f"{self._package}.{name}"
        is_known = path in sys.modules
        with pause_garbage_collection():
            module = import_module(path)
            if not is_known:
                gc.freeze()  # modules stay until the end: no collection need walk through them
        command: click.Command = getattr(module, name)
        return command

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command. A file or an output that cannot be written is said in one line."""
        try:
            return super().invoke(ctx)
        except OSError as error:
            if error.errno == errno.EPIPE:  # the reader, such as head, has seen enough
                raise
            where = f"{error.filename}: " if error.filename else ""
            raise click.ClickException(f"{where}{error.strerror or error}") from error

    # click's signature
    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Their list for --help."""
        with formatter.section("Commands"):
            formatter.write_dl(list(self.summaries.items()))
