// Starts `flowengine lsp` and shows in the editor what it says.
"use strict";

const path = require("path");
const vscode = require("vscode");
const { Connection } = require("./connection");
const convert = require("./conversions");

const SELECTOR = { language: "yaml", scheme: "file" };
const TRIGGERS = [".", " ", "{", "[", ":"];
const WATCHED = "**/*.{yaml,yml}";
const FILE_CHANGES = { created: 1, changed: 2, deleted: 3 };
const MOST_RESTARTS = 3;
const RESTART_WINDOW = 180_000; // milliseconds

class Client {
  constructor() {
    this.log = vscode.window.createOutputChannel("flowengine");
    this.problems = vscode.languages.createDiagnosticCollection("flowengine");
    this.found = new Map(); // the problems of each document as the server told them
    this.endings = [];
  }

  // Start the server, and tell it of what is open. It answers once that is done.
  start() {
    const { command, folder } = readCommand();
    this.connection = new Connection(command, folder, {
      handlers: { "textDocument/publishDiagnostics": (params) => this.showProblems(params) },
      onLog: (text) => this.log.append(text),
      onEnd: (reason) => this.noteEnd(command, reason),
    });
    this.ready = this.greet(this.connection);
    return this.ready;
  }

  async greet(connection) {
    const workspace = {
      didChangeWatchedFiles: { dynamicRegistration: true },
      workspaceEdit: { documentChanges: true, resourceOperations: ["rename"] },
    };
    const markdown = { contentFormat: ["markdown"] };
    await connection.request("initialize", {
      processId: process.pid,
      rootUri: null,
      capabilities: { workspace, textDocument: { hover: markdown } },
    });
    connection.notify("initialized", {});
    for (const document of vscode.workspace.textDocuments) this.open(document);
  }

  async stop() {
    const connection = this.connection;
    this.connection = undefined;
    this.problems.clear();
    this.found.clear();
    if (connection) await connection.close();
  }

  async restart() {
    await this.stop();
    this.endings = [];
    await this.start();
  }

  noteEnd(command, reason) {
    if (!this.connection) return; // it was asked to
    this.connection = undefined;
    this.problems.clear();
    this.found.clear();
    const now = Date.now();
    this.endings = [...this.endings.filter((each) => now - each < RESTART_WINDOW), now];
    if (this.endings.length <= MOST_RESTARTS && !reason.includes("ENOENT")) {
      this.start();
      return;
    }
    vscode.window.showErrorMessage(
      `${command} lsp: ${reason}. Install it with pip install 'flowengine[lsp]', and set ` +
        "flowengine.command to its whole path; then run “flowengine: Restart the language server”.",
    );
  }

  tell(method, params) {
    if (this.connection) this.connection.notify(method, params);
  }

  open(document) {
    if (!isServed(document)) return;
    const { version } = document;
    this.tell("textDocument/didOpen", {
      textDocument: { ...identify(document), languageId: "yaml", version, text: document.getText() },
    });
  }

  change(document) {
    if (!isServed(document)) return;
    this.tell("textDocument/didChange", {
      textDocument: { ...identify(document), version: document.version },
      contentChanges: [{ text: document.getText() }],
    });
  }

  close(document) {
    if (isServed(document)) this.tell("textDocument/didClose", { textDocument: identify(document) });
  }

  save(document) {
    if (isServed(document)) this.tell("textDocument/didSave", { textDocument: identify(document) });
  }

  noteFile(uri, type) {
    this.tell("workspace/didChangeWatchedFiles", { changes: [{ uri: uri.toString(), type }] });
  }

  showProblems({ uri, diagnostics }) {
    const target = vscode.Uri.parse(uri);
    this.found.set(target.toString(), diagnostics);
    this.problems.set(target, diagnostics.map(convert.toDiagnostic));
  }

  // What the server answers about a place; `more` are the other parameters of the request.
  async ask(name, document, position, token, more = {}) {
    await this.ready;
    if (!this.connection) return undefined;
    const place = position ? { position: convert.fromPosition(position) } : {};
    const params = { textDocument: identify(document), ...place, ...more };
    return this.connection.request(`textDocument/${name}`, params, token);
  }
}

