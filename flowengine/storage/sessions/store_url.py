"""The address of a session store, and who shares such a store."""

import re

NO_DRIVER = 'a store on PostgreSQL needs its driver: pip install "flowengine[postgresql]"'
_PASSWORD_PATTERN = re.compile(r"(?<=:)[^:/@]*(?=@)|(?<=[?&]password=)[^&]*")


def is_postgresql_url(url: str) -> bool:
    """Whether several machines share this store, and with it the archive of releases."""
    return url.startswith(("postgresql://", "postgres://"))


def redact_password(url: str) -> str:
    """The address of a store without its password, for messages."""
    return _PASSWORD_PATTERN.sub("…", url) if is_postgresql_url(url) else url
