// JSON-RPC with the language server, over the standard input and output of its process.
"use strict";

const { spawn } = require("child_process");

const HEADER_END = Buffer.from("\r\n\r\n");

class Connection {
  // `handlers` has a function for each notification and request of the server, by method;
  // `onEnd(reason)` is called once, when the process has ended or could not be started.
  constructor(command, folder, { handlers, onLog, onEnd }) {
    this.handlers = handlers;
    this.onEnd = onEnd;
    this.pending = new Map();
    this.sent = 0;
    this.received = Buffer.alloc(0);
    this.isOpen = true;
    this.process = spawn(command, ["lsp"], { cwd: folder });
    this.process.stdout.on("data", (data) => this.receive(data));
    this.process.stderr.on("data", (data) => onLog(data.toString()));
    this.process.stdin.on("error", () => {}); // the end of the process says it
    this.process.on("error", (error) => this.end(error.message));
    this.process.on("exit", (code, signal) => this.end(`it ended with ${signal || code}`));
  }

  notify(method, params) {
    this.send({ method, params });
  }

  // The result; undefined where the server is gone. Rejects where the server refuses.
  request(method, params, token) {
    if (!this.isOpen) return Promise.resolve(undefined);
    const id = ++this.sent;
    const answer = new Promise((resolve, reject) => this.pending.set(id, { resolve, reject }));
    this.send({ id, method, params });
    const watch = token && token.onCancellationRequested(() => {
      this.notify("$/cancelRequest", { id });
      this.settle(id, undefined);
    });
    return answer.finally(() => watch && watch.dispose());
  }

  // Ask the server to end, and end it where it does not within a second.
  async close() {
    if (!this.isOpen) return;
    const timer = setTimeout(() => this.process.kill(), 1000);
    await this.request("shutdown", null).catch(() => {});
    this.notify("exit", null);
    if (this.isOpen) await new Promise((resolve) => this.process.once("exit", resolve));
    clearTimeout(timer);
  }

  send(message) {
    if (!this.isOpen) return;
    const body = Buffer.from(JSON.stringify({ jsonrpc: "2.0", ...message }));
    this.process.stdin.write(`Content-Length: ${body.length}\r\n\r\n`);
    this.process.stdin.write(body);
  }

  receive(data) {
    this.received = Buffer.concat([this.received, data]);
    for (;;) {
      const end = this.received.indexOf(HEADER_END);
      if (end < 0) return;
      const found = /Content-Length: *(\d+)/i.exec(this.received.toString("latin1", 0, end));
      if (!found) {
        this.process.kill();
        return;
      }
      const start = end + HEADER_END.length;
      const stop = start + Number(found[1]);
      if (this.received.length < stop) return;
      const body = this.received.toString("utf8", start, stop);
      this.received = this.received.subarray(stop);
      this.take(JSON.parse(body));
    }
  }

  take(message) {
    if (message.method === undefined) {
      this.settle(message.id, message.result, message.error);
      return;
    }
    const handler = this.handlers[message.method];
    const result = handler ? handler(message.params) : null;
    if (message.id !== undefined) this.send({ id: message.id, result: result ?? null });
  }

  settle(id, result, error) {
    const waiting = this.pending.get(id);
    if (!waiting) return; // it was cancelled
    this.pending.delete(id);
    if (error) waiting.reject(new Error(error.message));
    else waiting.resolve(result);
  }

  end(reason) {
    if (!this.isOpen) return;
    this.isOpen = false;
    for (const id of [...this.pending.keys()]) this.settle(id, undefined);
    this.onEnd(reason);
  }
}

module.exports = { Connection };
