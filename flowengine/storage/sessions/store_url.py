"""How a store is named, and what a name says about who shares it."""

import re

NO_DRIVER = 'a store on PostgreSQL needs its driver: pip install "flowengine[postgresql]"'
_PASSWORD_PATTERN = re.compile(r"(?<=:)[^:/@]*(?=@)|(?<=[?&]password=)[^&]*")


def is_postgresql_url(url: str) -> bool:
    """Whether several machines share this store, and with it the archive of releases."""
    return url.startswith(("postgresql://", "postgres://"))


def redact_password(url: str) -> str:
    """A store by its name, for people: without a password."""
    return _PASSWORD_PATTERN.sub("…", url) if is_postgresql_url(url) else url
