"""Secrets that are written as a shell has them, and secrets that nothing uses."""

import re
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any, Final

from flowengine.model import AuthoredProject, CompileCache
from flowengine.problems import Problem
from flowengine.source import Document, KeyPath

_SHELL_VARIABLE: Final = re.compile(r"\$([A-Za-z_]\w*)")
_SECRET_USE: Final = re.compile(r"\bsecrets\s*\.\s*(\w+)")
_NO_SECRETS: Final = frozenset[str]()  # of most files, in memory once


def check(authored: AuthoredProject, memory: CompileCache) -> Iterator[Problem]:
    secrets = authored.project.secrets
    flows = [document for _, document in authored.flows.values()]
    # by file, as a project in one file is shared document and flow at once
    documents = {document.file: document for document in (*authored.shared_documents, *flows)}
    for file, document in documents.items():
        yield from memory.get_or_compute(
            ("shell names", file),
            (document, secrets),
            lambda at=document: list(find_shell_names(at, secrets)),  # type: ignore[misc]
        )
    used = authored.outside.secrets.union(
        *(
            memory.get_or_compute(("secrets of", file), one, partial(find_used_secrets, one))
            for file, one in documents.items()
        )
    )
    if (project := authored.project_document) is not None:
        for name in (name for name in secrets if name not in used):
            span = project.find_key_span(("secrets", name))
            yield Problem(
                "FE911",
                span,
                f"nothing uses the secret {name}",
                f"write ${{secrets.{name}}} where it is needed, or remove it",
            )


def find_used_secrets(document: Document) -> frozenset[str]:
    # in the text: a comment that names a secret counts as a use, which costs a warning at most
    found = _SECRET_USE.findall(document.text)
    return frozenset(found) if found else _NO_SECRETS


def find_shell_names(document: Document, secrets: Mapping[str, str]) -> Iterator[Problem]:
    """`$CRM_TOKEN` stays as it is: a secret is meant where one is called so, or where it stands in
    a header in capitals.
    """
    # an escape may write any character; without one, what no text has no value has
    if not _SHELL_VARIABLE.search(document.text) and "\\" not in document.text:
        return
    declared = {variable: name for name, variable in secrets.items()} | {
        name: name for name in secrets
    }
    for text, path in iterate_texts(document.data, ()):
        for found in _SHELL_VARIABLE.finditer(text):
            name = declared.get(found[1], "")
            if name or (found[1].isupper() and {"headers", "credentials"} & set(path)):
                message = (
                    f"{found[0]} is sent as it stands: no variable of the environment is put here"
                )
                cure = (
                    f"write ${{secrets.{name}}}"
                    if name
                    else f"declare secrets: {{name: {found[1]}}} and write ${{secrets.name}}"
                )
                yield Problem(
                    "FE910",
                    document.find_inner_span(path, found.start(), len(found[0])),
                    message,
                    cure,
                )


def iterate_texts(data: Any, path: KeyPath) -> Iterator[tuple[str, KeyPath]]:
    if isinstance(data, str):
        if "$" in data:
            yield data, path
    elif isinstance(data, dict | list):
        for key, value in data.items() if isinstance(data, dict) else enumerate(data):
            yield from iterate_texts(value, (*path, key))
