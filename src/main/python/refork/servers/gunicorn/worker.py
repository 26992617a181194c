"""What gunicorn's two worker classes have in common here."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Sequence
from typing import Any

from gunicorn.workers import base

from ...seat import Seat


class _NoFile:
    """In place of gunicorn's heartbeat file: nobody looks at it, and a read-only file system has no place for it."""

    def __init__(self, number: int) -> None:
        self._number = number

    def fileno(self) -> int:
        return self._number

    def notify(self) -> None:
        pass

    def last_update(self) -> float:
        return 0.0

    def close(self) -> None:
        pass


class SeatWorker(base.Worker):  # type: ignore[misc]
    """Mixed in before one of gunicorn's worker classes: the agent in place of gunicorn's master."""

    def __init__(self, seat: Seat, *args: Any) -> None:
        self.seat = seat
        self._beat = seat.row.beat
        self._current = threading.local()
        file = base.WorkerTmp
        base.WorkerTmp = lambda _cfg: _NoFile(seat.fileno())
        try:
            super().__init__(*args)
        finally:
            base.WorkerTmp = file
        self.pid = os.getpid()

    def init_signals(self) -> None:
        """Only the one signal of gunicorn's that the agent does not need: reopen log files."""
        signal.signal(signal.SIGUSR1, self.handle_usr1)
        signal.siginterrupt(signal.SIGUSR1, False)

    def is_parent_alive(self) -> bool:
        """The kernel ends this process with its agent."""
        return True

    def notify(self) -> None:
        """Called in each turn of gunicorn's loop."""
        self._beat()

    def begin(self) -> None:
        """A request begins on this thread, which has one at a time."""
        self.seat.row.begin(threading.get_ident())

    def end(self, resp: Any | None) -> None:
        """The request on this thread is over; an exception may be on its way up."""
        self.seat.row.end(threading.get_ident(), _is_error(resp, sys.exc_info()[1]))

    def release(self) -> None:
        """After run(): close what gunicorn leaves open, because its workers end with their process."""
        pipe: Sequence[int] = self.PIPE
        for number in pipe:
            with contextlib.suppress(OSError):
                os.close(number)
        for sock in self.sockets:
            sock.close()


def _is_error(resp: Any | None, raised: BaseException | None) -> bool:
    if raised is not None and not isinstance(raised, OSError):
        return True
    # An OSError alone is mostly a client that went away.
    status = getattr(resp, "status", None)
    return (status if isinstance(status, str) else str(status or 5))[:1] == "5"
