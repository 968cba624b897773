"""The check of an application's key before a request is signed with it."""

import click


def check_application_key(key: str, source: str) -> None:
    """Raises click.UsageError, which names the source and never the key: it may be the secret."""
    if not (key.isascii() and key.isprintable()):
        raise click.UsageError(
            f"{source} has a character that no key has: copy the key again from the dashboard of the "
            "platform"
        )
