"""A worker's place in the pool, as its serving loop sees it."""

from __future__ import annotations

import contextlib
import faulthandler
import os
import select
import signal
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from types import FrameType
from typing import NoReturn

from . import scoreboard
from .connection import Connection
from .leaving import leave
from .pool import Pool, unexpected
from .protocol import Error, Promote, ProtocolError, Resume, Stop, Welcome

HANDLER_SHARE = 0.8
"""Share of the agent's kill timeout that leaving may take: the agent sends SIGKILL when all of it has passed."""

_place: tuple[int, int] | None = None
"""Pid and slot of the worker that this process is, or descends from."""


def slot() -> int | None:
    """The number of this worker's slot, from 0; at any time a slot has one process at most.

    None in a mold, in a child process of a worker, and without an agent. For what outlives one worker (names of files
    and metrics), and for what only one worker is to do.
    """
    return _place[1] if _place is not None and _place[0] == os.getpid() else None


class Seat:
    """What a serving loop needs: the sockets, the agent's wishes, and accounting.

    All but `request` is for the main thread. A loop looks at `should_leave` (or uses `wait` or `accept`, which come back
    when the agent wants something) at least every second or so, and returns from `serve` once it has stopped accepting
    and finished what it had begun.
    """

    def __init__(self, pool: Pool, connection: Connection, welcome: Welcome) -> None:
        self.slot: int = welcome.slot
        """The number of this worker's slot, from 0: good for names of files and metrics that outlive one worker."""
        self.generation: int = welcome.generation
        """The generation of the mold it was forked from."""
        self.listeners: Mapping[str, socket.socket] = pool.listeners
        """The agent's listening sockets by name, non-blocking. Do not close them."""
        self.welcome = welcome
        self.pool = pool
        self.connection = connection
        self.row = pool.scoreboard.row(welcome.row)
        self.asked: Promote | Stop | None = None
        self.deadline: float | None = None
        self.resumed = False
        self.last_step = "requests in flight"
        """What the serving loop did last before it returned: said when that was too late for a promotion."""
        self._ready = False
        self._told = False
        self._poll: select.poll | None = None
        global _place
        _place = (os.getpid(), welcome.slot)

    # What a serving loop uses.

    @property
    def should_leave(self) -> bool:
        """Whether `serve` is to stop accepting, finish and return. Asks the agent, without waiting."""
        self.ready()
        self.poll()
        return self.asked is not None

    def fileno(self) -> int:
        """The descriptor to watch for reading in a loop of one's own; call `poll` when it is readable."""
        return self.connection.fileno()

    def poll(self) -> None:
        """Take in what the agent has said. Never waits."""
        self._take(0.0)

    def ready(self) -> None:
        """Say that this worker accepts work. `wait`, `accept` and `should_leave` say it, too, the first time."""
        if self.asked is None:
            self.resumed = False
            self.row.state(scoreboard.ACCEPTING)
        if not self._ready:
            self._ready = True
            self.connection.send("ready")

    def wait(self, timeout: float | None = None) -> list[socket.socket]:
        """Wait until a listener has a connection; return those that have.

        Empty after `timeout` seconds (None: no limit), and at once when the worker should leave.
        """
        if self.should_leave:
            self.stopped_accepting()
            return []
        if self._poll is None:
            self._poll = select.poll()
            self._poll.register(self.connection, select.POLLIN)
            for listener in self.listeners.values():
                self._poll.register(listener, select.POLLIN)
        numbers = {number for number, _ in self._poll.poll(None if timeout is None else timeout * 1000)}
        if self.connection.fileno() in numbers:
            self.poll()
            if self.asked is not None:
                self.stopped_accepting()
                return []
        return [listener for listener in self.listeners.values() if listener.fileno() in numbers]

    def accept(self, timeout: float | None = None) -> tuple[socket.socket, object] | None:
        """The next connection to any listener, blocking, and its address.

        None after `timeout` seconds (None: no limit), and at once when the worker should leave.
        """
        end = None if timeout is None else time.monotonic() + timeout
        while True:
            for listener in self.wait(None if end is None else max(0.0, end - time.monotonic())):
                with contextlib.suppress(BlockingIOError, ConnectionAbortedError):  # a sibling was faster
                    connection, address = listener.accept()
                    connection.setblocking(True)
                    return connection, address
            if self.asked is not None or (end is not None and time.monotonic() >= end):
                return None

    def connections(self) -> Iterator[tuple[socket.socket, object]]:
        """Accept until the worker should leave: `for connection, address in seat.connections(): ...`."""
        while True:
            accepted = self.accept()
            if accepted is None:
                return
            yield accepted

    def request(self) -> AbstractContextManager[None]:
        """Count what runs in the `with` block as one request; from any thread. An exception makes it an error."""
        return self.row.request()

    def beat(self) -> None:
        """Heartbeat. A loop that has beaten once must go on: the agent ends an idle worker whose heart stops."""
        self.row.beat()

    # What the servers of this package use besides.

    def stopped_accepting(self) -> None:
        """Say that no further request begins here; for a worker that was asked to promote."""
        self.row.state(scoreboard.PROMOTING if isinstance(self.asked, Promote) else scoreboard.DRAINING)
        if isinstance(self.asked, Promote) and not self._told:
            self._told = True
            self.connection.send("promoting")

    def serve_on(self) -> None:
        """After a refusal or a `resume`: accept again."""
        if isinstance(self.asked, Promote):
            self.asked, self.deadline, self._told = None, None, False
            self.resumed = True
            self.row.state(scoreboard.ACCEPTING)

    def refused(self, reason: str, detail: str) -> None:
        """Refuse the promotion, and serve on."""
        self.connection.send("refused", reason=reason, detail=detail)
        self.serve_on()

    def wait_for_verdict(self) -> None:
        """After `spawned`: return at `stop` (asked is Stop), or `resume` (None, or a promotion asked for since)."""
        promote = self.asked
        while self.asked is promote:
            self._take(None)

    def warn(self, code: str, message: str) -> None:
        """Something that the operator of the pool should read."""
        self.connection.send("warning", code=code, message=message)

    def leave(self, reason: str, code: int = 0) -> NoReturn:
        """End this worker; does not return."""
        drain = 0.0
        if isinstance(self.asked, Stop) and self.deadline is not None:
            drain = self.deadline - time.monotonic()
        leave(
            self.connection,
            reason,
            bound=self.welcome.timeouts.kill * HANDLER_SHARE,
            drain=drain,
            served=self.row.served,
            code=code,
            worker=True,
        )

    def install_signals(self) -> None:
        """SIGTERM: leave now. SIGURG: a traceback of all threads on standard error, and go on."""
        signal.signal(signal.SIGTERM, self._terminated)
        with contextlib.suppress(Exception):  # nothing but the traceback is lost
            faulthandler.register(signal.SIGURG, file=2, all_threads=True)

    def _terminated(self, _number: int, _frame: FrameType | None) -> None:
        self.deadline = None  # nothing is left of the drain time
        self.leave("terminated")

    def _take(self, timeout: float | None) -> None:
        while True:
            message = self.connection.receive(timeout)
            if message is None:
                return
            timeout = 0.0
            if isinstance(message, Stop):
                self.asked, self.deadline = message, time.monotonic() + message.grace
            elif isinstance(message, Promote) and self.asked is None:
                self.asked, self.deadline = message, message.sent + message.timeout
            elif isinstance(message, Promote):
                pass  # it is leaving, or at it already: the agent sees which
            elif isinstance(message, Resume):
                self.serve_on()
            elif isinstance(message, Error):
                raise ProtocolError(message.code, f"the agent closes the connection: {message.message}")
            else:
                unexpected(self.connection, message)

    def __repr__(self) -> str:
        return f"<refork seat {self.slot}, generation {self.generation}, pid {os.getpid()}>"
