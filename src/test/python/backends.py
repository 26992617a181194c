"""Small stand-ins for what libraries talk to: an HTTP collector, Redis, PostgreSQL. Each a thread per connection."""

from __future__ import annotations

import gzip
import http.server
import itertools
import json
import socketserver
import struct
import sys
import threading
import time
from typing import Any, Callable

BUCKETS = b"""<?xml version="1.0" encoding="UTF-8"?>
<ListAllMyBucketsResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">
<Owner><ID>1</ID></Owner><Buckets><Bucket><Name>one</Name></Bucket></Buckets></ListAllMyBucketsResult>"""


class Backend:
    """A server on a port of its own; use as a context manager."""

    def __init__(self, server: socketserver.BaseServer) -> None:
        self.server = server
        self.port = server.server_address[1]
        self.thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)

    def __enter__(self) -> Any:
        self.thread.start()
        return self

    def __exit__(self, *_: Any) -> None:
        self.server.shutdown()
        self.server.server_close()


class _Quiet:
    """A client that is killed or does not wait for its reply is no news here."""

    daemon_threads = True
    block_on_close = False

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)  # type: ignore[misc]


class _Tcp(_Quiet, socketserver.ThreadingTCPServer):
    pass


class _Http(_Quiet, http.server.ThreadingHTTPServer):
    pass


class Collector(Backend):
    """Accepts every POST and keeps its body; a GET is answered with a list of buckets. Connections are kept alive.

    While `open` is not set, nobody who posts is answered; `delay` is how many seconds an answer takes.
    """

    def __init__(self) -> None:
        self.delay = 0.0
        self.got: list[tuple[str, bytes]] = []
        self.open = threading.Event()
        self.open.set()
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                time.sleep(outer.delay)
                if self.headers.get("Content-Encoding") == "gzip":
                    body = gzip.decompress(body)
                outer.got.append((self.path, body))
                outer.open.wait(60)
                self._answer(b"")

            def do_GET(self) -> None:
                self._answer(BUCKETS)

            def _answer(self, body: bytes) -> None:
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                pass

        super().__init__(_Http(("127.0.0.1", 0), Handler))

    def bodies(self, path: str) -> list[bytes]:
        """What was posted to a path that ends like this."""
        return [body for at, body in list(self.got) if at.endswith(path)]

    def items(self, kind: bytes) -> list[bytes]:
        """What Sentry was sent of this kind: the payloads of its envelopes' items."""
        found = []
        for body in self.bodies("/envelope/"):
            _, _, rest = body.partition(b"\n")
            while rest.strip():
                head, _, rest = rest.partition(b"\n")
                length = json.loads(head)["length"]
                if json.loads(head)["type"].encode() == kind:
                    found.append(rest[:length])
                rest = rest[length + 1 :]
        return found


