"""uvicorn's server, which stops, drains and serves on as the agent asks."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import select
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from uvicorn.config import Config
from uvicorn.server import Server

from ... import executors, threads
from ...pool import Listener
from ...protocol import Promote
from ...seat import Seat

LINGER = 1.0
"""Seconds that kept-alive and silent connections stay open once the worker is asked to leave, or after a reply that
promised it: a request that a client is just sending is answered, with `Connection: close`, instead of being cut off."""

TURN = 0.02
"""Seconds between two looks at what is still open while draining."""

CLOSING = 1.0
"""Seconds before the deadline at which websockets are closed: the clients' answer takes a round trip."""

LIFESPAN = 1.0
"""Least seconds for the lifespan's end, however late draining has ended: it gives back what the application holds."""

CLOSE = (b"connection", b"close")


class SeatServer(Server):
    """One life of uvicorn in a worker: from start-up to quiet."""

    def __init__(self, config: Config, seat: Seat) -> None:
        super().__init__(config)
        self.seat = seat
        seat.last_step = "requests in flight"

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """The shim's handlers stay: uvicorn would raise its signals again when it has ended."""
        yield

    async def main_loop(self) -> None:
        """Serve until the agent wants something and nothing is open any more."""
        if self.lifespan.state and self.seat.slot == 0 and self.seat.generation == 0:
            self.seat.warn(
                "lifespan-state",
                f"lifespan keeps {', '.join(sorted(map(str, self.lifespan.state)))} in its state: every worker builds it"
                " anew and shares none of it; what is large belongs in a module, loaded once",
            )
        self.seat.ready()
        while True:
            await super().main_loop()
            if await self._quiet():
                return
            await self._listen_again()
            self.seat.ready()

    async def on_tick(self, counter: int) -> bool:
        """Ten times a second."""
        self.seat.beat()
        self.seat.poll()
        return await super().on_tick(counter) or self.seat.asked is not None

    async def _quiet(self) -> bool:
        """Stop accepting and wait until nothing is open; False when the worker is to serve on instead."""
        since = time.monotonic()
        for server in self.servers:
            server.close()
        # In every reply that has not begun, and every one to come.
        headers = [*self.server_state.default_headers, CLOSE]
        self.server_state.default_headers = headers
        for connection in self.server_state.connections:
            cycle = getattr(connection, "cycle", None)
            if cycle is not None and not cycle.response_started:
                cycle.default_headers = headers
        idle_since: dict[Any, float] = dict.fromkeys(self._idle(), since)
        told = False
        while True:
            await asyncio.sleep(TURN)
            self.seat.beat()
            self.seat.poll()
            asked = self.seat.asked
            if asked is None:
                return False  # the agent has changed its mind
            now = time.monotonic()
            deadline = self.seat.deadline or now
            idle_since = {connection: idle_since.get(connection, now) for connection in self._idle()}
            for connection, idle in idle_since.items():
                if now > deadline - CLOSING / 2 or (now - idle >= LINGER and not _has_more(connection)):
                    connection.shutdown()
            lingering = now - since < LINGER or bool(self._idle())
            # A TLS handshake under way is in no list of uvicorn's, so that a linger is always waited for.
            is_open = self.server_state.connections or self.server_state.tasks
            at_work = [] if is_open else _executor_at_work()
            if not is_open and not at_work and not (lingering and self.config.is_ssl):
                self.seat.stopped_accepting()
                return True
            if not told and not lingering:
                told = True
                self.seat.stopped_accepting()  # every connection that is left has its last request running
            if now > deadline - CLOSING:
                for connection in self._open(http=False):
                    connection.shutdown()  # a websocket: 1012, service restart
            if now > deadline - CLOSING / 2:
                for connection in self._closing():
                    connection.transport.abort()  # its client does not read
            if now > deadline:
                if isinstance(asked, Promote):
                    left = len(self.server_state.connections) or len(self.server_state.tasks)
                    what = (
                        f"{left} requests in flight" if left else f"in the loop's executor, {_first(at_work)}"
                    )
                    self.seat.refused("timeout", f"{what} outlasted {asked.timeout:g} s")
                    return False
                self.config.timeout_graceful_shutdown = 0  # what is left is cancelled
                return True

    def _idle(self) -> list[Any]:
        """HTTP connections on which no request is running."""
        return [c for c in self._open(http=True) if c.cycle is None or c.cycle.response_complete]

    def _open(self, http: bool) -> list[Any]:
        """HTTP connections, or websockets, that are not being closed: some implementations cannot be closed twice."""
        return [
            connection
            for connection in list(self.server_state.connections)
            if hasattr(connection, "cycle") == http and not connection.transport.is_closing()
        ]

    def _closing(self) -> list[Any]:
        """Connections that were closed and whose last bytes have not left."""
        return [c for c in list(self.server_state.connections) if c.transport.is_closing()]

    async def shutdown(self, *arguments: Any, **more: Any) -> None:
        """Close what is left, and end the lifespan and the loop's executor, within the time that is left."""
        for connection in self._closing():
            self.server_state.connections.discard(connection)
        lifespan: Any = self.lifespan
        self.lifespan = _Ending(lifespan, self.seat)
        try:
            await super().shutdown(*arguments, **more)
        finally:
            self.lifespan = lifespan
        while _executor_at_work() and time.monotonic() < (self.seat.deadline or 0.0):
            self.seat.last_step = "the loop's executor"
            await asyncio.sleep(TURN)
        if _executor_at_work():
            # asyncio would wait for it for minutes. As threads of nobody's they refuse a promotion by their names, and
            # leaving waits for them within its bound.
            asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(1))

    async def _listen_again(self) -> None:
        """Accept again, in the same loop and the same lifespan."""
        lifespan: Any = self.lifespan
        self.lifespan = _Running(lifespan)
        try:
            await self.startup([Listener(fileno=os.dup(s.fileno())) for s in self.seat.listeners.values()])
        finally:
            self.lifespan = lifespan


