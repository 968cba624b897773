"""The credentials of the applications, and the check that the settings are safe with them."""

from collections.abc import Iterable, Mapping

from flowengine.compile import Release
from flowengine.cross_site import is_loopback
from flowengine.server.secret_variables import APPLICATION_KEY_VARIABLE, APPLICATION_SECRET_VARIABLE
from flowengine.server.server_settings import ServerSettings, SettingsError
from flowengine.sinch.signing import decode_secret

# real keys have 16 bytes; a placeholder such as "…" decodes to none, and fits no signature
MIN_SECRET_BYTES = 4


def load_credentials(release: Release, environment: Mapping[str, str]) -> dict[str, str]:
    """The key and the secret of every application; the one in the environment comes first."""
    key, secret = (
        environment.get(APPLICATION_KEY_VARIABLE, ""),
        environment.get(APPLICATION_SECRET_VARIABLE, ""),
    )
    if bool(key) != bool(secret):
        raise SettingsError(
            f"{APPLICATION_KEY_VARIABLE} and {APPLICATION_SECRET_VARIABLE} belong together: set both, or neither"
        )
    known = {
        **({key: secret} if key else {}),
        **{name: given for name, given in release.applications.items() if given},
    }
    for name, given in known.items():
        if len(decode_secret(given)) < MIN_SECRET_BYTES:
            raise SettingsError(
                f"the secret of application {name} is none: copy it whole from the dashboard"
            )
    return known


def find_secret(
    releases: Iterable[Release], environment: Mapping[str, str], application: str
) -> str:
    """The secret of an application in the first of these releases that has one, else ""."""
    for release in releases:
        try:
            known = load_credentials(release, environment)
        except SettingsError:  # the gate of signatures logs it
            continue
        if application in known:
            return known[application]
    return ""


def check_complete(release: Release) -> None:
    """Raises SettingsError where an application has no secret: its callbacks would be refused, or,
    if it is the only application, every request would pass unsigned.
    """
    if release.missing_secrets:
        raise SettingsError(
            f"the environment has no {', '.join(release.missing_secrets)}, which applications: in "
            "project.yaml names: "
            "set it to the secret of the application, or take the application out of the project"
        )


def check_keys(settings: ServerSettings, *, has_credentials: bool, has_keys: bool) -> None:
    """Raises SettingsError where several machines would encrypt with a random key: none could
    decrypt what another has encrypted.
    """
    if settings.is_shared and not has_credentials and not has_keys:
        raise SettingsError(
            "machines that share a store must have the same key for cookies: "
            f"set FLOWENGINE_COOKIE_KEYS, or {APPLICATION_KEY_VARIABLE} and {APPLICATION_SECRET_VARIABLE}, to the same on each"
        )


def check_exposure(host: str, *, has_credentials: bool) -> None:
    """Raises SettingsError where other machines could reach a server that verifies no signatures."""
    if not has_credentials and not is_loopback(host):
        raise SettingsError(
            f"without credentials anybody could send callbacks, so {host} is refused: "
            f"set {APPLICATION_KEY_VARIABLE} and {APPLICATION_SECRET_VARIABLE} (or applications: in project.yaml), or serve on 127.0.0.1"
        )
