"""The tokens of a server: what opens its pages and its commands to other programs and to browsers."""

from collections.abc import Mapping

from flowengine.server.server_settings import SettingsError

ADMIN_OPEN = "FLOWENGINE_ADMIN_OPEN"
MIN_TOKEN_LENGTH = 16  # who guesses the token decides what callers hear


def check_token(environment: Mapping[str, str], name: str) -> str:
    """The token in this variable, "" where there is none. Raises SettingsError where it is short
    enough to be guessed.
    """
    token = environment.get(name, "")
    if token and (len(token) < MIN_TOKEN_LENGTH or token != token.strip()):
        raise SettingsError(
            f"{name} needs {MIN_TOKEN_LENGTH} characters and no spaces around them: openssl rand "
            "-hex 32 makes one"
        )
    return token
