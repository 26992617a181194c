"""`refork.run(load, serve)`: the whole life of a process of the pool."""

from __future__ import annotations

import os
import traceback
from typing import Callable, NoReturn, TypeVar

from . import loading
from .leaving import EXIT_FAILED, flush
from .mold import Mold, boot_mold
from .pool import CONNECT_TIMEOUT, Pool, refuse
from .promotion import promote_or_leave
from .protocol import ProtocolError
from .seat import Seat
from .titles import Titles

A = TypeVar("A")


def run(load: Callable[[], A], serve: Callable[[A, Seat], object], *, name: str = "") -> NoReturn:
    """Load the application once, then serve it from preforked workers. Never returns.

    `load()` runs once, in the boot mold; whatever it returns is handed to `serve(application, seat)` in each worker.
    `serve` returns when `seat` says so, having stopped accepting and finished what it had begun; it may be called again
    in the same worker. `name` is shown in process titles.

    Without an agent it ends with one sentence and exit code 2. What `load` raises ends the process as usual.
    """
    pool = Pool.from_environment(os.environ, "refork run -- python YOUR_PROGRAM.py")
    if loading.running_loop():
        refuse(
            "refork.run() was called from a running event loop, which no fork survives: call it outside of the loop"
        )
    pool.titles = Titles(name)
    mold = start(pool)
    application = load()
    mold.ready()
    live(mold, lambda seat: serve(application, seat))


def start(pool: Pool) -> Mold:
    """Say hello to the agent; ends with one sentence where that fails."""
    try:
        return boot_mold(pool, CONNECT_TIMEOUT)
    except (OSError, ProtocolError) as e:
        refuse(f"cannot join the agent at {pool.socket_path}: {e}")


def live(mold: Mold, serve: Callable[[Seat], object]) -> NoReturn:
    """From a mold that is ready to the end of each process forked from it."""
    try:
        _live(mold, serve)
    except BaseException:
        # Not by an ordinary exit: it would run handlers of other processes and write to the whole heap.
        traceback.print_exc()
    finally:
        flush()
        os._exit(EXIT_FAILED)


def _live(mold: Mold, serve: Callable[[Seat], object]) -> NoReturn:
    while True:
        seat = mold.fork_on_command()
        while True:
            _serve(serve, seat)
            next_mold = promote_or_leave(seat)
            if next_mold is not None:
                mold = next_mold
                break


def _serve(serve: Callable[[Seat], object], seat: Seat) -> None:
    try:
        serve(seat)
    except BaseException as e:
        traceback.print_exc()
        seat.leave(f"the serving loop raised {type(e).__name__}", code=1)
