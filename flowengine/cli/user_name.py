"""Who runs a command, for the record."""

import getpass

import click


def find_user_name() -> str:
    """The name of the user here. Raises click.UsageError."""
    try:
        return getpass.getuser()
    except (KeyError, OSError) as error:  # the first before Python 3.13
        raise click.UsageError("this user has no name here: say with --who who asks") from error
