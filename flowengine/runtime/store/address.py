"""How a store is named, and what a name says about who shares it."""

import re

NO_DRIVER = 'a store on PostgreSQL needs its driver: pip install "flowengine[postgresql]"'
_PASSWORD = re.compile(r"(?<=:)[^:/@]*(?=@)|(?<=[?&]password=)[^&]*")


def on_postgresql(url: str) -> bool:
    """Whether several machines share this store, and with it the archive of releases."""
    return url.startswith(("postgresql://", "postgres://"))


def shown(url: str) -> str:
    """A store by its name, for people: without a password."""
    return _PASSWORD.sub("…", url) if on_postgresql(url) else url