function readCommand() {
  const folder = vscode.workspace.workspaceFolders?.[0]?.uri.fsPath;
  const command = vscode.workspace.getConfiguration("flowengine").get("command") || "flowengine";
  const isRelative = folder && command.startsWith(".");
  return { command: isRelative ? path.join(folder, command) : command, folder };
}

const isServed = (document) => document.languageId === "yaml" && document.uri.scheme === "file";

const identify = (document) => ({ uri: document.uri.toString() });

const convertAll = (found, convertOne) => (found || []).map(convertOne);

function listProviders(client) {
  const languages = vscode.languages;
  return [
    languages.registerCompletionItemProvider(SELECTOR, {
      provideCompletionItems: async (document, position, token) =>
        convertAll(await client.ask("completion", document, position, token), convert.toCompletionItem),
    }, ...TRIGGERS),
    languages.registerHoverProvider(SELECTOR, {
      provideHover: async (document, position, token) => {
        const found = await client.ask("hover", document, position, token);
        return found ? convert.toHover(found) : undefined;
      },
    }),
    languages.registerDefinitionProvider(SELECTOR, {
      provideDefinition: async (document, position, token) =>
        convertAll(await client.ask("definition", document, position, token), convert.toLocation),
    }),
    languages.registerReferenceProvider(SELECTOR, {
      provideReferences: async (document, position, context, token) =>
        convertAll(
          await client.ask("references", document, position, token, { context }),
          convert.toLocation,
        ),
    }),
    languages.registerDocumentSymbolProvider(SELECTOR, {
      provideDocumentSymbols: async (document, token) =>
        convertAll(await client.ask("documentSymbol", document, null, token), convert.toSymbol),
    }),
    languages.registerRenameProvider(SELECTOR, {
      prepareRename: async (document, position, token) => {
        const found = await client.ask("prepareRename", document, position, token);
        if (!found) throw new Error("Here is no name that can be changed.");
        return convert.toRange(found);
      },
      provideRenameEdits: async (document, position, newName, token) => {
        const found = await client.ask("rename", document, position, token, { newName });
        return found ? convert.toWorkspaceEdit(found) : undefined;
      },
    }),
    languages.registerDocumentFormattingEditProvider(SELECTOR, {
      provideDocumentFormattingEdits: async (document, { tabSize, insertSpaces }, token) => {
        const more = { options: { tabSize, insertSpaces } };
        return convertAll(
          await client.ask("formatting", document, null, token, more), convert.toEdit,
        );
      },
    }),
    languages.registerCodeActionsProvider(SELECTOR, {
      provideCodeActions: async (document, range, _, token) => {
        const known = client.found.get(document.uri.toString()) || [];
        const diagnostics = known.filter((each) => convert.toRange(each.range).intersection(range));
        const more = { range, context: { diagnostics } };
        return convertAll(
          await client.ask("codeAction", document, null, token, more), convert.toCodeAction,
        );
      },
    }, { providedCodeActionKinds: [vscode.CodeActionKind.QuickFix] }),
  ];
}

function listWatchers(client) {
  const workspace = vscode.workspace;
  const files = workspace.createFileSystemWatcher(WATCHED);
  return [
    files,
    files.onDidCreate((uri) => client.noteFile(uri, FILE_CHANGES.created)),
    files.onDidChange((uri) => client.noteFile(uri, FILE_CHANGES.changed)),
    files.onDidDelete((uri) => client.noteFile(uri, FILE_CHANGES.deleted)),
    workspace.onDidOpenTextDocument((document) => client.open(document)),
    workspace.onDidChangeTextDocument(({ document }) => client.change(document)),
    workspace.onDidSaveTextDocument((document) => client.save(document)),
    workspace.onDidCloseTextDocument((document) => client.close(document)),
    workspace.onDidChangeConfiguration((event) => {
      if (event.affectsConfiguration("flowengine.command")) client.restart();
    }),
  ];
}

let client;

async function activate(context) {
  client = new Client();
  context.subscriptions.push(
    client.log,
    client.problems,
    vscode.commands.registerCommand("flowengine.restart", () => client.restart()),
    ...listWatchers(client),
    ...listProviders(client),
  );
  await client.start();
}

const deactivate = () => client && client.stop();

module.exports = { activate, deactivate };
