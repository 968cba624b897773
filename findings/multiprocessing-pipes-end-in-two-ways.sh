#!/usr/bin/env bash
# multiprocessing.Pipe() of CPython 3.11.2 (Debian 12), Linux. The stream sockets below it are the same in every
# version of CPython.
#
# By its documentation recv() raises EOFError once the other end is closed and all is read; it names no other
# error. A process at the other end that is killed closes it, and mostly EOFError comes. But where a message to that
# process was still unread, recv() raises ConnectionResetError, which is no EOFError, and EOFError only when it is
# called again. Pipe() is a pair of UNIX stream sockets, and Linux tells the side that wrote them, once, of bytes
# that nobody will read. Pipe(duplex=False) is a pipe, and always ends with EOFError. Nothing is lost: what the
# killed process had sent comes first.
#
# So a supervisor that takes EOFError for "this worker has ended" is right in each test that kills an idle worker,
# and fails with an error that it does not know when the kernel, short of memory, kills a busy one with a job
# waiting: just when it is needed. The same holds for socket.socketpair(), where the end is b"". Let a
# ConnectionResetError mean the end, too.
#
# Seen on 2026-11-29 (three calls of recv() after the other end was killed, which had sent one message):
#   Pipe(), nothing unread: 'answer', EOFError, EOFError
#   Pipe(), a message unread: 'answer', ConnectionResetError, EOFError
#   Pipe(duplex=False): 'answer', EOFError, EOFError
#
# Exits with 1 when that has changed. Needs apt-get and dpkg of Debian 12.
set -euo pipefail

folder=$(mktemp -d /tmp/finding-pipes-XXXXXX)
trap 'rm -rf "$folder"' EXIT
chmod 755 "$folder"
cd "$folder"
apt-get download -q python3.11-minimal=3.11.2-6+deb12u9 libpython3.11-minimal=3.11.2-6+deb12u9 \
  libpython3.11-stdlib=3.11.2-6+deb12u9 libexpat1 zlib1g > /dev/null 2>&1
for package in ./*.deb; do dpkg -x "$package" root; done
libraries=$(find "$PWD/root" -name '*.so*' -printf '%h\n' | sort -u | paste -sd:)

cat > finding.py <<'PYTHON'
import multiprocessing
import os
import signal

fork = multiprocessing.get_context("fork")


def answer_and_wait(connection) -> None:
    connection.send("answer")
    signal.pause()


def kill_peer(duplex: bool, has_unread: bool) -> str:
    ours, theirs = multiprocessing.Pipe(duplex)
    process = fork.Process(target=answer_and_wait, args=(theirs,))
    process.start()
    theirs.close()
    ours.poll(None)  # until the answer is there
    if has_unread:
        ours.send("next job")
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    found = []
    for _ in range(3):
        try:
            found.append(repr(ours.recv()))
        except (EOFError, OSError) as error:
            found.append(type(error).__name__)
    return ", ".join(found)


print("Pipe(), nothing unread:", kill_peer(duplex=True, has_unread=False))
print("Pipe(), a message unread:", kill_peer(duplex=True, has_unread=True))
print("Pipe(duplex=False):", kill_peer(duplex=False, has_unread=False))
PYTHON
PYTHONHOME="$PWD/root/usr" LD_LIBRARY_PATH="$libraries" timeout 60 root/usr/bin/python3.11 finding.py | tee seen
diff - seen <<'EXPECTED'
Pipe(), nothing unread: 'answer', EOFError, EOFError
Pipe(), a message unread: 'answer', ConnectionResetError, EOFError
Pipe(duplex=False): 'answer', EOFError, EOFError
EXPECTED
