"""Threads of `concurrent.futures` executors: the idle ones end before a fork, and come again with the next task.

An executor that has threads in one process is of no use in its forks: it counts threads that are not there, and so starts
none, and a task that is given to it waits for ever. With its idle threads ended it is as it was before its first task,
in this process and in its forks alike. Which thread runs a task, an executor never promised.
"""

from __future__ import annotations

import queue
import sys
import threading
import time
import weakref
from typing import Any

SETTLE = 0.25
"""Seconds for a thread to get from the end of its task to the wait for the next one."""

ENDING = 5.0
"""Seconds for idle threads to end, of all executors together. They have nothing else to do, so that only a starved CPU
keeps them; to take back that they are to end while they still do could leave an executor that takes no tasks."""


def end_idle_threads(timeout: float = SETTLE) -> None:
    """End the threads of all executors that have nothing to do; those of others are left alone, after `timeout` seconds.

    Whoever submits a task meanwhile waits, and then has new threads.
    """
    module: Any = sys.modules.get("concurrent.futures.thread")
    if module is None:
        return
    end = time.monotonic() + timeout
    last = end + ENDING
    for executor in _executors(module):
        # Without this lock nothing is submitted, and no thread started.
        if not executor._shutdown_lock.acquire(timeout=max(0.0, end - time.monotonic())):
            continue
        try:
            while not _is_idle(executor):
                if time.monotonic() > end:
                    break
                time.sleep(0.005)
            else:
                _end_threads(executor, module, last)
        finally:
            executor._shutdown_lock.release()


def at_work(executor: Any) -> list[threading.Thread]:
    """Threads of an executor of the standard library's kind that run a task, or have one waiting for them."""
    module: Any = sys.modules["concurrent.futures.thread"]
    alive = [thread for thread in list(executor._threads) if thread.is_alive()]
    if not executor._work_queue.empty():
        return alive
    frames = sys._current_frames()
    tops = {thread: frames.get(thread.ident or 0) for thread in alive}
    return [t for t, top in tops.items() if top is None or top.f_code is not module._worker.__code__]


def _executors(module: Any) -> list[Any]:
    """Executors of the standard library's kind that have threads in this process."""
    found: dict[int, Any] = {}
    for thread in list(module._threads_queues):
        # The thread's function and its first argument, a weak reference to the executor; both are gone when it ends.
        if thread.is_alive() and getattr(thread, "_target", None) is module._worker:
            reference = (getattr(thread, "_args", None) or (None,))[0]
            executor = reference() if isinstance(reference, weakref.ref) else None
            if executor is not None and not executor._shutdown:
                found[id(executor)] = executor
    return list(found.values())


def _is_idle(executor: Any) -> bool:
    # A thread that runs a task, or an initializer, is deeper in its stack.
    return executor._work_queue.empty() and not at_work(executor)


def _end_threads(executor: Any, module: Any, last: float) -> None:
    executor._shutdown = True  # asked by a thread that wakes up for nothing
    executor._work_queue.put(None)
    while time.monotonic() < last:
        ending = [thread for thread in executor._threads if thread.is_alive()]
        # One that had just taken a task when it was looked at may run for long, and keeps those waiting who submit.
        if all(_runs_a_task(thread, module) for thread in ending):
            break
        ending[0].join(0.005)
    executor._shutdown = False
    for thread in list(executor._threads):
        if not _runs_a_task(thread, module):
            thread.join(0.05)  # its task was over while it was still to end
    executor._shutdown = False  # as the last thing that one which ends does is to say that it is True
    try:
        while True:
            executor._work_queue.get_nowait()  # each thread that has ended has told the next one
    except queue.Empty:
        pass
    executor._threads = {thread for thread in executor._threads if thread.is_alive()}
    # None counts as idle: one that is left may have taken a task in the moment it was looked at.
    executor._idle_semaphore = threading.Semaphore(0)


def _runs_a_task(thread: threading.Thread, module: Any) -> bool:
    frame = sys._current_frames().get(thread.ident or 0)
    while frame is not None and frame.f_code is not module._WorkItem.run.__code__:
        frame = frame.f_back
    return frame is not None
