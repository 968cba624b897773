"""Systems that do not answer as they should."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"


@dataclass
class SilentService:
    """Accepts connections. `mode` is hang, trickle, close or answer."""

    mode: str = "hang"
    netloc: str = ""
    accepted: list[socket.socket] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://{self.netloc}"

    def serve(self, listening: socket.socket) -> None:
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            self.accepted.append(connection)
            threading.Thread(target=self.answer, args=(connection,), daemon=True).start()

    def answer(self, connection: socket.socket) -> None:
        mode = self.mode
        try:
            while connection.recv(65_536):
                if mode == "answer":
                    connection.sendall(ANSWER)
                elif mode == "close":
                    connection.shutdown(socket.SHUT_RDWR)
                elif mode == "trickle":
                    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 60000\r\n\r\n")
                    for _ in range(2_000):
                        connection.sendall(b"x")
                        threading.Event().wait(0.02)
        except OSError:
            pass


@contextmanager
def silent_service(mode: str = "hang") -> Iterator[SilentService]:
    listening = socket.create_server(("127.0.0.1", 0), backlog=256)
    service = SilentService(mode, f"127.0.0.1:{listening.getsockname()[1]}")
    threading.Thread(target=service.serve, args=(listening,), daemon=True).start()
    try:
        yield service
    finally:
        listening.close()
        for connection in service.accepted:
            connection.close()
