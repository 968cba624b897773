#!/usr/bin/env bash
# pgbouncer 1.18.0 (Debian 12), PostgreSQL 16 (pgserver 0.1.4), psycopg 3.2.13.
#
# With pool_mode = transaction two clients hold the same exclusive session lock, and each is told so:
# both share a backend, and for PostgreSQL a session that asks twice for its own lock gets it twice.
# So a leader lock (pg_try_advisory_lock) has as many leaders as there are machines, without an error
# or a warning anywhere. A single client cannot notice: it gets the same backend again and again, and
# finds its settings and its lock where it left them. It shows only to two connections at once: while
# one is open, the other has its backend.
#
# With pool_mode = session, the default, the second client is told "false"; but the `options` that
# libpq sends at start (search_path, statement_timeout) are refused.
#
# Seen on 2026-11-28:
#   transaction: first client True, second client True, one backend: True
#   session: first client True, second client False, one backend: False
#   options: unsupported startup parameter: options
#
# Exits with 1 when that has changed. Needs apt-get and dpkg, and root or a user that may run both.
set -euo pipefail

folder=$(mktemp -d /tmp/finding-pooler-XXXXXX)
trap 'rm -rf "$folder"' EXIT
chmod 755 "$folder"
cd "$folder"
apt-get download -q pgbouncer=1.18.0-1+deb12u1 libevent-2.1-7 libc-ares2 > /dev/null 2>&1
for package in ./*.deb; do dpkg -x "$package" root; done
python3 -m venv venv
venv/bin/pip install -q 'pgserver==0.1.4' 'psycopg[binary]==3.2.13' 2> /dev/null

cat > finding.py <<'PYTHON'
import os
import pwd
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

import psycopg

warnings.simplefilter("ignore")
import pgserver  # noqa: E402

root = Path("root").resolve()
libraries = ":".join({str(one.parent) for one in root.rglob("*.so*")})


def pooler(place, mode):
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    folder = Path(tempfile.mkdtemp(dir="/tmp", prefix="finding-pooler-"))
    (folder / "users").write_text('"postgres" ""\n')
    (folder / "ini").write_text(
        f"[databases]\npostgres = host={place}\n[pgbouncer]\nlisten_addr = 127.0.0.1\n"
        f"listen_port = {port}\nauth_type = trust\nauth_file = {folder}/users\n"
        f"unix_socket_dir =\npool_mode = {mode}\n"
    )
    owner = pwd.getpwuid(os.stat(place).st_uid).pw_name
    if os.getuid() == 0:
        shutil.chown(folder, owner)
    command = [root / "usr/sbin/pgbouncer", "-q", folder / "ini"]
    process = subprocess.Popen(
        command if os.getuid() else [command[0], "-u", owner, *command[1:]],
        env={"LD_LIBRARY_PATH": libraries},
        stderr=subprocess.DEVNULL,
    )
    for _ in range(100):
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            break
        except OSError:
            time.sleep(0.05)
    return process, folder, f"postgresql://postgres@127.0.0.1:{port}/postgres"


def ask(connection, sql):
    return connection.execute(sql).fetchone()[0]


def locks(address):
    with (
        psycopg.connect(address, autocommit=True) as first,
        psycopg.connect(address, autocommit=True) as second,
    ):
        held = [ask(one, "SELECT pg_try_advisory_lock(42)") for one in (first, second)]
        backends = {ask(one, "SELECT pg_backend_pid()") for one in (first, second)}
    return f"first client {held[0]}, second client {held[1]}, one backend: {len(backends) == 1}"


found = {}
with tempfile.TemporaryDirectory(prefix="finding-pg-", ignore_cleanup_errors=True) as data:
    server = pgserver.get_server(data)
    place = data
    try:
        for mode in ("transaction", "session"):
            process, folder, address = pooler(place, mode)
            try:
                found[mode] = locks(address)
                if mode == "session":
                    try:
                        psycopg.connect(address, options="-c search_path=x").close()
                        found["options"] = "accepted"
                    except psycopg.OperationalError as error:
                        found["options"] = (
                            "unsupported startup parameter: options"
                            if "unsupported startup parameter: options" in str(error)
                            else str(error)
                        )
            finally:
                process.terminate()
                process.wait(10)
                shutil.rmtree(folder)
    finally:
        server.cleanup()
for name, what in found.items():
    print(f"{name}: {what}")
sys.exit(
    found
    != {
        "transaction": "first client True, second client True, one backend: True",
        "session": "first client True, second client False, one backend: False",
        "options": "unsupported startup parameter: options",
    }
)
PYTHON
timeout 120 venv/bin/python -W ignore finding.py 2> errors || { cat errors >&2; exit 1; }
