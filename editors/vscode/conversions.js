// What the server says, as objects of the editor, and the other way round. Both count columns in
// UTF-16. Kinds and severities count from 1 in the protocol, and from 0 in the editor.
"use strict";

const vscode = require("vscode");

const fromPosition = (position) => ({ line: position.line, character: position.character });

const toRange = ({ start, end }) =>
  new vscode.Range(start.line, start.character, end.line, end.character);

const toLocation = ({ uri, range }) => new vscode.Location(vscode.Uri.parse(uri), toRange(range));

const toText = (text) =>
  typeof text === "string" ? text : new vscode.MarkdownString(text.value);

const toEdit = ({ range, newText }) => new vscode.TextEdit(toRange(range), newText);

function toDiagnostic(found) {
  const severity = found.severity === undefined ? 0 : found.severity - 1;
  const made = new vscode.Diagnostic(toRange(found.range), found.message, severity);
  made.code = found.code;
  made.source = found.source;
  return made;
}

function toCompletionItem(found) {
  const item = new vscode.CompletionItem(found.label, found.kind ? found.kind - 1 : undefined);
  item.detail = found.detail;
  item.sortText = found.sortText;
  item.filterText = found.filterText;
  if (found.documentation) item.documentation = toText(found.documentation);
  if (found.textEdit) {
    item.range = toRange(found.textEdit.range);
    item.insertText = found.textEdit.newText;
  }
  return item;
}

const toHover = (found) => new vscode.Hover(toText(found.contents), found.range && toRange(found.range));

function toSymbol(found) {
  const { name, detail, kind, range, selectionRange, children } = found;
  const symbol = new vscode.DocumentSymbol(
    name, detail || "", kind - 1, toRange(range), toRange(selectionRange),
  );
  symbol.children = (children || []).map(toSymbol);
  return symbol;
}

function toWorkspaceEdit(found) {
  const edit = new vscode.WorkspaceEdit();
  for (const [uri, edits] of Object.entries(found.changes || {})) {
    edit.set(vscode.Uri.parse(uri), edits.map(toEdit));
  }
  for (const change of found.documentChanges || []) {
    if (change.kind === "rename") {
      edit.renameFile(vscode.Uri.parse(change.oldUri), vscode.Uri.parse(change.newUri));
    } else {
      edit.set(vscode.Uri.parse(change.textDocument.uri), change.edits.map(toEdit));
    }
  }
  return edit;
}

function toCodeAction(found) {
  const action = new vscode.CodeAction(found.title, vscode.CodeActionKind.QuickFix);
  action.diagnostics = (found.diagnostics || []).map(toDiagnostic);
  action.isPreferred = found.isPreferred;
  if (found.edit) action.edit = toWorkspaceEdit(found.edit);
  return action;
}

module.exports = {
  fromPosition, toCodeAction, toCompletionItem, toDiagnostic, toEdit, toHover, toLocation, toRange,
  toSymbol, toWorkspaceEdit,
};
