"""The credentials of an application: where commands that play the platform take them, and the check
of a key before a request is signed with it.
"""

from collections.abc import Callable

import click

from flowengine.cli.serve_options import read_variable
from flowengine.server.secret_variables import APPLICATION_KEY_VARIABLE, APPLICATION_SECRET_VARIABLE


class CredentialOption(click.Option):
    """An option whose variable may stand in a file, as it may for a server."""

    def resolve_envvar_value(self, _ctx: click.Context) -> str | None:
        """The value of the variable, or of the file that it names."""
        return read_variable(str(self.envvar))


def add_credential_options(note: str = "") -> Callable[[Callable[..., None]], Callable[..., None]]:
    """`--key` and `--secret`; the note stands before their help."""

    def add(command: Callable[..., None]) -> Callable[..., None]:
        for flag, variable, text in (
            ("--secret", APPLICATION_SECRET_VARIABLE, "Its secret."),
            ("--key", APPLICATION_KEY_VARIABLE, "The application's key."),
        ):
            words = f"{note}{text[0].lower()}{text[1:]}" if note else text
            help_text = f"{words}  [default: {variable}, or the file that {variable}_FILE names]"
            command = click.option(flag, cls=CredentialOption, envvar=variable, help=help_text)(
                command
            )
        return command

    return add


def check_application_key(key: str, source: str) -> None:
    """Raises click.UsageError, which names the source and never the key: it may be the secret."""
    if not (key.isascii() and key.isprintable()):
        raise click.UsageError(
            f"{source} has a character that no key has: copy the key again from the dashboard of the "
            "platform"
        )
