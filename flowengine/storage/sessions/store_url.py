"""The address of a session store, and who shares such a store."""

import re

NO_DRIVER = 'a store on PostgreSQL needs its driver: pip install "flowengine[postgresql]"'
FILE_SCHEME = "sqlite:"
STORE_FORMS = "write sqlite:PATH, postgresql://USER@HOST/DATABASE or none"
JOURNAL_FORMS = "write sqlite:PATH or postgresql://…"
# up to the last @, as a password may have one that should have been written %40
_PASSWORD_PATTERN = re.compile(
    r"(?P<before>://[^:@/]*:).*(?=@)"
    r"|(?P<parameter>\b(?:ssl)?password\s*=\s*)(?:'[^']*'|[^&\s]*)"
)
_BAD_PERCENT_PATTERN = re.compile(r"%(?![0-9A-Fa-f]{2})")


def is_postgresql_url(url: str) -> bool:
    """Whether several machines share this store, and with it the archive of releases."""
    return url.startswith(("postgresql://", "postgres://"))


def redact_password(url: str) -> str:
    """The address of a store without its password, for messages.

    >>> redact_password("postgresql://voice:a@b/c@db.internal/voice")
    'postgresql://voice:…@db.internal/voice'
    """
    return _PASSWORD_PATTERN.sub(lambda found: f"{found['before'] or found['parameter']}…", url)


def find_store_fault(url: str) -> str:
    """What is wrong with the address of a store, without its password; "" for nothing.

    >>> find_store_fault("sqlite:/var/lib/flowengine/calls.db")
    ''
    >>> find_store_fault("/var/lib/flowengine/calls.db")
    '"/var/lib/flowengine/calls.db" is no store: write sqlite:PATH, postgresql://USER@HOST/DATABASE or none'
    """
    if is_postgresql_url(url):
        return find_address_fault(url)
    if url == "none" or is_file_url(url):
        return ""
    return f'"{redact_password(url)}" is no store: {STORE_FORMS}'


def find_journal_fault(url: str) -> str:
    """What is wrong with the address of a call journal, without its password; "" for nothing.

    >>> find_journal_fault("none")
    '"none" is no call journal: write sqlite:PATH or postgresql://…'
    """
    if is_postgresql_url(url):
        return find_address_fault(url)
    return (
        "" if is_file_url(url) else f'"{redact_password(url)}" is no call journal: {JOURNAL_FORMS}'
    )


def is_file_url(url: str) -> bool:
    """Whether this names a file of SQLite."""
    return url.startswith(FILE_SCHEME) and url != FILE_SCHEME


def find_address_fault(url: str) -> str:
    """What keeps libpq from reading the address of a PostgreSQL server; "" for nothing. The library's
    own message would quote a part of the password.

    >>> find_address_fault("postgresql://voice:50%@db/voice")[:44]
    'the address has a character that has to be e'
    """
    rest = url.partition("://")[2]
    query = rest.find("?", rest.find("@") + 1)
    user = (rest if query < 0 else rest[:query]).rpartition("@")[0]
    if re.search(r"[@/]", user) or re.search(r"\s", url) or _BAD_PERCENT_PATTERN.search(url):
        return (
            "the address has a character that has to be escaped: in a user and a password write %40 "
            "for @, %2F for /, %3A for :, %25 for % and %20 for a blank, or give the password in "
            "PGPASSWORD"
        )
    return ""
