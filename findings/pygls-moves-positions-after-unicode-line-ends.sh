#!/usr/bin/env bash
# pygls 2.1.1, lsprotocol 2025.0.0, Python 3.11.
#
# The Language Server Protocol knows three ends of a line: "\n", "\r\n" and "\r". pygls splits documents
# with str.splitlines(), which knows eight more: U+2028, U+2029, U+0085, form feed, vertical tab and the
# three separators U+001C to U+001E. An editor that is told nothing of them (each is an ordinary character to
# it) counts fewer lines than pygls. From the first such character on, every position of the editor means
# another place to pygls: the word under the cursor is another one, and a change of one line that the editor
# sends is made in another line, so that the server's copy of the document is not the editor's any more.
# Nothing reports it; diagnostics and completions are simply those of another text.
#
# U+2028 comes with texts from web pages and chat programs, form feeds with old source files.
#
# Seen on 2026-11-29:
#   lines by the protocol: 3, lines by pygls: 4
#   word at line 1 of the editor: pygls says 'second', the editor means 'target'
#   after the editor has replaced 'target' by 'changed', pygls has: 'first\u2028changed\ntarget\nlast\n'
#
# Exits with 1 when that has changed.
set -euo pipefail

folder=$(mktemp -d /tmp/finding-lines-XXXXXX)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install -q 'pygls==2.1.1' 'lsprotocol==2025.0.0' 2> /dev/null

cat > finding.py <<'PYTHON'
import re
import sys

from lsprotocol import types
from pygls.workspace import TextDocument

TEXT = "first\u2028second\ntarget\nlast\n"


def position(line: int, character: int) -> types.Position:
    return types.Position(line, character)


document = TextDocument("file:///a.txt", TEXT, sync_kind=types.TextDocumentSyncKind.Incremental)
editor_lines = re.split(r"\r\n|\n|\r", TEXT)[:-1]
word = document.word_at_position(position(1, 1))
meant = editor_lines[1]
print(f"lines by the protocol: {len(editor_lines)}, lines by pygls: {len(document.lines)}")
print(f"word at line 1 of the editor: pygls says {word!r}, the editor means {meant!r}")

document.apply_change(
    types.TextDocumentContentChangePartial(
        range=types.Range(position(1, 0), position(1, len(meant))), text="changed"
    )
)
print(f"after the editor has replaced {meant!r} by 'changed', pygls has: {ascii(document.source)}")
expected = (4, "second", "first\u2028changed\ntarget\nlast\n")
sys.exit((len(document.lines), word, document.source) != expected)
PYTHON
venv/bin/python finding.py
