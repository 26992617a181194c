"""gunicorn's gthread worker: connections on the main thread's poller, requests on a thread pool.

It drains inside gunicorn's own loop, so that a worker which cannot get quiet in time goes on as if nothing had been.
"""

from __future__ import annotations

import contextlib
import functools
import select
import selectors
import socket
import sys
import threading
import time
import weakref
from typing import Any

from gunicorn.workers.gthread import ThreadWorker

from ...protocol import Promote
from .worker import SeatWorker

LINGER = 1.0
"""Seconds that kept-alive and silent connections stay open once the worker is asked to leave, or after a reply that
promised it: a request that a client is just sending is answered, with `Connection: close`, instead of being cut off."""

TURN = 0.1
"""Longest turn of the loop while draining, in seconds: older gunicorns do not wake it when a request ends."""

FINISHES_ON_MAIN_THREAD = hasattr(ThreadWorker, "set_accept_enabled")
"""Older gunicorns give a connection back on the thread that has served it: draining may begin meanwhile."""


class Gthread(SeatWorker, ThreadWorker):  # type: ignore[misc]
    """Stops accepting when the agent wants something, and leaves the loop when the last connection is closed."""

    def __init__(self, *args: Any) -> None:
        self._alive = True
        self._drain_since: float | None = None
        self._closing = False
        # Connections that a thread reads from and whose request has not begun, and since when, by thread. One of HTTP/2
        # stays here while its requests run.
        self._unread: dict[int, tuple[Any, float]] = {}
        # What each request passes through is bound once.
        self._handle = super().handle
        self._finish = super().finish_request
        # When draining gave back a connection whose client was promised that it stays.
        self._promised: weakref.WeakKeyDictionary[Any, float] = weakref.WeakKeyDictionary()
        super().__init__(*args)

    @property
    def alive(self) -> bool:
        """To gunicorn's loop: whether to go on. To threads that answer: whether connections are worth keeping."""
        if self._drain_since is None:
            return self._alive
        if getattr(self._current, "keeps", False):
            return self._alive
        return self._alive and threading.current_thread() is threading.main_thread()

    @alive.setter
    def alive(self, value: bool) -> None:
        self._alive = value

    def run(self) -> None:
        """Serve until the agent wants something and all connections are closed."""
        self.poller.register(self.seat, selectors.EVENT_READ, self._agent_speaks)
        self.seat.ready()
        super().run()
        # Nothing is in flight, so the threads end at once; gunicorn does not wait for them.
        self.tpool.shutdown(wait=True)

    def notify(self) -> None:
        """Each turn of the loop."""
        self._beat()
        if self.nr_conns >= self.worker_connections:
            self.seat.poll()  # older gunicorns ask no poller then, so that nobody else hears the agent
        if self.seat.asked is not None:
            self._drain()
        elif self._drain_since is not None:
            self._serve_on()

    def _agent_speaks(self, _fileobj: Any) -> None:
        self.seat.poll()
        if self.seat.asked is not None:
            self._drain()

    def _drain(self) -> None:
        now = time.monotonic()
        if self._drain_since is None:
            self._drain_since = now
            self._listen(False)
            self.worker_connections = sys.maxsize  # no more will come, and the loop is to ask its poller
            select = self.poller.select
            self.poller.select = lambda timeout=None: select(min(timeout or 0.0, TURN))
        if now - self._drain_since >= LINGER:
            self._closing = True
            self._close_idle()
        if self.nr_conns == 0 or (self._closing and self.nr_conns <= self.seat.row.busy):
            self.seat.stopped_accepting()  # every connection that is left has its last request running
        if self.nr_conns == 0:
            self._alive = False
        elif isinstance(self.seat.asked, Promote) and now > (self.seat.deadline or now):
            busy = self.seat.row.busy
            self.seat.refused("timeout", f"{busy} requests in flight outlasted {self.seat.asked.timeout:g} s")
            self._serve_on()

    def _serve_on(self) -> None:
        self._drain_since, self._closing = None, False
        self.worker_connections = self.cfg.worker_connections
        del self.poller.select  # the class's own again
        self._listen(True)

    def _listen(self, enabled: bool) -> None:
        if FINISHES_ON_MAIN_THREAD:
            self.set_accept_enabled(enabled)
            return
        for sock in self.sockets:
            if enabled:
                accept = functools.partial(self.accept, sock.getsockname())
                self.poller.register(sock, selectors.EVENT_READ, accept)
            else:
                self.poller.unregister(sock)

    def set_accept_enabled(self, enabled: bool) -> None:  # newer gunicorns call it in each turn
        """Accept only while not draining."""
        super().set_accept_enabled(enabled and self._drain_since is None)

    def accept(self, *args: Any) -> None:
        """Accept one connection, unless draining has begun in this very turn."""
        if self._drain_since is None:
            super().accept(*args)

    def handle(self, conn: Any) -> Any:
        """Handle one request of a connection; on a thread of the pool."""
        thread = threading.get_ident()
        self._unread[thread] = conn, time.monotonic()
        try:
            return self._handle(conn)
        finally:
            self._unread.pop(thread, None)

    def begin(self) -> None:
        """A request begins on this thread; an HTTP/2 connection may have further ones."""
        thread = threading.get_ident()
        if not getattr(self._unread.get(thread, (None, 0.0))[0], "is_http2", False):
            self._unread.pop(thread, None)
        self.seat.row.begin(thread)

    def finish_request(self, *args: Any) -> None:
        """gunicorn keeps the connection or closes it. One that was promised keep-alive lingers."""
        self._beat()  # closing may wait for the client, one connection after the other
        if self._drain_since is None and FINISHES_ON_MAIN_THREAD:
            self._finish(*args)
            return
        if self._drain_since is not None:
            self._promised[getattr(args[0], "conn", args[0])] = time.monotonic()
        self._current.keeps = True
        try:
            self._finish(*args)
        finally:
            self._current.keeps = False

    def _close_idle(self) -> None:
        """Close connections on which no request is running, whichever of gunicorn's lists they are in."""
        now = time.monotonic()
        last = now > (self.seat.deadline or now) - 2 * TURN
        for thread, unread in list(self._unread.items()):
            reading, since = unread
            if not last and now - since < LINGER:
                continue  # a request that its client is just sending
            if self.seat.row.runs(thread) or self._unread.get(thread) is not unread:
                continue  # a request of an HTTP/2 connection, or one that has just begun
            with contextlib.suppress(OSError):
                # The thread reads end of file and closes. The plain socket's method: that of TLS would pull the session
                # away under the reading thread.
                socket.socket.shutdown(reading.sock, socket.SHUT_RD)
        lock = getattr(self, "_lock", None) or contextlib.nullcontext()
        with lock:
            for key in list(self.poller.get_map().values()):
                conn: Any = key.data.args[0] if isinstance(key.data, functools.partial) else None
                if not hasattr(conn, "sock"):
                    continue
                if not last and (now < self._promised.get(conn, 0.0) + LINGER or _has_more(conn.sock)):
                    continue
                for waiting in ("keepalived_conns", "pending_conns", "_keep"):
                    with contextlib.suppress(AttributeError, ValueError):
                        getattr(self, waiting).remove(conn)
                self.poller.unregister(key.fileobj)
                self.nr_conns -= 1
                conn.close()


def _has_more(sock: socket.socket) -> bool:
    """Whether a request, or the end of file, is there and the poller has not seen it yet."""
    poll = select.poll()
    poll.register(sock, select.POLLIN)
    return bool(poll.poll(0))
