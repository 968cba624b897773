"""A real pgbouncer before a real PostgreSQL server."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.waiting import find_free_port

PROGRAM = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin")
PLAIN = """[databases]
voice = host=db.internal dbname=voice

[pgbouncer]
listen_addr = 127.0.0.1
listen_port = 6432
auth_type = scram-sha-256
auth_file = /etc/pgbouncer/userlist.txt
"""


@contextmanager
def pgbouncer(address: str, text: str = PLAIN, **options: str) -> Iterator[str]:
    """The address of a pooler that is set up by this text, but for where things are here."""
    if PROGRAM is None:
        pytest.skip("pgbouncer is not installed")
    place = parse_qs(urlsplit(address).query)["host"][0]
    port = find_free_port()
    with tempfile.TemporaryDirectory(prefix="flowengine-pooler-") as folder:
        users = Path(folder) / "users.txt"
        users.write_text('"postgres" ""\n')
        text = (
            text.replace("db.internal dbname=voice", f"{place} dbname=postgres")
            .replace("6432", str(port))
            .replace("scram-sha-256", "trust")
            .replace("/etc/pgbouncer/userlist.txt", str(users))
        )
        text += "unix_socket_dir =\n" + "".join(f"{key} = {one}\n" for key, one in options.items())
        file = Path(folder) / "pgbouncer.ini"
        file.write_text(text)
        command = [PROGRAM, "-q", str(file)]
        if os.getuid() == 0:  # it does not run as root, and the socket is its owner's
            owner = pwd.getpwuid(Path(place).stat().st_uid).pw_name
            shutil.chown(folder, owner)
            command[1:1] = ["-u", owner]
        with (Path(folder) / "log").open("wb") as log:
            process = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            wait_for(port, process, Path(folder) / "log")
            yield f"postgresql://postgres@127.0.0.1:{port}/voice"
        finally:
            process.terminate()
            process.wait(10)


def wait_for(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(200):
        assert process.poll() is None, log.read_text()
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.02)
        else:
            return
    raise AssertionError(log.read_text())
