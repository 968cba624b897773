"""Whatever a server writes is for its user alone, even where the system would let others in."""

import os
import signal
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.server.server_process import Served, ice, pressed


@pytest.fixture
def open_umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


@pytest.mark.usefixtures("open_umask")
@pytest.mark.parametrize("options", [(), ("--workers", "2"), ("--store", "none")])
def test_files_of_a_server_are_for_its_user_alone(
    serve: Callable[..., Served], tmp_path: Path, options: tuple[str, ...]
) -> None:
    (tmp_path / ".flowengine").mkdir(mode=0o700)
    for name in ("turn.db", "releases.db", "calls.db", "journal.db", "cookie.key"):
        found = tmp_path / ".flowengine" / name  # an empty one is a database without tables
        found.write_text("a key of before" if name == "cookie.key" else "")
        found.chmod(0o666)
    served = serve(*options, signed=False)
    for call in ("a", "b"):
        served.post(ice(call))
        served.post(pressed("12345674", call))
        served.post({"event": "dice", "callid": call, "version": 1, "result": "ANSWERED"})
    served.process.send_signal(signal.SIGHUP)
    served.post(ice("c"))
    made = list((tmp_path / ".flowengine").rglob("*"))
    if "none" in options:  # then it is not used
        made.remove(tmp_path / ".flowengine" / "calls.db")
    assert {"journal.db", "cookie.key", "turn.db", "releases.db"} <= {file.name for file in made}
    for file in [tmp_path / ".flowengine", *made]:
        if file.name != ".gitignore":  # says nothing, and git must read it
            assert not stat.S_IMODE(file.stat().st_mode) & 0o077, file
    assert "turn.db (mode 0666): from now on its user alone may" in served.err.read_text()
