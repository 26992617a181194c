"""One process's connection to the agent."""

from __future__ import annotations

import contextlib
import os
import select
import socket
import struct
import time
from collections import deque
from typing import Any, NoReturn

from .protocol import MAX_LINE, Message, ProtocolError, decode, encode

AGENT_GONE = 70
"""Exit code of a process that lost its agent; nobody is left to read it but a person with strace."""


class Connection:
    """Lines to and from the agent. Used by the main thread only.

    End of file means that the agent is gone: the process leaves at once, from whatever call noticed it.
    """

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self._poll = select.poll()
        self._poll.register(sock, select.POLLIN)
        self._partial = b""
        self._messages: deque[Message] = deque()
        peer = sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
        self.agent_pid: int = struct.unpack("3i", peer)[0]

    @classmethod
    def connect(cls, path: str, timeout: float) -> Connection:
        """Connect to the agent's socket; raises OSError when nobody listens there within `timeout` seconds."""
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            sock.settimeout(timeout)
            sock.connect(path)
            sock.settimeout(None)
        except BaseException:
            sock.close()
            raise
        return cls(sock)

    def fileno(self) -> int:
        """The descriptor to watch for reading, in a loop of one's own."""
        return self._socket.fileno()

    def close(self) -> None:
        """Close this process's descriptor. Only a newborn does it, with the connection of its parent."""
        self._socket.close()

    def send(self, type_: str, **fields: Any) -> None:
        """Send one message; leaves the process when the agent is gone."""
        try:
            self._socket.sendall(encode(type_, **fields))
        except (BrokenPipeError, ConnectionResetError):
            self.gone()

    def receive(self, timeout: float | None) -> Message | None:
        """The next message, or None when none has come within `timeout` seconds (None waits for ever).

        Raises ProtocolError, after which the connection is of no use.
        """
        if timeout == 0.0 and not self._messages and not self._poll.poll(0):
            return None  # asked in each turn of a loop: no more than one system call
        deadline = None if timeout is None else time.monotonic() + timeout
        while not self._messages:
            rest = None if deadline is None else max(0.0, deadline - time.monotonic()) * 1000
            if not self._poll.poll(rest):
                return None
            self._read()
        return self._messages.popleft()

    def gone(self) -> NoReturn:
        """Leave at once: without its agent no process of the pool has a purpose, and nothing may be drained."""
        os._exit(AGENT_GONE)

    def _read(self) -> None:
        try:
            data = self._socket.recv(MAX_LINE, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return
        except ConnectionResetError:
            self.gone()
        if not data:
            self.gone()
        *lines, self._partial = (self._partial + data).split(b"\n")
        try:
            if max(map(len, (self._partial, *lines))) >= MAX_LINE:
                raise ProtocolError("too-long", f"a line exceeds {MAX_LINE} bytes")
            self._messages.extend(decode(line) for line in lines)
        except ProtocolError as e:
            self.refuse(e)

    def refuse(self, error: ProtocolError) -> NoReturn:
        """Tell the agent what is wrong with its message, close our direction, and raise the error."""
        self.send("error", code=error.code, message=str(error))
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_WR)
        raise error
