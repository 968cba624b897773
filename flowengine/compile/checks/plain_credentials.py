"""Credentials that stand in a file, where everybody reads them who reads the flows."""

import re
from collections.abc import Iterator
from typing import Final

from flowengine.problems import Problem
from flowengine.problems.credentials import is_credential, may_hold_credential
from flowengine.source import Document, KeyPath

_CREDENTIAL_KEYS: Final = re.compile(
    r"credentials|authorization|(x-)?(api|auth|access)[-_]?(key|token)", re.IGNORECASE
)
# of the project, or one of a shell, which has a problem of its own
_VARIABLE: Final = re.compile(r"\$[{A-Za-z_]")
# below the first two a key of `_CREDENTIAL_KEYS` is sent; an escape may write any word
_CREDENTIAL_PLACES: Final = ("headers", "body", "credentials", "\\")
HINT: Final = (
    "name it under secrets: of the project, keep its value in a variable of the environment, and "
    "write ${secrets.…} here; whoever has seen the file has the key, so have it replaced"
)


def check(document: Document) -> Iterator[Problem]:
    text = document.text
    if not may_hold_credential(text) and not any(word in text for word in _CREDENTIAL_PLACES):
        return  # as most files: walking through one takes far longer
    for path in list_credentials(document.data, ()):
        message = f"{path[-1]}: holds a credential in plain"
        yield Problem("FE950", document.find_span(path), message, HINT)


def list_credentials(data: object, path: KeyPath) -> Iterator[KeyPath]:
    """The paths of texts that are credentials by their form, or by the key that they stand under."""
    if isinstance(data, dict | list):
        for key, value in data.items() if isinstance(data, dict) else enumerate(data):
            yield from list_credentials(value, (*path, key))
    elif isinstance(data, str) and len(data) >= 8 and path:
        # a name under secrets: is one of the environment, and has a problem of its own
        if path[0] in ("secrets", "applications"):
            return
        is_sent = path[-1] == "credentials" or path[-2:-1] in (("headers",), ("body",))
        is_named = (
            is_sent and _CREDENTIAL_KEYS.fullmatch(str(path[-1])) and not _VARIABLE.search(data)
        )
        if is_named or is_credential(data):
            yield path
