"""The scoreboard: what this process is doing, in shared memory, for the agent to read at any time."""

from __future__ import annotations

import mmap
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic_ns

ROW = 64
FORMAT = 1

NONE, STARTING, ACCEPTING, PROMOTING, DRAINING = range(5)
"""States of a row, as docs/protocol.md numbers them."""

# Fields by their index in a row seen as 8-byte, 4-byte and single units. Memory views store a whole unit at once, so the
# agent never reads half of one; `struct` with an explicit byte order would store byte by byte.
_OLDEST, _BEAT, _SERVED, _ERRORS = 2, 3, 4, 5
_GENERATION, _PID, _BUSY = 1, 2, 3
_FORMAT, _STATE = 0, 1


class Scoreboard:
    """The mapped file. Mapped once, by the boot mold: its forks inherit the mapping."""

    def __init__(self, path: str) -> None:
        with open(path, "r+b") as file:
            self._map = mmap.mmap(file.fileno(), 0)

    def row(self, number: int) -> Row:
        """Row `number`, which the agent has leased to this process; raises ValueError when it is not there."""
        if not 0 <= number < len(self._map) // ROW:
            raise ValueError(f"the scoreboard has {len(self._map) // ROW} rows, none is number {number}")
        return Row(memoryview(self._map)[number * ROW : (number + 1) * ROW])


class Row:
    """This process's row. Requests may be counted from any thread; the rest belongs to the main thread."""

    def __init__(self, target: memoryview) -> None:
        self._bytes = target
        self._words = target.cast("I")
        self._longs = target.cast("Q")
        self._lock = threading.Lock()
        self._running: dict[object, int] = {}
        self.served = 0
        self.errors = 0

    def open(self, generation: int, state: int) -> None:
        """First write, once the agent has said welcome."""
        self._words[_GENERATION] = generation & 0xFFFFFFFF
        self._words[_PID] = os.getpid()
        self._bytes[_STATE] = state
        self._bytes[_FORMAT] = FORMAT

    def state(self, state: int) -> None:
        """Say what this process is up to."""
        self._bytes[_STATE] = state

    def beat(self) -> None:
        """Heartbeat of the server's loop. A process that never beats is not judged by it."""
        self._longs[_BEAT] = monotonic_ns()

    def begin(self, token: object = None) -> object:
        """A request begins; hand the returned token to `end`. A token of one's own, not running yet, saves making one."""
        if token is None:
            token = object()
        running = self._running
        with self._lock:
            running[token] = now = monotonic_ns()
            count = len(running)
            if count == 1:
                self._longs[_OLDEST] = now
            self._words[_BUSY] = count
        return token

    def end(self, token: object, error: bool) -> None:
        """The request of this token is over. A token that is not running counts for nothing."""
        running, longs = self._running, self._longs
        with self._lock:
            if running.pop(token, None) is None:
                return
            # Dicts keep the order of insertion.
            longs[_OLDEST] = next(iter(running.values())) if running else 0
            self._words[_BUSY] = len(running)
            self.served = longs[_SERVED] = self.served + 1
            if error:
                self.errors = longs[_ERRORS] = self.errors + 1

    def runs(self, token: object) -> bool:
        """Whether this request is running."""
        return token in self._running

    @property
    def busy(self) -> int:
        """Requests running now."""
        return len(self._running)

    @contextmanager
    def request(self) -> Iterator[None]:
        """Count what runs inside as one request; an exception makes it an error."""
        token = self.begin()
        error = True
        try:
            yield
            error = False
        finally:
            self.end(token, error)