class Redis(Backend):
    """Lists, and who is connected (`CLIENT ID`)."""

    def __init__(self) -> None:
        self.lists: dict[bytes, list[bytes]] = {}
        self.changed = threading.Condition()
        ids = itertools.count(1)
        outer = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                number = next(ids)
                while True:
                    line = self.rfile.readline()
                    if not line:
                        return
                    words = []
                    for _ in range(int(line[1:])):
                        length = int(self.rfile.readline()[1:])
                        words.append(self.rfile.read(length + 2)[:-2])
                    self.wfile.write(outer.answer(number, words))

        super().__init__(_Tcp(("127.0.0.1", 0), Handler))

    def put(self, name: bytes, items: list[bytes]) -> None:
        """Append to a list, as a client would."""
        self.answer(0, [b"RPUSH", name, *items])

    def answer(self, number: int, words: list[bytes]) -> bytes:
        """The reply, in RESP 2, which is RESP 3 as far as it goes here."""
        command = words[0].upper()
        if command == b"HELLO":
            return b"%6\r\n" + b"".join(
                b"$%d\r\n%s\r\n%s" % (len(k), k, v)
                for k, v in [
                    (b"server", b"+redis\r\n"),
                    (b"version", b"+7.4.0\r\n"),
                    (b"proto", b":3\r\n"),
                    (b"id", b":%d\r\n" % number),
                    (b"mode", b"+standalone\r\n"),
                    (b"role", b"+master\r\n"),
                ]
            )
        if command == b"CLIENT" and words[1].upper() == b"ID":
            return b":%d\r\n" % number
        if command in (b"CLIENT", b"SELECT", b"PING"):
            return b"+OK\r\n"
        with self.changed:
            if command == b"RPUSH":
                self.lists.setdefault(words[1], []).extend(words[2:])
                self.changed.notify_all()
                return b":%d\r\n" % len(self.lists[words[1]])
            if command == b"LLEN":
                return b":%d\r\n" % len(self.lists.get(words[1], []))
            if command == b"LREM":
                items = self.lists.get(words[1], [])
                if words[3] in items:
                    items.remove(words[3])
                    return b":1\r\n"
                return b":0\r\n"
            if command in (b"BLMOVE", b"LMOVE"):
                source = self.lists.setdefault(words[1], [])
                if not source and command == b"BLMOVE":
                    self.changed.wait_for(lambda: bool(source), float(words[5]))
                if not source:
                    return b"_\r\n"
                item = source.pop(0 if words[3].upper() == b"LEFT" else -1)
                target = self.lists.setdefault(words[2], [])
                target.insert(0 if words[4].upper() == b"LEFT" else len(target), item)
                self.changed.notify_all()
                return b"$%d\r\n%s\r\n" % (len(item), item)
        return b"-ERR unknown command\r\n"


class Postgres(Backend):
    """Lets everyone in, and answers every query with the number of the connection, as an `int4`."""

    def __init__(self) -> None:
        numbers = itertools.count(1000)

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                number = next(numbers)
                while True:  # requests for encryption come before the start
                    size, code = struct.unpack("!II", self.rfile.read(8))
                    self.rfile.read(size - 8)
                    if code == 196608:
                        break
                    self.wfile.write(b"N")
                settings = {"server_version": "15.0", "client_encoding": "UTF8", "server_encoding": "UTF8"}
                settings.update(
                    standard_conforming_strings="on", integer_datetimes="on", DateStyle="ISO, MDY"
                )
                reply = [_message(b"R", struct.pack("!I", 0))]
                reply += [_message(b"S", f"{k}\0{v}\0".encode()) for k, v in settings.items()]
                reply += [_message(b"K", struct.pack("!II", number, 1)), _READY]
                self.wfile.write(b"".join(reply))
                while self.query(str(number).encode()):
                    pass

            def query(self, answer: bytes) -> bool:
                head = self.rfile.read(5)
                if len(head) < 5 or head[:1] == b"X":
                    return False
                text = self.rfile.read(struct.unpack("!I", head[1:])[0] - 4)
                if head[:1] == b"Q":
                    word = text.split(None, 1)[0].rstrip(b"\0").upper()
                    reply = _DESCRIPTION + _row(answer) if word == b"SELECT" else b""
                    self.wfile.write(reply + _message(b"C", word + b" 1\0") + _READY)
                else:
                    extended: dict[bytes, Callable[[], bytes]] = {
                        b"P": lambda: _message(b"1", b""),
                        b"B": lambda: _message(b"2", b""),
                        b"D": lambda: _DESCRIPTION,
                        b"E": lambda: _row(answer) + _message(b"C", b"SELECT 1\0"),
                        b"S": lambda: _READY,
                    }
                    self.wfile.write(extended[head[:1]]())
                return True

        super().__init__(_Tcp(("127.0.0.1", 0), Handler))


def _message(kind: bytes, payload: bytes) -> bytes:
    return kind + struct.pack("!I", len(payload) + 4) + payload


def _row(value: bytes) -> bytes:
    return _message(b"D", struct.pack("!HI", 1, len(value)) + value)


_READY = _message(b"Z", b"I")
_DESCRIPTION = _message(b"T", struct.pack("!H", 1) + b"n\0" + struct.pack("!IHIhiH", 0, 0, 23, 4, -1, 0))