def _executor_at_work() -> list[threading.Thread]:
    """Threads of the loop's own executor (`run_in_executor(None, ...)`, `asyncio.to_thread`) that run a task."""
    loop = asyncio.get_running_loop()
    # uvloop shows its executor to nobody but the collector.
    own = [getattr(loop, "_default_executor", None), *gc.get_referents(loop)]
    executor = next((o for o in own if issubclass(type(o), ThreadPoolExecutor)), None)
    return executors.at_work(executor) if executor is not None else []


def _first(at_work: list[threading.Thread]) -> str:
    return "".join(f"thread {thread.name!r}{threads.whose_is(thread)}" for thread in at_work[:1])


def _has_more(connection: Any) -> bool:
    """Whether a request, or the end of file, is there and the loop has not seen it yet."""
    sock = connection.transport.get_extra_info("socket")
    poll = select.poll()
    poll.register(sock, select.POLLIN)
    return bool(poll.poll(0))


class _Running:
    """In place of a lifespan that has started already."""

    should_exit = False

    def __init__(self, lifespan: Any) -> None:
        self.state = lifespan.state

    async def startup(self) -> None:
        """Nothing to do."""


class _Ending:
    """In place of a lifespan that ends: one that hangs must not keep the worker out of service."""

    def __init__(self, lifespan: Any, seat: Seat) -> None:
        self._lifespan = lifespan
        self._seat = seat

    async def shutdown(self) -> None:
        """End it; give up at the deadline."""
        bound = max(LIFESPAN, (self._seat.deadline or 0.0) - time.monotonic())
        self._seat.last_step = "the shutdown of the lifespan"
        try:
            await asyncio.wait_for(self._lifespan.shutdown(), bound)
        except asyncio.TimeoutError:
            self._seat.warn(
                "lifespan", f"the shutdown of the lifespan did not end within {bound:.1f} s: it is given up"
            )

    def __getattr__(self, name: str) -> Any:
        return getattr(self._lifespan, name)
