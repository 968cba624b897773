"""An editor for tests: speaks the protocol with `flowengine lsp` as a process."""

import json
import subprocess
import sys
import threading
from pathlib import Path
from queue import Queue
from typing import Any, Self

PATIENCE = 60  # seconds: a busy machine is slow
FLOWENGINE = Path(sys.executable).with_name("flowengine")


class Editor:
    """Sends messages and collects what comes back, by method."""

    def __init__(self, *, watches_files: bool = True, moves_files: bool = True) -> None:
        self.process = subprocess.Popen(
            [FLOWENGINE, "lsp"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self.stderr = ""
        self.problems: Queue[dict[str, Any]] = Queue()
        self.requests: Queue[dict[str, Any]] = Queue()
        self.messages: list[dict[str, Any]] = []
        self._answers: Queue[dict[str, Any] | None] = Queue()
        self._sent = 0
        self._texts: dict[str, tuple[str, int]] = {}
        threading.Thread(target=self._read, daemon=True).start()
        self._stderr_reader = threading.Thread(target=self._read_stderr, daemon=True)
        self._stderr_reader.start()
        self._workspace = {
            "didChangeWatchedFiles": {"dynamicRegistration": watches_files},
            "workspaceEdit": {"resourceOperations": ["create", "rename"] if moves_files else []},
        }

    def __enter__(self) -> Self:
        client = {"capabilities": {"workspace": self._workspace}}
        try:
            self.ask("initialize", {"processId": None, "rootUri": None, **client})
            self.tell("initialized", {})
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait(PATIENCE)
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            if pipe and not pipe.closed:
                pipe.close()

    def tell(self, method: str, params: Any) -> None:
        self._send({"jsonrpc": "2.0", "method": method, "params": params})

    def ask(self, method: str, params: Any) -> Any:
        self._sent += 1
        self._send({"jsonrpc": "2.0", "id": self._sent, "method": method, "params": params})
        answer = self._answers.get(timeout=PATIENCE)
        assert answer, self.stderr
        assert answer["id"] == self._sent
        assert "error" not in answer, answer["error"]
        return answer["result"]

    def open(self, path: Path, text: str | None = None) -> str:
        """Open a file, with other text than it has on disk."""
        uri = path.as_uri()
        text = path.read_text() if text is None else text
        self._texts[uri] = (text, 1)
        document = {"uri": uri, "languageId": "yaml", "version": 1, "text": text}
        self.tell("textDocument/didOpen", {"textDocument": document})
        return uri

    def change(self, uri: str, text: str) -> None:
        _, version = self._texts[uri]
        self._texts[uri] = (text, version + 1)
        self.tell(
            "textDocument/didChange",
            {
                "textDocument": {"uri": uri, "version": version + 1},
                "contentChanges": [{"text": text}],
            },
        )

    def replace(self, uri: str, old: str, new: str) -> None:
        text, _ = self._texts[uri]
        assert old in text
        self.change(uri, text.replace(old, new, 1))

    def close(self, uri: str) -> None:
        del self._texts[uri]
        self.tell("textDocument/didClose", {"textDocument": {"uri": uri}})

    def wait_for_problems(self, uri: str) -> list[dict[str, Any]]:
        """The problems of the newest version of a document; of a closed one, the next that come."""
        while True:
            published = self.problems.get(timeout=PATIENCE)
            known = self._texts.get(uri)
            if published["uri"] == uri and (not known or published.get("version") == known[1]):
                found: list[dict[str, Any]] = published["diagnostics"]
                return found

    def ask_at(self, method: str, uri: str, marked: str, **more: Any) -> Any:
        """Ask about the place of `|` in a piece of the text, which is unlike all others."""
        text, _ = self._texts[uri]
        before, after = marked.split("|")
        assert text.count(before + after) == 1, marked
        offset = text.index(before + after) + len(before)
        start = text.rfind("\n", 0, offset) + 1
        units = len(text[start:offset].encode("utf-16-le")) // 2
        position = {"line": text.count("\n", 0, offset), "character": units}
        params = {"textDocument": {"uri": uri}, "position": position, **more}
        return self.ask(f"textDocument/{method}", params)

    def leave(self) -> int:
        """End the server in order; its exit status."""
        self.ask("shutdown", None)
        self.tell("exit", None)
        status = self.process.wait(PATIENCE)
        self._stderr_reader.join(PATIENCE)
        return status

    def _send(self, message: dict[str, Any]) -> None:
        body = json.dumps(message).encode()
        assert self.process.stdin
        self.process.stdin.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
        self.process.stdin.flush()

    def _read(self) -> None:
        stream = self.process.stdout
        assert stream
        while header := stream.readline():
            length = int(header.split(b":")[1]) if header.lower().startswith(b"content-l") else 0
            while stream.readline().strip():
                pass
            self._take(json.loads(stream.read(length)))
        self._stderr_reader.join(PATIENCE)
        self._answers.put(None)  # the server has ended

    def _take(self, message: dict[str, Any]) -> None:
        self.messages.append(message)
        if "method" not in message:
            self._answers.put(message)
        elif message["method"] == "textDocument/publishDiagnostics":
            self.problems.put(message["params"])
        else:
            self.requests.put(message)
            if "id" in message:
                self._send({"jsonrpc": "2.0", "id": message["id"], "result": None})

    def _read_stderr(self) -> None:
        assert self.process.stderr
        self.stderr = self.process.stderr.read().decode()
