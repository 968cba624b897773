// Runs the extension of VS Code with a stand-in for the editor's API, and prints what it shows:
//   node vscode_world.js EXTENSION FILE COMMAND
"use strict";

const fs = require("fs");
const Module = require("module");
const path = require("path");
const { pathToFileURL } = require("url");

const [extension, file, command] = process.argv.slice(2);

class Position {
  constructor(line, character) { Object.assign(this, { line, character }); }
}
class Range {
  constructor(a, b, c, d) { Object.assign(this, { start: new Position(a, b), end: new Position(c, d) }); }
  intersection(other) { return this.start.line === other.start.line ? this : undefined; }
}
const keep = (...names) => class {
  constructor(...values) { names.forEach((name, place) => { this[name] = values[place]; }); }
};
class WorkspaceEdit {
  constructor() { Object.assign(this, { files: {}, moved: [] }); }
  set(uri, edits) { this.files[path.basename(uri.toString())] = edits; }
  renameFile(...uris) { this.moved.push(uris.map((uri) => path.basename(uri.toString()))); }
}
const makeUri = (text) => ({ scheme: "file", fsPath: text.slice(7), toString: () => text });
const providers = {};
const events = {};
const nothing = { dispose() {} };
const listen = (name) => (handler) => { events[name] = handler; return nothing; };
const provide = (name) => (_, provider) => { providers[name] = provider; return nothing; };
const problems = new Map();
const errors = [];
let restart;
const document = {
  uri: makeUri(pathToFileURL(file).href),
  languageId: "yaml",
  version: 1,
  text: fs.readFileSync(file, "utf8"),
  getText() { return this.text; },
};
const vscode = {
  Range, WorkspaceEdit,
  Location: keep("uri", "range"), MarkdownString: keep("value"), TextEdit: keep("range", "newText"),
  Diagnostic: keep("range", "message", "severity"), CompletionItem: keep("label", "kind"),
  Hover: keep("contents", "range"), DocumentSymbol: keep("name", "detail", "kind", "range", "own"),
  CodeAction: keep("title", "kind"), CodeActionKind: { QuickFix: "quickfix" },
  Uri: { parse: makeUri },
  commands: { registerCommand: (_, run) => { restart = run; return nothing; } },
  window: {
    createOutputChannel: () => ({ append() {}, ...nothing }),
    showErrorMessage: (text) => errors.push(text),
  },
  languages: {
    createDiagnosticCollection: () => ({
      set: (uri, found) => problems.set(path.basename(uri.toString()), found),
      clear: () => problems.clear(), ...nothing,
    }),
    registerCompletionItemProvider: provide("completion"), registerHoverProvider: provide("hover"),
    registerDefinitionProvider: provide("definition"), registerReferenceProvider: provide("references"),
    registerDocumentSymbolProvider: provide("symbols"), registerRenameProvider: provide("rename"),
    registerDocumentFormattingEditProvider: provide("formatting"),
    registerCodeActionsProvider: provide("actions"),
  },
  workspace: {
    workspaceFolders: [{ uri: { fsPath: path.dirname(file) } }],
    textDocuments: [document],
    getConfiguration: () => ({ get: () => command }),
    createFileSystemWatcher: () => ({
      onDidCreate: listen("create"), onDidChange: listen("fileChange"), onDidDelete: listen("delete"),
      ...nothing,
    }),
    onDidOpenTextDocument: listen("open"), onDidChangeTextDocument: listen("change"),
    onDidSaveTextDocument: listen("save"), onDidCloseTextDocument: listen("close"),
    onDidChangeConfiguration: listen("configuration"),
  },
};
const load = Module._load;
Module._load = (name, ...rest) => (name === "vscode" ? vscode : load(name, ...rest));

const until = async (isSo) => {
  while (!isSo()) await new Promise((resolve) => { setTimeout(resolve, 10); });
};
const find = (text) => {
  const before = document.text.slice(0, document.text.indexOf(text)).split("\n");
  return new Position(before.length - 1, before[before.length - 1].length);
};

async function main() {
  const { activate, deactivate } = require(extension);
  await activate({ subscriptions: [] });
  const shown = {};
  if (errors.length || !fs.existsSync(command)) {
    await until(() => errors.length);
    process.stdout.write(JSON.stringify({ errors }));
    return;
  }
  await until(() => (problems.get("hello.yaml") || []).length);
  shown.problems = problems.get("hello.yaml").map(({ code, range }) => [code, range.start.line]);
  const at = find("goodbey");
  const actions = await providers.actions.provideCodeActions(document, new Range(at.line, 0, at.line, 9));
  shown.actions = actions.map(({ title, edit }) => [title, edit.files["hello.yaml"][0].newText]);
  document.text = document.text.replace("goodbey", "goodbye");
  document.version = 2;
  events.change({ document });
  await until(() => !problems.get("hello.yaml").length);
  shown.offered = (await providers.completion.provideCompletionItems(document, find("goodbye")))
    .map(({ label }) => label);
  const hover = await providers.hover.provideHover(document, find("goodbye:"));
  shown.hover = hover.contents.value;
  shown.definition = (await providers.definition.provideDefinition(document, find("goodbye")))
    .map(({ range }) => range.start.line);
  const context = { includeDeclaration: true };
  shown.references = (await providers.references.provideReferences(document, find("goodbye"), context)).length;
  shown.symbols = (await providers.symbols.provideDocumentSymbols(document)).map(({ name }) => name);
  const renamed = await providers.rename.provideRenameEdits(document, find("goodbye"), "ending");
  shown.renamed = renamed.files["hello.yaml"].length;
  shown.refused = await providers.rename.provideRenameEdits(document, find("goodbye"), "welcome")
    .catch((error) => error.message);
  const moved = await providers.rename.provideRenameEdits(document, find("office.next"), "desk");
  shown.moved = [moved.files["hello.yaml"][0].newText, ...moved.moved];
  shown.formatted = (await providers.formatting.provideDocumentFormattingEdits(document, { tabSize: 4, insertSpaces: true }))
    .map(({ newText }) => newText);
  await restart();
  shown.again = (await providers.symbols.provideDocumentSymbols(document)).length;
  await deactivate();
  process.stdout.write(JSON.stringify({ ...shown, errors }));
}

main().catch((error) => { process.stderr.write(`${error.stack}\n`); process.exit(1); });
