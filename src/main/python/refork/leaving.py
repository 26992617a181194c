"""How a process of the pool ends: by `_exit`, after everything that an ordinary exit would have done for its work.

An ordinary interpreter exit would write to every object of the heap on its way out, and so make a private copy of the
pages this process shares with its siblings.
"""

from __future__ import annotations

import atexit
import contextlib
import logging
import os
import signal
import sys
import threading
import time
import traceback
import weakref
from types import FrameType
from typing import Any, Callable, NoReturn

from . import kernel
from .bounded import AGAIN, TimeUp, within
from .connection import Connection
from .hooks import registered

EXIT_FAILED = 1

HOOK = 30.0
"""Seconds for one before_exit hook at most, where the drain time would leave it more."""


class _HookTime:
    """The time of the before_exit hooks. SIGTERM means that SIGKILL follows soon, and takes all but `short` seconds."""

    def __init__(self, short: float, drain: float) -> None:
        self.short = short
        self.end = time.monotonic() + max(short, drain)
        self.hooks = 0
        """Hooks that have not ended."""

    def share(self) -> float:
        """Seconds for the next hook, so that no hook takes those of the ones behind it."""
        return min(HOOK, (self.end - time.monotonic()) / max(1, self.hooks))

    def cut(self, _number: int, _frame: FrameType | None) -> None:
        """SIGTERM."""
        self.end = min(self.end, time.monotonic() + self.short)
        left, share = signal.getitimer(signal.ITIMER_REAL)[0], max(0.001, self.share())
        if left > share:
            signal.setitimer(signal.ITIMER_REAL, share, AGAIN)


def drop_inherited_handlers() -> None:
    """In a newborn: handlers that its parent registered are not its to run."""
    atexit._clear()
    for finalizer in list(weakref.finalize._registry):  # type: ignore[attr-defined]
        finalizer.atexit = False
    # The next finalizer of this process registers the common exit handler anew.
    weakref.finalize._registered_with_atexit = False  # type: ignore[attr-defined]
    process = sys.modules.get("multiprocessing.process")
    children = getattr(process, "_children", None)
    if children:
        children.clear()  # they are the parent's; joining them would raise


def flush() -> None:
    """Write out buffered output: standard streams, log handlers, the C library's streams. Raises nothing."""
    for stream in (sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__):
        if stream is not None:
            with contextlib.suppress(Exception):
                stream.flush()
    for reference in list(getattr(logging, "_handlerList", ())):
        handler = reference() if isinstance(reference, weakref.ref) else reference
        if handler is not None:
            with contextlib.suppress(Exception):
                handler.flush()
    kernel.flush_c_streams()


def leave(
    connection: Connection,
    reason: str,
    *,
    bound: float,
    drain: float = 0.0,
    served: int | None = None,
    code: int = 0,
    worker: bool = False,
    handlers: bool = True,
) -> NoReturn:
    """Flush, run the exit handlers registered since the fork (within `bound` seconds), say so, and end.

    With `drain` seconds until the agent loses patience, a worker's before_exit hooks have those, too, but for what the
    other steps may take; SIGTERM ends them sooner. `handlers=False` is for a boot mold: what was registered while
    loading belongs to the application, which lives on in the mold's forks.
    """
    # The steps share the time: hooks and threads that never end must not keep the handlers from running.
    third, end = bound / 3, time.monotonic() + bound
    hooks = _HookTime(third, drain - 2 * third)
    try:
        signal.signal(signal.SIGTERM, hooks.cut)
        if worker and handlers:
            _run_before_exit(hooks)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # this is already what it asks for
        end = max(end, time.monotonic() + 2 * third)
        if handlers:
            _within(third, _join_threads)
            _within(end - time.monotonic(), _run_exit_handlers)
        _within(max(0.1, end - time.monotonic()), flush)
        connection.send("leaving", served=served, reason=reason)
    except BaseException:  # whatever happens, this process ends here
        with contextlib.suppress(BaseException):
            traceback.print_exc()
    finally:
        os._exit(code)


def _within(seconds: float, step: Callable[[], Any]) -> None:
    if seconds <= 0:
        return
    try:
        within(seconds, step)
    except TimeUp:
        name = step.__name__.strip("_").replace("_", " ")
        _tell(f"'{name}' did not end in {seconds:.1f} s")


def _tell(what: str) -> None:
    with contextlib.suppress(Exception):
        sys.stderr.write(f"refork: worker {os.getpid()}: {what}\n")


def _run_before_exit(hook_time: _HookTime) -> None:
    hooks = list(registered.before_exit)
    for number, hook in enumerate(hooks):
        hook_time.hooks = len(hooks) - number
        begun = time.monotonic()
        try:
            within(hook_time.share(), hook)
        except TimeUp:
            name = getattr(hook, "__qualname__", None) or repr(hook)
            _tell(f"the before_exit hook {name} did not end in {time.monotonic() - begun:.1f} s")
        except BaseException:  # a hook that exits must not take the others' turn
            traceback.print_exc()


def _join_threads() -> None:
    main = threading.main_thread()
    if any(not thread.daemon and thread is not main for thread in threading.enumerate()):
        # Idle threads of executors end only when told so; an ordinary exit does it by this function, too.
        end_executors = getattr(sys.modules.get("concurrent.futures.thread"), "_python_exit", None)
        if end_executors is not None:
            end_executors()
        for thread in threading.enumerate():
            if not thread.daemon and thread is not main:
                thread.join()


def _run_exit_handlers() -> None:
    # multiprocessing registers its handler when it is imported, mostly before the fork, so it was dropped. It looks only
    # at children and queues of this very process.
    end_processes = getattr(sys.modules.get("multiprocessing.util"), "_exit_function", None)
    if end_processes is not None:
        try:
            end_processes()
        except Exception:
            traceback.print_exc()
    with contextlib.suppress(Exception):  # the handlers' tracebacks are printed already
        atexit._run_exitfuncs()
