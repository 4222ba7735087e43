"""A server that plays one script a connection, on blocking sockets in threads of its own: the wire spelt out, byte by byte."""

import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Script = Callable[[socket.socket], None]

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class ScriptedServer:
    """`port` to connect to; `accepted` connections so far; `failures` of scripts, which the test's end reports."""

    def __init__(self, scripts: tuple[Script, ...]) -> None:
        self._scripts = scripts
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(10)
        self.port: int = self._listener.getsockname()[1]
        self.accepted = 0
        self.failures: list[BaseException] = []
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def _accept(self) -> None:
        try:
            for script in self._scripts:
                connection, _ = self._listener.accept()
                self.accepted += 1
                connection.settimeout(10)
                playing = threading.Thread(target=self._play, args=(script, connection))
                self._threads.append(playing)
                playing.start()
        except BaseException as failure:
            self.failures.append(failure)

    def _play(self, script: Script, connection: socket.socket) -> None:
        try:
            with connection:
                script(connection)
        except BaseException as failure:
            self.failures.append(failure)

    def close(self) -> None:
        for thread in self._threads:  # grows until the first, which accepts, has ended
            thread.join(20)
            assert not thread.is_alive()
        self._listener.close()
        assert not self.failures, self.failures


@contextmanager
def serving(*scripts: Script) -> Iterator[ScriptedServer]:
    """A server for exactly so many connections; leaving waits until all scripts have ended."""
    server = ScriptedServer(scripts)
    try:
        yield server
    finally:
        server.close()


def read_head(connection: socket.socket) -> bytes:
    """Up to the empty line, and not a byte further."""
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        byte = connection.recv(1)
        assert byte, head
        head += byte
    return head


def read_exactly(connection: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        chunk = connection.recv(min(count - len(data), 65_536))
        assert chunk, f"{len(data)} of {count} bytes"
        data += chunk
    return data


def answering(*answers: bytes) -> Script:
    """Reads a head for each answer, and sends it; then closes."""

    def script(connection: socket.socket) -> None:
        for answer in answers:
            read_head(connection)
            connection.sendall(answer)

    return script


def until_closed(connection: socket.socket) -> None:
    """Waits for the client to close, however it does it."""
    try:
        while connection.recv(65_536):
            pass
    except ConnectionError:
        pass


def reset(connection: socket.socket) -> None:
    """Closes with RST."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()
