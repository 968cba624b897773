"""Cures that are edits of the text."""

from collections.abc import Iterable

from lsprotocol.types import CodeAction, CodeActionKind, Diagnostic, TextEdit, WorkspaceEdit

from flowengine.lsp.text_positions import TextPositions
from flowengine.problems.word_cure import find_word_cure


def build_code_actions(
    uri: str, diagnostics: Iterable[Diagnostic], positions: TextPositions
) -> list[CodeAction]:
    """For each problem that suggests another word, the edit that takes it."""
    found = []
    for diagnostic in diagnostics:
        start = positions.to_offset(diagnostic.range.start)
        end = positions.to_offset(diagnostic.range.end)
        if cure := find_word_cure(diagnostic.message, positions.text, start, end):
            edit = TextEdit(positions.to_range(cure.start, cure.end), cure.text)
            found.append(
                CodeAction(
                    f"Write {cure.text}",
                    kind=CodeActionKind.QuickFix,
                    diagnostics=[diagnostic],
                    edit=WorkspaceEdit(changes={uri: [edit]}),
                    is_preferred=True,
                )
            )
    return found
