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
from .connection import Connection
from .hooks import registered

EXIT_FAILED = 1


class _TimeUp(BaseException):
    """A step of leaving took too long."""


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
    served: int | None = None,
    code: int = 0,
    worker: bool = False,
    handlers: bool = True,
) -> NoReturn:
    """Flush, run the exit handlers registered since the fork (within `bound` seconds), say so, and end.

    `handlers=False` is for a boot mold: what was registered while loading belongs to the application, which lives on in
    the mold's forks.
    """
    end = time.monotonic() + bound
    try:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # this is already what it asks for
        if handlers:
            # The steps share the time: threads that never end must not keep the handlers from running.
            if worker:
                _within(bound / 3, _run_before_exit)
            _within(min(bound / 3, end - time.monotonic()), _join_threads)
            _within(end - time.monotonic(), _run_exit_handlers)
        _within(max(0.1, end - time.monotonic()), flush)
        connection.send("leaving", served=served, reason=reason)
    except BaseException:  # whatever happens, this process ends here
        with contextlib.suppress(BaseException):
            traceback.print_exc()
    finally:
        os._exit(code)


def _within(seconds: float, step: Callable[[], Any]) -> None:
    def time_up(_number: int, _frame: FrameType | None) -> None:
        raise _TimeUp

    if seconds <= 0:
        return
    signal.signal(signal.SIGALRM, time_up)
    try:
        try:
            signal.setitimer(signal.ITIMER_REAL, seconds)
            step()
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
    except _TimeUp:
        name = step.__name__.strip("_").replace("_", " ")
        with contextlib.suppress(Exception):
            sys.stderr.write(f"refork: worker {os.getpid()}: '{name}' did not end in {seconds:.1f} s\n")


def _run_before_exit() -> None:
    for hook in list(registered.before_exit):
        try:
            hook()
        except Exception:
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
