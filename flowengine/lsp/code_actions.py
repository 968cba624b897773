"""Cures that are edits of the text."""

import re
from collections.abc import Iterable
from typing import Final

from lsprotocol.types import CodeAction, CodeActionKind, Diagnostic, TextEdit, WorkspaceEdit

from flowengine.lsp.text_positions import TextPositions

_SUGGESTION: Final = re.compile(r'^did you mean "([^"…]+)"\?$', re.MULTILINE)
_ONE_WORD: Final = re.compile(r"[\w.+#*-]+")


def build_code_actions(
    uri: str, diagnostics: Iterable[Diagnostic], positions: TextPositions
) -> list[CodeAction]:
    """For each problem that suggests another word, the edit that takes it."""
    found = []
    for diagnostic in diagnostics:
        suggested = _SUGGESTION.search(diagnostic.message)
        start = positions.to_offset(diagnostic.range.start)
        end = positions.to_offset(diagnostic.range.end)
        written = positions.text[start:end]
        if suggested and _ONE_WORD.fullmatch(written.strip("\"'")):
            quote = written[0] if written[0] in "\"'" else ""
            edit = TextEdit(diagnostic.range, f"{quote}{suggested[1]}{quote}")
            found.append(
                CodeAction(
                    f"Write {suggested[1]}",
                    kind=CodeActionKind.QuickFix,
                    diagnostics=[diagnostic],
                    edit=WorkspaceEdit(changes={uri: [edit]}),
                    is_preferred=True,
                )
            )
    return found
