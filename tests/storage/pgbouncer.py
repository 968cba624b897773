"""A real pgbouncer before a real PostgreSQL server."""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.waiting import PATIENCE_SECONDS, can_connect, find_free_port, wait_until

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
            log = Path(folder) / "log"
            wait_until(lambda: is_up(port, process, log), otherwise=log.read_text)
            yield f"postgresql://postgres@127.0.0.1:{port}/voice"
        finally:
            process.terminate()
            process.wait(PATIENCE_SECONDS)


def is_up(port: int, process: subprocess.Popen[bytes], log: Path) -> bool:
    assert process.poll() is None, log.read_text()
    return can_connect(port)
