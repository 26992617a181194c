"""The test application on refork.run: a small HTTP server of one thread, kept-alive connections included."""

import os
import select
import socket

import behaviour
import refork

KEEP_SECONDS = 2.0


class ServerError(Exception):
    """So that the request counts as an error."""


def load():
    behaviour.load()
    return behaviour.answer


def reply(connection, answer, seat):
    """Serve one request of a connection; False when it is to be closed."""
    connection.settimeout(KEEP_SECONDS)
    data = b""
    while b"\r\n\r\n" not in data:
        more = connection.recv(65536)
        if not more:
            return False
        data += more
    head = data.decode("latin-1")
    path = head.split(" ")[1]
    if path == "/no-reply":
        return False
    close = "connection: close" in head.lower() or seat.should_leave
    try:
        with seat.request():
            status, text = answer(path, seat.slot, seat.generation)
            if status >= 500:
                raise ServerError(text)
    except ServerError as error:
        text = str(error)
    body = text.encode()
    connection.sendall(
        b"HTTP/1.1 %d X\r\nContent-Length: %d\r\nConnection: %s\r\n\r\n" % (status, len(body), b"close" if close else b"keep-alive")
        + body
    )
    return not close


def serve(answer, seat):
    listener = next(iter(seat.listeners.values()))
    connections = {}
    while True:
        leaving = seat.should_leave
        if leaving:
            seat.stopped_accepting()
            if not connections:
                return
        watched = list(connections) + [seat.fileno()] + ([] if leaving else [listener])
        readable, _, _ = select.select(watched, [], [], 0.2 if leaving else 1.0)
        seat.beat()
        if leaving and not readable:
            for connection in list(connections):
                connections.pop(connection).close()
        for ready in readable:
            if ready is listener:
                try:
                    connection, _ = listener.accept()
                except (BlockingIOError, ConnectionError):
                    continue
                connections[connection] = connection
            elif ready in connections:
                try:
                    keep = reply(ready, answer, seat)
                except (OSError, socket.timeout):
                    keep = False
                if not keep:
                    connections.pop(ready).close()


if __name__ == "__main__":
    refork.run(load, serve)
