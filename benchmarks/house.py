"""The numbers of the house: how much code there is, how it is commented, how long `flowengine check`
takes to import, and through how many files a callback goes.

A crossing is a call from a function of one file of flowengine to a function of another.

    python benchmarks/house.py
"""

import asyncio
import io
import json
import subprocess
import sys
import tempfile
import tokenize
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import Any

from flowengine.compile import compile_project
from flowengine.releases import Registry
from flowengine.runtime.cookie import Codec, derive_key
from flowengine.runtime.engine import Engine
from flowengine.server.callback import AsgiRequest, CallbackHandler, SignatureGate
from flowengine.server.log import LogWriter
from flowengine.server.metrics import Metrics
from flowengine.server.secret_variables import APPLICATION_KEY_VARIABLE, APPLICATION_SECRET_VARIABLE
from flowengine.sinch import sign_request
from flowengine.sinch.signing import HeaderMap
from flowengine.sources.project_folder import read_folder
from flowengine.storage.sessions import SqliteStore

ROOT = Path(__file__).parents[1]
CODE = ROOT / "flowengine"
FLOWS = ROOT / "flows"
ICE = {
    "event": "ice",
    "callid": "call",
    "version": 1,
    "cli": "+12015555555",
    "to": {"type": "did", "endpoint": "+14045550110"},
    "domain": "pstn",
    "originationType": "PSTN",
}
PIE = {
    "event": "pie",
    "callid": "call",
    "version": 1,
    "menuResult": {
        "menuId": "departments.main",
        "type": "return",
        "value": "9",
        "inputMethod": "dtmf",
    },
}
KEY, SECRET = "669E367E-6BBA-48AB-AF15-266871C28135", "BeIukql3pTKJ8RGL5zo0DA=="
KIND = "application/json"


class Crossings:
    """The files of flowengine that a piece of work goes through, and how often it goes from one to
    the next.
    """

    def __init__(self) -> None:
        self.files: set[str] = set()
        self.count = 0

    def __call__(self, frame: FrameType, event: str, _argument: Any) -> None:
        file = frame.f_code.co_filename
        if event != "call" or not file.startswith(str(CODE)):
            return
        self.files.add(file)
        caller = frame.f_back
        while caller is not None and not caller.f_code.co_filename.startswith(str(CODE)):
            caller = caller.f_back
        self.count += caller is not None and caller.f_code.co_filename != file


@contextmanager
def counted() -> Iterator[Crossings]:
    crossings = Crossings()
    sys.setprofile(crossings)
    try:
        yield crossings
    finally:
        sys.setprofile(None)


def build_headers(content: bytes) -> HeaderMap:
    """Those of a signed callback."""
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    signature = sign_request(KEY, SECRET, "POST", "/sinch", KIND, content, now)
    named = {"content-type": KIND, "x-timestamp": now, "authorization": signature}
    return HeaderMap([(name.encode(), value.encode()) for name, value in named.items()])


async def receive_nothing() -> Any:
    """The sender of a request waits for its answer."""
    await asyncio.Event().wait()


async def measure_callbacks() -> list[tuple[str, Crossings]]:
    names = ("CRM_TOKEN", "RECORDINGS_KEY")
    release = compile_project(read_folder(FLOWS), dict.fromkeys(names, "secret")).release
    assert release is not None
    releases = Registry(release)
    found = []
    with tempfile.TemporaryDirectory() as folder:
        store = SqliteStore(Path(folder) / "calls.db")
        engine = Engine(releases, store, Codec([derive_key("key")]), None)  # type: ignore[arg-type]
        gate = SignatureGate(
            releases, {APPLICATION_KEY_VARIABLE: KEY, APPLICATION_SECRET_VARIABLE: SECRET}
        )
        lines = LogWriter()
        handler = CallbackHandler(engine, gate, Metrics(), lines)
        for round_ in range(3):  # the first ones warm up what is worked out once or twice
            for body in (ICE, PIE):
                content = json.dumps({**body, "callid": f"call-{round_}"}).encode()
                scope = {"method": "POST", "path": "/sinch", "headers": build_headers(content)}
                request = AsgiRequest(content, scope, receive_nothing)
                with counted() as crossings:
                    status, _ = await handler.answer_request(request)
                    lines.flush()
                assert status == 200
                found.append((str(body["event"]).upper(), crossings))
        await store.close()
    return found[-2:]


def count_lines(folder: Path) -> tuple[int, int, int]:
    """Files, lines and comments."""
    files = sorted(folder.rglob("*.py"))
    texts = [file.read_text(encoding="utf-8") for file in files]
    comments = sum(
        token.type == tokenize.COMMENT
        for text in texts
        for token in tokenize.generate_tokens(io.StringIO(text).readline)
    )
    return len(files), sum(text.count("\n") for text in texts), comments


def measure_import() -> float:
    """Milliseconds of CPU, the least of five."""
    program = "import time, flowengine.cli.check; print(time.process_time() * 1000)"
    runs = [
        subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
        for _ in range(5)
    ]
    return min(float(run.stdout) for run in runs)


def main() -> None:
    for name in ("flowengine", "tests"):
        files, lines, comments = count_lines(ROOT / name)
        print(
            f"{name}: {files} files, {lines:,} lines, {1000 * comments / lines:.0f} comments per 1,000"
        )
    print(f"flowengine check imports in {measure_import():.0f} ms of CPU")
    for event, crossings in asyncio.run(measure_callbacks()):  # and their log lines
        print(f"{event}: {len(crossings.files)} files, {crossings.count} crossings")


if __name__ == "__main__":
    main()
