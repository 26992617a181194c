"""From a worker that has stopped serving to the next mold, or back to work."""

from __future__ import annotations

import gc
import time
from typing import Callable

from . import descriptors, executors, kernel, openblas, threads
from .bounded import TimeUp, within
from .forking import SpawnFailed, double_fork
from .hooks import HookFailed, registered
from .mold import Mold, promoted
from .protocol import Promote, Stop
from .seat import Seat

SETTLE = 1.0
"""Seconds for threads to vanish that the server has just joined: the kernel lists them a little longer."""

SENTENCE = 200
"""Characters of a reason that the agent's log keeps; what to do must be among them."""


class _Refused(Exception):
    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


def promote_or_leave(seat: Seat) -> Mold | None:
    """Do what the agent asked for, in a worker whose serving loop has returned.

    Leaves the process, or returns the new mold (in the new mold), or None (in the worker: serve on).
    """
    promote = seat.asked
    if promote is None and seat.resumed:
        return None  # the agent or the server has changed its mind
    if not isinstance(promote, Promote):
        seat.leave("stopped" if promote else "the serving loop returned")
    seat.stopped_accepting()
    timeouts = seat.welcome.timeouts
    try:
        try:
            _make_sure(seat, promote)
            _run_hooks(seat, promote, lambda: registered.run("before_fork"))
            if double_fork(seat.connection, promote.spawn, timeouts.spawn):
                return promoted(seat.pool, promote.spawn, timeouts)
        except HookFailed as e:
            raise _Refused("hook-failed", str(e)) from e
        except SpawnFailed as e:
            raise _Refused("fork-failed", str(e)) from e
    except _Refused as e:
        why = "stopped"
        if seat.asked is promote:
            _undo(seat)
            seat.refused(e.reason, str(e))
    else:
        why = "a mold was forked from it"
        seat.wait_for_verdict()
    if isinstance(seat.asked, Stop):
        seat.leave(why)
    _undo(seat)
    return None


def _make_sure(seat: Seat, promote: Promote) -> None:
    """Raise _Refused or HookFailed unless a fork of this process would be a sound mold."""
    seat.poll()
    if seat.asked is not promote:
        raise _Refused("timeout", "not asked any more")
    if registered.not_fork_safe:
        raise _Refused("not-fork-safe", "; ".join(registered.not_fork_safe))
    _in_time(seat, f"{seat.last_step} outlasted the {promote.timeout:g} s of the promotion")
    executors.end_idle_threads()  # so that hooks find what their threads have left, such as connections
    _run_hooks(seat, promote, registered.run_before_promote)
    executors.end_idle_threads()  # which hooks have used
    openblas.end_threads()
    in_the_way = _wait_for_threads(seat)
    if in_the_way:
        raise _Refused("threads", _what_to_do(in_the_way))
    children = kernel.living_children()
    if children:
        raise _Refused("children", ", ".join(f"process {pid} ({name})" for pid, name in children.items()))
    open_ones = _open_ones(seat)
    if open_ones:
        gc.collect()  # what the threads of executors held, which have just ended, may be in cycles
        open_ones = _open_ones(seat)
    if open_ones:
        raise _Refused("descriptors", ", ".join(open_ones))
    _in_time(
        seat,
        f"ending threads after the before_promote hooks outlasted the {promote.timeout:g} s of the promotion",
    )


def _open_ones(seat: Seat) -> list[str]:
    return descriptors.unaccounted(seat.pool.own_descriptors(seat.connection), seat.pool.usual_descriptors)


def _run_hooks(seat: Seat, promote: Promote, run: Callable[[], None]) -> None:
    """Run hooks until the deadline: one that hangs would keep this worker out of service for ever."""
    outlasted = f"the {promote.timeout:g} s of the promotion"
    _in_time(seat, f"ending the idle threads of executors outlasted {outlasted}")
    try:
        within((seat.deadline or 0.0) - time.monotonic(), run)
    except TimeUp:
        # What it has taken away until then nobody knows, as when it raises.
        raise _Refused("timeout", f"{registered.last} did not end within {outlasted}") from None


def _in_time(seat: Seat, otherwise: str) -> None:
    if seat.deadline is not None and time.monotonic() > seat.deadline:
        raise _Refused("timeout", otherwise)


def _wait_for_threads(seat: Seat) -> list[str]:
    end = time.monotonic() + SETTLE
    while True:
        found = threads.in_the_way(seat.welcome.pool.threads, seat.pool.usual_threads, whose=True)
        if not found or time.monotonic() > end:
            return found
        time.sleep(0.01)


def _what_to_do(in_the_way: list[str]) -> str:
    if all(what.startswith("native") for what in in_the_way):
        return ", ".join(in_the_way)  # what started them is not known here
    advice = ": stop them in a before_promote hook, start them in after_fork"
    in_the_way = sorted(in_the_way, key=lambda what: " (runs " not in what)
    shown, room = ", ".join(in_the_way), SENTENCE - len(advice)
    if len(shown) > room:
        # Without what they were started for; an executor's other threads wait for the one that runs something.
        in_the_way = [what if " (runs " in what else what.partition(" (")[0] for what in in_the_way]
        shown = ", ".join(in_the_way)
    for left in range(len(in_the_way) - 1, 0, -1):
        if len(shown) <= room:
            break
        shown = ", ".join(in_the_way[:left]) + f" and {len(in_the_way) - left} more"
    return shown + advice


def _undo(seat: Seat) -> None:
    bound = seat.welcome.timeouts.spawn
    try:
        within(bound, registered.undo_promote)
        return
    except HookFailed as e:
        why = str(e)
    except TimeUp:
        why = f"{registered.last} did not end within {bound:g} s"
    # Half of the application is switched off: a fresh worker is better than this one.
    seat.warn("hook-failed", why)
    seat.leave(why, code=1)
