"""gunicorn's sync worker: one request at a time, on the main thread."""

from __future__ import annotations

import contextlib
import errno
import os
import select
import socket
import time
from typing import Any

from gunicorn.workers.sync import SyncWorker

from .worker import SeatWorker

LINGER = 1.0
"""Seconds that a client which has connected and is silent may still take once the worker is asked to leave."""

SILENT = 30.0
"""Seconds such a client may take otherwise; under gunicorn alone the master would end the worker after these."""


LOOK = 0.02
"""Seconds between two looks at what the agent says, while connections come without a pause."""

PEEK = int(socket.MSG_PEEK | socket.MSG_DONTWAIT)


class Sync(SeatWorker, SyncWorker):  # type: ignore[misc]
    """Leaves its loop when the agent wants something, and looks for that between connections."""

    def __init__(self, *args: Any) -> None:
        self._look_at = 0.0
        # What each connection passes through is bound once.
        self._handle = super().handle
        super().__init__(*args)

    def run(self) -> None:
        """Serve until the agent wants something."""
        self.wait_fds.append(self.seat)
        self.seat.ready()
        super().run()

    def notify(self) -> None:
        """Each turn, also under load, when the loop never waits."""
        self._beat()
        now = time.monotonic()
        if now >= self._look_at:
            self._look_at = now + LOOK
            self.seat.poll()
        if self.seat.asked is not None:
            self.alive = False

    def wait(self, timeout: float) -> list[Any] | None:
        """gunicorn's wait for a connection; the agent's messages end it, too."""
        if not self.alive:
            return []
        self._look_at = 0.0
        ready = super().wait(timeout)
        return None if ready is None else [source for source in ready if source is not self.seat]

    def accept(self, listener: socket.socket) -> None:
        """Accept and handle one connection, unless the worker is leaving: a sibling will take it."""
        if not self.alive:
            raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))
        super().accept(listener)

    def handle(self, listener: socket.socket, client: socket.socket, addr: Any) -> None:
        """Handle one connection, once it says something: a silent client must not keep the agent waiting."""
        try:
            client.recv(1, PEEK)  # the usual case, in one system call
        except BlockingIOError:
            with contextlib.suppress(OSError):
                self._wait_for_request(client)
        except OSError:
            pass  # a reset: gunicorn will find it, too
        self._handle(listener, client, addr)

    def _wait_for_request(self, client: socket.socket) -> None:
        end = time.monotonic() + SILENT
        poll = select.poll()
        poll.register(client, select.POLLIN)
        poll.register(self.seat, select.POLLIN)
        while True:
            rest = end - time.monotonic()
            if rest <= 0:
                client.shutdown(socket.SHUT_RD)  # gunicorn reads end of file, and closes
                return
            if any(number == client.fileno() for number, _ in poll.poll(min(rest, 1.0) * 1000)):
                return
            was_alive, self._look_at = self.alive, 0.0
            self.notify()
            if was_alive and not self.alive:
                end = min(end, time.monotonic() + LINGER)
